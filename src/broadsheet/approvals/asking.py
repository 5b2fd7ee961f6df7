"""Mails to staff about an edition: its proof, the question whether it may go, what somebody said of it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from django.urls import reverse
from django.utils import timezone

from broadsheet import editions, reports, sending
from broadsheet.audience.addresses import known_address
from broadsheet.audience.readers import reader_of
from broadsheet.drafts import specimen
from broadsheet.errors import BroadsheetError
from broadsheet.models import Comment, Delivery, Edition, EditionState, Member, Variant
from broadsheet.pipeline import signer
from broadsheet.rendering import Message
from broadsheet.rendering.message import Line
from broadsheet.sending.outcome import Result
from broadsheet.stamping import Mail
from broadsheet.workspace import CampaignFile, Workspace

#: What the signed word in an approver's link is for; it names the edition and nobody.
APPROVE = "a"
#: How many people one proof goes to.
MOST_PROOFS = 10


@dataclass(frozen=True)
class Question:
    """Whether an edition may go: who asks, in which words, and where the answer is given."""

    who: str = ""
    note: str = ""
    url: str = ""


def ask_approval(workspace: Workspace, edition: Edition) -> None:
    """Mail each approver a proof of what is frozen and the question; the edition is then ``proofed``.

    A second call asks again, as a reminder. Raises BroadsheetError when a mail is not taken.
    """
    campaign = workspace.campaign(edition.campaign.slug)
    sender = workspace.sender_of(campaign.list)
    approvers = campaign.approvers or (sender.reply_to or sender.email,)
    named = workspace.config.approval.four_eyes  # a link that anybody may have been handed has no name
    base = workspace.config.public.url
    url = staff_url(workspace, edition) if named else approval_url(edition, base)
    _ask(workspace, edition, approvers, Question(url=url))
    if edition.state == EditionState.DRAFT:
        editions.move(edition, EditionState.PROOFED, who="scheduler", why=f"asked {', '.join(approvers)}")


def ask(workspace: Workspace, edition: Edition, addresses: Sequence[str], *, who: str, note: str) -> None:
    """Mail colleagues who may sign in a proof and the question, in the name of ``who``.

    Raises WrongState for an edition that does not wait for a yes, BroadsheetError when a mail is not taken.
    """
    editions.refuse_begun(edition, "asked about")
    _ask(workspace, edition, addresses, Question(who, note.strip(), staff_url(workspace, edition)))
    if edition.state == EditionState.DRAFT:
        editions.move(edition, EditionState.PROOFED, who=who, why=f"asked {', '.join(addresses)}")


def send_proofs(workspace: Workspace, edition: Edition, addresses: str, variant: int | None = None) -> list[str]:
    """Mail a test copy of what is frozen to each of the addresses, which commas or blanks part; to whom it went.

    It is the variant that most readers get, if none is named, as its first reader would get it. Raises BroadsheetError
    for what is no address, and when a mail is not taken.
    """
    to = _addresses(addresses)
    mails = [mail for address in to for mail in _proof(workspace, edition, address, variant)]
    if not mails:
        raise BroadsheetError("There is no copy of this edition to send.")
    _hand_over(workspace, edition, mails, "proof of")
    return to


def tell_comment(workspace: Workspace, comment: Comment) -> list[str]:
    """Mail a comment to the members of staff whom it concerns; to whom it went.

    Those are all who spoke of the edition before, were asked about it, or are behind it, but for who says it. Raises
    BroadsheetError when a mail is not taken.
    """
    edition = comment.edition
    earlier = edition.comments.exclude(pk=comment.pk).values_list("who", "asked")
    concerned = {address.strip().casefold() for who, asked in earlier for address in (who, *asked.split(","))}
    concerned |= {who.casefold() for who in edition.moves.values_list("who", flat=True)} | set(
        editions.composers(edition)
    )
    concerned -= {comment.who.casefold()}
    staff = Member.objects.filter(user__is_active=True).values_list("user__email", flat=True)
    to = sorted(address for address in staff if address.casefold() in concerned)
    if to:
        name = _name(workspace, edition)
        said = "sent it back" if comment.kind == "sent-back" else "says"
        text = f"{comment.who} {said}:\n\n{comment.text}\n\nThe edition: {staff_url(workspace, edition)}\n"
        subject = f"{name}: {'sent back' if comment.kind == 'sent-back' else 'a comment'} by {comment.who}"
        mails = [_mail(workspace, address, subject, text, reply_to=comment.who) for address in to]
        _hand_over(workspace, edition, mails, "comment on")
    return to


def approval_url(edition: Edition, base: str) -> str:
    """The address of the page where the edition can be approved."""
    return f"{base}/a/{signer().make(APPROVE, edition.pk, 0)}"


def staff_url(workspace: Workspace, edition: Edition) -> str:
    """The address of the edition's page, for who may sign in."""
    return f"{workspace.config.public.url}{reverse('console-edition', args=[edition.pk])}"


def edition_of(token: str) -> Edition | None:
    """The edition that a link's word is about; None for a word that is no approver's."""
    meant = signer().read(APPROVE, token)
    return None if meant is None else Edition.objects.select_related("campaign").filter(pk=meant[0]).first()


def facts(workspace: Workspace, edition: Edition, now: datetime) -> dict[str, object]:
    """What the approver's page shows: the edition, its numbers, its variants, and whether it can be approved."""
    waits = edition.state in (EditionState.DRAFT, EditionState.PROOFED)
    return {
        "edition": edition,
        "numbers": reports.numbers(edition),
        "variants": list(edition.variants.values("subject", "articles")[:50]),
        "can_approve": waits and not workspace.config.approval.four_eyes,
        "by_name": staff_url(workspace, edition) if waits and workspace.config.approval.four_eyes else "",
        "is_late": now >= edition.scheduled_for,
    }


def _addresses(text: str) -> list[str]:
    found: dict[str, str] = {}
    for each in re.split(r"[\s,;]+", text.strip()):
        try:
            address, key = known_address(each)
        except ValueError as error:
            raise BroadsheetError(f"{error} Nothing was sent." if each else "Say whom to send it to.") from error
        found.setdefault(key, address)
    if len(found) > MOST_PROOFS:
        raise BroadsheetError(f"A proof goes to {MOST_PROOFS} people at the most; nothing was sent.")
    return list(found.values())


def _ask(workspace: Workspace, edition: Edition, addresses: Iterable[str], question: Question) -> None:
    mails = []
    for address in addresses:
        mails += _proof(workspace, edition, address)
        mails.append(_question(workspace, edition, address, question))
    _hand_over(workspace, edition, mails, "question about")


def _hand_over(workspace: Workspace, edition: Edition, mails: list[Mail], what: str) -> None:
    adapter = sending.make_adapter(workspace, edition.adapter)
    try:
        adapter.open()
        for outcome in sending.hand_over(adapter, mails):
            if outcome.result != Result.SENT:
                raise BroadsheetError(
                    f"The {what} edition {edition.pk} was not taken: {outcome.reply or outcome.result}."
                )
    finally:
        adapter.close()


def _proof(workspace: Workspace, edition: Edition, address: str, variant: int | None = None) -> list[Mail]:
    """A test copy as the first reader of the variant would get it; none if there is none."""
    variants = Variant.objects.filter(edition=edition).order_by("-readers", "pk")
    chosen = (variants.filter(pk=variant) if variant else variants).first()
    copies = Delivery.objects.filter(edition=edition, variant=chosen).select_related("subscriber__interests")
    first = copies.order_by("pk").first() if chosen else None
    if chosen is None or first is None:
        return []
    reader = replace(reader_of(first.subscriber), email=address, name="")
    return [specimen(workspace, _marked(Message.from_bytes(bytes(chosen.message))), reader)]


def _marked(message: Message) -> Message:
    """The message with ``[TEST]`` before its subject."""
    return replace(
        message,
        pieces=tuple(Line(("[TEST] ", *piece.parts)) if isinstance(piece, Line) else piece for piece in message.pieces),
    )


def _name(workspace: Workspace, edition: Edition) -> str:
    return workspace.name_of(edition.campaign.slug)


def _file(workspace: Workspace, edition: Edition) -> CampaignFile | None:
    try:
        return workspace.campaign(edition.campaign.slug)
    except BroadsheetError:  # gone or broken since; what is frozen can be asked about all the same
        return None


def _question(workspace: Workspace, edition: Edition, address: str, question: Question) -> Mail:
    held = timezone.now() >= edition.scheduled_for
    subject = f"{'Held: ' if held else ''}May {_name(workspace, edition)} go out?"
    text = _words(workspace, edition, question, held=held)
    return _mail(workspace, address, subject, text, reply_to=question.who)


def _mail(workspace: Workspace, address: str, subject: str, text: str, *, reply_to: str = "") -> Mail:
    config = workspace.config
    message = EmailMessage(policy=SMTP)
    message["From"] = f"{config.sender.name} <{config.sender.email}>"
    message["To"] = address
    if "@" in reply_to:
        message["Reply-To"] = reply_to
    message["Subject"] = " ".join(subject.split())
    message["Date"] = format_datetime(timezone.now())
    message["Message-ID"] = make_msgid(domain=config.mail_domain)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return Mail(0, config.sender.email, address, str(message["Message-ID"]), (message.as_bytes(),))


def _words(workspace: Workspace, edition: Edition, question: Question, *, held: bool) -> str:
    file = _file(workspace, edition)
    zone = file.schedule.zone(workspace.config.zone) if file and file.schedule else workspace.config.zone
    when = f"{edition.scheduled_for.astimezone(zone):%A, %-d %B %Y, %H:%M} ({zone})"
    waiting = reports.numbers(edition).waiting
    due = (
        "It is held: nobody approved it in time, and nothing was sent." if held else "It goes out only if you say yes."
    )
    variants = [
        f"- {row['subject']}: {', '.join(row['articles'])}"
        for row in edition.variants.values("subject", "articles")[:10]
    ]
    left_out = [f"- {count} {why}" for why, count in edition.excluded.items()]
    asks = [f"{question.who} asks you to look at it.", *([question.note] if question.note else []), ""]
    return "\n".join(
        [
            f"{_name(workspace, edition)}, {when}",
            "",
            *(asks if question.who else []),
            due,
            f"{waiting:,} {'reader' if waiting == 1 else 'readers'} would get it.",
            "A proof is in another mail, marked [TEST].",
            "",
            "What they would get:",
            *variants,
            *(["", "Who is left out:", *left_out] if left_out else []),
            "",
            f"Look and approve: {question.url}",
            f"Or at the command: broadsheet edition {edition.pk} approve",
            f"To call it off: broadsheet edition {edition.pk} cancel",
            "",
        ]
    )
