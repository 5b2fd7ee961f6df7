"""The settings of what comes back: mailboxes, a listener, and when an address is given up."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic.dataclasses import dataclass

from broadsheet.conf.forms import STRICT, Span


@dataclass(frozen=True, config=STRICT, kw_only=True)
class BounceMailbox:
    """``[bounces.mailboxes.NAME]``: what IMAP and POP3 have in common."""

    host: str = Field(description="The server's name.")
    security: Literal["none", "starttls", "tls"] = Field(
        default="tls", description="`none` (loopback only), `starttls` or `tls`; certificates are checked."
    )
    user: str = Field(description="Login name.")
    password: SecretStr | None = Field(default=None, description="Its password; from the environment only.")
    timeout: float = Field(default=60.0, gt=0, le=600, description="Seconds to wait for an answer.")


@dataclass(frozen=True, config=STRICT, kw_only=True)
class ImapMailbox(BounceMailbox):
    """``kind = "imap"``."""

    kind: Literal["imap"] = Field(description="Reports are read from a folder by IMAP.")
    port: int = Field(default=993, ge=1, le=65535, description="The server's port.")
    folder: str = Field(default="INBOX", description="The folder that reports arrive in.")
    after: Literal["keep", "delete", "move"] = Field(
        default="keep", description="What becomes of a message once it is recorded: `keep`, `delete` or `move`."
    )
    move_to: str = Field(default="Recorded", description="The folder that `move` moves it to; made if it is not there.")


@dataclass(frozen=True, config=STRICT, kw_only=True)
class Pop3Mailbox(BounceMailbox):
    """``kind = "pop3"``."""

    kind: Literal["pop3"] = Field(description="Reports are read by POP3.")
    port: int = Field(default=995, ge=1, le=65535, description="The server's port.")
    after: Literal["keep", "delete"] = Field(
        default="keep", description="What becomes of a message once it is recorded: `keep` or `delete`."
    )


AnyMailbox = Annotated[ImapMailbox | Pop3Mailbox, Field(discriminator="kind")]
MAILBOX_KINDS: dict[str, type] = {"imap": ImapMailbox, "pop3": Pop3Mailbox}


@dataclass(frozen=True, config=STRICT, kw_only=True)
class Bounces:
    """``[bounces]``: what is done with what comes back."""

    suppress_after: int = Field(
        default=5,
        ge=0,
        le=100,
        description="Copies in a row that came back, whatever for, before an address is suppressed; 0: never.",
    )
    every: Span = Field(
        default=timedelta(minutes=5), description="Time between two looks into the mailboxes, such as `5m`."
    )
    keep: Span = Field(default=timedelta(days=30), description="How long the messages themselves are kept here.")
    listen: str = Field(
        default="", description="Where `broadsheet run` takes reports by SMTP or LMTP, such as `127.0.0.1:2424`."
    )
    protocol: Literal["smtp", "lmtp"] = Field(default="smtp", description="What is spoken there: `smtp` or `lmtp`.")
    addresses: tuple[str, ...] = Field(
        default=(), description="Addresses it takes beside those that hold a word signed here, such as a loop's."
    )
    mailboxes: dict[str, AnyMailbox] = Field(
        default_factory=dict, description="Mailboxes that reports arrive in, by name."
    )
