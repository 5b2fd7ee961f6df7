"""The template filters that Broadsheet adds to Jinja's own."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from jinja2 import Undefined

#: The months' names, January first.
MONTHS: dict[str, str] = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "ar": "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
}
PATTERNS = {
    "en": "{d} {m} {y}",
    "de": "{d}. {m} {y}",
    "es": "{d} de {m} de {y}",
    "fr": "{d} {m} {y}",
    "ar": "{d} {m} {y}",
    "ja": "{y}年{n}月{d}日",
    "zh": "{y}年{n}月{d}日",
}


def day(value: object, language: str = "en") -> str:
    """The date in words (``14 September 2026``), in ``language`` where its months are known, else ISO 8601."""
    if isinstance(value, Undefined) or value is None:
        return ""
    if not isinstance(value, date | datetime):
        return str(value)
    tongue = language.partition("-")[0].lower()
    if tongue not in PATTERNS:
        return f"{value:%Y-%m-%d}"
    months = MONTHS.get(tongue, MONTHS["en"]).split()
    return PATTERNS[tongue].format(d=value.day, m=months[value.month - 1], n=value.month, y=value.year)


FILTERS: dict[str, Callable[..., Any]] = {"date": day}

__all__ = ["FILTERS", "day"]
