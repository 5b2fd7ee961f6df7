"""What one sender has in hand: claimed copies that wait, those an adapter has taken, and the answers to be recorded.

The ledger's thread puts copies in and takes answers out; the adapter's thread takes and answers. What both touch are
deques and dicts, whose single operations are whole.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event

from broadsheet.audience import Reader
from broadsheet.errors import UnstampableReader
from broadsheet.sending.claims import Row
from broadsheet.sending.journal import Journal, call_of
from broadsheet.sending.outcome import Outcome, Result
from broadsheet.sending.pace import Moments
from broadsheet.stamping import Mail, Stamp

#: A copy leaves at most so many seconds after its reader's consent was looked at.
FRESH = 0.45


@dataclass(slots=True, eq=False)
class Copy:
    """One reader's copy in hand."""

    row: Row
    reader: Reader
    claim: int
    looked: float
    """When consent was looked at, on the monotonic clock."""
    slot: int = -1
    """Where its attempt is noted; -1: it was not attempted."""
    refused: bool = False
    """Whether its reader was found not to want it after it was taken."""


@dataclass
class Hand:
    """The tray of a sender."""

    journal: Journal
    stamp_of: Callable[[int, Reader], Stamp]
    go_on: Callable[[], bool] = lambda: True
    """Asked each time, as whoever would end the hand may wait for a database."""
    pace: Moments | None = None
    """When messages may go; None for as fast as they can."""
    domain_pace: Mapping[str, Moments] = field(default_factory=dict)
    ready: deque[Copy] = field(default_factory=deque)
    by_domain: dict[str, deque[Copy]] = field(default_factory=dict)
    out: dict[int, Copy] = field(default_factory=dict)
    answers: deque[tuple[Copy, Outcome]] = field(default_factory=deque)
    good_until: float = 0.0
    """Nothing leaves after this: another machine may take this sender for dead soon."""
    low: int = 0
    """The ledger is woken when fewer copies than this are ready."""
    many: int = 500
    """The ledger is woken when so many answers wait."""
    wake: Event = field(default_factory=Event)
    _more: Event = field(default_factory=Event)
    _over: bool = False
    _stopped: bool = False
    _dated: tuple[int, datetime] = (0, datetime.now(UTC))

    # The ledger's side

    def put(self, copies: Sequence[Copy]) -> None:
        """More copies to take."""
        for copy in copies:
            domain = copy.reader.email.rpartition("@")[2].lower() if self.domain_pace else ""
            if domain in self.domain_pace:
                self.by_domain.setdefault(domain, deque()).append(copy)
            else:
                self.ready.append(copy)
        self._more.set()

    def end(self) -> None:
        """Nothing more will be taken."""
        self._over = True
        self._more.set()

    def stop(self) -> None:
        """Nothing leaves any more, nor is anybody's consent looked at again."""
        self._stopped = True
        self.end()

    def nudge(self) -> None:
        """Something may leave that could not before."""
        self._more.set()

    def waiting(self) -> int:
        """How many copies have not been taken."""
        return len(self.ready) + sum(len(each) for each in self.by_domain.values())

    def queues(self) -> list[deque[Copy]]:
        """Where copies wait."""
        return [self.ready, *self.by_domain.values()]

    def remove(self, copy: Copy) -> bool:
        """Take a copy back; False if it was taken meanwhile."""
        for queue in self.queues():
            try:
                queue.remove(copy)
            except (ValueError, IndexError):  # IndexError: somebody took another one at that moment
                continue
            return True
        return False

    # The adapter's side: the tray

    def take(self, limit: int) -> list[Mail]:
        """Up to ``limit`` copies that may leave now, stamped."""
        now = time.monotonic()
        if self.ended() or now > self.good_until:
            return []
        limit = min(limit, self.journal.free)
        date = self._date()
        mails: list[Mail] = []
        while len(mails) < limit and (copy := self._next(now)) is not None:
            row, reader = copy.row, copy.reader
            self.out[row.id] = copy
            try:
                mails.append(self.stamp_of(row.variant, reader)(reader, delivery_id=row.id, now=date))
            except UnstampableReader as error:
                words = f"their data can't go into this mail: {error}"[:300]
                self.answer(Outcome(row.id, Result.FAILED, words, asked=False))
        if len(self.ready) < self.low and not self.wake.is_set():
            self.wake.set()
        return mails

    def _date(self) -> datetime:
        """The moment, to the second: the same object all through it, so that it is written out once."""
        second = int(time.time())
        if self._dated[0] != second:
            self._dated = (second, datetime.fromtimestamp(second, UTC))
        return self._dated[1]

    def _next(self, now: float) -> Copy | None:
        if self.pace is not None and not self.pace.ready(now):
            return None
        for domain, queue in self.by_domain.items() if self.by_domain else ():
            if queue and self.domain_pace[domain].ready(now) and (copy := self._popped(queue, now)):
                self.domain_pace[domain].take(now)
                return copy
        return self._popped(self.ready, now)

    def _popped(self, queue: deque[Copy], now: float) -> Copy | None:
        try:
            copy = queue.popleft()
        except IndexError:
            return None
        if now - copy.looked > FRESH:
            queue.appendleft(copy)
            self.wake.set()
            return None
        if self.pace is not None:
            self.pace.take(now)
        return copy

    def ended(self) -> bool:
        """Whether nothing will leave any more."""
        return self._over or not self.go_on()

    def stopped(self) -> bool:
        """Whether the sender was told to stop."""
        return self._stopped or not self.go_on()

    def wait(self, seconds: float) -> None:
        """Return when there may be more, at the latest after ``seconds``."""
        if self.ready and self.pace is None and time.monotonic() <= self.good_until:
            return
        self._more.wait(min(seconds, 0.02) if self.pace is not None or self.by_domain else seconds)
        self._more.clear()

    def may_leave(self, mail: Mail) -> bool:
        """Whether the reader's consent was looked at lately, and was there: its connection may have broken long ago."""
        copy = self.out[mail.delivery_id]
        return not copy.refused and time.monotonic() - copy.looked <= FRESH

    def attempt(self, mail: Mail) -> None:
        """Note in the journal that the mail's data is about to leave."""
        copy = self.out[mail.delivery_id]
        if copy.slot < 0:
            copy.slot = self.journal.attempt(mail.delivery_id)

    def attempt_together(self, mails: Sequence[Mail]) -> None:
        """Note in the journal that these mails are about to leave in one call."""
        call = call_of(mail.delivery_id for mail in mails)
        for mail in mails:
            copy = self.out[mail.delivery_id]
            if copy.slot < 0:
                copy.slot = self.journal.attempt(mail.delivery_id, call)

    def answer(self, outcome: Outcome) -> None:
        """Keep the answer, in the journal as well if there was an attempt."""
        copy = self.out.pop(outcome.delivery_id)
        if copy.slot >= 0:
            self.journal.answer(copy.slot, outcome)
        self.answers.append((copy, outcome))
        if len(self.answers) >= self.many and not self.wake.is_set():
            self.wake.set()
