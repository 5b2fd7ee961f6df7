"""Calls of webhooks kept as they came, and refusals counted."""

import time
from collections import Counter
from threading import Lock
from typing import Final

from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from broadsheet.models import HookCall, HookRefusals

#: Headers that tell one call from another; no provider's work needs more.
_KEPT_HEADERS: Final = ("svix-id",)
#: Refusals are counted in memory, and written so many seconds apart: who calls with wrong passwords writes nothing.
_EVERY: Final = 1.0

_refused: Counter[str] = Counter()
_lock: Final = Lock()
_written: dict[str, float] = {}


def keep_call(adapter: str, request: HttpRequest) -> None:
    """Keeps the call; when this returns, a crash can't lose it."""
    HookCall.objects.create(
        adapter=adapter,
        content_type=(request.headers.get("Content-Type") or "")[:200],
        headers={name: request.headers[name] for name in _KEPT_HEADERS if name in request.headers},
        body=request.body,
        received_at=timezone.now(),
    )


def count_refusal(adapter: str) -> None:
    """One more call that was refused."""
    with _lock:
        _refused[adapter] += 1
        if time.monotonic() - _written.get(adapter, -_EVERY) < _EVERY:
            return
        _written[adapter], times = time.monotonic(), _refused.pop(adapter)
    row, new = HookRefusals.objects.get_or_create(adapter=adapter, defaults={"times": times, "last_at": timezone.now()})
    if not new:
        HookRefusals.objects.filter(pk=row.pk).update(times=F("times") + times, last_at=timezone.now())
