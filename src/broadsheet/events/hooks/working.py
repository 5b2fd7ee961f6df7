"""Kept calls worked on: events, suppressions, readers who leave. In any order, however often, the end is the same."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from anymail.signals import AnymailTrackingEvent
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from broadsheet.events.failures import copy_bounced, copy_complained, give_up
from broadsheet.events.hooks.causes import cause_of
from broadsheet.events.hooks.checking import webhook_of
from broadsheet.events.hooks.keeping import Keeper, write_refusals
from broadsheet.events.leaving import left_its_list
from broadsheet.models import BounceClass, Delivery, Event, EventKind, HookCall, Suppression, SuppressionReason
from broadsheet.workspace import Workspace

log = logging.getLogger(__name__)

BATCH: Final = 100
#: How long a call that could not be worked on is kept.
_KEPT: Final = timedelta(days=30)


@dataclass(frozen=True)
class _Told:
    """One event about one copy."""

    provider: str
    copy: Delivery
    event: AnymailTrackingEvent
    at: datetime
    suppress_after: int

    @property
    def detail(self) -> str:
        """The words that came with it, and who sent them."""
        words = " ".join(str(self.event.mta_response or self.event.description or "no reason given").split())
        source = f" (from {self.provider})"
        return words[: 300 - len(source)] + source


def work_on_calls(workspace: Workspace) -> int:
    """How many kept calls were worked on, oldest first. One that makes no sense is kept with its reason."""
    HookCall.objects.filter(received_at__lt=timezone.now() - _KEPT).exclude(reason="").delete()
    done = 0
    if Keeper.running and Keeper.running.in_a_burst():  # SQLite has one writer
        return 0
    write_refusals()
    while batch := _work_on_some(workspace):
        done += batch
    return done


def _work_on_some(workspace: Workspace) -> int:
    with transaction.atomic():
        skip = connection.features.has_select_for_update_skip_locked
        calls = list(HookCall.objects.filter(reason="").order_by("pk").select_for_update(skip_locked=skip)[:BATCH])
        worked = [call.pk for call in calls if _work_on(workspace, call)]
        HookCall.objects.filter(pk__in=worked).delete()
    return len(calls)


def _work_on(workspace: Workspace, call: HookCall) -> bool:
    try:
        with transaction.atomic():
            webhook = webhook_of(workspace, call.adapter)
            if webhook is None:
                raise LookupError("the adapter is gone, or its secret")  # noqa: TRY301
            for event in webhook.events(call):
                _record(webhook.row.title, event, call, workspace.config.bounces.suppress_after)
    except DatabaseError:
        raise
    except Exception as error:  # what a provider may send one day is not known; it is kept, and said
        log.exception("A call of the webhook %s can't be worked on", call.adapter)
        call.reason = f"{type(error).__name__}: {error}"[:300]
        call.save(update_fields=["reason"])
        return False
    return True


def _record(provider: str, event: AnymailTrackingEvent, call: HookCall, suppress_after: int) -> None:
    act = _ACTS.get(str(event.event_type))
    copy = _copy_of(event) if act else None
    if act and copy:
        # a clock that is ahead must not make an event later than those that come after it
        at = min(event.timestamp or call.received_at, call.received_at)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        act(_Told(provider, copy, event, at, suppress_after))


def _copy_of(event: AnymailTrackingEvent) -> Delivery | None:
    """The copy that the event is about: by the number that went along, else by the edition's tag; its address fits."""
    address = str(event.recipient or "").casefold()
    copies = Delivery.objects.select_related("subscriber")
    number = str((event.metadata or {}).get("delivery", ""))
    if number.isdigit() and len(number) < 19:
        copy = copies.filter(pk=int(number)).first()
        if copy and (not address or copy.subscriber.email_key == address):
            return copy
    for tag in event.tags or ():
        slug, _, time = str(tag).rpartition("-")
        try:
            due = datetime.strptime(time, "%Y%m%dT%H%M").replace(tzinfo=UTC)
        except ValueError:
            continue
        minute = Q(edition__scheduled_for__range=(due, due + timedelta(seconds=59.999999)))
        moved = Q(edition__moved_from__range=(due, due + timedelta(seconds=59.999999)))
        ours = copies.filter(minute | moved, edition__campaign__slug=slug, subscriber__email_key=address)
        if copy := ours.first():
            return copy
    return None


def _bounced(told: _Told) -> None:
    cause = cause_of(told.provider, told.event)
    arrived = Event.objects.filter(delivery=told.copy, kind=EventKind.DELIVERED, at__gte=told.at)
    if cause == BounceClass.DEAD or not arrived.exists():
        copy_bounced(told.copy, cause, told.detail, told.suppress_after, told.at)


def _rejected(told: _Told) -> None:
    """The provider did not even try: because of what it knows of the reader, or of its own rules."""
    if told.event.reject_reason == "spam":
        copy_complained(told.copy, told.detail, told.at)
    elif told.event.reject_reason == "unsubscribed":
        _unsubscribed(told)
    else:
        cause = cause_of(told.provider, told.event)
        in_doubt = BounceClass.UNKNOWN if cause == BounceClass.DEAD else cause
        copy_bounced(told.copy, in_doubt, told.detail, told.suppress_after, told.at)


def _delivered(told: _Told) -> None:
    """It arrived: what came back of it before, and was no dead address, was only a delay."""
    row, new = Event.once(told.copy, EventKind.DELIVERED, told.at)
    if not new and told.at > row.at:
        row.at = told.at
        row.save(update_fields=["at"])
    before = Event.objects.filter(delivery=told.copy, kind=EventKind.BOUNCED, at__lte=told.at)
    if before.exclude(cause=BounceClass.DEAD).delete()[0]:
        key = told.copy.subscriber.email_key
        given_up = Suppression.objects.filter(email_key=key, reason=SuppressionReason.BOUNCING)
        if given_up.delete()[0]:
            give_up([told.copy.subscriber_id], told.suppress_after, told.detail)


def _complained(told: _Told) -> None:
    copy_complained(told.copy, told.detail, told.at)


def _unsubscribed(told: _Told) -> None:
    left_its_list(told.copy.edition_id, told.copy.subscriber_id, how=f"through {told.provider}")


#: What is done about each of anymail's kinds of event. Queued, sent and deferred say nothing final. Opens and clicks
#: are not taken from a provider: the campaign's own tracking counts them, as it and its readers allow.
_ACTS: Final[dict[str, Callable[[_Told], None]]] = {
    "bounced": _bounced,
    "failed": _bounced,
    "rejected": _rejected,
    "delivered": _delivered,
    "complained": _complained,
    "unsubscribed": _unsubscribed,
}
