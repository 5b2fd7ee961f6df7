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

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from functools import partial
from itertools import chain
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from broadsheet import articles, editions, events, rendering, reports, sending
from broadsheet.audience.readers import Reader, reader_of
from broadsheet.conf import Pace
from broadsheet.editions import Difference, FrozenText, Plan, PrintedVariant, Snapshot
from broadsheet.errors import AdapterFailed, MailboxFailed, PlanOutdated, UnknownName, WrongState
from broadsheet.models import Delivery, Edition, EditionState, Variant
from broadsheet.rendering.message import Message
from broadsheet.reports import Numbers
from broadsheet.sending import Adapter, Batch, Job, Recovered
from broadsheet.stamping import ADDRESSES, Imprint, LinkSigner, Mail, Stamp
from broadsheet.workspace import CampaignFile, Workspace

Progress = Callable[[Batch], None]
#: How often a plan is made anew because another edition was frozen meanwhile.
PLANS = 5


def publish(workspace: Workspace, slug: str, at: datetime, adapter: Adapter | None = None) -> tuple[Edition, Numbers]:
    """One edition of a campaign, from article files to the last recorded outcome.

    Run again for the same campaign and time, it finds the edition and sends only what is still due: nobody
    gets a second copy. Raises BroadsheetError with one clear sentence when a stage can't go on.
    """
    collect(workspace)
    edition = prepare(workspace, slug, at, who="publish")
    return edition, send(workspace, edition, adapter)


def prepare(workspace: Workspace, slug: str, at: datetime, *, who: str) -> Edition:
    """The campaign's edition of that time: the one there is, or a new one, selected, pressed and frozen.

    It is approved, a draft that waits for approval, or skipped with the reason.
    """
    for _ in range(PLANS):
        if found := editions.existing(slug, at):
            return found
        planned = select(workspace, workspace.campaign(slug), at)
        try:
            return freeze(workspace, planned, press(workspace, planned), who=who)
        except PlanOutdated as error:
            outdated = error
    raise outdated


def refreeze(workspace: Workspace, edition: Edition, *, who: str) -> Difference:
    """The edition frozen anew from the files as they are now, and what that changed; its approval is void then.

    Where nothing changed, it stays as it is. Raises WrongState for an edition that has begun.
    """
    editions.refuse_begun(edition, "frozen anew", skipped_may=True)
    collect(workspace)
    for _ in range(PLANS):
        planned = select(workspace, workspace.campaign(edition.campaign.slug), edition.scheduled_for)
        printed = press(workspace, planned)
        before = Snapshot.of_edition(edition, read)
        changes = editions.difference(before, Snapshot.of_plan(planned, printed, read), edition)
        try:
            if edition.state == EditionState.SKIPPED or not changes.nothing:
                made = editions.Refrozen(planned, printed, before.plain())
                editions.refreeze(edition, made, _frozen_text(workspace, planned.campaign), who=who)
        except PlanOutdated as error:
            outdated = error
        else:
            return changes
    raise outdated


def difference(planned: Plan, printed: list[PrintedVariant], edition: Edition) -> Difference:
    """What the plan, with its variants' mails in order, changes against the edition."""
    before, now = Snapshot.of_edition(edition, read), Snapshot.of_plan(planned, printed, read)
    return editions.difference(before, now, edition)


def read(message: bytes) -> str:
    """A compiled mail as text that staff can read."""
    return rendering.readable(Message.from_bytes(message))


def reinstate(workspace: Workspace, file: CampaignFile, time: datetime, *, who: str) -> str:
    """One time of the campaign's schedule is neither skipped nor moved any more; which of them it was.

    An edition that was skipped with it is frozen anew, from the files and readers as they are now. Raises WrongState if
    that time has passed.
    """
    edition = editions.edition_of(file.slug, time)
    skipped = time in editions.changes_of(file.slug, time - timedelta(seconds=1))
    if skipped and edition is not None and edition.state == EditionState.SKIPPED:
        editions.refuse_past(workspace, file, time)
        refreeze(workspace, edition, who=who)
    return editions.reinstate(workspace, file, time, who=who)


def send_now(workspace: Workspace, file: CampaignFile, time: datetime | None, readers: int, *, who: str) -> Edition:
    """The campaign's edition of that time of its schedule, approved for this moment; None: one that no schedule names.

    ``readers`` is how many a person said would get it. Raises WrongState if it is another number now, with that
    number, or if ``who`` wrote it and ``approval.four_eyes`` is on; nothing is written then.
    """
    now = timezone.now().replace(microsecond=0)
    if file.resting:
        raise WrongState(f"Nothing of {file.name} goes out: {file.resting}.")
    edition = editions.edition_of(file.slug, time) if time else None
    if edition is not None:
        _refuse_number(reports.numbers(edition).waiting, readers)
        with transaction.atomic():
            editions.reschedule(edition, now, who=who, local=editions.local_times(workspace, file, now))
            if edition.state != EditionState.APPROVED:
                approve(workspace, edition, who=who, content_hash=edition.content_hash)
        return edition
    collect(workspace)
    planned = select(workspace, file, now)
    _refuse_number(planned.readers, readers)
    printed = press(workspace, planned)
    with transaction.atomic():
        editions.pull_forward(workspace, file, time, now, who=who)
        edition = freeze(workspace, planned, printed, who=who)
        if edition.state == EditionState.DRAFT:
            if workspace.config.approval.four_eyes:
                editions.refuse_own(edition, who, froze_to_send=True)
            editions.approve(edition, who=who, content_hash=edition.content_hash)
    return edition


def approve(workspace: Workspace, edition: Edition, *, who: str, content_hash: str | None = None) -> None:
    """Approve what is frozen now.

    Raises WrongState if it changed since ``content_hash`` was looked at, or if ``who`` wrote or froze it and
    ``approval.four_eyes`` is on.
    """
    if workspace.config.approval.four_eyes:
        editions.refuse_own(edition, who)
    editions.approve(edition, who=who, content_hash=content_hash)


def _refuse_number(now: int, said: int) -> None:
    if now != said:
        raise WrongState(f"That is not the number of readers: it is {now:,} now. Nothing was sent.")


def collect(workspace: Workspace) -> "articles.SyncReport":
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
        chosen = [content[slug] for slug in variant.slugs]
        sheet = rendering.sheet_for(workspace, planned.campaign, planned.scheduled_for, chosen)
        message = rendering.compile_message(sheet)
        printed.append(PrintedVariant(variant.slugs, variant.key, message.subject, message.to_bytes(), message.links))
    return printed


def freeze(workspace: Workspace, planned: Plan, printed: list[PrintedVariant], *, who: str) -> Edition:
    """Editions: the plan becomes rows that nothing changes any more, one delivery for each reader.

    Raises PlanOutdated if another edition was frozen since the plan was made.
    """
    return editions.freeze(planned, printed, _frozen_text(workspace, planned.campaign), who=who)


def _frozen_text(workspace: Workspace, campaign: CampaignFile) -> FrozenText:
    config = workspace.config
    return FrozenText(
        mail_from=config.return_path_of(workspace.sender_of(campaign.list).email),
        mail_domain=config.mail_domain,
        public_url=config.public.url,
        tracking=campaign.tracking,
        without_consent=campaign.without_consent,
        hold=reports.health_of(campaign.list).hold or _second_person(workspace, campaign),
    )


def wants_approval(workspace: Workspace, campaign: CampaignFile) -> bool:
    """Whether somebody has to say yes to each edition of the campaign."""
    return campaign.approval == "required" or workspace.config.approval.four_eyes


def _second_person(workspace: Workspace, campaign: CampaignFile) -> str:
    by_file = campaign.approval == "required"
    return "every edition wants a second person's yes" if wants_approval(workspace, campaign) and not by_file else ""


def send(
    workspace: Workspace,
    edition: Edition,
    adapter: Adapter | None = None,
    progress: Progress | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Numbers:
    """Sending: due rows are stamped and handed over; outcomes go into the ledger and become events.

    Ends when nothing is due now, or within two seconds once ``stop`` says so or somebody pauses or cancels the
    edition. What a sender that died had in hand is settled first: sent, queued again, or unknown, as far as anybody can
    say. Raises WrongState for an edition that waits for approval or is paused, and AdapterFailed when the adapter can't
    send; if that can't mend itself, the edition is paused.
    """
    sending.keep_little_in_memory()
    sweep(workspace, edition)
    if editions.begin(edition, who="send") and not reports.numbers(edition).finished:
        adapter = adapter or sending.make_adapter(workspace, edition.adapter)
        try:
            adapter.open()
            tell = partial(events.record_refusals, suppress_after=workspace.config.bounces.suppress_after)
            job, go_on = _job(workspace, edition, adapter), lambda: not stop()
            for batch in chain(sending.ask_again(job, go_on, tell), sending.drain(job, go_on, tell)):
                if progress:
                    progress(batch)
        except AdapterFailed as error:
            if error.permanent:
                sending.pause(edition.pk, str(error))
            raise
        finally:
            adapter.close()
            edition.refresh_from_db(fields=["state"])
            editions.call_off_waiting(edition)  # what a sender had in hand while somebody cancelled
    return record(edition)


def sweep(workspace: Workspace, edition: Edition | None = None) -> list[Recovered]:
    """Settle what dead senders had in hand, of one edition or of all; what became of it. Safe at any time."""
    rules = sending.Rules(workspace.config.sending, events.record_refusals, partial(sending.keys_of, workspace))
    found = sending.recover(journals(workspace), rules, edition)
    for each in Edition.objects.filter(pk__in={each.edition_id for each in found}):
        editions.call_off_waiting(each)
    return found


def journals(workspace: Workspace) -> Path:
    """Where this machine's senders note what they are about to do."""
    return workspace.state / "senders"


def _job(workspace: Workspace, edition: Edition, adapter: Adapter) -> Job:
    config = workspace.config
    pace = config.pace.get(edition.adapter, Pace())
    return Job(edition, adapter, signer(), journals(workspace), config.sending, pace)


def record(edition: Edition) -> Numbers:
    """Reports: the edition's numbers; when every copy is in a final state, so is the edition."""
    found = reports.numbers(edition)
    edition.refresh_from_db()
    if found.finished and edition.state == EditionState.SENDING:
        try:
            editions.move(edition, EditionState.SENT, who="send", why=edition.reason)
        except WrongState:  # another sender, or somebody who paused it, was quicker
            return found
        edition.finished_at = timezone.now()
        edition.save(update_fields=["finished_at"])
        reports.summarise(edition)
        facts = {"edition": edition.pk, "campaign": edition.campaign.slug, "sent": found.sent, "failed": found.failed}
        events.announce("edition.sent", facts)
    elif edition.state == EditionState.PAUSED:
        reports.summarise(edition)
    return found


def take_back(workspace: Workspace, mailbox: str | None = None) -> dict[str, int | MailboxFailed]:
    """Events: what came back by mail is recorded, from every mailbox or the one named.

    For each, how many new messages it had, or why it can't be read.
    """
    found = events.read_mailboxes(workspace, recorder(workspace), mailbox)
    events.record_waiting(recorder(workspace))
    return found


def take_in(workspace: Workspace) -> int:
    """Events: what providers' webhooks brought is recorded. How many calls of them there were."""
    return events.work_on_calls(workspace)


def recorder(workspace: Workspace) -> "events.Recorder":
    """What records the reports on this workspace's mail."""
    return events.Recorder(signer(), workspace.config.bounces.suppress_after)


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


#: Stands where a reader's own addresses stood; the links that would lead to it are taken out, with what parts them.
_NOBODYS = "https://nobody.invalid/"
_LEADS_NOWHERE = re.compile(rf'(?:\s|&nbsp;|[·•|])*<a\b[^>]*\bhref="{re.escape(_NOBODYS)}"[^>]*>.*?</a>', re.DOTALL)
#: A paragraph that held nothing but such links; the second form is what is left of others.
_GONE = "\x00"
_EMPTIED = re.compile(rf"<p\b[^>]*>(?:\s|{_GONE})*{_GONE}(?:\s|{_GONE})*</p>\s*|{_GONE}")


def as_nobody_got_it(edition_id: int, to: str, variant_id: int | None = None) -> tuple[str, str, str] | None:
    """Subject, text and HTML of the copy that most readers of the edition got, with nothing of anybody's in it.

    ``variant_id`` names another of its variants.

    No name, no address, no link that is somebody's own; ``to`` stands where the reader's address stood. None for an
    edition without copies.
    """
    variants = Variant.objects.select_related("edition").filter(edition_id=edition_id).order_by("-readers", "pk")
    variant = (variants.filter(pk=variant_id) if variant_id else variants).first()
    if variant is None:
        return None
    edition = variant.edition
    nobodys = dict.fromkeys(ADDRESSES, _NOBODYS)
    imprint = Imprint(edition_id, edition.public_url, edition.mail_domain, edition.mail_from, signer(), nobodys)
    nobody = Reader(0, edition.mail_from, "", {"email": to, "interests": []})
    mail = Stamp(Message.from_bytes(bytes(variant.message)), imprint)(nobody, delivery_id=0, now=edition.scheduled_for)
    subject = message_from_bytes(mail.content, policy=policy.default)["Subject"]
    text, html = bodies(mail)
    return (
        str(subject or ""),
        _without_nobodys(text),
        _EMPTIED.sub("", _LEADS_NOWHERE.sub(_GONE, html)).replace(_NOBODYS, ""),
    )


def _without_nobodys(text: str) -> str:
    """The text without the lines that would lead to nobody, and without the marks of such notes."""
    lines = text.splitlines(keepends=True)
    notes = [found[0] for line in lines if _NOBODYS in line and (found := re.match(r"\[\d+\]", line))]
    kept = "".join(line for line in lines if _NOBODYS not in line)
    return re.sub("|".join(rf"[ ]?{re.escape(note)}" for note in notes), "", kept) if notes else kept


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
