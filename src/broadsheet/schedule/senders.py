"""Editions whose copies may leave are sent, each by one thread of this process."""

import logging
import time
from datetime import datetime, timedelta
from threading import Event, Lock, Thread

from django.db import connections

from broadsheet import editions, pipeline
from broadsheet.errors import BroadsheetError
from broadsheet.models import Edition
from broadsheet.workspace import Workspace

log = logging.getLogger(__name__)

AT_ONCE = 4
#: How long an edition rests whose adapter could not send at all.
_REST = timedelta(minutes=1)


class Senders:
    """At most one sender for each edition, and at most :data:`AT_ONCE` in all; the ledger keeps processes apart."""

    def __init__(self) -> None:
        self._stopping = Event()
        self._lock = Lock()
        self._busy: dict[int, Thread] = {}
        self._resting: dict[int, datetime] = {}

    def look(self, workspace: Workspace, now: datetime) -> None:
        """Start a sender for each edition that is ready and has none."""
        for edition in editions.ready_to_send(now):
            with self._lock:
                rests = timedelta(0) < self._resting.get(edition.pk, now) - now <= _REST
                if self._stopping.is_set() or rests or edition.pk in self._busy or len(self._busy) >= AT_ONCE:
                    continue
                name = f"sender of edition {edition.pk}"
                self._busy[edition.pk] = Thread(
                    target=self._send, args=(workspace, edition, now), name=name, daemon=True
                )
                self._busy[edition.pk].start()

    def _send(self, workspace: Workspace, edition: Edition, now: datetime) -> None:
        log.info("Edition %s (%s) is being sent", edition.pk, edition.key)
        try:
            numbers = pipeline.send(workspace, edition, stop=self._stopping.is_set)
            log.info("Edition %s (%s): %s sent, %s waiting", edition.pk, edition.key, numbers.sent, numbers.waiting)
        except Exception as error:  # logged, and tried again
            traced = not isinstance(error, BroadsheetError)
            log.error("Edition %s (%s) can't be sent: %s", edition.pk, edition.key, error, exc_info=traced)  # noqa: TRY400
            self._resting[edition.pk] = now + _REST
        finally:
            connections.close_all()
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
