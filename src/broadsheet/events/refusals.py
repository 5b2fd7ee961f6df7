"""Permanent refusals at sending time."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from broadsheet.models import Delivery, Event, EventKind, Suppression, SuppressionReason
from broadsheet.sending import Outcome, Result


def record_refusals(outcomes: Sequence[Outcome]) -> None:
    """An event for each copy refused for good; an address that does not exist is suppressed, with the reply."""
    failed = {outcome.delivery_id: outcome for outcome in outcomes if outcome.result is Result.FAILED}
    if not failed:
        return
    now = timezone.now()
    with transaction.atomic():
        Event.objects.bulk_create(
            [
                Event(kind=EventKind.BOUNCED, delivery_id=pk, detail=outcome.reply, at=now)
                for pk, outcome in failed.items()
            ],
            ignore_conflicts=True,
        )
        dead = [pk for pk, outcome in failed.items() if outcome.dead]
        rows = Delivery.objects.filter(pk__in=dead).select_related("subscriber")
        Suppression.objects.bulk_create(
            [
                Suppression(
                    email_key=row.subscriber.email_key,
                    reason=SuppressionReason.DEAD,
                    detail=failed[row.pk].reply,
                )
                for row in rows
            ],
            ignore_conflicts=True,
        )
