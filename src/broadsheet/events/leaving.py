"""Readers who leave a list, and who change their mind."""

from django.db import transaction
from django.utils import timezone

from broadsheet.events.outgoing import announce
from broadsheet.models import (
    ConsentHow,
    Delivery,
    Edition,
    Event,
    EventKind,
    Subscriber,
    Subscription,
    SubscriptionState,
)


def _subscription(edition_id: int, subscriber_id: int) -> Subscription | None:
    edition = Edition.objects.filter(pk=edition_id).first()
    if edition is None:
        return None
    return (
        Subscription.objects.select_for_update()
        .filter(subscriber_id=subscriber_id, list_name=edition.list_name)
        .first()
    )


def unsubscribed(edition_id: int, subscriber_id: int, *, how: str) -> Subscription | None:
    """Takes the reader off the list that the edition went to; the subscription, or None if there is none."""
    with transaction.atomic():
        subscription = _subscription(edition_id, subscriber_id)
        if subscription is None:
            return None
        if subscription.state != SubscriptionState.UNSUBSCRIBED:
            subscription.state = SubscriptionState.UNSUBSCRIBED
            subscription.left_at = timezone.now()
            subscription.save(update_fields=["state", "left_at"])
            _tell(subscription.subscriber, subscription.list_name, how)
        delivery = Delivery.objects.filter(edition_id=edition_id, subscriber_id=subscriber_id).first()
        if delivery is not None:
            Event.once(delivery, EventKind.UNSUBSCRIBED, timezone.now(), detail=how[:300])
    return subscription


def left(subscriber_id: int, list_name: str) -> bool:
    """Takes the reader off a list, without an edition that made them leave; whether they were on it."""
    on = Subscription.objects.filter(subscriber_id=subscriber_id, list_name=list_name).exclude(
        state=SubscriptionState.UNSUBSCRIBED
    )
    found = bool(on.update(state=SubscriptionState.UNSUBSCRIBED, left_at=timezone.now()))
    if found:
        _tell(Subscriber.objects.get(pk=subscriber_id), list_name, "preferences")
    return found


def _tell(subscriber: Subscriber, list_name: str, how: str) -> None:
    announce("subscriber.unsubscribed", {"email": subscriber.email, "list": list_name, "how": how})


def resubscribed(edition_id: int, subscriber_id: int) -> Subscription | None:
    """Undoes :func:`unsubscribed`: the reader asked for it on the page that said they had left."""
    with transaction.atomic():
        subscription = _subscription(edition_id, subscriber_id)
        if subscription is None:
            return None
        if subscription.state == SubscriptionState.UNSUBSCRIBED:
            subscription.state = SubscriptionState.SUBSCRIBED
            subscription.left_at = None
            subscription.consent_at = timezone.now()
            subscription.consent_how = ConsentHow.FORM
            subscription.consent_detail = "undid an unsubscribe"
            subscription.save(update_fields=["state", "left_at", "consent_at", "consent_how", "consent_detail"])
            Event.objects.filter(
                delivery__edition_id=edition_id,
                delivery__subscriber_id=subscriber_id,
                kind=EventKind.UNSUBSCRIBED,
            ).delete()
    return subscription
