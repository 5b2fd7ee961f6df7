"""A schedule as a sentence for people."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import product
from typing import Any

from apscheduler.triggers.cron.expressions import AllExpression, LastDayOfMonthExpression, RangeExpression

from broadsheet.timing.firings import WEEKDAYS
from broadsheet.workspace import Schedule, crontab

_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_NTH_WEEK = {
    tuple(range(first, first + 7)): word for first, word in ((1, "first"), (8, "second"), (15, "third"), (22, "fourth"))
}
#: The cron fields that words are made of, with their smallest and largest values; 0 is Monday.
_FIELDS = {"month": (1, 12), "day": (1, 31), "day_of_week": (0, 6), "hour": (0, 23), "minute": (0, 59)}
LAST = -1
#: In minutes.
_UNITS = {"week": 7 * 24 * 60, "day": 24 * 60, "h": 60, "min": 1}


def in_words(schedule: Schedule, zone: tzinfo) -> str:
    """What the schedule says, with its zone: ``every Tuesday at 09:00 (Europe/Berlin)``."""
    if schedule.cron is not None:
        words = _cron(schedule.cron)
    elif schedule.every is not None and schedule.start is not None:
        words = f"every {span_in_words(schedule.every, one='')} from {_day(schedule.start)}"
    else:
        days = [_day(each) for each in sorted(schedule.at, key=lambda each: each.replace(tzinfo=None))]
        words = _joined(days) if len(days) <= 3 else f"at {len(days)} times from {days[0]} to {days[-1]}"
    if off := sorted(schedule.not_on.weekdays, key=WEEKDAYS.index):
        words += f", not on {_joined([_DAY_NAMES[WEEKDAYS.index(day)] + 's' for day in off])}"
    if schedule.deliver == "reader-local":
        return f"{words}, each reader's own time ({zone} where it is unknown)"
    return f"{words} ({zone})"


def span_in_words(span: timedelta, one: str = "1 ") -> str:
    """``2 weeks``, ``7 h 10 min``: the two largest units that count; ``one`` stands before a single week or day."""
    rest, words = int(span.total_seconds() // 60), []
    for unit, size in _UNITS.items():
        number, rest = divmod(rest, size)
        if number and size >= _UNITS["day"]:
            words.append(f"{one}{unit}" if number == 1 else f"{number} {unit}s")
        elif number:
            words.append(f"{number} {unit}")
    return " ".join(words[:2]) or "0 min"


def _day(moment: datetime) -> str:
    return f"{moment:%a %-d %b %Y, %H:%M}"


def _joined(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _cron(text: str) -> str:
    fields = {field.name: field for field in crontab(text, UTC).fields}
    values = {name: _values(fields[name], *ends) for name, ends in _FIELDS.items()}
    if not all(values.values()):
        return f"at the times of the cron rule `{text}`"
    days, times = _days(values["month"], values["day"], values["day_of_week"]), _times(values["hour"], values["minute"])
    if not days or not times:
        return f"at the times of the cron rule `{text}`"
    if times.startswith("every"):
        return times if days == "every day" else f"{times}, {days.replace('every ', 'on every ', 1)}"
    return f"{days} {times}"


def _values(field: Any, low: int, high: int) -> tuple[int, ...]:
    """The values a cron field stands for; empty for what there are no words for."""
    found: set[int] = set()
    for each in field.expressions:
        if isinstance(each, LastDayOfMonthExpression):
            found.add(LAST)
        elif isinstance(each, RangeExpression):
            found.update(range(each.first, (high if each.last is None else each.last) + 1, each.step or 1))
        elif type(each) is AllExpression:  # others, such as `2nd tue`, are made from it
            found.update(range(low, high + 1, each.step or 1))
        else:
            return ()
    return tuple(sorted(found))


def _times(hours: tuple[int, ...], minutes: tuple[int, ...]) -> str:
    if len(hours) * len(minutes) <= 4:
        return "at " + _joined([f"{hour:02}:{minute:02}" for hour, minute in product(hours, minutes)])
    if len(hours) == 24 and (step := _step(minutes, 60)):
        return "every minute" if step == 1 else "every hour" if step == 60 else f"every {step} minutes"
    if len(hours) == 24 and len(minutes) == 1:
        return f"every hour at {minutes[0]} past"
    if len(minutes) == 1 and (step := _step(hours, 24)):
        return f"every {step} hours" + (f" at {minutes[0]} past" if minutes[0] else "")
    return ""


def _step(values: tuple[int, ...], size: int) -> int:
    """The step of values spread evenly from 0 over ``size``; 0 if they are not."""
    step = size // len(values)
    return step if values == tuple(range(0, size, step)) else 0


def _days(months: tuple[int, ...], days: tuple[int, ...], weekdays: tuple[int, ...]) -> str:
    named = _joined([_MONTHS[month - 1] for month in months]) if len(months) < 12 else ""
    if len(days) == 31 and len(weekdays) == 7:
        return f"every day in {named}" if named else "every day"
    if len(days) == 31:
        every = f"every {_joined([_DAY_NAMES[day] for day in weekdays])}"
        listed = "Monday to Friday" if weekdays == (0, 1, 2, 3, 4) else every
        return listed + (f" in {named}" if named else "")
    if len(weekdays) == 7 and len(days) <= 4:
        return f"on the {_joined([_nth(day) for day in days])} of {named or 'every month'}"
    if len(weekdays) == 1 and (word := _NTH_WEEK.get(days)):  # both fields count, as APScheduler reads them
        return f"on the {word} {_DAY_NAMES[weekdays[0]]} of {named or 'every month'}"
    return ""


def _nth(day: int) -> str:
    if day == LAST:
        return "last day"
    ending = "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"
