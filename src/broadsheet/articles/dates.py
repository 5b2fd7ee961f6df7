"""Dates of publication, as front matter writes them."""

import re
from datetime import UTC, date, datetime, time
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

_DAYS = (
    "%B %d %Y",
    "%b %d %Y",
    "%d %B %Y",
    "%d %b %Y",
    "%A %B %d %Y",
    "%a %b %d %Y",
    "%A %d %B %Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y-%m-%d",
    "%d.%m.%Y",
)
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %H:%M %z", " %H:%M:%S %z")
_ORDINAL = re.compile(r"(?<=\d)(st|nd|rd|th)\b", re.IGNORECASE)
_UTC = re.compile(r"\s+(UTC|GMT|Z)$")
_RFC_2822 = re.compile(r"([A-Za-z]{3},\s*)?\d{1,2}\s+[A-Za-z]{3}\s+\d{4}\s+\d{1,2}:\d{2}(:\d{2})?\s+\S+( \(.*\))?")
_PREFIX = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[-_ ]+(.*)|)")


def parse_date(value: object, zone: ZoneInfo) -> datetime:
    """``value`` as an aware datetime; a day is its midnight, and what names no zone is in ``zone``.

    Takes dates, datetimes, ISO 8601, RFC 2822, and days such as "January 8, 2026", "8 Jan 2026" and
    "2026/01/08". Raises ValueError for anything else; "01/08/2026" too, which is two days.
    """
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime.combine(value, time())
    elif isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        moment = _parse_text(" ".join(f"{value}".split()))
    else:
        raise ValueError("is not a date; write one like 2026-01-08")  # noqa: TRY004  one kind for the caller
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    try:
        aware.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is too far from today to be a date of publication") from error
    return aware


def dated_name(name: str) -> tuple[date | None, str]:
    """The date that a name begins with, and the rest: ``2026-01-08-sleep`` is a day and ``sleep``."""
    if found := _PREFIX.fullmatch(name):
        try:
            return date.fromisoformat(found[1]), found[2] or name
        except ValueError:
            pass
    return None, name


def _parse_text(text: str) -> datetime:
    if _RFC_2822.fullmatch(text):
        return parsedate_to_datetime(text)
    text = _UTC.sub("+00:00", text)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    plain = _ORDINAL.sub("", text).replace(",", " ").replace("Sept ", "Sep ")
    plain = " ".join(re.sub(r"(?<=\d)\. (?=[A-Za-z])", " ", plain).split())
    for day in _DAYS:
        for hour in _TIMES:
            try:
                return datetime.strptime(plain, day + hour)
            except ValueError:
                continue
    raise ValueError(f"“{text[:60]}” is not a date that can be read without doubt; write one like 2026-01-08")
