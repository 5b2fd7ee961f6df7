"""A mail on its way, and what becomes of it on one connection."""

from collections.abc import Sequence
from enum import Enum

from broadsheet.sending.adapters.smtp.envelope import Content
from broadsheet.stamping import Mail


class Verdict(Enum):
    """What became of a letter on one connection."""

    #: the server took it
    TAKEN = "taken"
    #: the server refused it; ``letter.refusal`` has its words
    REFUSED = "refused"
    #: it certainly was not accepted: it may go out again
    UNTOUCHED = "untouched"
    #: its data may have been complete, and no reply came
    UNKNOWN = "unknown"


class Letter:
    """A mail on its way, over one connection or, if that breaks too early, several."""

    __slots__ = (
        "content",
        "end",
        "form",
        "mail",
        "mail_command",
        "noted",
        "rcpt_command",
        "recipient_taken",
        "refusal",
        "size",
        "tries",
        "waits_since",
    )

    def __init__(self, mail: Mail) -> None:
        self.mail = mail
        self.tries = 0
        #: since when it waits for a connection, on the monotonic clock
        self.waits_since = 0.0
        #: whether an attempt of it was ever noted
        self.noted = False
        #: its content with the signature that was made ahead, if there is one
        self.form: Content | None = None
        self.forget()

    def forget(self) -> None:
        """Forget what another connection said of it."""
        self.refusal = ""
        self.recipient_taken = False
        #: where its data end in the stream of bytes; -1 while they are not in it
        self.end = -1
        self.content: Sequence[bytes] = ()
        self.size = 0
        self.mail_command = self.rcpt_command = b""
