"""What lies between the ledger and an adapter: mails to take, attempts to note, answers to give back."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from broadsheet.sending.outcome import Outcome
from broadsheet.stamping import Mail


class Tray(Protocol):
    """Mails that wait for an adapter. One thread takes from it; answers may come from several.

    An adapter may poll ``take`` and ``ended`` every few milliseconds, from inside an event loop: both answer at once.
    """

    def take(self, limit: int) -> Sequence[Mail]:
        """Up to ``limit`` mails that may leave now; none when nothing may at this moment."""

    def ended(self) -> bool:
        """Whether no mail will come any more."""

    def stopped(self) -> bool:
        """Of one that has ended: whether its sender was told to stop, so that what was taken need not leave."""

    def wait(self, seconds: float) -> None:
        """Return when there may be mail to take, at the latest after ``seconds``."""

    def may_leave(self, mail: Mail) -> bool:
        """Whether a mail that was taken a while ago may still go on the wire; if not, it is answered as put off."""

    def attempt(self, mail: Mail) -> None:
        """Note that the mail is about to go on the wire, where a crash can't lose it. Called before its data, and
        once more if it goes out again because the first try certainly did not arrive (its connection was cut).
        """

    def attempt_together(self, mails: Sequence[Mail]) -> None:
        """The same of mails that go out in one call, whose idempotency key is good for all of them together."""

    def answer(self, outcome: Outcome) -> None:
        """Give back what was answered for a mail that was taken; exactly once for each."""


class Handful:
    """A tray of mails that are ready already, for proofs and notices; their answers are in ``outcomes``."""

    def __init__(self, mails: Iterable[Mail]) -> None:
        self._waiting = deque(mails)
        self.outcomes: list[Outcome] = []

    def take(self, limit: int) -> list[Mail]:
        """The next mails."""
        return [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]

    def ended(self) -> bool:
        """Whether all were taken."""
        return not self._waiting

    def stopped(self) -> bool:
        """Nobody tells it to."""
        return False

    def wait(self, seconds: float) -> None:
        """Nothing more will come."""

    def may_leave(self, mail: Mail) -> bool:
        """It may: whoever made the handful has just looked."""
        return True

    def attempt(self, mail: Mail) -> None:
        """Nothing is kept of a handful."""

    def attempt_together(self, mails: Sequence[Mail]) -> None:
        """Nothing is kept of a handful."""

    def answer(self, outcome: Outcome) -> None:
        """One more answer."""
        self.outcomes.append(outcome)


def each(tray: Tray) -> Iterator[Mail]:
    """The tray's mails one after the other until it has ended, for adapters that hand over one at a time."""
    while not tray.ended():
        mails = tray.take(1)
        yield from mails
        if not mails:
            tray.wait(0.5)
