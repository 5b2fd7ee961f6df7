"""Who may be mailed, asked when an edition is frozen and again at the moment of sending."""

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q, QuerySet

from broadsheet.audience.segments import segment_query
from broadsheet.models import Subscriber, Subscription, SubscriptionState, Suppression
from broadsheet.workspace import Segment

_SUPPRESSED = Exists(Suppression.objects.filter(email_key=OuterRef("email_key")))


def _on(list_name: str, *states: str) -> Exists:
    return Exists(Subscription.objects.filter(subscriber=OuterRef("pk"), list_name=list_name, state__in=states))


def _in_segments(segments: Iterable[Segment]) -> Q:
    """In at least one of the segments; everybody, if there are none."""
    queries = [segment_query(segment) for segment in segments]
    if not all(queries):
        return Q()  # a segment without rules is everybody; in a union Q() would be nobody
    union = Q()
    for query in queries:
        union |= query
    return union


def mailable(list_name: str, segments: Iterable[Segment]) -> QuerySet[Subscriber]:
    """The subscribers of the list, in one of the segments, whom nothing keeps from being mailed."""
    return (
        Subscriber.objects.filter(_on(list_name, SubscriptionState.SUBSCRIBED))
        .filter(_in_segments(segments))
        .exclude(_SUPPRESSED)
    )


def excluded_by_reason(list_name: str, segments: list[Segment]) -> dict[str, int]:
    """How many of those who ever were on the list are left out, by reason; each is counted once."""
    ever = Subscriber.objects.filter(_on(list_name, *SubscriptionState.values))
    suppressed = ever.filter(_SUPPRESSED)
    rest = ever.exclude(_SUPPRESSED)
    subscribed = rest.filter(_on(list_name, SubscriptionState.SUBSCRIBED))
    counts = {
        "suppressed": suppressed.count(),
        "unsubscribed": rest.filter(_on(list_name, SubscriptionState.UNSUBSCRIBED)).count(),
        "unconfirmed": rest.filter(_on(list_name, SubscriptionState.PENDING)).count(),
        "outside the segment": subscribed.count() - subscribed.filter(_in_segments(segments)).count(),
    }
    return {reason: count for reason, count in counts.items() if count}


def may_receive(subscriber_ids: Iterable[int], list_name: str) -> dict[int, str]:
    """For each who must not be mailed now, the reason: ``suppressed`` or ``unsubscribed``."""
    ids = list(subscriber_ids)
    asked = Subscriber.objects.filter(pk__in=ids)
    suppressed = set(asked.filter(_SUPPRESSED).values_list("pk", flat=True))
    on_list = set(asked.filter(_on(list_name, SubscriptionState.SUBSCRIBED)).values_list("pk", flat=True))
    refused = {pk: "unsubscribed" for pk in ids if pk not in on_list}
    return refused | dict.fromkeys(suppressed, "suppressed")
