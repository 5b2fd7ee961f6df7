"""One thing that was looked at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """A record of the DNS, to be pasted where the domain is run."""

    name: str
    kind: str
    value: str


@dataclass(frozen=True)
class Check:
    """What was looked at, whether it is well, and what was found or is to be changed."""

    check: str
    ok: bool
    detail: str
    record: Record | None = None
    """What to publish, where that is known exactly."""
