"""What dead senders had in hand: back into the queue, recorded, or unknown."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from broadsheet.conf import Sending
from broadsheet.models import Claim, Delivery, DeliveryState, Edition
from broadsheet.sending import claims, journal
from broadsheet.sending.outcome import Outcome, Result
from broadsheet.sending.verdict import Tried

log = logging.getLogger(__name__)

STOPPED = "its sender stopped in mid-send"
#: Told of each batch of outcomes in the transaction that records them.
Record = Callable[[Sequence[Outcome]], None]


@dataclass(frozen=True)
class Recovered:
    """What became of the copies that a dead sender had in hand."""

    edition_id: int
    recorded: int = 0
    unknown: int = 0
    queued: int = 0


def recover(folder: Path, rules: Sending, record: Record, edition: Edition | None = None) -> list[Recovered]:
    """End the claims of senders that are dead; of one edition, or of all.

    A sender of this machine is dead when the lock on its journal is free, whatever its lease says, and its journal
    tells what it attempted and what was answered. One of another machine is taken for dead when its lease has run
    out; then all that it had in hand is unknown.
    """
    chosen = Claim.objects.filter(edition=edition) if edition else Claim.objects.all()
    senders = set(chosen.values_list("sender", flat=True))
    alone = set() if edition else set(journal.senders_of(folder)) - senders
    found = []
    for sender in sorted(senders | alone):
        sealed = journal.Sealed(folder, sender)
        whereabouts, ended = sealed.seize(), False
        try:
            if whereabouts == "elsewhere":
                found += _end(sender, journal.Found(whole=False), rules, record, by_lease=True)
            elif whereabouts == "dead":
                says = journal.read(sealed.path)
                found += _end(sender, says, rules, record, by_lease=False)
                _settle_late(says, rules, record)
                ended = True
        finally:
            sealed.release(remove=ended)
    return found


def _end(sender: str, says: journal.Found, rules: Sending, record: Record, *, by_lease: bool) -> list[Recovered]:
    with transaction.atomic():
        held = Claim.objects.filter(sender=sender).select_related("edition").select_for_update(of=("self",))
        clock = Now() if connection.vendor == "postgresql" else timezone.now()
        ended = list(held.filter(lease_until__lt=clock) if by_lease else held)
        found = [_settle(claim, says, rules, record) for claim in ended]
        claims.let_go([claim.pk for claim in ended])
    for each in found:
        log.warning(
            "edition=%s sender=%s died recorded=%s unknown=%s queued=%s",
            each.edition_id, sender, each.recorded, each.unknown, each.queued,
        )  # fmt: skip
    return found


def _settle(claim: Claim, says: journal.Found, rules: Sending, record: Record) -> Recovered:
    before = _tried(Delivery.objects.filter(claim.held()).values_list("pk", "attempts", "deferred_since"))
    answered = [says.answered[pk] for pk in before if pk in says.answered]
    unknown = [
        Outcome(pk, Result.UNKNOWN, STOPPED)
        for pk in before
        if pk not in says.answered and (pk in says.attempted or not says.whole)
    ]
    outcomes = [*answered, *unknown]
    claims.record(claims.judged(claim.edition, outcomes, before, rules))
    record(outcomes)
    return Recovered(claim.edition_id, len(answered), len(unknown), len(before) - len(outcomes))


def _settle_late(says: journal.Found, rules: Sending, record: Record) -> None:
    """Settle by the journal what another machine called unknown meanwhile."""
    rows = Delivery.objects.filter(pk__in=says.answered, state=DeliveryState.UNKNOWN)
    for edition in Edition.objects.filter(pk__in=rows.values("edition_id")):
        with transaction.atomic():
            before = _tried(rows.filter(edition=edition).values_list("pk", "attempts", "deferred_since"))
            outcomes = [says.answered[pk] for pk in before]
            claims.record(claims.judged(edition, outcomes, before, rules), lost=before)
            record(outcomes)


def _tried(rows: object) -> dict[int, Tried]:
    return {pk: Tried(attempts, since) for pk, attempts, since in rows}  # type: ignore[attr-defined]
