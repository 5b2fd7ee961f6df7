"""Permanent refusals at sending time."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from broadsheet.events.outgoing import announce
from broadsheet.models import Delivery, Event, EventKind, Suppression, SuppressionReason
from broadsheet.sending import Outcome, Result


def record_refusals(outcomes: Sequence[Outcome]) -> None:
    """An event for each copy refused for good; an address that does not exist is suppressed, with the reply."""
    failed = {outcome.delivery_id: outcome for outcome in outcomes if outcome.result is Result.FAILED}
    if not failed:
        return
    now = timezone.now()
    with transaction.atomic():
        rows = Delivery.objects.filter(pk__in=failed).select_related("subscriber")
        Event.objects.bulk_create(
            [Event.of(row, EventKind.BOUNCED, now, detail=failed[row.pk].reply) for row in rows],
            ignore_conflicts=True,
        )
        for row in rows:
            reply = failed[row.pk].reply
            announce("subscriber.bounced", {"email": row.subscriber.email, "edition": row.edition_id, "reply": reply})
        Suppression.objects.bulk_create(
            [
                Suppression(
                    email_key=row.subscriber.email_key,
                    reason=SuppressionReason.DEAD,
                    detail=failed[row.pk].reply,
                )
                for row in rows
                if failed[row.pk].dead
            ],
            ignore_conflicts=True,
        )
