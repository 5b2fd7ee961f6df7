"""Calls of webhooks kept as they came, and refusals counted."""

import time
from collections import Counter
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Lock, Thread
from typing import ClassVar, Final, Self

from django.db import Error as DatabaseError
from django.db import connections
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from broadsheet.models import HookCall, HookRefusals

#: Headers that tell one call from another; no provider's work needs more.
_KEPT_HEADERS: Final = ("svix-id",)
#: Refusals are counted in memory, and written so many seconds apart: who calls with wrong passwords writes nothing.
_EVERY: Final = 1.0
_AT_ONCE: Final = 500
#: A burst is over when no call came for so many seconds; after so many, what it brought is worked on all the same.
_PAUSE: Final = 1.0
_LONGEST_BURST: Final = 60.0

_refused: Counter[str] = Counter()
_lock: Final = Lock()
_written: dict[str, float] = {}


def keep_call(adapter: str, request: HttpRequest) -> None:
    """Keeps the call; when this returns, a crash can't lose it. Raises a database's error if it can't be kept."""
    call = HookCall(
        adapter=adapter,
        content_type=(request.headers.get("Content-Type") or "")[:200],
        headers={name: request.headers[name] for name in _KEPT_HEADERS if name in request.headers},
        body=request.body,
        received_at=timezone.now(),
    )
    keeper = Keeper.running
    if keeper is None:
        call.save(force_insert=True)
    else:
        keeper.keep(call)


class Keeper:
    """A thread that writes the calls of all others: those that came meanwhile in one transaction, so that a burst costs
    one sync of the disk for many calls (18 ms each on a busy machine).
    """

    running: ClassVar[Self | None] = None

    def __init__(self) -> None:
        self._waiting: SimpleQueue[tuple[HookCall, Future[None]] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="keeper of calls", daemon=True)
        self._wrote = 0.0
        self._burst_since: float | None = None

    def keep(self, call: HookCall) -> None:
        """Returns once the call is written."""
        written: Future[None] = Future()
        self._waiting.put((call, written))
        written.result()

    def in_a_burst(self) -> bool:
        """Whether many calls come right now, so that other writing should wait; a minute at the longest."""
        if time.monotonic() - self._wrote > _PAUSE:
            self._burst_since = None
        return self._burst_since is not None and time.monotonic() - self._burst_since < _LONGEST_BURST

    def __enter__(self) -> Self:
        self._thread.start()
        type(self).running = self
        return self

    def __exit__(self, *_: object) -> None:
        type(self).running = None
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch = [first]
            while len(batch) < _AT_ONCE and not self._waiting.empty():
                if (more := self._waiting.get()) is None:
                    self._waiting.put(None)
                    break
                batch.append(more)
            self._write(batch)
            self._wrote = time.monotonic()
            if len(batch) > 1 and self._burst_since is None:
                self._burst_since = self._wrote
        connections.close_all()

    @staticmethod
    def _write(batch: list[tuple[HookCall, "Future[None]"]]) -> None:
        try:
            HookCall.objects.bulk_create([call for call, _ in batch])
        except DatabaseError as error:
            connections.close_all()  # the next batch tries with a new one
            for _, written in batch:
                written.set_exception(error)
        else:
            for _, written in batch:
                written.set_result(None)


def count_refusal(adapter: str) -> None:
    """One more call that was refused."""
    with _lock:
        _refused[adapter] += 1
        if time.monotonic() - _written.get(adapter, -_EVERY) < _EVERY:
            return
    _write_refusals(adapter)


def write_refusals() -> None:
    """Write down the refusals that no further one has written since."""
    with _lock:
        counted = list(_refused)
    for adapter in counted:
        _write_refusals(adapter)


def _write_refusals(adapter: str) -> None:
    with _lock:
        _written[adapter], times = time.monotonic(), _refused.pop(adapter, 0)
    row, new = HookRefusals.objects.get_or_create(adapter=adapter, defaults={"times": times, "last_at": timezone.now()})
    if not new:
        HookRefusals.objects.filter(pk=row.pk).update(times=F("times") + times, last_at=timezone.now())
