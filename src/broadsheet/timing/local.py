"""An edition's time as each reader's own clock and calendar have it."""

from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from broadsheet.timing.firings import WEEKDAYS, placed
from broadsheet.workspace import NotOn, Schedule

#: No zone is further ahead: Pacific/Kiritimati.
_FIRST_ZONE = timezone(timedelta(hours=14))
_NO_DAYS_OFF = NotOn()


def not_before(schedule: Schedule, zone: tzinfo, nominal: datetime, reader_zone: str) -> datetime | None:
    """When the copy of a reader in ``reader_zone`` may leave, in UTC; None if that is simply the edition's time.

    ``zone`` is the campaign's: ``schedule.zone(workspace.config.zone)``; ``nominal`` the edition's time, in any zone.
    """
    if schedule.deliver == "reader-local":
        return reader_local(nominal.astimezone(zone), reader_zone, zone, schedule.window, schedule.not_on)
    if schedule.window is None:
        return None
    theirs = _known(reader_zone) or zone
    moved = _allowed(nominal.astimezone(theirs).replace(tzinfo=None), theirs, schedule.window, schedule.not_on)
    return max(moved, nominal.astimezone(UTC))


def reader_local(
    nominal: datetime,
    zone_name: str,
    default_zone: tzinfo | str,
    window: str | None = None,
    not_on: NotOn = _NO_DAYS_OFF,
) -> datetime:
    """The moment, in UTC, when the reader's clock shows what ``nominal`` shows in its own zone.

    Outside the window it moves to where the window begins next; from a day off to the next day that is none. A zone
    that isn't known is ``default_zone``.
    """
    default = (_known(default_zone) or UTC) if isinstance(default_zone, str) else default_zone
    return _allowed(nominal.replace(tzinfo=None), _known(zone_name) or default, window, not_on)


def opens(schedule: Schedule, zone: tzinfo, nominal: datetime) -> datetime:
    """The first moment at which some copy of the edition may leave: with ``reader-local``, hours before ``nominal``."""
    if schedule.deliver == "together":
        return nominal
    return nominal.astimezone(zone).replace(tzinfo=_FIRST_ZONE, fold=0).astimezone(zone)


@lru_cache(maxsize=1024)
def _known(name: str) -> ZoneInfo | None:
    """The zone of that name; None for what is none."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):  # no such zone; not a name; a folder of zones, such as “Europe”
        return None


def _allowed(wall: datetime, zone: tzinfo, window: str | None, not_on: NotOn) -> datetime:
    """The first moment from that wall time on that is inside the window and on no day off; in UTC."""
    if window is not None:
        begin, end = _hours(window)
        if wall.time() > end:
            wall += timedelta(days=1)
        if not begin <= wall.time() <= end:
            wall = datetime.combine(wall.date(), begin)
    if len(set(not_on.weekdays)) < len(WEEKDAYS):
        while wall.date() in not_on.dates or WEEKDAYS[wall.weekday()] in not_on.weekdays:
            wall += timedelta(days=1)
    return placed(wall, zone).astimezone(UTC)


@lru_cache(maxsize=64)
def _hours(window: str) -> tuple[time, time]:
    """The two times of ``09:00-20:00``."""
    begin, end = (part.strip().split(":") for part in window.split("-"))
    return time(int(begin[0]), int(begin[1])), time(int(end[0]), int(end[1]))
