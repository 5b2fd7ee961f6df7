"""The year, in the order of its time. Run it on a workspace that :func:`broadsheet.cli.year.files.lay_out` made."""

import gc
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from broadsheet import audience, editions, pipeline
from broadsheet.cli.year import present, team
from broadsheet.cli.year.fates import Fates, Mood
from broadsheet.cli.year.people import Door, everybody
from broadsheet.errors import BroadsheetError
from broadsheet.models import Edition, EditionMove, EditionState, Subscriber
from broadsheet.timing import firings
from broadsheet.workspace import CampaignFile, Workspace

#: Each campaign with how its mail is met, and how many days into the year it began.
CAMPAIGNS: Final = {
    "weekly-digest": (Mood(), 0),
    "monthly-letter": (Mood(left=0.005), 0),
    "research-notes": (Mood(opened=1.05, tired=0.12, clicked=0.34, left=0.004), 0),
    "kitchen-notes": (Mood(opened=0.95, tired=0.1, clicked=0.16, left=0.007), 212),
    "course-dates": (Mood(opened=0.7, tired=0.2, clicked=0.08, left=0.025, complained=0.002, soured=0.016), 90),
}


@dataclass(frozen=True)
class Firing:
    """One edition that came out."""

    at: datetime
    campaign: CampaignFile
    mood: Mood


def make(workspace: Workspace, at: datetime, seed: int, weeks: int = 52) -> None:
    """The year that ends at ``at``, or its last ``weeks``, in the database of ``workspace``.

    Raises BroadsheetError for a database with anything in it: made-up people never get among real ones.
    """
    if Subscriber.objects.exists() or Edition.objects.exists():
        raise BroadsheetError(
            f"There are people or editions in {workspace.state} already; the sample year needs a database of its own."
        )
    chance = random.Random(seed)  # noqa: S311  for looks
    with transaction.atomic(), _no_collector():
        pipeline.collect(workspace)
        door = Door(everybody(at, chance), chance)
        fates = Fates(door.inside, at, chance)
        since = at - timedelta(weeks=weeks)
        mishaps = [each for each in present.mishaps(at) if each.at > since]
        for firing in _firings(workspace, at, since):
            while mishaps and mishaps[0].at < firing.at:
                mishaps.pop(0).happen(workspace)
            door.open_until(firing.at)
            _publish(workspace, firing, fates, at)
        door.open_until(at)
        present.happen(workspace, at, fates)
        for name, segment in workspace.segments.items():
            audience.count_segment(name, segment)
        team.audits(at)


@contextmanager
def _no_collector() -> Iterator[None]:
    """While the block runs, nobody looks through all that was made for circles, again and again."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _firings(workspace: Workspace, at: datetime, since: datetime) -> list[Firing]:
    found = []
    for slug, (mood, began) in CAMPAIGNS.items():
        campaign = workspace.campaign(slug)
        # articles are younger than a week there, so nobody could get one twice, and looking for it takes half the time
        campaign = replace(campaign, articles=replace(campaign.articles, repeat="allow"))
        schedule = campaign.schedule
        assert schedule is not None
        zone = schedule.zone(workspace.config.zone)
        for moment in firings(schedule, zone, max(since, at - timedelta(days=365 - began))):
            if moment >= at - timedelta(minutes=5):
                break
            found.append(Firing(moment, campaign, mood))
    return sorted(found, key=lambda each: (each.at, each.campaign.slug))


def _publish(workspace: Workspace, firing: Firing, fates: Fates, at: datetime) -> None:
    planned = pipeline.select(workspace, firing.campaign, firing.at)
    edition = pipeline.freeze(workspace, planned, pipeline.press(workspace, planned), who="scheduler")
    if edition.state == EditionState.DRAFT:
        editions.approve(edition, who=team.PUBLISHER)
    if edition.state == EditionState.APPROVED:
        editions.begin(edition, who="send")
        copies = fates.deliver(edition, firing.mood)
        fates.read(edition, copies, firing.mood, 1 - (at - firing.at) / timedelta(days=365))
        pipeline.record(edition)
    _backdate(edition, asked=firing.campaign.approval == "required")


def _backdate(edition: Edition, *, asked: bool) -> None:
    """What the database dated by today's clock, as it would have been."""
    frozen = edition.scheduled_for - timedelta(hours=22 if asked else 0, minutes=2)
    ended = edition.scheduled_for + timedelta(minutes=7)
    Edition.objects.filter(pk=edition.pk).update(frozen_at=frozen, finished_at=ended if edition.finished_at else None)
    times = {
        "": frozen,
        EditionState.DRAFT: edition.scheduled_for - timedelta(hours=15, minutes=20),
        EditionState.SENDING: ended,
    }
    for move in EditionMove.objects.filter(edition=edition):
        EditionMove.objects.filter(pk=move.pk).update(at=times.get(move.before, edition.scheduled_for))
