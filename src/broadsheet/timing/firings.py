"""A schedule's times, one after the other, on the wall clock of its zone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from heapq import merge
from itertools import count
from types import MappingProxyType

from broadsheet.workspace import CampaignFile, Schedule, Workspace, crontab

_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: After so many times in a row on weekdays that are off, there is no next one. A cron of every minute has
#: 8,640 of them in six days.
_BARREN = 10_000
_LAST_YEAR = 9000


@dataclass(frozen=True)
class Change:
    """What somebody made of one time of a schedule: they skipped it, or moved it."""

    moved_to: datetime | None
    """None: skipped."""
    said: str
    """Who did it, and why, for people."""


#: A schedule's times that somebody skipped or moved, by the time, in UTC.
Changes = Mapping[datetime, Change]
_NONE: Changes = MappingProxyType({})


@dataclass(frozen=True)
class Run:
    """One time at which a campaign comes out."""

    at: datetime
    """Aware, in the campaign's zone."""
    left_out: str = ""
    """Why nothing comes out then after all; empty when something does."""
    moved_from: datetime | None = None
    """The time that the schedule names, if somebody moved it."""

    @property
    def moment(self) -> datetime:
        """``at`` in UTC: equal moments of two zones may not be equal where there is a fold."""
        return self.at.astimezone(UTC)


def firings(schedule: Schedule, zone: tzinfo, after: datetime, changes: Changes = _NONE) -> Iterator[datetime]:
    """The times after ``after`` at which an edition comes out, each once and in order, in the campaign's zone.

    A wall-clock time that daylight saving leaves out moves to the first that exists; one that comes twice counts
    once, the first time.
    """
    return (run.at for run in runs(schedule, zone, after, changes) if not run.left_out)


def runs(schedule: Schedule, zone: tzinfo, after: datetime, changes: Changes = _NONE) -> Iterator[Run]:
    """As :func:`firings`, with the times that somebody, ``skip`` or the dates of ``not_on`` leave out, and why.

    A weekday in ``not_on`` is no time of the schedule at all. What somebody skipped or moved counts as long as the
    schedule still names that time.
    """
    stay = (_changed(run, changes.get(run.moment)) for run in _named(schedule, zone, after))
    moved = sorted(_moved(schedule, zone, after, changes), key=lambda run: run.moment)
    latest = after.astimezone(UTC)
    for run in merge((run for run in stay if run), moved, key=lambda run: run.moment):
        if run.moment > latest:  # else one was moved to where another is
            latest = run.moment
            yield run


def names(schedule: Schedule, zone: tzinfo, moment: datetime) -> bool:
    """Whether the moment is one of the schedule's times."""
    first = next(_named(schedule, zone, moment.astimezone(UTC) - _INSTANT), None)
    return first is not None and first.moment == moment.astimezone(UTC)


def _changed(run: Run, change: Change | None) -> Run | None:
    """The run as somebody left it where it is; None if they moved it away."""
    if change is None:
        return run
    return None if change.moved_to else Run(run.at, run.left_out or change.said)


def _moved(schedule: Schedule, zone: tzinfo, after: datetime, changes: Changes) -> Iterator[Run]:
    """The runs that were moved to after ``after``."""
    for time, change in changes.items():
        if change.moved_to and change.moved_to > after and names(schedule, zone, time):
            at = change.moved_to.astimezone(zone)
            yield Run(at, _left_out(schedule, time.astimezone(zone)) or _left_out(schedule, at), time.astimezone(zone))


def _named(schedule: Schedule, zone: tzinfo, after: datetime) -> Iterator[Run]:
    """The runs that the campaign's file names."""
    latest, barren = after.astimezone(UTC), 0
    for moment in _moments(schedule, zone, latest):
        if moment.astimezone(UTC) <= latest:  # aware times of one zone compare by wall clock: hence UTC
            continue
        if WEEKDAYS[moment.weekday()] in schedule.not_on.weekdays:
            barren += 1
            if barren > _BARREN:
                return
            continue
        latest, barren = moment.astimezone(UTC), 0
        yield Run(moment, _left_out(schedule, moment))


def _left_out(schedule: Schedule, moment: datetime) -> str:
    for key, dates in (("skip", schedule.skip), ("not_on", schedule.not_on.dates)):
        if moment.date() in dates:
            return f"the campaign's file leaves {moment.date()} out (`{key}`)"
    return ""


def _moments(schedule: Schedule, zone: tzinfo, after: datetime) -> Iterator[datetime]:
    """The times from a little before ``after`` on; some may come twice."""
    if schedule.at:
        yield from sorted((_aware(each, zone) for each in schedule.at), key=lambda each: each.astimezone(UTC))
    elif schedule.every is not None and schedule.start is not None:
        yield from _interval(_aware(schedule.start, zone), schedule.every, zone, after)
    elif schedule.cron is not None:
        trigger = crontab(schedule.cron, UTC)  # UTC, because its wall clock has no gaps; the zone comes after
        wall = after.astimezone(zone).replace(tzinfo=UTC) - _DAY
        while (found := trigger.get_next_fire_time(None, wall + _INSTANT)) and found.year < _LAST_YEAR:
            wall = found
            yield placed(wall.replace(tzinfo=None), zone)


def _interval(start: datetime, every: timedelta, zone: tzinfo, after: datetime) -> Iterator[datetime]:
    """Whole days keep their time on the wall clock; hours and minutes are counted as they pass."""
    steps = count(max(0, (after - start.astimezone(UTC) - _DAY) // every))
    if every % _DAY:
        begin = start.astimezone(UTC)
        yield from ((begin + step * every).astimezone(zone) for step in steps)
    wall = start.replace(tzinfo=None)
    yield from (placed(wall + step * every, zone) for step in steps)


def _aware(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(zone) if moment.tzinfo else placed(moment, zone)


def placed(wall: datetime, zone: tzinfo) -> datetime:
    """The naive ``wall`` time in ``zone``: the first of two, or the first that exists after a gap."""
    first = wall.replace(tzinfo=zone, fold=0)
    late = first.astimezone(UTC)
    if late.astimezone(zone).replace(tzinfo=None, fold=0) == wall.replace(fold=0):
        return first
    # In a gap fold=0 counts with the offset before it, which gives a moment after it, and fold=1 the reverse.
    early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    before, low, high = early.astimezone(zone).utcoffset(), int(early.timestamp()), int(late.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, zone)


def next_time(workspace: Workspace, campaign: CampaignFile, now: datetime, changes: Changes = _NONE) -> datetime:
    """The next moment the campaign is due after ``now``; ``now`` itself, to the minute, if there is none."""
    schedule, site = campaign.schedule, workspace.config.zone
    found = next(firings(schedule, schedule.zone(site), now, changes), None) if schedule else None
    return (found or now.replace(second=0, microsecond=0)).astimezone(now.tzinfo)


def last_time(workspace: Workspace, campaign: CampaignFile, now: datetime, changes: Changes = _NONE) -> datetime:
    """The latest moment the campaign was due, ``now`` included, within a year; ``now`` if there is none."""
    schedule, until = campaign.schedule, now.astimezone(UTC)
    for hours in (1, 24, 8 * 24, 32 * 24, 366 * 24) if schedule else ():
        assert schedule is not None
        latest = None
        begin = until - timedelta(hours=hours)
        for each in firings(schedule, schedule.zone(workspace.config.zone), begin, changes):
            if each.astimezone(UTC) > until:
                break
            latest = each
        if latest:
            return latest.astimezone(now.tzinfo)
    return now.replace(second=0, microsecond=0)
