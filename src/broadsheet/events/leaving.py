"""Readers who leave lists, and who change their mind. Each may come twice and changes nothing the second time."""

from django.db import transaction
from django.utils import timezone

from broadsheet.models import ConsentHow, Delivery, Event, EventKind, Subscription, SubscriptionState


def unsubscribed(subscriber_id: int, list_name: str | None, *, how: str, edition_id: int | None = None) -> None:
    """Takes the reader off the list, or off all of them if none is named.

    ``edition_id`` is the edition whose mail they left by: an event is kept with their copy of it.
    """
    with transaction.atomic():
        on = Subscription.objects.filter(subscriber_id=subscriber_id).exclude(state=SubscriptionState.UNSUBSCRIBED)
        if list_name is not None:
            on = on.filter(list_name=list_name)
        now = timezone.now()
        if not on.update(state=SubscriptionState.UNSUBSCRIBED, left_at=now, left_reason="") or edition_id is None:
            return
        delivery = Delivery.objects.filter(edition_id=edition_id, subscriber_id=subscriber_id).first()
        if delivery is not None:
            Event.objects.get_or_create(
                delivery=delivery, kind=EventKind.UNSUBSCRIBED, defaults={"detail": how[:300], "at": now}
            )


def resubscribed(subscriber_id: int, list_name: str | None) -> None:
    """Undoes the reader's last :func:`unsubscribed` that took them off that list (off any, if none is named).

    Lists that they left by the same click come back with it. What they never agreed to only waits again for their yes.
    """
    with transaction.atomic():
        left = Subscription.objects.filter(subscriber_id=subscriber_id, state=SubscriptionState.UNSUBSCRIBED)
        named = left if list_name is None else left.filter(list_name=list_name)
        last = named.filter(left_at__isnull=False).order_by("-left_at").values_list("left_at", flat=True).first()
        if last is None:
            return
        together = left.filter(left_at=last)
        again = {"left_at": None, "left_reason": ""}
        together.filter(consent_at__isnull=True).update(state=SubscriptionState.PENDING, **again)
        together.update(
            state=SubscriptionState.SUBSCRIBED,
            consent_at=timezone.now(),
            consent_how=ConsentHow.FORM,
            consent_detail="undid an unsubscribe",
            **again,
        )
        Event.objects.filter(delivery__subscriber_id=subscriber_id, kind=EventKind.UNSUBSCRIBED, at=last).delete()


def said_why(subscriber_id: int, list_name: str | None, reason: str) -> None:
    """Keeps what the reader says about why they left the list (all that they left last, if none is named)."""
    left = Subscription.objects.filter(subscriber_id=subscriber_id, state=SubscriptionState.UNSUBSCRIBED)
    named = left if list_name is None else left.filter(list_name=list_name)
    last = named.order_by("-left_at").values_list("left_at", flat=True).first()
    left.filter(left_at=last).update(left_reason=" ".join(reason.split())[:300])
