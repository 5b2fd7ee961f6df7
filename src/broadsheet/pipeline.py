"""The story, from article to inbox. Read this first.

::

    collect   article files          -> rows
    select    rules, audience, past  -> a plan: who gets what, who not and why
    press     each distinct mail     -> compiled once
    freeze    the plan               -> an edition: its text, one ledger row per reader
    send      due rows               -> stamped, handed over, outcomes
    record    outcomes               -> the ledger, events, suppressions

:func:`publish` is all of it in order. What staff look at before anything is sent is in :mod:`broadsheet.drafts`.
"""

from collections.abc import Callable
from datetime import datetime
from email import message_from_bytes, policy

from django.conf import settings
from django.utils import timezone

from broadsheet import articles, editions, events, reports, sending
from broadsheet.articles import SyncReport
from broadsheet.audience.readers import reader_of
from broadsheet.editions import FrozenText, Plan, PrintedVariant
from broadsheet.errors import UnknownName
from broadsheet.models import Delivery, Edition, EditionState
from broadsheet.rendering import Message, compile_message, sheet_for
from broadsheet.reports import Numbers
from broadsheet.sending import Adapter, Batch, claims
from broadsheet.stamping import Imprint, LinkSigner, Mail, Stamp
from broadsheet.workspace import CampaignFile, Workspace

Progress = Callable[[Batch], None]


def publish(workspace: Workspace, slug: str, at: datetime, adapter: Adapter | None = None) -> tuple[Edition, Numbers]:
    """One edition of a campaign, from article files to the last recorded outcome.

    Run again for the same campaign and time, it finds the edition and sends only what is still due: nobody
    gets a second copy. Raises BroadsheetError with one clear sentence when a stage can't go on.
    """
    collect(workspace)
    edition = editions.existing(slug, at)
    if edition is None:
        planned = select(workspace, workspace.campaign(slug), at)
        edition = freeze(workspace, planned, press(workspace, planned))
    return edition, send(workspace, edition, adapter)


def collect(workspace: Workspace) -> SyncReport:
    """Articles: files become rows."""
    return articles.sync(workspace)


def select(workspace: Workspace, campaign: CampaignFile, at: datetime) -> Plan:
    """Selection: rules, audience and each reader's past become a plan. Writes nothing that lasts."""
    return editions.plan(workspace, campaign, at)


def press(workspace: Workspace, planned: Plan) -> list[PrintedVariant]:
    """Rendering: each distinct mail of the plan is compiled once."""
    content = articles.load_content(workspace, (slug for variant in planned.variants for slug in variant.slugs))
    printed = []
    for variant in planned.variants:
        sheet = sheet_for(workspace, planned.campaign, planned.scheduled_for, [content[slug] for slug in variant.slugs])
        message = compile_message(sheet)
        printed.append(PrintedVariant(variant.slugs, variant.key, message.subject, message.to_bytes()))
    return printed


def freeze(workspace: Workspace, planned: Plan, printed: list[PrintedVariant]) -> Edition:
    """Editions: the plan becomes rows that nothing changes any more, one delivery for each reader."""
    config = workspace.config
    text = FrozenText(config.sender.email, config.mail_domain, config.public.url)
    return editions.freeze(planned, printed, text)


def send(
    workspace: Workspace, edition: Edition, adapter: Adapter | None = None, progress: Progress | None = None
) -> Numbers:
    """Sending: due rows are stamped and handed over; outcomes go into the ledger and become events.

    What a sender that died had in hand is counted as unknown, never sent again unasked.
    """
    claims.expire(edition)
    if not reports.numbers(edition).finished:
        adapter = adapter or sending.make_adapter(workspace, edition.adapter)
        Edition.objects.filter(pk=edition.pk).update(state=EditionState.SENDING)
        try:
            adapter.open()
            for batch in sending.drain(edition, adapter, signer()):
                events.record_refusals(batch.outcomes)
                if progress:
                    progress(batch)
        finally:
            adapter.close()
    return record(edition)


def record(edition: Edition) -> Numbers:
    """Reports: the edition's numbers; when every copy is in a final state, so is the edition."""
    found = reports.numbers(edition)
    if found.finished and edition.state != EditionState.SKIPPED:
        Edition.objects.filter(pk=edition.pk).exclude(state=EditionState.SENT).update(
            state=EditionState.SENT, finished_at=timezone.now()
        )
    edition.refresh_from_db()
    return found


def signer() -> LinkSigner:
    """The signer of this workspace's links."""
    return LinkSigner(settings.SECRET_KEY)


def as_reader_got_it(edition_id: int, subscriber_id: int) -> str | None:
    """The HTML of the copy this reader was sent, for "view in browser"; None if they have none."""
    row = (
        Delivery.objects.select_related("edition", "variant", "subscriber__interests")
        .filter(edition_id=edition_id, subscriber_id=subscriber_id, variant__isnull=False)
        .first()
    )
    if row is None or row.variant is None:
        return None
    imprint = Imprint(edition_id, row.edition.public_url, row.edition.mail_domain, row.edition.mail_from, signer())
    stamp = Stamp(Message.from_bytes(bytes(row.variant.message)), imprint)
    mail = stamp(reader_of(row.subscriber), delivery_id=row.pk, now=row.at or timezone.now())
    return bodies(mail)[1]


def bodies(mail: Mail) -> tuple[str, str]:
    """The text and the HTML of a stamped mail."""
    parsed = message_from_bytes(mail.content, policy=policy.default)
    text, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    return text.get_content() if text else "", html.get_content() if html else ""


def known_edition(pk: int) -> Edition:
    """The edition of that number. Raises UnknownName."""
    edition = Edition.objects.select_related("campaign").filter(pk=pk).first()
    if edition is None:
        numbers = [str(each) for each in Edition.objects.values_list("pk", flat=True)[:20]]
        raise UnknownName("edition", str(pk), numbers)
    return edition
