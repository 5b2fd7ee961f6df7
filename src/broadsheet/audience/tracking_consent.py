"""Whether a reader agreed to their clicks and opens being counted by name. What people read about is theirs."""

from datetime import datetime

from django.db import transaction

from broadsheet.models import Event, EventKind, Subscriber

#: What a click or an opening says of a reader.
_ABOUT_READING = (EventKind.OPENED, EventKind.CLICKED)


def agree(subscriber: Subscriber, wording: str, at: datetime) -> None:
    """Record that the reader agreed, when, and to which words. Whoever has agreed already, did so then."""
    if subscriber.tracking_consent_at:
        return
    subscriber.tracking_consent_at, subscriber.tracking_consent_wording = at, wording
    subscriber.save(update_fields=["tracking_consent_at", "tracking_consent_wording"])


def withdraw(subscriber: Subscriber) -> int:
    """The reader agrees no longer: everything kept of their clicks and opens is gone; how many rows.

    Totals stay, as they name nobody.
    """
    with transaction.atomic():
        subscriber.tracking_consent_at, subscriber.tracking_consent_wording = None, ""
        subscriber.save(update_fields=["tracking_consent_at", "tracking_consent_wording"])
        gone, _ = Event.objects.filter(delivery__subscriber=subscriber, kind__in=_ABOUT_READING).delete()
    return gone


def forget_reading(before: datetime) -> int:
    """Delete readers' clicks and opens from before that time; how many. The totals have them already."""
    gone, _ = Event.objects.filter(kind__in=_ABOUT_READING, at__lt=before).delete()
    return gone
