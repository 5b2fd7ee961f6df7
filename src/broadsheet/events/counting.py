"""Clicks and opens, counted in batches.

Hits wait in memory until it can be told whether a robot made them (:data:`HOLD` seconds), then become tallies that
name nobody, and for readers who agreed to it events of theirs. An address of the network is never written anywhere:
to compare an unknown person's hits, a hash under a key that dies with the process does.
"""

import atexit
import hashlib
import logging
import secrets
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from django.db import DatabaseError, connection, connections, transaction

from broadsheet.events.robots import Hit, judged
from broadsheet.models import Delivery, Event, EventKind, Subscriber

log = logging.getLogger(__name__)

#: Seconds that hits wait for others of the same reader, and at the most.
HOLD, AT_MOST = 10.0, 30.0
#: Hits that are held at the most; beyond it the oldest are judged early.
ROOM = 50_000
_EVERY = 1.0

_UPSERT = (
    "INSERT INTO broadsheet_tally (edition_id, variant_id, link_id, kind, automatic, hour, count)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s)"
    " ON CONFLICT (edition_id, kind, automatic, link_id, variant_id, hour)"
    " DO UPDATE SET count = broadsheet_tally.count + excluded.count"
)


class HitCounter:
    """Takes hits from any thread, and writes them down from one of its own while there are any."""

    def __init__(self) -> None:
        self._lock, self._held = threading.Lock(), list[Hit]()
        self._key = secrets.token_bytes(32)
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        atexit.register(self.close)

    def nobody(self, *parts: str) -> str:
        """A word for whoever these parts describe, the same for this process's lifetime and meaningless after it."""
        return hashlib.blake2b("\0".join(parts).encode(), key=self._key, digest_size=12).hexdigest()

    def add(self, hit: Hit) -> None:
        """Count one hit, soon."""
        with self._lock:
            self._held.append(hit)
            if self._thread is None or not self._thread.is_alive():
                self._closing.clear()
                self._thread = threading.Thread(target=self._run, name="hits", daemon=True)
                self._thread.start()

    def settle(self, now: float, *, all_of_them: bool = False) -> int:
        """Write down what has waited long enough by ``now``; how many hits. A failure keeps them for the next time."""
        with self._lock:
            groups = defaultdict[str, list[Hit]](list)
            for hit in self._held:
                groups[hit.who].append(hit)
            crowded = all_of_them or len(self._held) > ROOM
            ripe = [hits for hits in groups.values() if crowded or _ripe(hits, now)]
            taken = {id(hit) for hits in ripe for hit in hits}
            self._held = [hit for hit in self._held if id(hit) not in taken]
        settled = [hit for hits in ripe for hit in hits]
        try:
            record_hits([each for hits in ripe for each in _settled(hits)])
        except DatabaseError:
            with self._lock:
                self._held += settled
            log.warning("%s clicks and opens can't be written now; they are kept and tried again", len(settled))
            return 0
        return len(settled)

    def close(self) -> None:
        """Write down everything, now."""
        self._closing.set()
        if self._thread is not None and self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(5)
        if self._held:
            self.settle(time.time(), all_of_them=True)

    def _run(self) -> None:
        try:
            while not self._closing.wait(_EVERY):
                self.settle(time.time())
                with self._lock:
                    if not self._held:
                        self._thread = None
                        return
        finally:
            connections.close_all()


def _ripe(hits: list[Hit], now: float) -> bool:
    return now - hits[-1].at >= HOLD or now - hits[0].at >= AT_MOST


def _settled(hits: list[Hit]) -> list[Hit]:
    return judged(_with_delivery(hits) if hits[0].subscriber_id else hits)


def _with_delivery(hits: list[Hit]) -> list[Hit]:
    """A known reader's hits with their copy's variant and time."""
    row = (
        Delivery.objects.filter(edition_id=hits[0].edition_id, subscriber_id=hits[0].subscriber_id)
        .values_list("variant_id", "at")
        .first()
    )
    variant, at = row or (0, None)
    return [replace(hit, variant_id=variant or 0, sent_at=at.timestamp() if at else 0.0) for hit in hits]


def record_hits(hits: Iterable[Hit]) -> None:
    """Judged hits as tallies, and as events of the readers who agreed to that and still do."""
    hits = list(hits)
    if not hits:
        return
    tallies = Counter(
        (
            hit.edition_id,
            hit.variant_id,
            hit.link_id,
            hit.kind.value,
            hit.automatic,
            datetime.fromtimestamp(hit.at // 3600 * 3600, UTC),
        )
        for hit in hits
    )
    adapt = connection.ops.adapt_datetimefield_value
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.executemany(_UPSERT, [(*key[:5], adapt(key[5]), count) for key, count in sorted(tallies.items())])
        _record_events([hit for hit in hits if hit.subscriber_id])


def _record_events(hits: list[Hit]) -> None:
    """Under a lock on the readers' rows, which who withdraws their consent changes first: nothing comes after that."""
    people = {hit.subscriber_id for hit in hits}
    consenting = Subscriber.objects.filter(pk__in=people, tracking_consent_at__isnull=False).order_by("pk")
    agreed = set(consenting.select_for_update(no_key=True).values_list("pk", flat=True))
    rows = Delivery.objects.filter(subscriber_id__in=agreed, edition_id__in={hit.edition_id for hit in hits})
    copies = {(row[0], row[1]): row[2] for row in rows.values_list("edition_id", "subscriber_id", "pk")}
    Event.objects.bulk_create(
        [
            Event(
                kind=hit.kind,
                delivery_id=copies[hit.edition_id, hit.subscriber_id],
                edition_id=hit.edition_id,
                subscriber_id=hit.subscriber_id,
                link_id=hit.link_id or None,
                automatic=hit.automatic,
                at=datetime.fromtimestamp(hit.at, UTC),
            )
            for hit in sorted(hits, key=lambda hit: (hit.automatic, hit.at))  # a person's before a robot's
            if (hit.edition_id, hit.subscriber_id) in copies
        ],
        ignore_conflicts=True,
    )


#: This process's.
HITS = HitCounter()

__all__ = ["HITS", "EventKind", "Hit", "HitCounter", "record_hits"]
