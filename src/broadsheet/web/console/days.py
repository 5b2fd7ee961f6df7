"""The calendar's days: editions that there are and those that will be, each once, where it belongs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from django.utils import timezone

from broadsheet import reports
from broadsheet.editions import edition_times
from broadsheet.models import Edition, EditionState
from broadsheet.schedule.coming import Coming, Outlook, day_of
from broadsheet.timing import in_words, names
from broadsheet.workspace import CampaignFile

_DAY = timedelta(days=1)
#: A campaign that comes out more often on one day is one line.
OFTEN = 3
#: Of so many editions a page shows the times.
MOST_EDITIONS = 500
_NOT_BEGUN = (EditionState.DRAFT, EditionState.PROOFED, EditionState.APPROVED)
_SKIP, _MOVE, _SEND, _UNDO = "skip", "move", "send", "undo"


@dataclass(frozen=True)
class Entry:
    """One edition on the calendar, or one that is still to be made."""

    slug: str
    name: str
    at: datetime
    """In the site's zone; its wall clock in the campaign's where each reader has it at their own time."""
    state: str
    """An edition's, or ``ahead``, ``often``."""
    label: str
    time: str = ""
    """The time that the schedule names, in ISO 8601, by which it is skipped and moved; empty if it has none."""
    theirs: datetime | None = None
    """On the campaign's clock, which has another zone."""
    local: bool = False
    """Whether each reader gets it at their own time."""
    said: str = ""
    edition: Edition | None = None
    result: reports.Result | None = None
    moved_from: datetime | None = None
    may: tuple[str, ...] = ()
    """What a publisher may do: ``skip move send undo``."""
    asks: bool = False
    """Whether somebody has to say yes before it goes."""


@dataclass(frozen=True)
class Day:
    """One day and what is on it, by time."""

    on: date
    entries: tuple[Entry, ...]


def days(
    site: ZoneInfo, files: Mapping[str, CampaignFile], found: Outlook, span: tuple[date, date], now: datetime
) -> list[Day]:
    """Each day of the span, with its editions and what will come out on it."""
    first, last = span
    begin = datetime.combine(first, datetime.min.time(), site) - _DAY
    around = Edition.objects.filter(scheduled_for__gte=begin, scheduled_for__lt=begin + (last - first + 3 * _DAY))
    rows = list(around.select_related("campaign").order_by("scheduled_for")[:MOST_EDITIONS])
    results = reports.results(row for row in rows if row.state == EditionState.SENT)
    by_day: dict[date, list[Entry]] = {}
    for row in rows:
        file = files.get(row.campaign.slug)
        day = day_of(file, row.scheduled_for, site)
        by_day.setdefault(day, []).append(_of_edition(row, file, site, results.get(row.pk), now))
    made = edition_times(now - _DAY)
    coming = [*(each for each in found.coming if (each.file.slug, each.time) not in made), *found.away]
    for (_, day), group in groupby(
        sorted(coming, key=lambda each: (each.file.slug, day_of(each.file, each.run.at, site), each.run.moment)),
        key=lambda each: (each.file.slug, day_of(each.file, each.run.at, site)),
    ):
        by_day.setdefault(day, []).extend(_of_coming(list(group), site))
    spread = (first + number * _DAY for number in range((last - first).days + 1))
    return [Day(day, tuple(sorted(by_day.get(day, []), key=_order))) for day in spread]


def _order(entry: Entry) -> tuple[str, str]:
    return f"{entry.at:%H:%M}", entry.name


def _of_edition(
    row: Edition, file: CampaignFile | None, site: ZoneInfo, result: reports.Result | None, now: datetime
) -> Entry:
    at, theirs, local = _clocks(file, row.scheduled_for, site)
    time = row.moved_from or row.scheduled_for
    may: tuple[str, ...] = ()
    if file and file.schedule and names(file.schedule, file.schedule.zone(site), time):
        if row.state in _NOT_BEGUN:
            may = (_SKIP, _MOVE, _SEND, *((_UNDO,) if row.moved_from and time > now else ()))
        elif row.state == EditionState.SKIPPED and time > now:
            may = (_UNDO,)
    return Entry(
        slug=row.campaign.slug,
        name=file.name if file else row.campaign.slug,
        at=at,
        theirs=theirs,
        local=local,
        state=row.state,
        label=row.get_state_display(),
        said=row.reason,
        edition=row,
        result=result,
        time=time.astimezone(UTC).isoformat(),
        moved_from=row.moved_from and row.moved_from.astimezone(site),
        may=may,
        asks=row.state in (EditionState.DRAFT, EditionState.PROOFED),
    )


def _of_coming(group: list[Coming], site: ZoneInfo) -> Iterable[Entry]:
    """The entries of one campaign on one day."""
    plain = [each for each in group if each.change is None and not each.run.left_out]
    if len(plain) > OFTEN:
        first = plain[0]
        at, theirs, local = _clocks(first.file, first.run.at, site)
        assert first.file.schedule is not None
        words = in_words(first.file.schedule, first.zone)
        label = f"{len(plain)} times"
        yield Entry(first.file.slug, first.file.name, at, "often", label, theirs=theirs, local=local, said=words)
        group = [each for each in group if each not in plain]
    yield from (_entry(each, site) for each in group)


def _entry(each: Coming, site: ZoneInfo) -> Entry:
    at, theirs, local = _clocks(each.file, each.run.at, site)
    change, run = each.change, each.run
    undo = (_UNDO,) if change and each.time > timezone.now() else ()
    if change and change.moved_to and run.moved_from is None:
        state, label = "away", f"Moved to {change.moved_to.astimezone(each.zone):%a %-d %b, %H:%M}"
        may = undo if change.moved_to > timezone.now() else ()
    elif run.left_out:
        state, label, may = "skipped", "Skipped", undo
    else:
        state = "ahead"
        label = f"Moved from {run.moved_from.astimezone(each.zone):%a %-d %b}" if run.moved_from else ""
        may = (_SKIP, _MOVE, _SEND, *undo)
    return Entry(
        slug=each.file.slug,
        name=each.file.name,
        at=at,
        theirs=theirs,
        local=local,
        state=state,
        label=label,
        said=run.left_out or (change.said if change else ""),
        time=each.time.isoformat(),
        moved_from=run.moved_from and run.moved_from.astimezone(site),
        may=may,
        asks=each.file.approval == "required" and state == "ahead",
    )


def _clocks(file: CampaignFile | None, at: datetime, site: ZoneInfo) -> tuple[datetime, datetime | None, bool]:
    """The time as the calendar shows it, and on the campaign's clock if another; whether it is each reader's own."""
    zone = file.schedule.zone(site) if file and file.schedule else site
    here, there = at.astimezone(site), at.astimezone(zone)
    if file and file.schedule and file.schedule.deliver == "reader-local":
        return there, None, True
    return here, there if here.utcoffset() != there.utcoffset() else None, False
