"""A sender's part of the pace: how many moments it reserves, and copies that it must put off."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from broadsheet.conf import Pace
from broadsheet.sending.hand import Copy, Hand
from broadsheet.sending.pace import SLICE, Moments, give_back, reserve

#: A sender waits so many seconds for a cap to let messages go; for longer, its drain ends.
WORTH_WAITING = 30.0
#: Seconds of a domain's messages that are kept in hand; what is more is put off.
KEPT = 2.0


class Pacer:
    """The pace of one sender; it does nothing where none is set."""

    def __init__(self, adapter: str, pace: Pace) -> None:
        self._adapter, self._pace = adapter, pace
        capped = bool(pace.per_second or pace.per_hour or pace.per_day or pace.warm_up)
        self.overall = Moments(pace.per_second) if capped else None
        self.domains = {name: Moments(rate) for name, rate in pace.domains.items()}
        self._put_off_until = dict.fromkeys(pace.domains, 0.0)

    def pause(self, seconds: float) -> float:
        """Seconds between two rounds: fewer where moments must be reserved in time."""
        return min(seconds, SLICE / 4) if self._pace.limited else seconds

    def most(self, copies: int) -> int:
        """How many copies are worth having in hand at the most."""
        rate = self._pace.per_second
        return max(2, min(copies, int(rate * 2 * SLICE) + 1)) if rate else copies

    def more_to_come(self) -> bool:
        """Whether copies that were put off come back soon."""
        return any(until > time.time() for until in self._put_off_until.values())

    def reserve(self, hand: Hand) -> datetime | None:
        """Reserve moments for what is in hand. When to go on, if a cap is used up and waiting is not worth it."""
        now = time.monotonic()
        for name, moments in self.domains.items():
            waiting = len(hand.by_domain.get(name, ()))
            wanted = waiting - len(moments)
            if wanted > 0 and moments.wants(now, self._pace.domains[name]):
                moments.add(reserve(self._adapter, self._pace, wanted, name))
        if self.overall is None:
            return None
        wanted = hand.waiting() - len(self.overall)
        if wanted > 0 and self.overall.wants(now, self._pace.per_second):
            self._give_back_lost(self.overall)
            granted = reserve(self._adapter, self._pace, wanted)
            self.overall.add(granted)
            if granted.until - granted.now > WORTH_WAITING:
                return datetime.fromtimestamp(granted.until, UTC)
        hand.nudge()
        return None

    def _give_back_lost(self, moments: Moments) -> None:
        lost, moments.lost = moments.lost, 0
        give_back(self._adapter, self._pace, lost)

    def hold_back(self, hand: Hand, copies: Sequence[Copy]) -> tuple[list[Copy], dict[int, datetime]]:
        """The copies to put into the hand, and those for domains with too many of them, with a later time."""
        kept: list[Copy] = []
        later: dict[int, datetime] = {}
        room = {
            name: max(1, int(rate * KEPT)) - len(hand.by_domain.get(name, ()))
            for name, rate in self._pace.domains.items()
        }
        for copy in copies:
            domain = copy.reader.email.rpartition("@")[2].lower()
            if domain not in room or room[domain] > 0:
                kept.append(copy)
                if domain in room:
                    room[domain] -= 1
            else:
                at = max(self._put_off_until[domain], time.time() + KEPT) + 1 / self._pace.domains[domain]
                self._put_off_until[domain] = at
                later[copy.row.id] = timezone.now() + timedelta(seconds=at - time.time())
        return kept, later

    def give_back(self) -> None:
        """What was reserved and not used does not count for a cap."""
        if self.overall is not None:
            give_back(self._adapter, self._pace, len(self.overall) + self.overall.lost)
