"""What an adapter answers for one mail."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Result(StrEnum):
    """How handing one mail over ended."""

    #: the next server took it
    SENT = "sent"
    #: refused for now; try again later
    DEFERRED = "deferred"
    #: refused for good
    FAILED = "failed"
    #: the connection ended after the mail went out and before the reply: nobody can say
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Again:
    """A call that its idempotency key lets us make again: it sends nothing twice."""

    together: tuple[int, ...]
    """The deliveries whose mails it held, in the order of their ids."""
    until: datetime
    """Until when the key lasts."""


@dataclass(slots=True)  # a frozen one takes 3 us more to make, for each mail
class Outcome:
    """The answer for one delivery."""

    delivery_id: int
    result: Result
    reply: str = ""
    """The server's words; empty for ``sent``."""
    dead: bool = False
    """Whether the reply says that the address does not exist."""
    retry_after: float | None = None
    """Of ``deferred``: the seconds after which the server wants it again; None if it did not say."""
    attempted: bool = True
    """False of ``deferred``: it was not looked at (no connection, too many calls), so no try of it is used up."""
    asked: bool = True
    """Whether a server was asked at all; what a reader's own data kept back says nothing about their address."""
    again: Again | None = None
    """Of ``unknown``: the call that may be made again."""
