"""Copies that did not arrive, and the addresses that are given up for it.

A dead address is suppressed at once. Everything else is counted: so many copies in a row that came back, without one
between them that did not.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Final

from django.db.models import Exists, OuterRef
from django.utils import timezone

from broadsheet.events.outgoing import announce
from broadsheet.models import (
    BounceClass,
    Delivery,
    DeliveryState,
    Event,
    EventKind,
    Subscriber,
    Suppression,
    SuppressionReason,
)

#: How many of a reader's last copies are looked at, for each that has to come back.
_LOOKED_AT: Final = 4


def suppress(email_key: str, reason: SuppressionReason, detail: str) -> bool:
    """Suppresses the address; whether that is new. A complaint stands above any other reason."""
    row, new = Suppression.objects.get_or_create(
        email_key=email_key, defaults={"reason": reason, "detail": detail[:300]}
    )
    if not new and reason == SuppressionReason.COMPLAINED and row.reason in _BELOW_A_COMPLAINT:
        row.reason, row.detail = reason, detail[:300]
        row.save(update_fields=["reason", "detail"])
    return new


_BELOW_A_COMPLAINT: Final = (SuppressionReason.DEAD, SuppressionReason.BOUNCING)


def copy_bounced(
    copy: Delivery, cause: BounceClass | str, detail: str, suppress_after: int, at: datetime | None = None
) -> str:
    """What was done about a copy that came back, in words. One known to be dead stays so, whatever comes later."""
    event, new = Event.once(copy, EventKind.BOUNCED, at or timezone.now(), cause=cause, detail=detail)
    if not new and cause == BounceClass.DEAD != event.cause:
        event.cause, event.detail, new = cause, detail, True
        event.save(update_fields=["cause", "detail"])
    if not new:
        return "known already"
    announce("subscriber.bounced", {"email": copy.subscriber.email, "edition": copy.edition_id, "reply": detail})
    if cause == BounceClass.DEAD:
        suppress(copy.subscriber.email_key, SuppressionReason.DEAD, detail)
        return "suppressed: dead"
    if give_up([copy.subscriber_id], suppress_after, detail):
        return f"counted: {cause}; suppressed, as too many in a row came back"
    return f"counted: {cause}"


def copy_complained(copy: Delivery, detail: str, at: datetime | None = None) -> None:
    """The reader reported the copy as spam: their address is suppressed at once, everywhere."""
    _, new = Event.once(copy, EventKind.COMPLAINED, at or timezone.now(), detail=detail)
    if new:
        announce("subscriber.complained", {"email": copy.subscriber.email, "edition": copy.edition_id})
    suppress(copy.subscriber.email_key, SuppressionReason.COMPLAINED, detail)


def give_up(subscriber_ids: Iterable[int], limit: int, detail: str = "") -> list[int]:
    """Suppresses those of whose copies ``limit`` in a row came back; who they are. 0 is no limit."""
    given_up = []
    for subscriber_id in dict.fromkeys(subscriber_ids) if limit else ():
        causes = next((run for run in _runs(subscriber_id, limit) if len(run) >= limit), None)
        if causes is None:
            continue
        key = Subscriber.objects.values_list("email_key", flat=True).get(pk=subscriber_id)
        said = f"{len(causes)} copies in a row came back ({', '.join(dict.fromkeys(causes))}); the last: {detail}"
        if suppress(key, SuppressionReason.BOUNCING, said):
            given_up.append(subscriber_id)
    return given_up


def _runs(subscriber_id: int, limit: int) -> Iterator[list[str]]:
    """The reader's last copies, the latest first: the causes of each run that came back."""
    returned = Event.objects.filter(delivery=OuterRef("pk"), kind=EventKind.BOUNCED).exclude(cause="")
    rows = (
        Delivery.objects.filter(subscriber_id=subscriber_id, state__in=(DeliveryState.SENT, DeliveryState.FAILED))
        .annotate(returned=Exists(returned))
        .order_by("-at", "-pk")
        .values_list("pk", "state", "returned")[: limit * _LOOKED_AT]
    )
    # one that failed before any server was asked neither came back nor arrived
    counted = [(pk, returned) for pk, state, returned in rows if returned or state == DeliveryState.SENT]
    for came_back, run in groupby(counted, key=lambda each: each[1]):
        if came_back:
            pks = [pk for pk, _ in run]
            causes = dict(
                Event.objects.filter(delivery__in=pks, kind=EventKind.BOUNCED).values_list("delivery_id", "cause")
            )
            yield [BounceClass(causes[pk]).value for pk in pks]
