"""Who may be mailed, asked when an edition is frozen and again at the moment of sending."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from broadsheet.audience.segments import in_any, not_in_any
from broadsheet.models import (
    Delivery,
    Edition,
    Frequency,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
)
from broadsheet.models.among import among
from broadsheet.models.delivery import HAD
from broadsheet.workspace import Segment


def _suppressed() -> Q:
    return Q(email_key__in=Suppression.objects.values("email_key"))


def _unsuppressed() -> Q:
    """Whom no suppression names; an anti-join on PostgreSQL, as :mod:`broadsheet.audience.idsets` tells."""
    if connection.vendor == "postgresql":
        return ~Q(Exists(Suppression.objects.filter(email_key=OuterRef("email_key"))))
    return ~_suppressed()


def _on(list_name: str, *states: str) -> Q:
    """On the list, in one of the states. ``IN`` over one index is ten times faster here than ``EXISTS`` per row."""
    return Q(pk__in=Subscription.objects.filter(list_name=list_name, state__in=states).values("subscriber_id"))


@dataclass(frozen=True)
class Target:
    """Whom a campaign is for: a list, the segments of it (any of them; none is everybody), less the excluded."""

    list_name: str
    segments: tuple[Segment, ...] = ()
    exclude: tuple[Segment, ...] = ()
    at: datetime | None = None
    """The edition's time, which pauses and frequencies are measured against; now, if none is given."""
    edition_id: int | None = None
    """The edition itself, if it is frozen: its copies, and those of later ones, are no past of its readers."""

    def _inside(self) -> Q:
        return in_any(self.segments)


#: An edition may come out this much sooner after the last one: daylight saving, a schedule moved by some hours.
_LEEWAY = timedelta(hours=12)
PAUSED, LESS_OFTEN = "paused", "wants mail less often"


def _subscribed(target: Target) -> QuerySet[Subscription]:
    return Subscription.objects.filter(list_name=target.list_name, state=SubscriptionState.SUBSCRIBED)


def _waiting(target: Target) -> dict[str, QuerySet[Subscription]]:
    """The subscriptions that want no mail yet, by reason; without those reasons that nobody has.

    Both queries read partial indexes that hold only the readers who asked for fewer mails.
    """
    at = target.at or timezone.now()
    found = {PAUSED: _subscribed(target).filter(paused_until__gt=at)}
    if frequencies := _had_lately(target, at):
        too_soon = reduce(or_, (Q(had, frequency=frequency) for frequency, had in frequencies.items()))
        found[LESS_OFTEN] = _subscribed(target).filter(Q(paused_until__isnull=True) | Q(paused_until__lte=at), too_soon)
    return {reason: rows for reason, rows in found.items() if rows.exists()}


def _had_lately(target: Target, at: datetime) -> dict[Frequency, Exists]:
    """For each frequency, the test whether a subscription's reader had a mail of the list within it."""
    found = {}
    for frequency in Frequency:
        span = timedelta(days=frequency) - _LEEWAY
        editions = Edition.objects.filter(
            list_name=target.list_name, scheduled_for__gt=at - span, scheduled_for__lte=at
        )
        if target.edition_id is not None:
            editions = editions.filter(pk__lt=target.edition_id)
        if recent := list(editions.values_list("pk", flat=True)):
            had = Delivery.objects.filter(subscriber=OuterRef("subscriber"), edition_id__in=recent, state__in=HAD)
            found[frequency] = Exists(had)
    return found


def _wanting(target: Target) -> QuerySet[Subscription]:
    """The subscriptions of the list that want its mail now.

    One pass over an index that holds all it asks for; a second set to leave out would take PostgreSQL, where it does
    not fit into memory, a comparison for each pair.
    """
    if not _waiting(target):
        return _subscribed(target)
    at = target.at or timezone.now()
    frequencies = _had_lately(target, at)
    often_enough = Q(frequency__isnull=True) | Q(frequency__in=[each for each in Frequency if each not in frequencies])
    for frequency, had in frequencies.items():
        often_enough |= Q(~had, frequency=frequency)
    return _subscribed(target).filter(Q(paused_until__isnull=True) | Q(paused_until__lte=at), often_enough)


def mailable(target: Target) -> QuerySet[Subscriber]:
    """The subscribers of the target whom nothing keeps from being mailed."""
    found = Subscriber.objects.filter(pk__in=_wanting(target).values("subscriber_id"))
    return found.filter(target._inside()).filter(_unsuppressed()).filter(not_in_any(target.exclude))


_BY_STATE = {SubscriptionState.UNSUBSCRIBED: "unsubscribed", SubscriptionState.PENDING: "unconfirmed"}


def excluded_by_reason(target: Target) -> dict[str, int]:
    """How many of those who ever were on the list are left out, by reason; each is counted once."""
    suppressed = Subscriber.objects.filter(_on(target.list_name, *SubscriptionState.values)).filter(_suppressed())
    counts = {"suppressed": suppressed.count()}
    ever = Subscription.objects.filter(list_name=target.list_name)
    if counts["suppressed"]:
        ever = ever.exclude(subscriber__in=Subscriber.objects.filter(_suppressed()))
    states = dict(ever.values_list("state").annotate(Count("pk")).order_by())
    counts |= {reason: states.get(state, 0) for state, reason in _BY_STATE.items()}
    reached = states.get(SubscriptionState.SUBSCRIBED, 0)
    if waiting := _waiting(target):
        suppressed_people = Subscriber.objects.filter(_suppressed())
        counts |= {reason: rows.exclude(subscriber__in=suppressed_people).count() for reason, rows in waiting.items()}
        reached -= sum(counts[reason] for reason in waiting)
    if target.segments and target._inside():
        inside = mailable(replace(target, exclude=())).count()
        counts["outside the segment"], reached = reached - inside, inside
    if target.exclude:
        counts["excluded"] = reached - mailable(target).count()
    return {reason: count for reason, count in counts.items() if count}


def why_not(target: Target, subscriber: Subscriber) -> str:
    """Why this person is not mailed, in the words of :func:`excluded_by_reason`; empty if they are."""
    if mailable(target).filter(pk=subscriber.pk).exists():
        return ""
    if Suppression.objects.filter(email_key=subscriber.email_key).exists():
        return "suppressed"
    on_list = Subscription.objects.filter(subscriber=subscriber, list_name=target.list_name).first()
    if on_list is None:
        return f"never was on the list {target.list_name}"
    if on_list.state in _BY_STATE:
        return _BY_STATE[SubscriptionState(on_list.state)]
    for reason, waiting in _waiting(target).items():
        if waiting.filter(subscriber=subscriber).exists():
            return reason
    inside = mailable(replace(target, exclude=())).filter(pk=subscriber.pk).exists()
    return "excluded" if inside else "outside the segment"


#: Plain SQL, as a sender asks for every copy: making Django's two queries took 2 ms for each hundred readers.
_SUBSCRIBED = (
    "SELECT subscriber_id, frequency, paused_until FROM broadsheet_subscription"
    " WHERE list_name = %s AND state = 'subscribed'"
)
_SUPPRESSED = "SELECT s.id FROM broadsheet_subscriber s JOIN broadsheet_suppression USING (email_key) WHERE TRUE"


def may_receive(subscriber_ids: Iterable[int], target: Target) -> dict[int, str]:
    """For each who must not be mailed now, the reason; segments are not looked at again.

    Reasons are ``suppressed``, ``unsubscribed``, and those of readers who paused or want mail less often.
    """
    ids = set(subscriber_ids)
    refused = dict.fromkeys(ids, "unsubscribed")
    fewer = []
    with connection.cursor() as cursor:
        condition, chosen = among("subscriber_id", ids)
        cursor.execute(f"{_SUBSCRIBED} AND {condition}", [target.list_name, chosen])
        for pk, frequency, paused_until in cursor.fetchall():
            del refused[pk]
            if frequency or paused_until:
                fewer.append(pk)
        condition, chosen = among("s.id", ids)
        cursor.execute(f"{_SUPPRESSED} AND {condition}", [chosen])
        suppressed = cursor.fetchall()
    if fewer:
        refused |= _who_waits(fewer, target)
    for (pk,) in suppressed:
        refused[pk] = "suppressed"
    return refused


def _who_waits(ids: list[int], target: Target) -> dict[int, str]:
    found: dict[int, str] = {}
    for reason, waiting in _waiting(target).items():
        for pk in waiting.filter(subscriber_id__in=ids).values_list("subscriber_id", flat=True):
            found.setdefault(pk, reason)
    return found
