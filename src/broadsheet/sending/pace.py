"""How fast an adapter may send: one timeline for all its senders on all machines, kept in the database.

A sender reserves moments on the timeline, a small slice at a time, and lets one message go at each of them. So the rate
is kept however many senders there are, and none of them asks the database for every message::

    timeline   | a a a a | b b b b | a a a a | …      at 1/rate from each other

Caps on an hour and a day are counted in cells of a minute and a quarter of an hour, all of those that the last 60
minutes or 24 hours touch; a warm-up is a cap on a calendar day (UTC).
"""

import math
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction

from broadsheet.conf import Pace
from broadsheet.models import PaceBucket

#: Seconds of messages that are reserved at a time …
SLICE = 0.25
#: … and by which a message may be late at the most, if nothing was reserved or nobody was there to send: one burst.
BURST = 0.2
#: Letter of a cell's name, its length and the span that is counted, in seconds.
_CELLS = {"m": (60, 3600), "q": (900, 86_400)}
_DAY = 86_400


@dataclass(frozen=True)
class Granted:
    """Moments (seconds since 1970, the database's clock) at which one message may go, and its clock now."""

    moments: tuple[float, ...]
    now: float
    until: float = 0.0
    """When a cap lets messages go again; 0 if none is used up."""


def reserve(adapter: str, pace: Pace, wanted: int, domain: str = "") -> Granted:
    """Reserve moments for up to ``wanted`` messages: the adapter's own, or those for one recipient domain."""
    with transaction.atomic():
        bucket, now = _bucket(f"{adapter}/{domain}" if domain else adapter)
        rate = pace.domains[domain] if domain else pace.per_second
        left, until = (wanted, 0.0) if domain else _left(pace, bucket.counts, now)
        number = max(0, min(wanted, left, math.ceil(rate * SLICE) if rate else wanted))
        if not number:
            return Granted((), now, until)
        moments = tuple(now for _ in range(number))
        if rate:
            # Half of a burst is made up for: a moment that was lost as soon as it is granted would be of no use, and
            # the last copy of an edition might wait for one for ever.
            start = max(bucket.next_at, now - BURST / 2)
            moments = tuple(start + index / rate for index in range(number))
            bucket.next_at = start + number / rate
        if not domain:
            _count(pace, bucket, now, number)
        bucket.save()
    return Granted(moments, now)


def give_back(adapter: str, pace: Pace, number: int) -> None:
    """Uncount messages that were reserved and did not go: a cap must not lose them."""
    if number and (pace.per_hour or pace.per_day or pace.warm_up):
        with transaction.atomic():
            bucket, now = _bucket(adapter)
            _count(pace, bucket, now, -number)
            bucket.save()


def _bucket(key: str) -> tuple[PaceBucket, float]:
    """The bucket's row, locked until the transaction ends, and the database's clock."""
    PaceBucket.objects.get_or_create(key=key)
    bucket = PaceBucket.objects.select_for_update().get(key=key)
    if connection.vendor != "postgresql":
        return bucket, time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        return bucket, cursor.fetchone()[0]


def _count(pace: Pace, bucket: PaceBucket, now: float, number: int) -> None:
    cells = {f"{letter}{int(now // size)}" for letter, (size, _) in _CELLS.items() if _capped(pace, letter)}
    if pace.warm_up:
        cells.add(f"d{int(now // _DAY)}")
    kept = {name: count for name, count in bucket.counts.items() if _matters(name, now)}
    for name in cells:
        kept[name] = max(0, kept.get(name, 0) + number)
    bucket.counts = kept


def _capped(pace: Pace, letter: str) -> int | None:
    return {"m": pace.per_hour, "q": pace.per_day}[letter]


def _matters(name: str, now: float) -> bool:
    size, span = _CELLS.get(name[0], (_DAY, 0))
    return (int(name[1:]) + 1) * size > now - span


def _left(pace: Pace, counts: Mapping[str, int], now: float) -> tuple[int, float]:
    """How many messages the caps leave, and when there are more if that is none."""
    left, until = 2**31, 0.0
    for letter, (size, span) in _CELLS.items():
        cap = _capped(pace, letter)
        if cap is None:
            continue
        used = {int(name[1:]): n for name, n in counts.items() if name[0] == letter and _matters(name, now) and n}
        free = cap - sum(used.values())
        left = min(left, free)
        if free <= 0:
            until = max(until, _frees_at(used, cap, size, span))
    cap = warm_up_cap(pace, datetime.fromtimestamp(now, UTC).date())
    if cap is not None:
        free = cap - counts.get(f"d{int(now // _DAY)}", 0)
        left = min(left, free)
        if free <= 0:
            until = max(until, (now // _DAY + 1) * _DAY)
    return left, until


def _frees_at(used: Mapping[int, int], cap: int, size: int, span: int) -> float:
    total = sum(used.values())
    for cell, number in sorted(used.items()):
        total -= number
        if total < cap:
            return (cell + 1) * size + span
    return 0.0


def warm_up_cap(pace: Pace, day: date) -> int | None:
    """How many messages may go on that day; None for no cap."""
    if pace.warm_up is None:
        return None
    number = max(0, (day - pace.warm_up.start).days)
    return pace.warm_up.per_day[number] if number < len(pace.warm_up.per_day) else None


def time_needed(pace: Pace, messages: int, by_domain: Mapping[str, int], start: date) -> timedelta:
    """How long so many messages take at that pace, with nothing sent before them; zero without a pace."""
    rates = [(messages, pace.per_second), *((by_domain.get(name, 0), rate) for name, rate in pace.domains.items())]
    seconds = [number / rate for number, rate in rates if rate]
    if pace.per_hour:
        seconds.append((math.ceil(messages / pace.per_hour) - 1) * 3600.0)
    if pace.per_day:
        seconds.append((math.ceil(messages / pace.per_day) - 1) * float(_DAY))
    seconds.append(_warming(pace, messages, start) * float(_DAY))
    return timedelta(seconds=round(max(seconds)))


def _warming(pace: Pace, messages: int, day: date) -> int:
    """How many whole days pass before the warm-up lets the last of the messages go."""
    days = 0
    while (cap := warm_up_cap(pace, day + timedelta(days=days))) is not None and messages > cap:
        messages, days = messages - cap, days + 1
    return days


class Moments:
    """The moments that one sender holds, on this process's monotonic clock. One thread adds, another takes.

    At a rate, a moment that was missed by more than a burst is lost: a sender that was held up must not catch up while
    the others keep the pace.
    """

    def __init__(self, rate: float | None = None) -> None:
        self._held: deque[float] = deque()
        self._good_for = max(BURST, 1 / rate) if rate else math.inf
        self.blocked_until = 0.0
        self.lost = 0
        """How many were missed since somebody asked."""

    def add(self, granted: Granted) -> None:
        """Keep what was granted."""
        offset = time.monotonic() - granted.now
        self._held.extend(moment + offset for moment in granted.moments)
        self.blocked_until = granted.until

    def take(self, now: float) -> bool:
        """Whether one message may go now; if so, its moment is used up."""
        if self.ready(now):
            self._held.popleft()
            return True
        return False

    def ready(self, now: float) -> bool:
        """Whether a message could go now."""
        while self._held and now - self._held[0] > self._good_for:
            self._held.popleft()
            self.lost += 1
        return bool(self._held) and self._held[0] <= now

    def wants(self, now: float, rate: float | None) -> bool:
        """Whether it is time to reserve more: half a slice is left, or less."""
        ahead = self._held[-1] - now if self._held else 0.0
        return ahead < SLICE / 2 if rate else not self._held

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[float]:
        return iter(tuple(self._held))
