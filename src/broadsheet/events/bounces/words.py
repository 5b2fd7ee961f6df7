"""The phrases by which servers say why they refused a mail: tables, one regular expression a line, in any case.

They are looked for in a reply without its addresses, links and host names, so that ``nospam@…`` is not about spam.
"""

import re
from typing import Final


def any_of(lines: str) -> re.Pattern[str]:
    """One pattern for all the lines."""
    return re.compile("|".join(filter(None, map(str.strip, lines.splitlines()))), re.IGNORECASE)


#: The mail, its sender or its server was refused: that says nothing about the address.
POLICY: Final = any_of(r"""
    \bspam|\bunsolicited|\bbulk (?:e-?)?mail|\bjunk|\bphish|\bvirus|\bmalware|\bblock(?:ed|ing|list|liste)\b
    \bblack-? ?list|\bdeny-? ?list|\bban(?:ned|list)\b|\b(?:rbl|dnsbl|surbl|uribl|sbl|xbl|cbl|pbl|bl)\b|spamhaus
    spamcop|sorbs\b|barracuda|senderscore|cloudmark|reputation|\bpolic(?:y|ies)\b|\bpolitique\b|\bpol[ií]tica\b
    \brichtlinie|\bcontent (?:filter|reject|restrict)|\bcontenido\b.{0,40}\brechaz|\bspf\b|\bdkim\b|\bdmarc\b
    \barc\b|authenticat|\bnot? authori[sz]ed|unauthori[sz]ed|not permitted|not allowed
    access (?:is )?(?:denied|rejected)|permission|\brestricted|\brestriction
    \brelay(?:ing)? (?:access )?(?:denied|not|is)|unable to relay|cannot relay|can't relay|not a relay|open relay
    \brelaying\b|\brate ?-?limit|\bthrottl|too many (?!hops)|too fast|\bexceed\w* .{0,30}(?:rate|connection|limit)
    \bip (?:address )?(?:is|has|was|\[|not|name|lookup)
    (?:your|sending|client|source|this|from) (?:ip|host|server|network|domain)\b|reverse dns|\brdns\b|\bptr\b
    (?:helo|ehlo) (?:command |name |argument |string )?(?:rejected|invalid|not|is)
    (?:invalid|bad|forged|your) (?:helo|ehlo)|\bcomplain|suspicio|suspected|suspect\b|\babus
    attachment (?:type|name|size|was|is not|with)
    (?:forbidden|prohibited|dangerous|illegal|executable) .{0,20}attachment
    (?:message|mail|size) (?:is )?too (?:large|big)|too (?:large|big)|message size|size limit
    exceed\w* .{0,30}\bsize|(?:nachricht|mail) (?:ist )?zu (?:gro(?:ß|ss))
    sender (?:address )?(?:is |was |not |domain |id |rejected|denied|verif|unknown|blocked)
    sender .{0,40}(?:reject|not exist|invalid|denied|verif)|(?:envelope|mail) (?:sender|from)\b|return[- ]path
    in reply to mail from|from: (?:header|address)|\bcallout|callback
    not accept(?:ed|ing)? (?:mail|messages?|e-?mail)s? from|does not accept (?:mail|messages|e-?mail) from
    refused? (?:mail|messages?) from
    (?:message|mail|e-?mail|content|transaction) (?:\S+ ){0,4}(?:rejected|refused|denied|declined)
    (?:message|mail|e-?mail|content|transaction) (?:\S+ ){0,4}(?:discarded|abgelehnt|abgewiesen|verweigert)
    (?:delivery|data|nachricht) (?:\S+ ){0,4}(?:rejected|refused|denied|declined)
    (?:delivery|data|nachricht) (?:\S+ ){0,4}(?:discarded|abgelehnt|abgewiesen|verweigert)
    rejected (?:by|due|because|for|as|the|your)|refused by|denied by|prohibited|administrative(?:ly)?\b
    rule[- ]?(?:set|based|\d)|\bfilter|\bquarantin|\bsecurity\b|\bcourrier ind[ée]sirable|\bind[ée]sirable
    \bbloqu[ée]|\bcorreo no deseado|\bbloquead[oa]|\bbloccat[oa]|posta indesiderata|\bgeblockt|\bblockiert
    \bgesperrte? (?:ip|absender|server)|\bgeweigerd|\bgeblokkeerd|\bblokad|\bzablokow|спам|заблокирован|垃圾|拒绝接收
    迷惑メール|スパム|权限|權限|\bunauthenticated|\bmoderat|\bmembers? only|only (?:members|subscribers|accepts)
    """)

#: The mailbox is full.
FULL: Final = any_of(r"""
    (?:over|out of|exceed\w*|beyond|above|no|insufficient) (?:\S+ ){0,5}(?:quota|storage|(?:disk ?)?space)
    (?:quota|storage|space) (?:\S+ ){0,5}(?:exceed|full|reached|used up|exhaust|violat)|\bover-?quota|overquota
    \bquota\b|(?:mail ?box|mail ?drop|inbox|account|user|recipient\S*|folder|maildir|store)\b.{0,60}\bfull\b
    \bfull (?:mail ?box|inbox)|mail ?box (?:size|has (?:exceeded|reached)|limit|too large|is over)
    too many (?:messages|mails) in (?:the )?(?:mail ?box|inbox)|not enough (?:\S+ ){0,3}(?:storage|space)
    insufficient storage|mail ?box exceeds|number of messages in .{0,40} exceed|storage limit
    postfach(?: \S+){0,4} (?:ist )?(?:voll|überfüllt|ueberfuellt)
    postfach\S* .{0,40}(?:überschritten|voll|überfüllt)|speicherplatz|kontingent
    bo[iî]te (?:aux lettres|de r[ée]ception|mail|de messagerie|[ée]lectronique).{0,60}(?:pleine|satur)
    quota .{0,30}d[ée]pass|d[ée]pass\w* .{0,30}quota|(?:buz[óo]n|casilla|bandeja)\b.{0,60}\b(?:llen[oa]|exced)
    (?:cuota|quota|cota) .{0,30}(?:excedid|superad|esgotad)|casella .{0,60}piena|spazio .{0,30}esaurito
    caixa (?:postal|de (?:correio|entrada)).{0,60}(?:cheia|lotad)|(?:postbus|mailbox|postvak).{0,40}\bvol\b
    skrzynk\w+ .{0,60}(?:pełna|przepełnion)|przekrocz\w+ .{0,30}(?:limit|pojemno)|переполнен|превышен\w* .{0,30}квот
    メールボックス.{0,30}(?:いっぱい|容量|満)
    (?:邮箱|信箱).{0,20}(?:已满|空间不足|滿)|innboks\w* .{0,20}full|postlåd\w+ .{0,20}full
    """)

#: The address does not exist.
DEAD: Final = any_of(r"""
    (?:user|recipient)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:unknown|not found|not known)\b
    (?:addressee|account)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:unknown|not found|not known)\b
    (?:user|recipient)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not be found|non-?existent|nonexistant)\b
    (?:addressee|account)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not be found|non-?existent)\b
    (?:addressee|account)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:nonexistant)\b
    (?:mail ?box|(?:e-?mail )?address)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:unknown|not found)\b
    (?:mail ?box|(?:e-?mail )?address)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not known)\b
    (?:alias)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:unknown|not found|not known)\b
    (?:mail ?box)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not be found|non-?existent)\b
    (?:(?:e-?mail )?address)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not be found|non-?existent)\b
    (?:mail ?box|(?:e-?mail )?address)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:nonexistant)\b
    (?:alias)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not be found|non-?existent|nonexistant)\b
    (?:user|recipient)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not (?:a )?valid|not recogni[sz]ed)\b
    (?:user|recipient)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not listed)\b
    (?:addressee|account)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not (?:a )?valid|not recogni[sz]ed)\b
    (?:addressee|account)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not listed)\b
    (?:user|recipient|addressee|account)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:deleted|removed)\b
    (?:mail ?box)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not (?:a )?valid|not recogni[sz]ed)\b
    (?:(?:e-?mail )?address)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not (?:a )?valid)\b
    (?:(?:e-?mail )?address)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not recogni[sz]ed)\b
    (?:mail ?box|(?:e-?mail )?address)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not listed)\b
    (?:alias)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not (?:a )?valid|not recogni[sz]ed|not listed)\b
    (?:mail ?box|(?:e-?mail )?address|alias)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:deleted|removed)\b
    (?:local ?part|person)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:unknown|not found|not known)\b
    (?:subscriber|name)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:unknown|not found|not known)\b
    (?:local ?part|person)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not be found|non-?existent)\b
    (?:local ?part|person)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:nonexistant)\b
    (?:subscriber|name)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not be found|non-?existent)\b
    (?:subscriber|name)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:nonexistant)\b
    (?:login|member|id)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:unknown|not found|not known)\b
    (?:login|member)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not be found|non-?existent|nonexistant)\b
    (?:id)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not be found|non-?existent|nonexistant)\b
    (?:local ?part|person)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not (?:a )?valid|not recogni[sz]ed)\b
    (?:local ?part|person)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not listed)\b
    (?:subscriber|name)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not (?:a )?valid|not recogni[sz]ed)\b
    (?:subscriber|name)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not listed)\b
    (?:local ?part|person|subscriber|name)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:deleted|removed)\b
    (?:login|member)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not (?:a )?valid|not recogni[sz]ed)\b
    (?:login|member)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not listed)\b
    (?:id)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:not (?:a )?valid|not recogni[sz]ed|not listed)\b
    (?:login|member|id)s? (?:\S+ ){0,6}?(?:is |are |was |has been |were )?(?:deleted|removed)\b
    (?:unknown|invalid|no such|nonexistent) (?:\S+ ){0,3}?(?:user|recipient|addressee|account)\b
    (?:unknown|invalid|no such|nonexistent) (?:\S+ ){0,3}?(?:mail ?box|(?:e-?mail )?address|alias|local[- ]?part)\b
    (?:non-existent|unrecogni[sz]ed|undefined|bad destination) (?:\S+ ){0,3}?(?:user|recipient|addressee|account)\b
    (?:non-existent|unrecogni[sz]ed) (?:\S+ ){0,3}?(?:mail ?box|(?:e-?mail )?address|alias|local[- ]?part)\b
    (?:undefined|bad destination) (?:\S+ ){0,3}?(?:mail ?box|(?:e-?mail )?address|alias|local[- ]?part)\b
    (?:unknown|invalid|no such|nonexistent) (?:\S+ ){0,3}?(?:person|subscriber|name|userid)\b
    (?:unknown|invalid|no such|nonexistent) (?:\S+ ){0,3}?(?:destination|customer|member|id)\b
    (?:non-existent|unrecogni[sz]ed|undefined|bad destination) (?:\S+ ){0,3}?(?:person|subscriber|name|userid)\b
    (?:non-existent|unrecogni[sz]ed|undefined|bad destination) (?:\S+ ){0,3}?(?:destination|customer|member|id)\b
    (?:user|recipient)\b.{0,80}?\b(?:does not|doesn't|doesn&#39;t) (?:currently |actually |appear to )?exist
    (?:account|mail ?box)\b.{0,80}?\b(?:does not|doesn't|doesn&#39;t) (?:currently |actually |appear to )?exist
    (?:user|recipient|account|mail ?box)\b.{0,80}?\b(?:do not|don't) (?:currently |actually |appear to )?exist
    (?:(?:e-?mail )?address|person)\b.{0,80}?\b(?:does not|doesn't) (?:currently |actually |appear to )?exist
    (?:(?:e-?mail )?address|person)\b.{0,80}?\b(?:doesn&#39;t) (?:currently |actually |appear to )?exist
    (?:alias|name)\b.{0,80}?\b(?:does not|doesn't|doesn&#39;t) (?:currently |actually |appear to )?exist
    (?:(?:e-?mail )?address|person|alias|name)\b.{0,80}?\b(?:do not|don't) (?:currently |actually |appear to )?exist
    (?:user|recipient)\b.{0,80}?\b(?:didn't|did not|not|doesn.t) (?:currently |actually |appear to )?exist
    (?:account|mail ?box)\b.{0,80}?\b(?:didn't|did not|not|doesn.t) (?:currently |actually |appear to )?exist
    (?:(?:e-?mail )?address|person)\b.{0,80}?\b(?:didn't|did not) (?:currently |actually |appear to )?exist
    (?:(?:e-?mail )?address|person)\b.{0,80}?\b(?:not|doesn.t) (?:currently |actually |appear to )?exist
    (?:alias|name)\b.{0,80}?\b(?:didn't|did not|not|doesn.t) (?:currently |actually |appear to )?exist
    \bno such (?:user|mail ?box|account|address|recipient|person|mail drop|alias|local user|id|email)
    \bno (?:mail ?box|account|user|recipient|address|one) (?:\S+ ){0,4}(?:by|with|of|for|at)\b
    \bno (?:mail ?box|account|user|recipient|address|one) (?:\S+ ){0,4}(?:under|here|called|named|found)\b
    doesn't have an? (?:\S+ ){0,3}account|does not have an? (?:\S+ ){0,3}account|has no (?:mail ?box|account)
    have an? yahoo\S* account|isn't (?:a )?(?:known|valid|listed)
    is not (?:a )?(?:known|valid|listed|our) (?:user|recipient|address|mail ?box|customer|account|member)
    not our customer|not a known user|user unknown|unknown user|unknown_user|nosuchuser|recipnotfound
    recipientnotfound|badrcpt|unknownuser
    address (?:not found|couldn't be found|could not be found|wasn't found|unknown)
    (?:wasn't|couldn't be|could not be|was not|cannot be) found (?:at|in|or)|couldn't be found
    (?:is |has been )?no longer (?:valid|in use|exists|employed|here|with|on server|a valid)
    (?:account|mail ?box|address) (?:has been |was |is )?(?:closed|cancell?ed|terminated|discontinued)
    not listed in (?:\S+ ){0,3}(?:directory|address book|domino)
    not found in (?:\S+ ){0,4}(?:directory|address book|table|server)
    domain (?:name )?(?:not found|does not exist|doesn't exist|unknown|is invalid)|unknown domain|no such domain
    (?:host|domain) unknown|unknown host|host not found|all relevant mx records point to non-existent hosts
    unrouteable (?:mail )?(?:domain|address)|unroutable address
    invalid (?:user|recipient|mail ?box|address|local part)
    recipient address rejected: (?:undeliverable|unknown|invalid|no such|unverified|not found)
    mail ?box (?:not found|unknown|does not exist|doesn't exist|invalid)
    (?:empf[äa]nger|adressat|benutzer|adresse)\S*.{0,60}(?:unbekannt|existiert nicht|nicht gefunden)
    (?:empf[äa]nger|adressat|benutzer|adresse)\S*.{0,60}(?:nicht vorhanden|ung[üu]ltig)
    (?:postfach|konto|mailbox|teilnehmer)\S*.{0,60}(?:unbekannt|existiert nicht|nicht gefunden)
    (?:postfach|konto|mailbox|teilnehmer)\S*.{0,60}(?:nicht vorhanden|ung[üu]ltig)
    (?:empf[äa]nger|adressat|benutzer|adresse)\S*.{0,60}(?:nicht bekannt|gibt es nicht|nicht existent)
    (?:empf[äa]nger|adressat|benutzer|adresse)\S*.{0,60}(?:wurde gelöscht|nicht mehr g[üu]ltig)
    (?:postfach|konto|mailbox|teilnehmer)\S*.{0,60}(?:nicht bekannt|gibt es nicht|nicht existent)
    (?:postfach|konto|mailbox|teilnehmer)\S*.{0,60}(?:wurde gelöscht|nicht mehr g[üu]ltig)
    unbekannte\w* (?:empf[äa]nger|benutzer|adresse|postfach)|ung[üu]ltige\w* (?:empf[äa]nger|adresse|postfach)
    existiert (?:hier )?nicht|kein (?:postfach|benutzer|solcher)
    (?:utilisateur|destinataire|adresse)\b.{0,60}(?:inconnu|n.existe (?:pas|plus)|introuvable|invalide|inexistant)
    (?:compte|bo[iî]te)\b.{0,60}(?:inconnu|n.existe (?:pas|plus)|introuvable|invalide|inexistant)
    (?:adresse|utilisateur) (?:d.au moins un )?(?:destinataire )?(?:invalide|inconnue?)
    (?:usuario|destinatario|direcci[óo]n)\b.{0,60}(?:desconocid|no (?:se ha )?(?:existe|encontrad)|inexistente)
    (?:usuario|destinatario|direcci[óo]n)\b.{0,60}(?:no v[áa]lid|inv[áa]lid)
    (?:cuenta|buz[óo]n)\b.{0,60}(?:desconocid|no (?:se ha )?(?:existe|encontrad)|inexistente|no v[áa]lid|inv[áa]lid)
    no existe (?:el |la |este |esa )?(?:usuario|cuenta|buz[óo]n|direcci[óo]n)
    (?:utente|destinatario|indirizzo)\b.{0,60}(?:sconosciut|inesistente|non (?:esiste|trovat|valid)|errato)
    (?:casella|account)\b.{0,60}(?:sconosciut|inesistente|non (?:esiste|trovat|valid)|errato)
    (?:usu[áa]rio|destinat[áa]rio|endere[çc]o)\b.{0,60}(?:desconhecid|n[ãa]o (?:existe|encontrad))
    (?:usu[áa]rio|destinat[áa]rio|endere[çc]o)\b.{0,60}(?:inexistente|inv[áa]lid)
    (?:conta|caixa)\b.{0,60}(?:desconhecid|n[ãa]o (?:existe|encontrad)|inexistente|inv[áa]lid)
    (?:gebruiker|ontvanger|adres|postvak)\b.{0,60}(?:onbekend|bestaat niet|niet gevonden|ongeldig)
    (?:u[żz]ytkownik|odbiorca|adres|konto|skrzynka)\b.{0,60}(?:nieznan|nie istnieje|nie znaleziono|nieprawid)
    nie istnieje|nie ma takiego
    (?:anv[äa]ndare|mottagare|adress|bruker)\w*.{0,60}(?:ok[äa]nd|ukjent|ukendt|finns (?:ej|inte))
    (?:anv[äa]ndare|mottagare|adress|bruker)\w*.{0,60}(?:finnes ikke|findes ikke|hittades inte)
    (?:mottaker|modtager|bruger)\w*.{0,60}(?:ok[äa]nd|ukjent|ukendt|finns (?:ej|inte))
    (?:mottaker|modtager|bruger)\w*.{0,60}(?:finnes ikke|findes ikke|hittades inte)
    (?:пользовател|получател|адрес|ящик)\S*.{0,60}(?:не (?:существует|найден)|неизвест)|нет такого пользователя
    неверн\w+ адрес|(?:kullan[ıi]c[ıi]|al[ıi]c[ıi]|adres).{0,60}(?:bulunamad|mevcut de[ğg]il|yok|bilinmeyen)
    (?:ユーザー?|宛先|アドレス|受信者)\S{0,30}(?:不明|存在しません|見つかりません|ありません)|(?:用户|收件人|用戶|地址|邮箱|信箱)\S{0,20}(?:不存在|未找到|无效|無效)
    ディレクトリ.{0,20}(?:見つかりません|ありません)|(?:an )?mx or srv record indicated no smtp service|null mx
    """)

#: A trouble that passes.
TEMPORARY: Final = any_of(r"""
    temporar|try(?:ing)? (?:again|later|your)|retry|retries|tim(?:e|ed)[- ]?out|time[- ]?limit|timeout
    gr[ae]y-? ?list|connection (?:\S+ ){0,3}(?:refused|reset|lost|closed|timed|failed|dropped|died|broken)
    connect(?:ion)? to .{0,80}(?:refused|timed|failed|no route)|couldn't (?:establish|connect)|could not connect
    unable to connect|no route to host|network (?:is )?(?:unreachable|error)|host (?:is )?(?:unreachable|down)
    (?:expired|retry (?:time|limit)|maximum .{0,20}(?:retry|time|age|lifetime)|queue lifetime|too long)
    undeliverable for|since .{0,40} days?
    (?:service|server|system|resources?) (?:is )?(?:currently |temporarily )?(?:unavailable|not available|busy)
    (?:service|server|system|resources?) (?:is )?(?:currently |temporarily )?(?:overload|down)|\bdeferred|\bdelayed
    (?:dns|name ?server|name service|mx) .{0,40}(?:fail|error|timeout|lookup)|lookup (?:fail|error|timeout)
    \bloop(?:ing|s)?\b|too many hops|failing for a long time|for the last \d+ seconds
    not accept(?:ing)? (?:our requests|connections)|not reachable|failed \d+ attempts|not responding|at a rate that
    hop count|received: headers|routing loop
    (?:local|internal|system|mail server|server|configuration|database|ldap|i/o|read|write) error|procmail
    (?:couldn't|can't|cannot|could not) create|misconfigur|out of memory|no space left|disk full
    resources? (?:exceeded|exhausted|unavailable)|vor[üu]bergehend|sp[äa]ter (?:noch ?einmal|erneut)
    zeit[üu]berschreitung|temporaire|r[ée]essay|plus tard|d[ée]lai|temporal|m[áa]s tarde|intent[ae]|temporane
    riprova|pi[ùu] tardi|tempor[áa]ri|mais tarde|tijdelijk|later opnieuw|tymczasow|p[óo][źz]niej|временн|позже|一時的
    しばらく|暂时|稍后|暫時|稍後|(?:maintenance|wartung)
    """)

#: Too much at once, or a first try that is turned away on principle: with a code of the 4 kind it passes.
PACE: Final = any_of(r"""
    gr[ae]y-? ?list|rate ?-?limit|throttl|too many (?:connections|messages|recipients|concurrent|sessions|requests)
    too (?:fast|quickly)|try(?:ing)? (?:again )?later
    """)

#: Lists of senders and their keepers, in the links that a reply gives to explain itself.
LISTS: Final = any_of(r"""
    spamhaus|spamcop|sorbs|barracudacentral|senderbase|senderscore|talosintelligence|proofpoint|cloudmark|abusix
    mailspike|dnsbl|surbl|uribl|\brbl|black-?list|block-?list|deny-?list|delist|unblock|reputation|postmaster\.
    """)

#: A server in front of another says what it did itself, before or after the words that count ...
QUOTED: Final = re.compile(
    r"(?:the error that the other server returned was|the response (?:from the remote server )?was|remote host said"
    r"|it responded as follows|error from remote (?:mail )?server[^:]{0,60}|\bsaid| ->)\s*:?\s*(?=\S)",
    re.IGNORECASE,
)
#: ... or in sentences that say nothing.
PADDING: Final = any_of(r"""
    (?:google|gmail) tried to deliver your message,? but it was rejected by the [^.]{0,40}(?:domain|server)[^.]*\.?
    we recommend contacting the other (?:e-?mail )?(?:provider)[^.]*\.
    for (?:more|further) (?:information|help|details)[^.]*\.?|if you (?:do so|continue|think|believe|feel)[^.]*\.
    """)

#: Said of the content, when the server had already taken the address.
AFTER_DATA: Final = any_of(r"""
    after (?:the )?(?:end of )?data|in reply to (?:end of )?data|(?:smtp )?command:? ?data\b|end of data command
    """)

#: An account that is there and not in use: it may come back.
DOUBT: Final = any_of(r"""
    \b(?:disabled|suspended|inactive|deactivated|dormant|locked|on hold|not active|paused)\b
    \b(?:deaktiviert|gesperrt|inaktiv|d[ée]sactiv[ée]|suspendu|inactif)
    \b(?:deshabilitad|suspendid|inactiv[oa]|disabilitat|sospes|desativad)|has not (?:yet )?been (?:activated|used)
    not (?:yet )?activated|заблокирован|停用|休止
    """)

#: The server has no room, not the mailbox; or the sender's own share is used up.
NOT_FULL: Final = any_of(r"""
    insufficient (?:system|disk) (?:storage|space|resources)|\bdisk (?:is )?full|no space left
    (?:relay|sending|send|sender|hourly|daily|message|rate|outgoing|smtp) (?:relay |message |sending )?quota
    quota .{0,20}per (?:hour|day|minute)
    """)
