"""The forms that several of the workspace's files share: names, tags, spans of time."""

import re
from datetime import date, timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from broadsheet.conf import STRICT


def _tag(word: object) -> object:
    return " ".join(word.lower().split()) if isinstance(word, str) else word


def one_or_more(value: object) -> object:
    """A single word or date as a list of one."""
    return (value,) if isinstance(value, str | date) else value


_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def span(text: str) -> timedelta | None:
    """The span of time that ``60d``, ``6h`` or ``30m`` says; None if it says none."""
    found = re.fullmatch(r"(\d{1,5})\s*([mhdw])", text.strip().lower())
    return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None


def _duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    found = span(str(value))
    if found is None:
        raise ValueError("must be a time span such as 60d, 6h or 30m (w d h m)")
    return found


Duration = Annotated[timedelta, BeforeValidator(_duration)]
TagName = Annotated[str, BeforeValidator(_tag)]
Tags = Annotated[tuple[TagName, ...], BeforeValidator(one_or_more)]
Names = Annotated[tuple[str, ...], BeforeValidator(one_or_more)]


@dataclass(frozen=True, config=STRICT)
class TagRule:
    """Which tags let something in: at least one of ``any``, each of ``all``, not one of ``none``."""

    any: Tags = Field(default=(), description="At least one of these.")
    all: Tags = Field(default=(), description="Every one of these.")
    none: Tags = Field(default=(), description="Not one of these.")

    def lets_in(self, tags: frozenset[str]) -> bool:
        """Whether ``tags`` keep the rule; an empty rule lets everything in."""
        return (
            (not self.any or not tags.isdisjoint(self.any)) and tags.issuperset(self.all) and tags.isdisjoint(self.none)
        )
