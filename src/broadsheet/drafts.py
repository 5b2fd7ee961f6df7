"""What staff look at before anything is sent: the mail as a reader would get it, what is wrong with it, a proof."""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from broadsheet import articles, editions, reports, sending
from broadsheet.articles.links import try_links
from broadsheet.audience import Reader, known_attributes
from broadsheet.audience.addresses import known_address
from broadsheet.audience.readers import reader_of
from broadsheet.editions import Plan
from broadsheet.errors import BroadsheetError, TemplateProblem, UnstampableReader
from broadsheet.models import Edition, Subscriber
from broadsheet.pipeline import select, signer
from broadsheet.rendering import Message, compile_message, findings, sheet_for
from broadsheet.rendering.findings import Finding, House
from broadsheet.sending import Adapter
from broadsheet.sending.outcome import Result
from broadsheet.sending.spam import spam_score
from broadsheet.stamping import Imprint, Mail, Stamp
from broadsheet.workspace import CampaignFile, Workspace

#: The edition that a draft's links say they are of. Pages answer them calmly and change nothing.
NO_EDITION = 0
#: Of an edition's mails, the ones that most readers get are checked.
CHECKED_VARIANTS = 20


def time_to_send(workspace: Workspace, planned: Plan) -> timedelta:
    """How long sending the plan's edition takes at the pace set for its adapter; zero if none is set."""
    pace = workspace.config.pace.get(planned.campaign.adapter)
    if pace is None:
        return timedelta(0)
    by_domain = editions.readers_at(planned, pace.domains)
    return sending.time_needed(pace, planned.readers, by_domain, planned.scheduled_for.astimezone(UTC).date())


def render_for(workspace: Workspace, campaign: CampaignFile, email: str, at: datetime) -> Mail:
    """The mail that this reader would get at that moment; nothing is frozen or sent.

    Raises BroadsheetError when the reader isn't known or would get nothing.
    """
    row = known_reader(email)
    message = _message_for(workspace, campaign, select(workspace, campaign, at), row)
    return Stamp(message, _imprint(workspace))(reader_of(row), delivery_id=0, now=timezone.now())


def proof(
    workspace: Workspace,
    campaign: CampaignFile,
    to: str,
    as_reader: str | None,
    at: datetime,
    adapter: Adapter | None = None,
) -> Mail:
    """A test copy, sent to ``to`` as that reader would get it; the largest variant's first reader if none is named.

    Its subject begins with ``[TEST]``. Raises BroadsheetError when there is nothing to send, or it isn't taken.
    """
    address = _known_address(to)[0]
    planned = select(workspace, campaign, at)
    row = known_reader(as_reader) if as_reader else _first_reader(planned)
    marked = replace(campaign, subject=f"[TEST] {campaign.subject}")
    message = _message_for(workspace, marked, planned, row)
    mail = specimen(workspace, message, replace(reader_of(row), email=address, name=""))
    adapter = adapter or sending.make_adapter(workspace, campaign.adapter)
    try:
        adapter.open()
        for outcome in sending.hand_over(adapter, [mail]):
            if outcome.result != Result.SENT:
                raise BroadsheetError(f"The proof to {address} was not taken: {outcome.reply or outcome.result}.")
    finally:
        adapter.close()
    return mail


def specimen(workspace: Workspace, message: Message, reader: Reader) -> Mail:
    """A copy outside of any edition: its links lead to a page that says so and changes nothing."""
    # A number of its own: no subscriber's in its links, and a fresh Message-ID, as mailboxes drop what they have had.
    nobody = replace(reader, id=secrets.randbits(40))
    return Stamp(message, _imprint(workspace))(nobody, delivery_id=0, now=timezone.now())


def _imprint(workspace: Workspace) -> Imprint:
    config = workspace.config
    return Imprint(NO_EDITION, config.public.url, config.mail_domain, config.sender.email, signer())


def _message_for(workspace: Workspace, campaign: CampaignFile, planned: Plan, row: Subscriber) -> Message:
    variant = editions.variant_of(planned, row.pk)
    if isinstance(variant, str):
        raise BroadsheetError(f"{row.email} would get no mail from {campaign.slug}: {variant}.")
    content = articles.load_content(workspace, variant.slugs)
    return compile_message(sheet_for(workspace, campaign, planned.scheduled_for, [content[s] for s in variant.slugs]))


def _known_address(email: str) -> tuple[str, str]:
    try:
        return known_address(email)
    except ValueError as error:
        raise BroadsheetError(f"{error}") from error


def known_reader(email: str) -> Subscriber:
    """The person with that address, interests loaded. Raises BroadsheetError."""
    row = Subscriber.objects.select_related("interests").filter(email_key=_known_address(email)[1]).first()
    if row is None:
        raise BroadsheetError(f"Nobody with the address {email} is known. Import people first, or check the spelling.")
    return row


def _first_reader(planned: Plan) -> Subscriber:
    first = next((pk for pk, index in editions.assignments(planned) if index == 0), None)
    if first is None:
        why = (
            ", ".join(f"{count:,} {reason}" for reason, count in planned.excluded.items()) or "the list has no readers"
        )
        raise BroadsheetError(f"Nobody would get {planned.campaign.slug}, so there is nothing to send ({why}).")
    return Subscriber.objects.select_related("interests").get(pk=first)


def findings_of(workspace: Workspace, campaign: CampaignFile, at: datetime, *, links: bool = False) -> list[Finding]:
    """Findings: what is wrong with the mails of the campaign's edition at that moment, worst first. Sends nothing."""
    return findings_of_plan(workspace, select(workspace, campaign, at), links=links)


def findings_of_plan(workspace: Workspace, planned: Plan, *, links: bool = False) -> list[Finding]:
    """As :func:`findings_of`, of a plan that is there."""
    house = House.of(workspace, known_attributes())
    found = findings.of_plan(planned) + findings.of_rules(planned.campaign, articles.known_names())
    return _weighed(house, planned.campaign.list, found, _sample_copies(workspace, planned, house), links=links)


def findings_of_edition(workspace: Workspace, edition: Edition) -> list[Finding]:
    """Findings: what is wrong with the mails that are frozen, worst first."""
    house = House.of(workspace, known_attributes())
    return _weighed(house, edition.list_name, [], _frozen_copies(workspace, edition, house))


def _weighed(
    house: House, list_name: str, found: list[Finding], samples: Iterable[bytes | Finding], *, links: bool = False
) -> list[Finding]:
    """All findings of so many copies, with those that were found already."""
    health = reports.health_of(list_name)
    found = found + findings.of_health(health.warning, health.hold, list_name)
    copies = []
    for made in samples:
        if isinstance(made, Finding):
            found.append(made)
        else:
            copies.append(findings.Copy.of(made))
    if links:
        house = replace(house, answers=try_links(findings.addresses(copies, house)))
    found += [each for copy in copies for each in findings.of_copy(copy, house)]
    score = spam_score(copies[0].content) if copies else None
    return findings.in_order(found + (findings.of_score(score.points, score.rules) if score else []))


def _sample_copies(workspace: Workspace, planned: Plan, house: House) -> Iterator[bytes | Finding]:
    """Each variant's mail as its sample readers would get it, and findings on the way there."""
    variants = planned.variants[:CHECKED_VARIANTS]
    content = articles.load_content(workspace, (slug for variant in variants for slug in variant.slugs))
    for variant in variants:
        picked = [content[slug] for slug in variant.slugs]
        yield from findings.of_articles(picked, planned.campaign.slug, planned.campaign.intro)
        sheet = sheet_for(workspace, planned.campaign, planned.scheduled_for, picked)
        try:
            message = compile_message(sheet)
        except TemplateProblem as problem:
            yield findings.of_problem(problem)
            continue
        yield from findings.of_message(message, sheet, house.attributes)
        yield from _stamped(workspace, message, house)


def _frozen_copies(workspace: Workspace, edition: Edition, house: House) -> Iterator[bytes | Finding]:
    """Each frozen mail as its sample readers would get it, and findings about its articles as they are now."""
    try:
        file = workspace.campaign(edition.campaign.slug)
    except BroadsheetError:  # gone or broken since: nobody can say in which line of it a finding is
        file = None
    variants = list(edition.variants.order_by("-readers", "pk")[:CHECKED_VARIANTS])
    content = articles.load_content(workspace, (slug for variant in variants for slug in variant.articles))
    for variant in variants:
        picked = [content[slug] for slug in variant.articles if slug in content]
        yield from findings.of_articles(picked, edition.campaign.slug, "") if picked else ()
        message = Message.from_bytes(bytes(variant.message))
        if file:
            sheet = sheet_for(workspace, file, edition.scheduled_for, picked)
            yield from findings.of_message(message, sheet, house.attributes)
        yield from _stamped(workspace, message, house)


def _stamped(workspace: Workspace, message: Message, house: House) -> Iterator[bytes | Finding]:
    """The mail as its sample readers would get it."""
    stamp = Stamp(message, _imprint(workspace))
    for who, reader in findings.sample_readers(workspace.lists, house.attributes).items():
        try:
            yield stamp(reader, delivery_id=0, now=timezone.now()).content
        except UnstampableReader as problem:
            yield findings.of_reader(problem, who)
