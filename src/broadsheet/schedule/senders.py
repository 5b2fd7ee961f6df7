"""Editions whose copies may leave are sent: each by one thread of this process, where no workers do it."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event, Lock, Thread

from django.db import DatabaseError, InterfaceError, OperationalError, connections

from broadsheet import editions, pipeline
from broadsheet.errors import BroadsheetError
from broadsheet.models import Edition
from broadsheet.sending import Result
from broadsheet.workspace import Workspace

log = logging.getLogger(__name__)

AT_ONCE = 4
#: How long an edition rests that could not be sent: when the database was away, and for other reasons.
_SHORT_REST, _REST = timedelta(seconds=5), timedelta(minutes=1)


class Resting:
    """The editions that could not be sent lately; a clock set back makes none rest longer."""

    def __init__(self) -> None:
        self._until: dict[int, datetime] = {}

    def rests(self, edition: Edition, now: datetime) -> bool:
        """Whether the edition is to be left alone now."""
        return timedelta(0) < self._until.get(edition.pk, now) - now <= _REST

    def rest(self, edition: Edition, until: datetime) -> None:
        """It could not be sent."""
        self._until[edition.pk] = until


class Senders:
    """At most one sender for each edition, and at most :data:`AT_ONCE` in all; the ledger keeps processes apart."""

    def __init__(self) -> None:
        self._stopping = Event()
        self._lock = Lock()
        self._busy: dict[int, Thread] = {}
        self._resting = Resting()

    def look(self, workspace: Workspace, now: datetime) -> None:
        """Start a sender for each edition that is ready and has none."""
        for edition in editions.ready_to_send(now):
            with self._lock:
                busy = edition.pk in self._busy or len(self._busy) >= AT_ONCE
                if self._stopping.is_set() or busy or self._resting.rests(edition, now):
                    continue
                name = f"sender of edition {edition.pk}"
                self._busy[edition.pk] = Thread(
                    target=self._send, args=(workspace, edition, now), name=name, daemon=True
                )
                self._busy[edition.pk].start()

    def _send(self, workspace: Workspace, edition: Edition, now: datetime) -> None:
        if rest := send(workspace, edition, self._stopping.is_set):
            self._resting.rest(edition, now + rest)
        with self._lock:
            del self._busy[edition.pk]

    def stop(self, seconds: float) -> bool:
        """Let every sender end its batch in hand; whether all did in that time."""
        self._stopping.set()
        until = time.monotonic() + seconds
        with self._lock:
            threads = list(self._busy.values())
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)


def send(workspace: Workspace, edition: Edition, stop: Callable[[], bool]) -> timedelta:
    """Send what is due of the edition, until ``stop``; how long it is to rest: not at all if it could be sent.

    The log says what became of it.
    """
    count: Counter[Result] = Counter()
    log.info("Edition %s (%s) is being sent", edition.pk, edition.key, extra=ids(edition))
    try:
        numbers = pipeline.send(
            workspace, edition, stop=stop, progress=lambda batch: count.update(each.result for each in batch.outcomes)
        )
        sent = count[Result.SENT]
        log.info(
            "Edition %s (%s): %s sent by this sender, %s in all, %s waiting",
            *(edition.pk, edition.key, sent, numbers.sent, numbers.waiting),
            extra={**ids(edition), "sent": sent, "sent_in_all": numbers.sent, "waiting": numbers.waiting},
        )
    except Exception as error:  # logged, and tried again
        traced = not isinstance(error, BroadsheetError | OperationalError)
        log.error(  # noqa: TRY400
            "Edition %s (%s) can't be sent: %s", edition.pk, edition.key, error, exc_info=traced, extra=ids(edition)
        )
        return _SHORT_REST if isinstance(error, DatabaseError | InterfaceError) else _REST
    finally:
        connections.close_all()
    return timedelta(0)


def ids(edition: Edition) -> dict[str, object]:
    """What a record of the log says of the edition, for machines."""
    return {"edition": edition.pk, "key": edition.key}
