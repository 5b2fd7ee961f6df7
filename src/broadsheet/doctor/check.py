"""One thing that was looked at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """What was looked at, whether it is well, and what was found or is to be changed."""

    check: str
    ok: bool
    detail: str
