"""Numbers that a page can't wait for: counted when somebody asks, kept for all processes, shown with their age."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import BoundedSemaphore, Thread
from typing import Any, TypeVar

from django.core.cache import cache
from django.db import DatabaseError, connections
from django.utils import timezone

from broadsheet import audience
from broadsheet.errors import BroadsheetError

T = TypeVar("T")

log = logging.getLogger(__name__)

#: What is older is counted anew when somebody looks.
FRESH = timedelta(minutes=10)
#: With no more people than this, a page waits for its numbers.
FEW = 50_000
#: Seconds after which work that never ended, or failed, no longer keeps others from beginning it.
_BUSY = 120
#: How much is worked out side by side in one process: the pages want the database too.
_AT_ONCE = BoundedSemaphore(2)


@dataclass(frozen=True)
class Kept:
    """Something that was counted, and when."""

    value: Any
    at: datetime

    @property
    def is_old(self) -> bool:
        """Whether it wants to be counted anew."""
        return timezone.now() - self.at > FRESH


def are_few() -> bool:
    """Whether there are so few people that anything is counted at once."""
    return audience.newest_person() <= FEW


def kept(name: str) -> Kept | None:
    """What was counted last under that name; None if it was not, or not by this release."""
    found = cache.get(_key(name))
    return found if isinstance(found, Kept) else None


def keep(name: str, value: Any) -> None:
    """Keep it until it is counted again."""
    cache.set(_key(name), Kept(value, timezone.now()), timeout=None)


def forget(name: str) -> None:
    """What was counted under that name is of no use any more."""
    cache.delete(_key(name))


def soon(name: str, work: Callable[[], T]) -> T:
    """What the work gives, worked out now among few people, or where nobody did before; else what it gave last.

    What is old is worked out anew in the background.
    """
    if are_few():
        return work()
    found = kept(name)
    if found is None:
        found = Kept(work(), timezone.now())
        keep(name, found.value)
    elif found.is_old:
        begin(name, lambda: keep(name, work()))
    value: T = found.value
    return value


def begin(name: str, work: Callable[[], object]) -> None:
    """Have the work of that name done in the background, unless it is under way."""
    if cache.add(_busy(name), "yes", _BUSY):
        Thread(target=_run, args=(name, work), name=name, daemon=True).start()


def is_busy(name: str) -> bool:
    """Whether the work of that name is under way; or it failed, and is not tried again yet."""
    return cache.get(_busy(name)) is not None


def _run(name: str, work: Callable[[], object]) -> None:
    try:
        with _AT_ONCE:
            work()
        cache.delete(_busy(name))
    except (BroadsheetError, DatabaseError):
        log.exception("What pages wait for could not be worked out: %s", name)
    finally:
        connections.close_all()


def _key(name: str) -> str:
    return f"console:{name}"


def _busy(name: str) -> str:
    return f"{_key(name)}:busy"
