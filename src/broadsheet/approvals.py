"""Asking people whether an edition may go: its proof and the question, by mail, with a signed link to answer."""

from dataclasses import replace
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from django.utils import timezone

from broadsheet import editions, reports, sending
from broadsheet.audience.readers import reader_of
from broadsheet.drafts import specimen
from broadsheet.errors import BroadsheetError
from broadsheet.models import Delivery, Edition, EditionState
from broadsheet.pipeline import signer
from broadsheet.rendering import Message
from broadsheet.rendering.message import Line
from broadsheet.sending.outcome import Result
from broadsheet.stamping import Mail
from broadsheet.workspace import CampaignFile, Workspace

#: What the signed word in an approver's link is for; it names the edition and nobody.
APPROVE = "a"


def ask_approval(workspace: Workspace, edition: Edition) -> None:
    """Mail each approver a proof of what is frozen and the question; the edition is then ``proofed``.

    A second call asks again, as a reminder. Raises BroadsheetError when a mail is not taken.
    """
    campaign = workspace.campaign(edition.campaign.slug)
    sender = workspace.sender_of(campaign.list)
    approvers = campaign.approvers or (sender.reply_to or sender.email,)
    mails = [mail for address in approvers for mail in _mails(workspace, campaign, edition, address)]
    adapter = sending.make_adapter(workspace, edition.adapter)
    try:
        adapter.open()
        for outcome in sending.hand_over(adapter, mails):
            if outcome.result != Result.SENT:
                raise BroadsheetError(
                    f"The question about edition {edition.pk} was not taken: {outcome.reply or outcome.result}."
                )
    finally:
        adapter.close()
    if edition.state == EditionState.DRAFT:
        editions.move(edition, EditionState.PROOFED, who="scheduler", why=f"asked {', '.join(approvers)}")


def approval_url(edition: Edition, base: str) -> str:
    """The address of the page where the edition can be approved."""
    return f"{base}/a/{signer().make(APPROVE, edition.pk, 0)}"


def edition_of(token: str) -> Edition | None:
    """The edition that a link's word is about; None for a word that is no approver's."""
    meant = signer().read(APPROVE, token)
    return None if meant is None else Edition.objects.select_related("campaign").filter(pk=meant[0]).first()


def _mails(workspace: Workspace, campaign: CampaignFile, edition: Edition, address: str) -> list[Mail]:
    question = _question(workspace, campaign, edition, address)
    first = (
        Delivery.objects.filter(edition=edition, variant__isnull=False)
        .select_related("variant", "subscriber__interests")
        .order_by("variant_id", "pk")
        .first()
    )
    if first is None or first.variant is None:
        return [question]
    reader = replace(reader_of(first.subscriber), email=address, name="")
    return [specimen(workspace, _marked(Message.from_bytes(bytes(first.variant.message))), reader), question]


def _marked(message: Message) -> Message:
    """The message with ``[TEST]`` before its subject."""
    return replace(
        message,
        pieces=tuple(Line(("[TEST] ", *piece.parts)) if isinstance(piece, Line) else piece for piece in message.pieces),
    )


def _question(workspace: Workspace, campaign: CampaignFile, edition: Edition, address: str) -> Mail:
    config, now = workspace.config, timezone.now()
    zone = campaign.schedule.zone(config.zone) if campaign.schedule else config.zone
    when = f"{edition.scheduled_for.astimezone(zone):%A, %-d %B %Y, %H:%M} ({zone})"
    held = now >= edition.scheduled_for
    message = EmailMessage(policy=SMTP)
    message["From"] = f"{config.sender.name} <{config.sender.email}>"
    message["To"] = address
    message["Subject"] = f"{'Held: ' if held else ''}May {campaign.name} go out?"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=config.mail_domain)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_words(campaign, edition, when, held=held, url=approval_url(edition, config.public.url)))
    return Mail(0, config.sender.email, address, str(message["Message-ID"]), (message.as_bytes(),))


def _words(campaign: CampaignFile, edition: Edition, when: str, *, held: bool, url: str) -> str:
    numbers = reports.numbers(edition)
    due = (
        "It is held: nobody approved it in time, and nothing was sent." if held else "It goes out only if you say yes."
    )
    variants = [
        f"- {row['subject']}: {', '.join(row['articles'])}"
        for row in edition.variants.values("subject", "articles")[:10]
    ]
    left_out = [f"- {count} {why}" for why, count in edition.excluded.items()]
    return "\n".join(
        [
            f"{campaign.name}, {when}",
            "",
            due,
            f"{numbers.waiting} readers would get it. A proof is in another mail, marked [TEST].",
            "",
            "What they would get:",
            *variants,
            *(["", "Who is left out:", *left_out] if left_out else []),
            "",
            f"Look and approve: {url}",
            f"Or at the command: broadsheet edition {edition.pk} approve",
            f"To call it off: broadsheet edition {edition.pk} cancel",
            "",
        ]
    )


def facts(edition: Edition, now: datetime) -> dict[str, object]:
    """What the approver's page shows: the edition, its numbers, its variants, and whether it can be approved."""
    return {
        "edition": edition,
        "numbers": reports.numbers(edition),
        "variants": list(edition.variants.values("subject", "articles")[:50]),
        "can_approve": edition.state in (EditionState.DRAFT, EditionState.PROOFED),
        "is_late": now >= edition.scheduled_for,
    }
