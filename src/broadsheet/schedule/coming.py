"""What will come out: each campaign's times in a span of days, as its file and people left them. Writes nothing."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice, takewhile
from pathlib import Path
from time import time_ns
from zoneinfo import ZoneInfo

from broadsheet import editions
from broadsheet.errors import BroadsheetError
from broadsheet.timing import Change, Run, names, runs
from broadsheet.workspace import CampaignFile, Schedule, Workspace

#: So many times of one campaign are worked out for a page: each takes about 100 us, once.
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
    begin = _midnight(max(first, now.astimezone(site).date()), site) - _DAY
    end = _midnight(last, site) + 3 * _DAY  # in the last zone a day is over so much later
    changes = editions.changes(min(now, begin))
    found, away, cut, lost = [], [], [], []
    for file in files:
        if file.schedule is None or file.resting:
            continue
        zone, theirs = file.schedule.zone(site), changes.get(file.slug, {})
        times = _times(file.schedule, zone, begin, end, frozenset(theirs.items()))
        cut += [file.name] if len(times) > MOST else []
        found += [
            Coming(file, zone, run, theirs.get((run.moved_from or run.at).astimezone(UTC)))
            for run in times[:MOST]
            if run.moment > now and first <= day_of(file, run.at, site) <= last
        ]
        for at, change in theirs.items():
            if not names(file.schedule, zone, at):
                lost.append((file, at, change))
            elif change.moved_to and first <= day_of(file, at, site) <= last:
                away.append(Coming(file, zone, Run(at.astimezone(zone), change.said), change))
    return Outlook(tuple(sorted(found, key=lambda each: each.run.moment)), tuple(away), tuple(cut), tuple(lost))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone)


@lru_cache(maxsize=256)
def _times(
    schedule: Schedule, zone: ZoneInfo, begin: datetime, end: datetime, changes: frozenset[tuple[datetime, Change]]
) -> tuple[Run, ...]:
    """The schedule's times between the two, and one more than are shown if there are more. Asked for day by day."""
    return tuple(islice(takewhile(lambda run: run.at <= end, runs(schedule, zone, begin, dict(changes))), MOST + 1))


_READ: dict[Path, tuple[Workspace, object, CampaignFile | str]] = {}
#: Nanoseconds in which a file may change again without a new mtime.
_UNSURE = 2_000_000_000


def readable(workspace: Workspace) -> tuple[list[CampaignFile], dict[str, str]]:
    """The campaigns' files, and by slug what is wrong with those that can't be read.

    A file is read again once it, or what it names, has changed: all of 50 take 100 ms.
    """
    slugs, templates = workspace.campaign_names(), workspace.template_names()
    found = {slug: _read(workspace, slug, (slugs, templates)) for slug in slugs}
    files = [each for each in found.values() if isinstance(each, CampaignFile)]
    return files, {slug: each for slug, each in found.items() if isinstance(each, str)}


def _read(workspace: Workspace, slug: str, around: object) -> CampaignFile | str:
    path = workspace.root / "campaigns" / f"{slug}.md"
    try:
        status = path.stat()
    except OSError:
        stamp: object = None
    else:
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino, around)
        kept = _READ.get(path)
        if kept and kept[0] is workspace and kept[1] == stamp:
            return kept[2]
        stamp = None if abs(time_ns() - status.st_mtime_ns) < _UNSURE else stamp
    try:
        found: CampaignFile | str = workspace.campaign(slug)
    except BroadsheetError as error:
        found = str(error)
    _READ[path] = (workspace, stamp, found)
    return found
