"""What a message that came back says."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from broadsheet.models import BounceClass

#: Header-like fields by lower-case name, the first of each name.
Fields = Mapping[str, str]


class Kind(StrEnum):
    """What a message is."""

    #: a copy was refused for good
    BOUNCE = "bounce"
    #: a reader reported a copy as spam
    COMPLAINT = "complaint"
    #: out of office, vacation, receipts, challenges: a machine that answered for a reader
    AUTO_REPLY = "auto-reply"
    #: a copy arrived: delivered, relayed or expanded
    DELIVERED = "delivered"
    #: anything else: a person's answer, a copy that is merely late, advertisements
    OTHER = "other"


@dataclass(frozen=True)
class Recipient:
    """One address that a message speaks of."""

    address: str
    """Empty where the message names none; a signed word may say whose copy it was all the same."""
    cause: BounceClass
    status: str = ""
    """RFC 3463, such as ``5.1.1``; empty if none was given."""
    reply: str = ""
    """The server's words, in one line."""


@dataclass(frozen=True)
class Report:
    """A message, understood as far as it can be."""

    kind: Kind
    recipients: tuple[Recipient, ...] = ()
    words: tuple[tuple[str, str], ...] = ()
    """What may be signed words of ours, by purpose, the surest first: VERP, Message-ID, links."""
    addressed_to: tuple[str, ...] = ()
    """Whom the message itself was for."""
    sender: str = ""
    """Who says they sent it."""
    message_id: str = ""
