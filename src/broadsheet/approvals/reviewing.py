"""What there is to look at before somebody says yes: how long it takes, and what changed since the last yes."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from broadsheet import editions, pipeline, sending
from broadsheet.conf import Pace
from broadsheet.editions import Difference, Passage, Snapshot
from broadsheet.models import ApprovedText, Delivery, Edition, EditionState
from broadsheet.workspace import Workspace


@dataclass(frozen=True)
class Since:
    """What changed since somebody last said yes to something of this campaign."""

    who: str
    at: datetime
    edition: Edition
    """What they said yes to: this edition, or the one before it."""
    changes: Difference | None
    """None: it is as they approved it."""
    words: tuple[Passage, ...] = ()
    """Where the copy that most readers get differs from that of the edition before."""


def since_last_yes(edition: Edition) -> Since | None:
    """What changed since the edition was last approved; if it never was, since the one before it was.

    None if nobody ever approved one of this campaign's.
    """
    if edition.approved_hash and edition.approved_hash == edition.content_hash:
        return Since(*_yes_to(edition), edition, None)
    now = Snapshot.of_edition(edition, pipeline.read)
    if kept := ApprovedText.objects.filter(edition=edition).first():
        changes = editions.difference(Snapshot.of_approved(kept), now, edition)
        return Since(kept.who, kept.at, edition, None if changes.nothing else changes)
    before = editions.approved_before(edition)
    if before is None:
        return None
    then = Snapshot.of_edition(before, pipeline.read)
    words = editions.words(then.sides[0], now.sides[0]) if then.sides and now.sides else ()
    return Since(*_yes_to(before), before, editions.difference(then, now, before), words)


def _yes_to(edition: Edition) -> tuple[str, datetime]:
    """Who approved it last, and when; an edition of a campaign that asks nobody was approved as it was frozen."""
    yes = edition.moves.filter(after=EditionState.APPROVED).last()
    return (yes.who, yes.at) if yes else ("", edition.frozen_at)


def anew(workspace: Workspace, edition: Edition) -> Difference:
    """What freezing it anew would change, from articles as they were last read. Writes nothing that lasts."""
    planned = pipeline.select(workspace, workspace.campaign(edition.campaign.slug), edition.scheduled_for)
    try:
        return pipeline.difference(planned, pipeline.press(workspace, planned), edition)
    finally:
        editions.drop(planned)


def sending_takes(workspace: Workspace, edition: Edition, readers: int) -> timedelta:
    """How long sending so many copies of the edition takes at the pace set for its adapter; zero if none is set."""
    pace = workspace.config.pace.get(edition.adapter, Pace())
    copies = Delivery.objects.filter(edition=edition, variant__isnull=False)
    by_domain = {name: copies.filter(subscriber__email_key__endswith=f"@{name}").count() for name in pace.domains}
    return sending.time_needed(pace, readers, by_domain, edition.scheduled_for.astimezone(UTC).date())
