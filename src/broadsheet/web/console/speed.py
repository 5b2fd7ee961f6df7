"""How fast an edition goes out, from one look at it to the next. The page carries the last look along."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import isfinite
from urllib.parse import urlencode

#: How much of the rate is what it was before: a batch that ends in this second is no leap.
STEADY = 0.7
#: Seconds after which the last look says nothing about now.
STALE = 30.0


@dataclass(frozen=True)
class Speed:
    """One look: copies done, when, and copies a second as far as anybody can tell."""

    done: int
    at: float
    rate: float = 0.0

    @classmethod
    def of(cls, given: Mapping[str, str], done: int, now: float) -> "Speed":
        """The look of now, after the one that ``given`` (an address's query) tells of."""
        try:
            had, at, rate = (float(given[name]) for name in ("had", "at", "rate"))
        except (KeyError, ValueError):
            return cls(done, now)
        passed = now - at
        if not all(map(isfinite, (had, at, rate))) or not 0 < passed < STALE or done < had:
            return cls(done, now)
        lately = (done - had) / passed
        return cls(done, now, STEADY * rate + (1 - STEADY) * lately if rate > 0 and lately else lately)

    @property
    def query(self) -> str:
        """The look, for the next one's address."""
        return urlencode({"had": self.done, "at": f"{self.at:.3f}", "rate": f"{self.rate:.3f}"})

    def left(self, waiting: int) -> timedelta | None:
        """How long so many copies take; None if nobody can tell."""
        return timedelta(seconds=round(waiting / self.rate)) if self.rate > 0 else None
