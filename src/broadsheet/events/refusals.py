"""Permanent refusals at sending time."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from broadsheet.events import bounces
from broadsheet.events.failures import give_up
from broadsheet.events.outgoing import announce
from broadsheet.models import (
    BounceClass,
    Delivery,
    DeliveryState,
    Event,
    EventKind,
    Suppression,
    SuppressionReason,
)
from broadsheet.sending import Outcome, Result


def record_refusals(outcomes: Sequence[Outcome], suppress_after: int = 0) -> None:
    """An event for each copy refused for good; an address that does not exist is suppressed, with the reply.

    What was put off so long that it was given up counts as refused. Other refusals suppress an address once
    ``suppress_after`` copies in a row came back.
    """
    failed = {outcome.delivery_id: outcome for outcome in outcomes if outcome.result is Result.FAILED}
    failed |= _put_off_for_good(outcomes)
    if not failed:
        return
    now = timezone.now()
    causes = {pk: _cause(outcome) for pk, outcome in failed.items()}
    with transaction.atomic():
        rows = Delivery.objects.filter(pk__in=failed).select_related("subscriber")
        Event.objects.bulk_create(
            [Event.of(row, EventKind.BOUNCED, now, cause=causes[row.pk], detail=failed[row.pk].reply) for row in rows],
            ignore_conflicts=True,
        )
        for row in rows:
            reply = failed[row.pk].reply
            announce("subscriber.bounced", {"email": row.subscriber.email, "edition": row.edition_id, "reply": reply})
        dead = [row for row in rows if causes[row.pk] == BounceClass.DEAD]
        Suppression.objects.bulk_create(
            [
                Suppression(
                    email_key=row.subscriber.email_key,
                    reason=SuppressionReason.DEAD,
                    detail=failed[row.pk].reply,
                )
                for row in dead
            ],
            ignore_conflicts=True,
        )
        for row in rows:
            if causes[row.pk] not in ("", BounceClass.DEAD):
                give_up([row.subscriber_id], suppress_after, failed[row.pk].reply)


def _put_off_for_good(outcomes: Sequence[Outcome]) -> dict[int, Outcome]:
    """The outcomes that were to be tried again, of copies whose time for that is over."""
    deferred = {outcome.delivery_id: outcome for outcome in outcomes if outcome.result is Result.DEFERRED}
    if not deferred:
        return {}
    over = Delivery.objects.filter(pk__in=deferred, state=DeliveryState.FAILED).values_list("pk", flat=True)
    return {pk: deferred[pk] for pk in over}


def _cause(outcome: Outcome) -> str:
    """Why it was refused; empty if no server was asked. Dead only if code and words do not speak against it."""
    if not outcome.asked:
        return ""
    if outcome.result is Result.DEFERRED:
        return BounceClass.TEMPORARY
    said = bounces.classified("", outcome.reply)
    if outcome.dead and said is BounceClass.UNKNOWN:
        return BounceClass.DEAD
    return said if outcome.dead or said is not BounceClass.DEAD else BounceClass.UNKNOWN
