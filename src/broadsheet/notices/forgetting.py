"""What is not kept: requests nobody confirmed, what was given up, counts that have run out."""

from datetime import datetime, timedelta

from broadsheet.models import Allowance, Errand, Subscriber, Subscription, SubscriptionState
from broadsheet.notices.joining import FORGET_ASKS

#: How long an errand that was given up stays, with its reason.
KEPT = timedelta(days=7)


def forget(now: datetime) -> int:
    """Deletes people who asked for a list, never said yes, and are not known otherwise; how many there were."""
    unanswered = Subscription.objects.filter(
        state=SubscriptionState.PENDING, asked_at__isnull=False, asked_at__lt=now - FORGET_ASKS
    )
    ids = list(unanswered.values_list("subscriber_id", flat=True))
    unanswered.delete()
    strangers = Subscriber.objects.filter(pk__in=ids, subscriptions__isnull=True)
    count, _ = strangers.delete()
    Errand.objects.filter(due_at__isnull=True, created_at__lt=now - KEPT).delete()
    Allowance.objects.filter(until__lt=now).delete()
    return count
