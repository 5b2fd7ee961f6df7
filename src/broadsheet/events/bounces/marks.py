"""How a server's report is known that follows no standard, and where what it returns begins: tables, in any case."""

import re
from typing import Final

from broadsheet.events.bounces.words import any_of

#: Subjects of reports, in the languages that servers write them in.
SUBJECT: Final = any_of(r"""
    message you sent .{0,20}blocked
    undeliver(?:able|ed)|not deliver(?:ed|able)|non-?deliver|undeliverd|nondeliverable
    (?:deliver(?:y|ing)|delievery|mail|message) .{0,40}(?:fail|error|problem|not possible)
    (?:deliver(?:y|ing)|delievery|mail|message) .{0,40}(?:impossible|report|unsuccessful)
    (?:e-?mail|send(?:ing)?|transmission) .{0,40}(?:fail|error|problem|not possible|impossible|report|unsuccessful)
    (?:fail(?:ure|ed)|error|unable|can(?:no|')t|could(?:n't| not)) .{0,40}(?:deliver|send|mail|notice|sending)
    failure notice|^failure\b|returned (?:mail|message|to sender|e-?mail)|(?:mail|message|e-?mail) (?:was )?return
    return to sender|returning|delivery status notification|delivery[- ]status|\bdsn\b|bounce|\bndr\b
    ^mail(?: system)? error|mail status report
    (?:user|recipient|address|mailbox) (?:unknown|not found|full|unavailable|is full|does ?n.t exist)|unknown user
    invalid (?:user|recipient|address)|^warning: (?:message|could not send|e-?mail)|delayed|still being retried
    (?:message|mail) (?:status|rejected|blocked|refused)|unzustellbar
    nicht (?:zu(?:gestellt|stellbar)|ausgeliefert|zugestellt werden|übermittelt)|zustell(?:ung|fehler|problem)
    fehlgeschlagen|r[üu]ckl[äa]ufer|nachricht konnte nicht|non[- ]?remis|remise|[ée]chec|non distribu
    retour(?:n[ée])? (?:de|à) |n.a pas pu [êe]tre|no (?:se )?(?:ha podido |puede |pudo )?entreg|no entregad|devuelto
    devoluci[óo]n|error (?:de|en) (?:la )?entrega|no se puede entregar|notificaci[óo]n (?:de|sobre) .{0,30}entrega
    mancato recapito|non recapitabil|impossibile (?:recapitare|consegnare)|mancata consegna
    notifica .{0,30}(?:consegna|recapito)|n[ãa]o (?:foi )?(?:entregue|pode ser entregue)|falha (?:na|de) entrega
    n[ãa]o entreg|devolvid|onbestelbaar|kan niet worden (?:bezorgd|afgeleverd)|niet (?:bezorgd|afgeleverd)|aflever
    niedostarcz|nie (?:mo[żz]na )?dostarcz|zwrot|nie zosta[łl]a? dostarcz|kunde inte levereras|olevererbart
    kan ikke leveres|ikke leveret|leverans|toimittamat|не ?доставлен|недоставлен|невозможно доставить
    ошибка доставки|не удалось доставить|配信(?:不能|エラー|できま)
    配達(?:不能|できま)|送信エラー|エラーメール|メールエラー|未配信
    退信|无法(?:投递|送达|发送)
    投递失败|系统退信
    無法(?:傳遞|送達|投遞)|未传递|未傳遞|iletilemedi|teslim edilemedi|doru[čc]it|undelivered mail
    user unknown|nondelivery|x\.400
    unzustellbare
    """)
#: A person answers, or passes on what they got.
ANSWER: Final = re.compile(r"\s*(?:re|aw|sv|antw?|fwd?|wg|tr|rv|vs|i|enc|r)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)
#: What reports say before, or beside, the addresses.
FAILURE: Final = any_of(r"""
    (?:could|can|did|was|were|is|has|have)(?:n't|not| not)\b.{0,60}(?:deliver|reach|send|sent|process|complete|found)
    unable to (?:\S+ )?(?:deliver|send|relay|route|complete)|undeliver|not (?:be )?deliver
    failed (?:permanently|to deliver)|failure|failed
    (?:message|mail|delivery|address|recipients?|following) .{0,60}(?:fail|reject|refus|return|bounc)
    (?:message|mail|delivery|address|recipients?|following) .{0,60}(?:abort|error|problem|denied)
    permanent (?:fatal )?error|fatal errors?|had permanent|returned (?:mail|to you|below)|i'm afraid i wasn't able
    given up|unknown user|user unknown|no such user|does(?: not|n't) exist|not found|mailbox (?:is )?full|over quota
    (?:^|\s)5\d\d[ -]#?5?\.?|unzustellbar
    nicht (?:zugestellt|zustellbar|ausgeliefert|zugestellt werden|existiert|übermittelt)|existiert nicht|fehler
    postfach|unbekannt|n.a pas (?:pu )?(?:[ée]t[ée]|[êe]tre|abouti)|impossible|[ée]chec|non remis|inconnu|n.existe
    no (?:se )?(?:ha podido|ha sido|pudo|puede|fue|existe)|desconocid|fall[óo]|devuelto|entregad
    non (?:[èe] stato|[èe] possibile|recapitat|consegnat|esiste)|impossibile|inesistente
    n[ãa]o (?:foi|p[ôo]de|existe)|falh|desconhecid|niet (?:worden )?(?:bezorgd|afgeleverd)|onbekend|bestaat niet
    nie (?:mog[łl]a|zosta[łl]|istnieje|mo[żz]na)|не (?:может|удалось|существует|доставлен|найден)|неизвест
    (?:inte|ikke|ei) (?:leverer|leveres|kunnat|kunne|voitu)
    できません|不明|失敗|エラー|无法|失败|不存在|退回|無法|bulunamad|iletilemedi
    edilemedi
    """)
#: It is merely late; the server goes on trying.
LATE: Final = any_of(r"""
    (?:has|have) (?:not|n't) (?:yet )?been (?:delivered|able|sent)\b.{0,200}(?:attempt|retry|try|continue|will)
    (?:will|shall) (?:be (?:retried|attempted|re-?tried)|continue|keep|try|retry|re-?try|attempt)\b
    no action is required|this is a warning|warning message only|do not need to (?:re-?send|do anything)
    not? need to resend|still (?:being retried|in the queue|trying)|message (?:still )?undelivered after
    delivery (?:delayed|is delayed|has been delayed)|(?:is|been) delayed\b|wird (?:weiterhin|weiter) versucht
    zustellung .{0,40}verz[öo]gert|verz[öo]gerung|sera (?:retent|r[ée]essay)|continuer[ao]
    se (?:seguir[áa]|volver[áa]) |reintentar|verr[àa] ritentat
    """)
#: ... unless it says that it has given up.
GIVEN_UP: Final = any_of(r"""
    giving up|given up|gave up|permanent|will not (?:be )?(?:re)?try|not try(?:ing)? (?:again|any)
    no (?:further|more) (?:attempts|delivery)|has been (?:returned|deleted|removed|bounced)|cannot be delivered
    failed|could not be delivered|undeliverable|couldn't be delivered
    """)
#: Where what it returns begins: nothing after this is the report's own.
_ORIGINAL_LINE: Final = any_of(r"""
    -{2,} *(?:original|returned|this is a copy|below this line|enclosed|start of returned|message header|the header)
    -{2,} *(?:included|begin|the body|this is the)
    -{2,}.{0,30}(?:unsent message|copy of (?:the|your)|message (?:text|headers?)|headers? of)
    -{2,}.{0,30}(?:urspr[üu]ngliche|original-?nachricht|mensaje original|message d.origine|messaggio originale)
    original message (?:follows|headers?)|your original message|included is a copy
    (?:a copy of|here is) (?:the|your) (?:original|message|returned)|message headers? follow|the header of the original
    (?:the )?(?:original|first) .{0,30}(?:message|headers?) .{0,40}(?:follow|below|attached)
    received: from .{1,200}|return-path: *<|text of message follows
    urspr[üu]ngliche (?:nachricht|kopf)|ursprüngliche nachrichtenkopf|en-t[êe]tes de message
    """)
ORIGINAL: Final = re.compile(rf"^[ \t>*]{{0,20}}(?:{_ORIGINAL_LINE.pattern})", re.IGNORECASE | re.MULTILINE)
