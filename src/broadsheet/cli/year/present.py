"""What is under way on the day the sample year is made: paused, waiting, held, unknown, skipped, called off, broken."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from broadsheet import editions, pipeline, reports
from broadsheet.cli.year.fates import Fates, Mood
from broadsheet.cli.year.files import FEED
from broadsheet.cli.year.team import PUBLISHER
from broadsheet.models import Delivery, DeliveryState, Edition, EditionMove, EditionState, SourceState
from broadsheet.timing import firings
from broadsheet.workspace import CampaignFile, Workspace


@dataclass(frozen=True)
class Mishap:
    """Something that kept an edition from coming out."""

    at: datetime
    happen: Callable[[Workspace], None]


def mishaps(at: datetime) -> list[Mishap]:
    """Those of the year that ends at ``at``, in order: one was called off, one had nothing to bring."""
    summer = (at - timedelta(days=150)).replace(hour=8, minute=0, second=0, microsecond=0)
    closed = (at - timedelta(days=121)).replace(hour=14, minute=0, second=0, microsecond=0)
    return [Mishap(summer, partial(_called_off, at=summer)), Mishap(closed, partial(_skipped, at=closed))]


def _called_off(workspace: Workspace, at: datetime) -> None:
    edition = _frozen(workspace, workspace.campaign("research-notes"), at)
    editions.cancel(edition, who=PUBLISHER, why="the study was corrected; we wait for the new numbers")
    EditionMove.objects.filter(edition=edition).update(at=at - timedelta(hours=5))


def _skipped(_workspace: Workspace, at: datetime) -> None:
    why = "nobody is due anything new: the kitchen was closed"
    edition = editions.skip("kitchen-notes", at, why, list_name="kitchen", who="scheduler")
    EditionMove.objects.filter(edition=edition).update(at=at)
    Edition.objects.filter(pk=edition.pk).update(frozen_at=at)


def happen(workspace: Workspace, at: datetime, fates: Fates) -> None:
    """What is under way."""
    _unknown_copies()
    _waiting(workspace, "research-notes", at)
    _waiting(workspace, "course-dates", at)  # which is held: its last editions were reported as spam too often
    _paused(workspace, at, fates)
    SourceState.objects.create(
        place=FEED,
        name="Open Rehab Journal",
        first_synced_at=at - timedelta(days=80),
        checked_at=at - timedelta(minutes=9),
        reason="it answered 503 Service Unavailable",
        failing_since=at - timedelta(days=2, hours=3),
    )


def _unknown_copies() -> None:
    """A sender was cut off during the last digest: three copies, of which nobody can say whether they arrived."""
    edition = Edition.objects.filter(campaign__slug="weekly-digest", state=EditionState.SENT)[0]
    three = list(Delivery.objects.filter(edition=edition, state=DeliveryState.SENT).values_list("pk", flat=True)[40:43])
    Delivery.objects.filter(pk__in=three).update(
        state=DeliveryState.UNKNOWN, reason="the sender stopped while this was in flight"
    )
    reports.summarise(edition)


def _waiting(workspace: Workspace, slug: str, at: datetime) -> None:
    """The campaign's next edition, frozen, for somebody to look at."""
    campaign = workspace.campaign(slug)
    assert campaign.schedule is not None
    coming = next(firings(campaign.schedule, campaign.schedule.zone(workspace.config.zone), at))
    edition = _frozen(workspace, campaign, coming)
    EditionMove.objects.filter(edition=edition).update(at=at - timedelta(hours=2))
    Edition.objects.filter(pk=edition.pk).update(frozen_at=at - timedelta(hours=2), asked_at=at - timedelta(hours=2))


def _paused(workspace: Workspace, at: datetime, fates: Fates) -> None:
    """An extra edition was stopped halfway, because somebody found a mistake in it."""
    campaign = workspace.campaign("kitchen-notes")
    campaign = replace(campaign, articles=replace(campaign.articles, repeat="allow"))
    moment = (at - timedelta(minutes=50)).replace(second=0, microsecond=0)
    edition = _frozen(workspace, campaign, moment)
    editions.begin(edition, who="send")
    half = edition.deliveries.count() * 3 // 5
    copies = fates.deliver(edition, Mood(), most=half)
    fates.read(edition, copies, Mood(), 1.0)
    last = edition.deliveries.filter(state=DeliveryState.QUEUED).order_by("variant_id", "pk")
    for pk in last.values_list("pk", flat=True)[:9]:
        Delivery.objects.filter(pk=pk).update(
            state=DeliveryState.DEFERRED, attempts=1, reason="451 4.7.1 Greylisted, try again in 5 minutes",
            at=at + timedelta(minutes=5), deferred_since=moment,
        )  # fmt: skip
    editions.move(
        edition, EditionState.PAUSED, who=PUBLISHER, why="the oven is 180 °C, not 280: correct before the rest go"
    )
    EditionMove.objects.filter(edition=edition).update(at=moment)
    Edition.objects.filter(pk=edition.pk).update(frozen_at=moment)
    reports.summarise(edition)


def _frozen(workspace: Workspace, campaign: CampaignFile, moment: datetime) -> Edition:
    planned = pipeline.select(workspace, campaign, moment)
    return pipeline.freeze(workspace, planned, pipeline.press(workspace, planned), who="scheduler")
