"""The form of a provider's row: how it is asked, and how its answers are read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final


class Verdict(StrEnum):
    """What an answer means for one mail."""

    #: it was taken
    TAKEN = "taken"
    #: refused for now
    DEFER = "defer"
    #: too many calls: not looked at; the next ones wait as long as the answer says
    WAIT = "wait"
    #: refused for good. No server of the reader's was asked, so it says of no address that it is dead
    FAIL = "fail"
    #: it may have been taken or not
    UNKNOWN = "unknown"
    #: no mail will be taken until a person has put something right: a bad key, a suspended account
    STOP = "stop"
    #: no mail will be taken for a while: the day's quota is used up
    QUOTA = "quota"


#: What a status means unless the provider's own code says more.
BY_STATUS: Final[Mapping[int, Verdict]] = {
    **dict.fromkeys((401, 402, 403, 404, 405), Verdict.STOP),
    **dict.fromkeys((301, 302, 303, 307, 308), Verdict.STOP),  # the wrong address of the API
    **dict.fromkeys((408, 425, 500, 503), Verdict.DEFER),
    **dict.fromkeys((420, 429), Verdict.WAIT),
    **dict.fromkeys((502, 504), Verdict.UNKNOWN),  # a gateway's: what is behind it may have taken the mail
}
ANY: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True)
class Answers:
    """Where an answer's JSON says what; a path is ``errors.0.code``, its parts keys and positions."""

    taken: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """What must be there, with which values, or any, when a mail was taken."""
    code: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    fine: frozenset[str] = frozenset()
    """Codes that are none."""
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    phrases: tuple[tuple[str, Verdict], ...] = ()
    """Patterns in the words, in any case, that say more than the code."""

    def of_words(self, words: str) -> Verdict | None:
        """What the words mean, if they are known."""
        return next((verdict for text, verdict in self.phrases if re.search(text, words, re.IGNORECASE)), None)


@dataclass(frozen=True)
class Batch:
    """A call that takes several mails, each with content of its own."""

    path: str
    most: int
    into: str = ""
    """The key that the list of mails stands under; empty: the list is the whole."""
    answers: str = ""
    """The path of the list of answers, in the mails' order; empty: the list is the whole."""
    status: str = ""
    """In each answer: the path of a status of its own."""


@dataclass(frozen=True)
class Key:
    """An idempotency key: a call that carries it again sends nothing twice."""

    header: str
    in_body: bool
    """Whether it goes among the mail's headers in the body, or among the request's."""
    lasts: timedelta


@dataclass(frozen=True)
class Login:
    """The cheapest call that shows that the key works, and sends nothing."""

    path: str
    method: str = "GET"
    body: Mapping[str, str] | None = None
    """What is posted; ``{api_key}`` stands for that setting."""
    works: frozenset[str] = frozenset()
    """Statuses and codes of refusals that only a working key gets: it may send, and nothing else."""
    says: tuple[tuple[str, str], ...] = ()
    """What is worth telling of the answer: a word for it, and its path."""


@dataclass(frozen=True)
class Hook:
    """Its webhooks: anymail's view, and the argument of it that takes ``webhook_secret``."""

    view: str
    secret: str = "webhook_secret"  # noqa: S105  the name that anymail gives to basic auth, user:password
    signed_by_sns: bool = False
    """Whether Amazon SNS carries its calls, and signs each."""


@dataclass(frozen=True)
class Provider:
    """One provider."""

    title: str
    backend: str
    """The module of anymail's backend."""
    options: Mapping[str, str]
    """Arguments of the backend, and the settings they come from."""
    answers: Answers
    login: Login
    hook: Hook
    batch: Batch | None = None
    key: Key | None = None
    metadata: bool = True
    """Whether it hands our numbers back with its events; if not, events are matched by tag and address."""
    tracking: bool = True
    """Whether it can be told, mail by mail, to leave links and pictures alone."""
    adds: Mapping[str, str] = field(default_factory=dict)
    """Headers that make it keep ours."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """Fields of the call, and the settings they come from."""
