"""What will come out: each campaign's times in a span of days, as its file and people left them. Writes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from broadsheet import editions
from broadsheet.errors import BroadsheetError
from broadsheet.timing import Change, Run, names, runs
from broadsheet.workspace import CampaignFile, Workspace

#: So many times of one campaign are worked out for a page: each takes about 50 us.
MOST = 1_000
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Coming:
    """One time at which a campaign comes out, or would, had nobody left it out."""

    file: CampaignFile
    zone: ZoneInfo
    run: Run
    change: Change | None
    """What somebody made of it."""

    @property
    def time(self) -> datetime:
        """The time that the schedule names, in UTC."""
        return (self.run.moved_from or self.run.at).astimezone(UTC)


@dataclass(frozen=True)
class Outlook:
    """What will come out in a span, soonest first."""

    coming: tuple[Coming, ...]
    away: tuple[Coming, ...]
    """Times of schedules at which nothing comes out, because somebody moved it to another."""
    cut: tuple[str, ...]
    """Names of the campaigns that come out more often than is worked out."""
    lost: tuple[tuple[CampaignFile, datetime, Change], ...]
    """What people skipped or moved, and the schedule does not name any more."""


def day_of(file: CampaignFile | None, at: datetime, site: ZoneInfo) -> date:
    """The day on which an edition stands: where readers get it at their own time, each has it on that day."""
    if file is not None and file.schedule is not None and file.schedule.deliver == "reader-local":
        return at.astimezone(file.schedule.zone(site)).date()
    return at.astimezone(site).date()


def outlook(workspace: Workspace, files: list[CampaignFile], first: date, last: date, now: datetime) -> Outlook:
    """What comes out from ``first`` to ``last``, both included, and after ``now``."""
    site = workspace.config.zone
    begin = max(now, datetime.combine(first, datetime.min.time(), site) - _DAY)
    end = datetime.combine(last, datetime.min.time(), site) + 3 * _DAY  # a day is over last in the last zone
    changes = editions.changes(min(now, begin))
    found, away, cut, lost = [], [], [], []
    for file in files:
        if file.schedule is None or file.resting:
            continue
        zone, theirs = file.schedule.zone(site), changes.get(file.slug, {})
        runs_of = list(islice(_until(file, zone, begin, end, theirs), MOST + 1))
        cut += [file.name] if len(runs_of) > MOST else []
        found += [each for each in runs_of[:MOST] if first <= day_of(file, each.run.at, site) <= last]
        for at, change in theirs.items():
            if not names(file.schedule, zone, at):
                lost.append((file, at, change))
            elif change.moved_to and first <= day_of(file, at, site) <= last:
                away.append(Coming(file, zone, Run(at.astimezone(zone), change.said), change))
    return Outlook(tuple(sorted(found, key=lambda each: each.run.moment)), tuple(away), tuple(cut), tuple(lost))


def _until(
    file: CampaignFile, zone: ZoneInfo, begin: datetime, end: datetime, changes: dict[datetime, Change]
) -> Iterator[Coming]:
    assert file.schedule is not None
    for run in runs(file.schedule, zone, begin, changes):
        if run.at > end:
            return
        yield Coming(file, zone, run, changes.get((run.moved_from or run.at).astimezone(UTC)))


def readable(workspace: Workspace) -> tuple[list[CampaignFile], dict[str, str]]:
    """The campaigns' files, and by slug what is wrong with those that can't be read."""
    files, wrong = [], {}
    for slug in workspace.campaign_names():
        try:
            files.append(workspace.campaign(slug))
        except BroadsheetError as error:
            wrong[slug] = str(error)
    return files, wrong
