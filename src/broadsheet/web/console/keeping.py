"""Numbers that a page can't wait for: counted when somebody asks, kept for all processes, shown with their age."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.utils import timezone

#: What is older is counted anew when somebody looks.
FRESH = timedelta(minutes=10)


@dataclass(frozen=True)
class Kept:
    """Something that was counted, and when."""

    value: Any
    at: datetime

    @property
    def is_old(self) -> bool:
        """Whether it wants to be counted anew."""
        return timezone.now() - self.at > FRESH


def kept(name: str) -> Kept | None:
    """What was counted last under that name; None if it was not, or not by this release."""
    found = cache.get(_key(name))
    return found if isinstance(found, Kept) else None


def keep(name: str, value: Any) -> None:
    """Keep it until it is counted again."""
    cache.set(_key(name), Kept(value, timezone.now()), timeout=None)


def _key(name: str) -> str:
    return f"console:{name}"
