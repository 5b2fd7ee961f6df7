"""The forms that settings take: a zone, a mailbox, a span of time; each says what is wrong with a value."""

import math
import re
from datetime import timedelta
from typing import Annotated
from zoneinfo import available_timezones

import regex
from pydantic import AfterValidator, BeforeValidator, ConfigDict, HttpUrl, TypeAdapter

STRICT = ConfigDict(extra="forbid")


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("is not a time zone; write one like Europe/Berlin or America/New_York")
    return name


def _one_mailbox(address: str) -> str:
    local, at, domain = address.rpartition("@")
    if not (at and local and domain) or any(c.isspace() or c in "<>,;" for c in address):
        raise ValueError("is not an email address; write one like news@clinic.example")
    return address


def _mail_domain(domain: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?", domain) or ".." in domain:
        raise ValueError("is not a domain; write one like bounces.clinic.example")
    return domain


def _web_address(address: str) -> str:
    TypeAdapter(HttpUrl).validate_python(address)
    return address.rstrip("/")


_LONGEST_PATTERN = 2_000
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _span(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    found = re.fullmatch(r"\s*(\d{1,6})\s*([mhdw])\s*", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("is not a span of time; write one like 30m, 12h, 60d or 8w")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _span_or_none(value: object) -> object:
    return None if value in (None, "none") else _span(value)


def span_text(span: timedelta) -> str:
    """A span of time as the file writes it: ``60d``, ``30m``."""
    minutes = int(span.total_seconds() // 60)
    for unit, size in (("d", 1440), ("h", 60)):
        if minutes and minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"


def feed_address(address: str) -> str:
    """A feed's address. Raises ValueError if it is no web address."""
    TypeAdapter(HttpUrl).validate_python(address)
    return address  # as it is written: a slash at the end of a feed's address counts


def _pattern(text: str) -> str:
    counts = [int(count) for count in re.findall(r"\{\d*,?(\d+)\}", text)]
    if len(text) > _LONGEST_PATTERN or math.prod(counts) > _LONGEST_PATTERN:
        raise ValueError("is too long a pattern, or repeats too often; split it into several rules")
    try:
        regex.compile(text)
    except (regex.error, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(
            f"is not a pattern that can be read ({error}); write words parted by |, such as chronic pain|CRPS"
        ) from error
    return text


def _one_or_more(value: object) -> object:
    if not isinstance(value, str | list | tuple):
        raise ValueError("must be text, or a list of texts")  # noqa: TRY004  what pydantic takes for a mistake
    return (value,) if isinstance(value, str) else value


TimeZoneName = Annotated[str, AfterValidator(_known_zone)]
Mailbox = Annotated[str, AfterValidator(_one_mailbox)]
MailDomain = Annotated[str, AfterValidator(_mail_domain)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Span = Annotated[timedelta, BeforeValidator(_span)]
SpanOrNone = Annotated[timedelta | None, BeforeValidator(_span_or_none)]
OneOrMore = Annotated[tuple[str, ...], BeforeValidator(_one_or_more)]
Pattern = Annotated[str, AfterValidator(_pattern)]
