"""Claims on the ledger's rows: whose turn, for how long, and what became of it."""

import os
import socket
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from broadsheet.models import Delivery, DeliveryState, Edition
from broadsheet.sending.outcome import Outcome, Result

LEASE = timedelta(minutes=10)
#: How long a refused copy waits before its next attempt; after the last of them it has failed.
RETRIES = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 45, 120, 360, 360, 360))


def sender_name() -> str:
    """The name of this process in the ledger."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}"


def claim(edition: Edition, sender: str, size: int) -> list[Delivery]:
    """Up to ``size`` rows that are due, now this sender's. Nobody else gets them while the lease runs."""
    now = timezone.now()
    with transaction.atomic():
        due = Delivery.objects.filter(edition=edition).filter(
            Q(state=DeliveryState.QUEUED, at__isnull=True)
            | Q(state__in=(DeliveryState.QUEUED, DeliveryState.DEFERRED), at__lte=now)
        )
        ids = list(
            due.order_by("variant_id", "id")
            .select_for_update(skip_locked=_can_skip())
            .values_list("pk", flat=True)[:size]
        )
        Delivery.objects.filter(pk__in=ids).update(
            state=DeliveryState.CLAIMED, claimed_by=sender, at=now + LEASE, attempts=F("attempts") + 1
        )
    return list(Delivery.objects.filter(pk__in=ids).order_by("variant_id", "id"))


def _can_skip() -> bool:
    from django.db import connection

    return connection.features.has_select_for_update_skip_locked


def expire(edition: Edition) -> int:
    """Turns rows whose sender died into ``unknown``; how many there were. They are never sent again unasked."""
    return Delivery.objects.filter(edition=edition, state=DeliveryState.CLAIMED, at__lt=timezone.now()).update(
        state=DeliveryState.UNKNOWN, reason="its sender stopped in mid-send", claimed_by="", at=timezone.now()
    )


def settle_unknown(edition: Edition, as_: str) -> int:
    """Turns the edition's unknown copies into ``sent`` or ``queued`` again, as a person decided; how many."""
    state = DeliveryState.SENT if as_ == "sent" else DeliveryState.QUEUED
    return Delivery.objects.filter(edition=edition, state=DeliveryState.UNKNOWN).update(
        state=state, reason="", at=timezone.now() if as_ == "sent" else None
    )


def record(deliveries: dict[int, Delivery], outcomes: Sequence[Outcome], sender: str) -> None:
    """Writes what was answered, in one transaction. A row that is no longer this sender's is left alone."""
    now = timezone.now()
    with transaction.atomic():
        sent = [outcome.delivery_id for outcome in outcomes if outcome.result is Result.SENT]
        mine = Delivery.objects.filter(claimed_by=sender, state=DeliveryState.CLAIMED)
        for start in range(0, len(sent), 500):
            mine.filter(pk__in=sent[start : start + 500]).update(
                state=DeliveryState.SENT, claimed_by="", reason="", at=now
            )
        for outcome in outcomes:
            if outcome.result is not Result.SENT:
                attempts = deliveries[outcome.delivery_id].attempts - (0 if outcome.attempted else 1)
                state, at = _after(attempts, outcome, now)
                reason = "" if state == DeliveryState.QUEUED else outcome.reply
                mine.filter(pk=outcome.delivery_id).update(
                    state=state, claimed_by="", reason=reason, at=at, attempts=attempts
                )


def _after(attempts: int, outcome: Outcome, now: datetime) -> tuple[DeliveryState, datetime | None]:
    if outcome.result is Result.DEFERRED:
        asked = None if outcome.retry_after is None else timedelta(seconds=outcome.retry_after)
        if not outcome.attempted:
            return (DeliveryState.QUEUED, None) if asked is None else (DeliveryState.DEFERRED, now + asked)
        if attempts <= len(RETRIES):
            return DeliveryState.DEFERRED, now + (RETRIES[attempts - 1] if asked is None else asked)
    if outcome.result is Result.UNKNOWN:
        return DeliveryState.UNKNOWN, now
    return DeliveryState.FAILED, now


def set_aside(refused: dict[int, str], sender: str) -> None:
    """Records why claimed rows are not sent after all: ``suppressed``, or skipped for that reason."""
    now = timezone.now()
    mine = Delivery.objects.filter(claimed_by=sender, state=DeliveryState.CLAIMED)
    with transaction.atomic():
        for delivery_id, reason in refused.items():
            state = DeliveryState.SUPPRESSED if reason == "suppressed" else DeliveryState.SKIPPED
            mine.filter(pk=delivery_id).update(state=state, reason=reason, claimed_by="", at=now)


def hand_back(deliveries: Sequence[Delivery], sender: str) -> None:
    """Puts claimed rows that were never attempted back into the queue."""
    Delivery.objects.filter(
        pk__in=[row.pk for row in deliveries], claimed_by=sender, state=DeliveryState.CLAIMED
    ).update(state=DeliveryState.QUEUED, claimed_by="", at=None, attempts=F("attempts") - 1)
