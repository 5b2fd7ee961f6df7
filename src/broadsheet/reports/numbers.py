"""Ledger and events to numbers."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q, QuerySet

from broadsheet.models import Delivery, DeliveryState, Edition


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

    @property
    def readers(self) -> int:
        """All copies."""
        return self.sent + self.failed + self.deferred + self.unknown + self.skipped + self.waiting

    @property
    def finished(self) -> bool:
        """Whether every copy is in a final state."""
        return not (self.waiting or self.deferred)


def numbers(edition: Edition, *, when: bool = True) -> Numbers:
    """The edition's numbers, now; without ``next_at``, which reads every row that waits, if nobody asks ``when``."""
    copies = Delivery.objects.filter(edition=edition)
    states: dict[str, int] = dict(copies.values_list("state").annotate(Count("pk")).order_by())
    reasons: dict[str, int] = {}
    # Of a million copies nearly all are queued or sent; those are counted from the index alone, their rows unread.
    others = [state for state in states if state not in (DeliveryState.SENT, DeliveryState.QUEUED)]
    found = copies.filter(state__in=others).values_list("state", "reason").annotate(Count("pk")).order_by()
    for state, reason, count in found if others else ():
        reasons[reason or state] = reasons.get(reason or state, 0) + count

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
    )


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
