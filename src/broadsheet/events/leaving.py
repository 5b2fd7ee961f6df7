"""Readers who leave lists, and who change their mind. Each may come twice and changes nothing the second time."""

from django.db import transaction
from django.utils import timezone

from broadsheet.audience import reader_from, undone
from broadsheet.events.outgoing import announce
from broadsheet.models import (
    Delivery,
    Edition,
    Event,
    EventKind,
    Subscriber,
    Subscription,
    SubscriptionState,
)


def unsubscribed(
    subscriber_id: int, list_name: str | None, *, how: str, edition_id: int | None = None
) -> tuple[str, ...]:
    """Takes the reader off the list, or off all of them if none is named; the lists they were on.

    ``edition_id`` is the edition whose mail they left by: an event is kept with their copy of it, whose detail is the
    reason, once they say one (:func:`said_why`).
    """
    with transaction.atomic():
        on = Subscription.objects.filter(subscriber_id=subscriber_id).exclude(state=SubscriptionState.UNSUBSCRIBED)
        if list_name is not None:
            on = on.filter(list_name=list_name)
        now, names = timezone.now(), list(on.values_list("list_name", flat=True))
        if not on.update(state=SubscriptionState.UNSUBSCRIBED, left_at=now, left_reason=""):
            return ()
        email = Subscriber.objects.values_list("email", flat=True).get(pk=subscriber_id)
        for name in names:
            announce("subscriber.unsubscribed", {"email": email, "list": name, "how": how})
        if edition_id is None:
            return tuple(names)
        delivery = Delivery.objects.filter(edition_id=edition_id, subscriber_id=subscriber_id).first()
        if delivery is not None:
            Event.once(delivery, EventKind.UNSUBSCRIBED, now, detail=f"not said ({how})"[:300])
    return tuple(names)


def left_its_list(edition_id: int, subscriber_id: int, *, how: str) -> tuple[str, ...]:
    """Takes the reader off the list that the edition went to; the lists they were on."""
    list_name = Edition.objects.filter(pk=edition_id).values_list("list_name", flat=True).first()
    return unsubscribed(subscriber_id, list_name, how=how, edition_id=edition_id) if list_name else ()


def resubscribed(subscriber_id: int, list_name: str | None, network: str = "") -> None:
    """Undoes the reader's last :func:`unsubscribed` that took them off that list (off any, if none is named).

    Lists that they left by the same click come back with it, with the consent they gave before. What they never agreed
    to only waits again for their yes. When it was, and from which network address, stays in their history.
    """
    with transaction.atomic():
        left = Subscription.objects.filter(subscriber_id=subscriber_id, state=SubscriptionState.UNSUBSCRIBED)
        named = left if list_name is None else left.filter(list_name=list_name)
        last = named.filter(left_at__isnull=False).order_by("-left_at").values_list("left_at", flat=True).first()
        if last is None:
            return
        for row in left.filter(left_at=last).select_related("subscriber").select_for_update(of=("self",)):
            undone(row, reader_from(network))
            if row.state == SubscriptionState.SUBSCRIBED:
                whose = {"email": row.subscriber.email, "list": row.list_name}
                announce("subscriber.subscribed", {**whose, "confirmed": True})
        Event.objects.filter(delivery__subscriber_id=subscriber_id, kind=EventKind.UNSUBSCRIBED, at=last).delete()


def said_why(subscriber_id: int, list_name: str | None, reason: str) -> None:
    """Keeps what the reader says about why they left the list (all that they left last, if none is named)."""
    left = Subscription.objects.filter(subscriber_id=subscriber_id, state=SubscriptionState.UNSUBSCRIBED)
    named = left if list_name is None else left.filter(list_name=list_name)
    last = named.order_by("-left_at").values_list("left_at", flat=True).first()
    if last is None:
        return
    said = " ".join(reason.split())[:300]
    if not said:
        return
    left.filter(left_at=last).update(left_reason=said)
    Event.objects.filter(delivery__subscriber_id=subscriber_id, kind=EventKind.UNSUBSCRIBED, at=last).update(
        detail=said
    )
