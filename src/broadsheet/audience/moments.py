"""Times in cells, in every spelling that the tools people come from write."""

import re
from datetime import UTC, datetime
from functools import lru_cache

from broadsheet.audience.statuses import YES_OR_NO

_SPELLINGS = (
    "%Y-%m-%d %H:%M:%S %Z", "%Y-%m-%d %H:%M:%S.%f %Z", "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S",
    "%b %d, %Y", "%B %d, %Y", "%b %d, %Y %I:%M %p", "%B %d, %Y %I:%M %p", "%B %d, %Y at %I:%M %p",
    "%d %B %Y", "%d %b %Y",
)  # fmt: skip
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?(?:\s*([AaPp])[Mm])?\Z")
#: Go prints a time with its zone twice, and more digits than Python reads.
_GO = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)? ([+-]\d{4})(?: \S+)?\Z")


@lru_cache(maxsize=20_000)
def moment(text: str) -> datetime | None:
    """The time a cell says, UTC where it names no zone; None for an empty one, or a yes or no. Raises ValueError."""
    if not text or text.lower() in YES_OR_NO:
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return _spelt(text)


def _spelt(text: str) -> datetime:
    try:
        if text.isascii() and text.isdigit() and len(text) in (10, 13):
            return datetime.fromtimestamp(int(text[:10]), UTC)
        if found := _GO.match(text):
            return datetime.strptime(f"{found[1]} {found[2]}", "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
        if found := _SLASHED.match(text):
            return _slashed(found)
    except (ValueError, OverflowError, OSError):
        pass
    for spelling in _SPELLINGS:
        try:
            return datetime.strptime(text, spelling).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise ValueError(f"“{text[:80]}” is not a date; write one like 2026-01-31")


def _slashed(found: re.Match[str]) -> datetime:
    """The month stands first, as the tools that write slashes have it, unless it can't be one."""
    month, day, year = int(found[1]), int(found[2]), int(found[3])
    if month > 12:
        month, day = day, month
    hour = int(found[4] or 0)
    if found[7]:
        hour = hour % 12 + (12 if found[7] in "Pp" else 0)
    return datetime(year + (2000 if year < 100 else 0), month, day, hour, int(found[5] or 0), tzinfo=UTC)
