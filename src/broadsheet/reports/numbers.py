"""Ledger and events to numbers."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Count, Min, Q, QuerySet

from broadsheet.models import Delivery, DeliveryState, Edition, Repeat


@dataclass(frozen=True)
class Numbers:
    """Where the copies of an edition stand; they add up to ``readers``."""

    sent: int
    failed: int
    deferred: int
    unknown: int
    skipped: int
    """Not mailed on purpose: suppressed or skipped since the freeze, or too few articles."""
    waiting: int
    """Queued, or with a sender right now."""
    reasons: dict[str, int]
    """Why copies were not sent, most frequent first."""
    next_at: datetime | None = None
    """When the first copy that has to wait may leave; None if none has a time of its own."""
    asked_again: datetime | None = None
    """When a provider is asked again, with an idempotency key, about copies that are unknown; None for never."""

    @property
    def readers(self) -> int:
        """All copies."""
        return self.sent + self.failed + self.deferred + self.unknown + self.skipped + self.waiting

    @property
    def finished(self) -> bool:
        """Whether every copy is in a final state."""
        return not (self.waiting or self.deferred or self.asked_again)


def numbers(edition: Edition, *, when: bool = True) -> Numbers:
    """The edition's numbers, now; without ``next_at``, which reads every row that waits, if nobody asks ``when``."""
    copies, states = Delivery.objects.filter(edition=edition), counted(edition)
    reasons: dict[str, int] = {}
    # Of a million copies nearly all are queued, sent, or cancelled with one reason: their rows are not read.
    many = (DeliveryState.SENT, DeliveryState.QUEUED, DeliveryState.CANCELLED)
    others = [state for state in states if state not in many]
    found = copies.filter(state__in=others).values_list("state", "reason").annotate(Count("pk")).order_by()
    for state, reason, count in found if others else ():
        reasons[reason or state] = reasons.get(reason or state, 0) + count
    if called_off := states.get(DeliveryState.CANCELLED):
        one = copies.filter(state=DeliveryState.CANCELLED).values_list("reason", flat=True)[:1]
        reasons[one[0] or DeliveryState.CANCELLED] = called_off

    def total(*wanted: str) -> int:
        return sum(states.get(state, 0) for state in wanted)

    return Numbers(
        sent=total(DeliveryState.SENT),
        failed=total(DeliveryState.FAILED),
        deferred=total(DeliveryState.DEFERRED),
        unknown=total(DeliveryState.UNKNOWN),
        skipped=total(DeliveryState.SKIPPED, DeliveryState.SUPPRESSED, DeliveryState.CANCELLED),
        waiting=total(DeliveryState.QUEUED),
        reasons=dict(sorted(reasons.items(), key=lambda each: -each[1])),
        next_at=next_leaving(edition) if when and total(*DeliveryState.open()) else None,
        asked_again=Repeat.objects.filter(edition=edition).aggregate(first=Min("again_at"))["first"],
    )


def counted(edition: Edition) -> dict[str, int]:
    """How many copies are in each state that any is in.

    One count for each state takes an index's entries as they are: little more than half the time of grouping them. All
    are asked for at once, as each question has its own price.
    """
    one = "SELECT %s, COUNT(*) FROM broadsheet_delivery WHERE edition_id = %s AND state = %s"
    states = [state.value for state in DeliveryState]
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join([one] * len(states)), [each for state in states for each in (state, edition.pk, state)]
        )
        return {state: count for state, count in cursor.fetchall() if count}


def next_leaving(edition: Edition) -> datetime | None:
    """When the first copy with a time of its own may leave."""
    first: datetime | None = _waiting(edition).aggregate(first=Min("at"))["first"]
    return first


def waiting(edition: Edition) -> int:
    """How many copies are queued; counted from an index alone."""
    return Delivery.objects.filter(edition=edition, state=DeliveryState.QUEUED).count()


def due_now(edition: Edition, now: datetime, most: int | None = None) -> int:
    """How many copies may leave at this moment; ``most`` is what the counting ends at."""
    return _waiting(edition).filter(Q(at__isnull=True) | Q(at__lte=now))[:most].count()


def _waiting(edition: Edition) -> QuerySet[Delivery]:
    return Delivery.objects.filter(edition=edition, state__in=(DeliveryState.QUEUED, DeliveryState.DEFERRED))
