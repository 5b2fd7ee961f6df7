"""When a campaign comes out, as people say it: on Tuesdays at nine, on the first of the month, every two weeks."""

import re
from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any

from django.http import QueryDict

from broadsheet.timing.firings import WEEKDAYS
from broadsheet.web.console.compose.fields import DATES, LINE, LINES, TICKED, Field, changes, shown

#: The ways to say it, with what they are called.
WAYS = {
    "": "Not by itself: somebody sends it",
    "weekly": "On days of the week",
    "monthly": "On a day of the month",
    "every": "At an interval",
    "at": "At single times",
    "cron": "By a cron rule",
}
DAYS = dict(zip(WEEKDAYS, ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), strict=True))
#: Fields that every way has.
FIELDS = (
    Field("time_zone", ("schedule", "time_zone"), LINE),
    Field("deliver", ("schedule", "deliver"), LINE, "together"),
    Field("off_dates", ("schedule", "not_on", "dates"), DATES),
    Field("off_days", ("schedule", "not_on", "weekdays"), TICKED, []),
    Field("skip", ("schedule", "skip"), DATES),
    Field("grace", ("schedule", "grace"), LINE, "6h"),
    Field("lead", ("schedule", "lead"), LINE, "24h"),
)
_RULES = ("cron", "every", "start", "at")
_CRON = re.compile(r"(\d{1,2}) (\d{1,2}) (\S+) \* (\S+)")
_NUMBERS = ("sun", *WEEKDAYS)


def schedule_shown(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the form shows of the file's ``schedule``."""
    schedule = settings.get("schedule")
    schedule = schedule if isinstance(schedule, Mapping) else {}
    window = str(schedule.get("window") or "").partition("-")
    every = re.fullmatch(r"\s*(\d+)\s*([mhdw])\s*", str(schedule.get("every") or ""))
    values = {
        "way": _way(schedule),
        "days": [],
        "time": "09:00",
        "month_day": "1",
        "cron": str(schedule.get("cron") or ""),
        "every": every[1] if every else str(schedule.get("every") or "2"),
        "unit": every[2] if every else "w",
        "start": LINE.shows(schedule["start"])[:16] if schedule.get("start") else "",
        "at": LINES.shows(schedule.get("at")),
        "window_from": window[0].strip(),
        "window_to": window[2].strip(),
        **shown(FIELDS, settings),
    }
    return values | (_simple_cron(values["cron"]) or {})


def _way(schedule: Mapping[str, Any]) -> str:
    given = next((key for key in ("cron", "every", "at") if schedule.get(key)), "")
    simple = _simple_cron(str(schedule.get("cron"))) if given == "cron" else None
    return simple["way"] if simple else given


def _simple_cron(text: str) -> dict[str, Any] | None:
    """A rule that names one time of day, and days of the week or one of the month; None for another."""
    found = _CRON.fullmatch(" ".join(text.split()))
    if found is None or int(found[1]) > 59 or int(found[2]) > 23:
        return None
    at, day, weekdays = f"{int(found[2]):02}:{int(found[1]):02}", found[3], found[4].lower()
    if day == "*":
        days = list(WEEKDAYS) if weekdays == "*" else _weekdays(weekdays)
        return {"way": "weekly", "time": at, "days": days} if days else None
    if weekdays == "*" and (day == "last" or (day.isdecimal() and 1 <= int(day) <= 31)):
        return {"way": "monthly", "time": at, "month_day": day}
    return None


def _weekdays(text: str) -> list[str]:
    """``mon-wed,5`` as days; empty for what is none."""
    named: set[str] = set()
    for part in text.split(","):
        ends = [_NUMBERS[int(each)] if each.isdecimal() and int(each) < 8 else each for each in part.split("-")]
        if not 1 <= len(ends) <= 2 or not set(ends) <= set(WEEKDAYS):
            return []
        first, last = WEEKDAYS.index(ends[0]), WEEKDAYS.index(ends[-1])
        if first > last:
            return []
        named.update(WEEKDAYS[first : last + 1])
    return [day for day in WEEKDAYS if day in named]


def schedule_changes(settings: Mapping[str, Any], posted: QueryDict) -> dict[str, Any]:
    """``{"schedule": …}`` if the form says it otherwise than the file; empty if it doesn't."""
    way = posted.get("way", "")
    if not way:
        return {"schedule": None} if settings.get("schedule") is not None else {}
    old = settings.get("schedule")
    new: dict[str, Any] = deepcopy(dict(old)) if isinstance(old, Mapping) else {}
    before = schedule_shown(settings)
    mine = _said(way, posted)
    if way != before["way"] or any(mine.get(key, before[key]) != before[key] for key in _SAYS[way]):
        for key in _RULES:
            new.pop(key, None)
        new = _rule(way, mine) | new
    window = f"{posted.get('window_from', '')}-{posted.get('window_to', '')}"
    if window != f"{before['window_from']}-{before['window_to']}":
        new["window"] = window
        if window == "-":
            del new["window"]
    changed = changes(FIELDS, {**settings, "schedule": new}, posted)
    new = changed.get("schedule", new)
    return {} if new == old else {"schedule": new}


#: What each way says, beside what all do.
_SAYS = {
    "weekly": ("days", "time"),
    "monthly": ("month_day", "time"),
    "cron": ("cron",),
    "every": ("every", "unit", "start"),
    "at": ("at",),
}


def _said(way: str, posted: QueryDict) -> dict[str, Any]:
    said: dict[str, Any] = {
        key: posted.get(key, "").strip() for key in _SAYS.get(way, ()) if key in posted and key != "days"
    }
    if way == "weekly":
        said["days"] = [day for day in WEEKDAYS if day in posted.getlist("days")]
    if "at" in said:
        said["at"] = "\n".join(filter(None, (each.strip() for each in said["at"].splitlines())))
    return said


def _rule(way: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of the file for what was said; a slip stays in, for the checks to name."""
    if way == "every":
        start = said.get("start", "")
        return {"every": f"{said.get('every', '')}{said.get('unit', '')}", **({"start": start} if start else {})}
    if way == "at":
        return {"at": [_without_seconds(each) for each in said.get("at", "").splitlines()]}
    if way == "cron":
        return {"cron": " ".join(said.get("cron", "").split())}
    hour, _, minute = said.get("time", "").partition(":")
    at = f"{int(minute)} {int(hour)}" if hour.isdecimal() and minute.isdecimal() else said.get("time", "")
    if way == "monthly":
        return {"cron": f"{at} {said.get('month_day', '')} * *"}
    days = said.get("days", [])
    return {"cron": f"{at} * * {'*' if len(days) == len(WEEKDAYS) else ','.join(days)}".strip()}


def _without_seconds(text: str) -> str:
    try:
        return datetime.fromisoformat(text).isoformat(timespec="minutes")
    except ValueError:
        return text
