"""Copies of which nobody can say yet whether they were taken: what may still tell, and what it says.

A provider may, if the call is made again with its idempotency key (:class:`~broadsheet.models.Repeat`); a sender may
that was cut off and comes back (:class:`~broadsheet.models.Missing`).
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from broadsheet import editions
from broadsheet.models import Claim, Delivery, DeliveryState, Edition, EditionState, Missing, Repeat, Summary
from broadsheet.sending.outcome import Outcome
from broadsheet.sending.verdict import ASSUMED

#: The reason of a copy whose sender died, or was taken for dead.
STOPPED = "its sender stopped in mid-send"
#: How long a call rests that had no answer, before it is made again.
REST = timedelta(minutes=1)


def keep_calls(edition_id: int, outcomes: Iterable[Outcome], at: datetime) -> None:
    """Note the calls that may be made again, from ``at`` on."""
    calls = {each.again.together: each.again.until for each in outcomes if each.again}
    alone = {ids[0]: until for ids, until in calls.items() if len(ids) == 1}
    several = {ids: until for ids, until in calls.items() if len(ids) > 1}
    for ids, until in several.items():
        if not Repeat.objects.filter(edition_id=edition_id, deliveries=list(ids)).exists():
            Repeat.objects.create(
                edition_id=edition_id, deliveries=list(ids), together=True, again_at=min(at, until), until=until
            )
    if alone:
        until = min(alone.values())
        Repeat.objects.create(
            edition_id=edition_id, deliveries=sorted(alone), together=False, again_at=min(at, until), until=until
        )


def miss(claim: Claim, outcomes: Iterable[Outcome]) -> None:
    """Note what the sender of that claim had in hand, which was taken for dead and may come back."""
    ids = [each.delivery_id for each in outcomes]
    Missing.objects.create(edition_id=claim.edition_id, sender=claim.sender, claim=claim.pk, deliveries=ids)


def came_back(sender: str, known: Collection[int], never_left: Collection[int]) -> None:
    """Queue again what a sender that was missed did not attempt.

    Of the claims that it ``known``s of, that is what it took out of its hand before it left; of others, all.
    """
    for row in Missing.objects.filter(sender=sender).select_related("edition"):
        ids = set(row.deliveries)
        settle_missing(row, ids.intersection(never_left) if row.claim in known else ids)


def settle_missing(row: Missing, never_left: Collection[int]) -> None:
    """Queue those copies again, which certainly did not leave; an edition that ended without them goes on."""
    with transaction.atomic():
        edition = row.edition
        doubtful = Q(state=DeliveryState.UNKNOWN, reason=STOPPED) | Q(
            state=DeliveryState.SENT, reason=f"{ASSUMED}{STOPPED}"
        )
        # its attempt is taken back, too: it was none
        back = Delivery.objects.filter(doubtful, edition=edition, pk__among=set(never_left)).update(
            state=DeliveryState.QUEUED, reason="", at=None, attempts=F("attempts") - 1
        )
        row.delete()
        if back:
            Summary.objects.filter(edition=edition).delete()
            if edition.state == EditionState.SENT:
                why = "copies that were taken for sent or lost had not left"
                editions.move(edition, EditionState.SENDING, who="send", why=why)
            editions.call_off_waiting(edition)


def settle_unknown(edition: Edition, as_: str) -> int:
    """Turns the edition's unknown copies into ``sent`` or ``queued`` again, as a person decided; how many."""
    state = DeliveryState.SENT if as_ == "sent" else DeliveryState.QUEUED
    with transaction.atomic():
        for told in (Repeat, Missing, Summary):
            told.objects.filter(edition=edition).delete()
        return Delivery.objects.filter(edition=edition, state=DeliveryState.UNKNOWN).update(
            state=state, reason="", at=timezone.now()
        )
