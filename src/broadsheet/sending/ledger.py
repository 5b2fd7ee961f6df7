"""The ledger's side of a drain: round after round, answers are recorded and copies claimed."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.db import InterfaceError, OperationalError, connection, connections, transaction
from django.utils import timezone

from broadsheet import conf, editions
from broadsheet.audience import Reader, Target, may_receive, readers
from broadsheet.errors import WrongState
from broadsheet.models import Edition, EditionState
from broadsheet.sending import claims, doubts, logs
from broadsheet.sending.adapters import Adapter
from broadsheet.sending.breaker import Breaker
from broadsheet.sending.claims import LEASE, Claimed
from broadsheet.sending.hand import FRESH, Copy, Hand
from broadsheet.sending.journal import Journal
from broadsheet.sending.outcome import Outcome, Result
from broadsheet.sending.pacing import Pacer
from broadsheet.sending.recovery import Record
from broadsheet.sending.stamps import Stamps
from broadsheet.sending.turns import in_turns
from broadsheet.sending.verdict import Tried
from broadsheet.stamping import LinkSigner

log = logging.getLogger(__name__)

#: Seconds between two rounds when nothing hurries them.
ROUND = 0.2
#: Seconds of sending that are claimed ahead, and the fewest and the most copies that may be.
AHEAD, FEWEST, MOST = 0.3, 200, 2000
#: Seconds over which the rate of sending is smoothed.
SMOOTH = 0.5
#: Seconds before a lease's end in which nothing leaves any more, and between two renewals.
MARGIN, RENEWAL = 15.0, 10.0
#: Copies are looked at again before they are older than :data:`~broadsheet.sending.hand.FRESH`.
STALE = 0.2
#: Tries to reach the database before a sender that is told to stop leaves the rest to its journal.
LAST_TRIES = 4
UNANSWERED = "the adapter stopped before it was answered"


@dataclass(frozen=True)
class Batch:
    """What one round recorded."""

    outcomes: tuple[Outcome, ...]
    set_aside: int = 0
    """Copies that were not sent after a last look at consent and suppression."""
    held_until: datetime | None = None
    """When the pace lets messages go again, if a cap is used up and the drain ends for that."""


@dataclass(frozen=True)
class Job:
    """An edition to send, through what, by which rules."""

    edition: Edition
    adapter: Adapter
    signer: LinkSigner
    #: the folder of journals
    journals: Path
    rules: conf.Sending = field(default_factory=conf.Sending)
    pace: conf.Pace = field(default_factory=conf.Pace)


class Ledger:
    """One sender of an edition. All but :meth:`deliver` is for one thread, whose database connection it uses."""

    def __init__(self, job: Job, record: Record, go_on: Callable[[], bool]) -> None:
        edition = job.edition
        self._job, self._record = job, record
        self._sender = claims.sender_name(edition.pk)
        self._stamps = Stamps(edition, job.signer)
        self._target = Target(edition.list_name, at=edition.scheduled_for, edition_id=edition.pk)
        self._pacer = Pacer(edition.adapter, job.pace)
        self._breaker = Breaker(job.rules)
        journal = Journal(job.journals, self._sender)
        self.hand = Hand(journal, self._stamps.of, go_on, self._pacer.overall, self._pacer.domains)
        self.fault: BaseException | None = None
        self.finished = self._delivered = self._halted = self._in_doubt = False
        self._left: dict[int, int] = {}  # claims, and how many of their copies have no outcome yet
        self._unloaded: Claimed | None = None
        self._after, self._failures = claims.FIRST, 0
        self._renewed = self._measured = self._ask_at = time.monotonic()
        self._asked_empty = False
        self._rate = 0.0
        self._set_lease(self._renewed)

    # The adapter's thread

    def deliver(self) -> None:
        """Let the adapter take and answer until the hand has ended."""
        try:
            self._job.adapter.deliver(self.hand)
        except BaseException as error:  # noqa: BLE001  raised again by drain, in the caller's thread
            self.fault = error
        finally:
            connections.close_all()
            self._delivered = True
            self.hand.end()
            self.hand.wake.set()

    # The ledger's thread

    def rest(self) -> None:
        """Wait for the next round: until something wants it, or, without the database, a while."""
        if self._failures:
            time.sleep(min(0.05 * 2.0**self._failures, 1.0))
        else:
            self.hand.wake.wait(self._pacer.pause(ROUND))
            self.hand.wake.clear()

    def halt(self) -> None:
        """Let nothing more leave."""
        self._halted = True
        self.hand.stop()

    def round(self) -> Batch | None:
        """One round; what it recorded. A database that can't be reached is tried again in the next."""
        try:
            batch = self._round()
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block:  # somebody else's transaction, so theirs to handle
                raise
            self._failures, self._in_doubt = min(self._failures + 1, 10), True
            logs.database(self._job.edition.pk, self._sender, error)
            connection.close()
            self.finished = self._delivered and self._failures >= LAST_TRIES
            return None
        self._failures = 0
        return batch

    def _round(self) -> Batch | None:
        last = self._delivered  # asked before the answers are looked at: nothing comes after it
        answers = self._answers()
        self._measure(len(answers))
        if self._unloaded:
            self._load(self._unloaded)
        want = self._wanted()
        state, claimed = self._write(answers, want)
        self._settled(answers)
        aside = self._load(claimed) if claimed else 0
        if state != EditionState.SENDING:
            self.halt()
        aside += self._look_again()
        self._trip(answers)
        held_until = self._pacer.reserve(self.hand) if not self._halted else None
        if held_until or (want and not claimed and not self.hand.waiting() and not self._pacer.more_to_come()):
            self.hand.end()
        self.finished = last
        if answers or aside or held_until:
            return Batch(tuple(outcome for _, outcome in answers), aside, held_until)
        return None

    def _answers(self) -> list[tuple[Copy, Outcome]]:
        """What was answered and is not recorded yet; it stays there until it is."""
        return [self.hand.answers[index] for index in range(len(self.hand.answers))]

    def _measure(self, answered: int) -> None:
        """How fast copies leave; so many seconds of that are kept in hand."""
        now = time.monotonic()
        seconds, self._measured = max(now - self._measured, 0.01), now
        share = min(1.0, seconds / SMOOTH)
        self._rate = self._rate * (1 - share) + answered / seconds * share
        ahead = max(FEWEST, min(MOST, int(self._rate * AHEAD)))
        self._ahead = min(ahead, self._pacer.most(ahead))
        self.hand.low = self._ahead // 2 if now >= self._ask_at else 1
        self.hand.many = max(50, self._ahead)

    def _wanted(self) -> int:
        """How many copies to claim now."""
        waiting = self.hand.waiting()
        now = time.monotonic()
        if self._halted or self._unloaded or waiting > self._ahead // 2:
            return 0
        if now < self._ask_at and (waiting or self._asked_empty):
            return 0  # nothing was due a moment ago
        return self._ahead - waiting

    def _write(self, answers: Sequence[tuple[Copy, Outcome]], want: int) -> tuple[str, Claimed | None]:
        """Record answers and claim what is wanted, in one transaction; the edition's state, and the claim."""
        pk, now = self._job.edition.pk, time.monotonic()
        renew = now - self._renewed > RENEWAL or self._in_doubt
        if not (answers or want or renew):
            return claims.state_of(pk), None
        claimed = None
        with transaction.atomic():
            kept = claims.keep(list(self._left)) if renew else set(self._left)
            if self._in_doubt:
                claims.let_go_all(self._sender, but=kept)
            self._judge(answers, kept)
            claims.let_go([claim for claim, left in self._after_these(answers).items() if not left])
            state, clock = claims.locked_state(pk)
            if want and state == EditionState.SENDING:
                claimed = claims.take_stretch(pk, self._sender, want, self._after, clock)
        if renew:
            self._drop_lost(kept)
            self._renewed, self._in_doubt = now, False
            self._set_lease(now)
        if claimed:
            self._after, self._left[claimed.pk] = claimed.end, len(claimed.rows)
        elif want:
            self._ask_at, self._asked_empty = now + ROUND, not self.hand.waiting()
        return state, claimed

    def _judge(self, answers: Sequence[tuple[Copy, Outcome]], kept: set[int]) -> None:
        if not answers:
            return
        before = {
            copy.row.id: Tried(copy.row.attempts, copy.row.deferred_since)
            for copy, outcome in answers
            if outcome.result is not Result.SENT
        }
        outcomes = [outcome for _, outcome in answers]
        verdicts = claims.judged(self._job.edition, outcomes, before, self._job.rules)
        claims.record(verdicts, lost=[copy.row.id for copy, _ in answers if copy.claim not in kept])
        if any(outcome.again for outcome in outcomes):
            doubts.keep_calls(self._job.edition.pk, outcomes, timezone.now() + doubts.REST)
        self._record(outcomes)

    def _after_these(self, answers: Sequence[tuple[Copy, Outcome]]) -> dict[int, int]:
        left = dict(self._left)
        for copy, _ in answers:
            if copy.claim in left:
                left[copy.claim] -= 1
        return left

    def _settled(self, answers: Sequence[tuple[Copy, Outcome]]) -> None:
        """The database has these."""
        self._left = {claim: left for claim, left in self._after_these(answers).items() if left}
        for _ in answers:
            self.hand.answers.popleft()
        self.hand.journal.done([copy.slot for copy, _ in answers if copy.slot >= 0])
        logs.outcomes(self._job.edition.pk, answers)

    def _drop_lost(self, kept: set[int]) -> None:
        """Forget copies whose claim another machine has ended; what did not leave goes back into the queue."""
        lost = self._left.keys() - kept
        waiting = [copy for queue in self.hand.queues() for copy in list(queue) if copy.claim in lost]
        never_left = [copy.row.id for copy in waiting if self.hand.remove(copy)]
        if lost or self._in_doubt:
            doubts.came_back(self._sender, self._left.keys(), never_left)
        for claim in lost:
            del self._left[claim]

    def _set_lease(self, since: float) -> None:
        self.hand.good_until = since + LEASE.total_seconds() - MARGIN

    def _load(self, claimed: Claimed) -> int:
        """Put the claimed copies into the hand; how many were set aside instead."""
        self._unloaded = claimed
        looked = time.monotonic()
        people: dict[int, Reader] = {}
        refused: dict[int, str] = {}
        for ids in in_turns([row.subscriber for row in claimed.rows]):
            people |= readers(ids)
            refused |= may_receive(ids, self._target)
        aside: dict[int, str] = {}
        held: dict[int, datetime] = {}
        in_hand = {copy.row.variant for queue in self.hand.queues() for copy in list(queue)}
        self._stamps.make_ready({row.variant for row in claimed.rows}, in_hand)
        copies = []
        for row in claimed.rows:
            if row.subscriber in refused or row.subscriber not in people:
                aside[row.id] = refused.get(row.subscriber, "erased")
            else:
                copies.append(Copy(row, people[row.subscriber], claimed.pk, looked))
        if self._pacer.domains:
            copies, held = self._pacer.hold_back(self.hand, copies)
        with transaction.atomic():
            claims.set_aside(aside)
            claims.put_off(held)
        self._drop(claimed.pk, len(aside) + len(held))
        self.hand.put(copies)
        self._unloaded = None
        return len(aside)

    def _drop(self, claim: int, number: int) -> None:
        """So many copies of the claim are settled without an answer."""
        if not number:
            return
        self._left[claim] -= number
        if not self._left[claim]:
            del self._left[claim]
            claims.let_go([claim])

    def _look_again(self) -> int:
        """Look again at consent for copies that lie in hand, or wait for a connection; how many were set aside."""
        now = time.monotonic()
        stale = [copy for queue in self.hand.queues() for copy in self._stale(list(queue), now)]
        stale += [copy for copy in list(self.hand.out.values()) if now - copy.looked > STALE]
        if not stale or self._halted:
            return 0
        refused = may_receive([copy.row.subscriber for copy in stale], self._target)
        aside = {}
        for copy in stale:
            reason = refused.get(copy.row.subscriber)
            copy.refused = reason is not None
            if reason is None:
                copy.looked = now
            elif self.hand.remove(copy):
                aside[copy.row.id] = reason
                self._drop(copy.claim, 1)
        claims.set_aside(aside)
        self.hand.nudge()
        return len(aside)

    def _stale(self, queue: Sequence[Copy], now: float) -> list[Copy]:
        """The copies that are old, but those that leave before they are too old, at the rate of the last moments."""
        soon = int(self._rate * (FRESH - STALE) / 2)
        return [
            copy
            for place, copy in enumerate(queue)
            if now - copy.looked > STALE and (place > soon or now - copy.looked > (STALE + FRESH) / 2)
        ]

    def _trip(self, answers: Sequence[tuple[Copy, Outcome]]) -> None:
        """Pause the edition if too much fails."""
        if self._halted or not (why := self._breaker.after(outcome for _, outcome in answers)):
            return
        self.halt()
        pause(self._job.edition.pk, why)

    def close(self, *, ended: bool) -> Batch | None:
        """Record the rest and let go of what is left; unless the adapter's thread goes on, which then fails."""
        if self._unloaded:  # it goes back into the queue
            self._left.pop(self._unloaded.pk, None)
        self._unloaded = None
        whole, batch = False, None
        try:
            batch = self._rest(ended=ended)
            whole = ended and not self._failures
            if whole:
                claims.let_go_all(self._sender)
                self._pacer.give_back()
        finally:
            self.hand.journal.close(keep=not whole)
        return batch

    def _rest(self, *, ended: bool) -> Batch | None:
        batch = None
        for copy in list(self.hand.out.values()) if ended else ():
            if copy.slot >= 0:
                self.hand.answer(Outcome(copy.row.id, Result.UNKNOWN, UNANSWERED))
        for _ in range(LAST_TRIES):
            batch = self.round() or batch
            if not self._failures:
                break
            self.rest()
        return batch


def pause(edition_id: int, why: str) -> None:
    """Pause an edition that can't go on; somebody has to look at it."""
    edition = Edition.objects.get(pk=edition_id)
    try:
        if edition.state == EditionState.SENDING:
            editions.move(edition, EditionState.PAUSED, who="send", why=why)
    except WrongState:  # somebody else was quicker
        log.info("edition=%s is %s already", edition_id, edition.state)
