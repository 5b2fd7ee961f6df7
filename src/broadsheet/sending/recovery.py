"""What dead senders had in hand: back into the queue, recorded, or unknown."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from broadsheet.conf import Sending
from broadsheet.models import Claim, Delivery, DeliveryState, Edition, Missing
from broadsheet.sending import claims, doubts, journal
from broadsheet.sending.adapters.providers import Keys
from broadsheet.sending.doubts import STOPPED
from broadsheet.sending.outcome import Again, Outcome, Result
from broadsheet.sending.verdict import Tried

log = logging.getLogger(__name__)

#: Told of each batch of outcomes in the transaction that records them.
Record = Callable[[Sequence[Outcome]], None]


@dataclass(frozen=True)
class Recovered:
    """What became of the copies that a dead sender had in hand."""

    edition_id: int
    recorded: int = 0
    unknown: int = 0
    queued: int = 0


@dataclass(frozen=True)
class Rules:
    """What recovery goes by: ``[sending]``, who is told, and what the keys of an adapter of that name allow."""

    sending: Sending
    record: Record
    keys: Callable[[str], Keys | None] = lambda _: None


def recover(folder: Path, rules: Rules, edition: Edition | None = None) -> list[Recovered]:
    """End the claims of senders that are dead; of one edition, or of all.

    A sender of this machine is dead when the lock on its journal is free, whatever its lease says, and its journal
    tells what it attempted and what was answered. One of another machine is taken for dead when its lease has run
    out; then all that it had in hand is unknown until it comes back. Calls that may be made again with their
    idempotency key are kept for that.
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
                found += _end(sender, journal.Found(whole=False), rules, by_lease=True)
            elif whereabouts == "dead":
                says = journal.read(sealed.path)
                found += _end(sender, says, rules, by_lease=False)
                _settle_late(says, rules)
                for row in Missing.objects.filter(sender=sender).select_related("edition"):
                    doubts.settle_missing(row, set(row.deliveries) - says.attempted if says.whole else ())
                ended = True
        finally:
            sealed.release(remove=ended)
    return found


def _end(sender: str, says: journal.Found, rules: Rules, *, by_lease: bool) -> list[Recovered]:
    with transaction.atomic():
        held = Claim.objects.filter(sender=sender).select_related("edition").select_for_update(of=("self",))
        clock = Now() if connection.vendor == "postgresql" else timezone.now()
        ended = list(held.filter(lease_until__lt=clock) if by_lease else held)
        begun = min((claim.taken_at for claim in ended), default=timezone.now())
        found = [_settle(claim, says, rules, begun, by_lease=by_lease) for claim in ended]
        claims.let_go([claim.pk for claim in ended])
    for each in found:
        log.warning(
            "edition=%s sender=%s died recorded=%s unknown=%s queued=%s",
            each.edition_id, sender, each.recorded, each.unknown, each.queued,
        )  # fmt: skip
    return found


def _settle(claim: Claim, says: journal.Found, rules: Rules, begun: datetime, *, by_lease: bool) -> Recovered:
    before = _tried(Delivery.objects.filter(claim.held()).values_list("pk", "attempts", "deferred_since"))
    said = {pk: says.answered[pk] for pk in before if pk in says.answered}
    answered = [each for each in said.values() if each.result is not Result.UNKNOWN]
    again = _again(says, rules.keys(claim.edition.adapter), begun)
    unknown = [
        replace(said.get(pk, Outcome(pk, Result.UNKNOWN, STOPPED)), again=again(pk))
        for pk in before
        if (pk not in said and (pk in says.attempted or not says.whole))
        or (pk in said and said[pk].result is Result.UNKNOWN)
    ]
    outcomes = [*answered, *unknown]
    claims.record(claims.judged(claim.edition, outcomes, before, rules.sending))
    rules.record(outcomes)
    doubts.keep_calls(claim.edition_id, unknown, timezone.now())
    if by_lease:
        doubts.miss(claim, unknown)
    return Recovered(claim.edition_id, len(answered), len(unknown), len(before) - len(outcomes))


def _again(says: journal.Found, keys: Keys | None, begun: datetime) -> Callable[[int], Again | None]:
    """The call that a copy went out in, if it may be made again: its key lasts since ``begun`` at the earliest."""
    if keys is None or begun + keys.last <= timezone.now():
        return lambda _: None
    until, most = begun + keys.last, keys.most

    def call(pk: int) -> Again | None:
        together = says.together.get(pk) or ((pk,) if most == 1 else ())
        return Again(together, until) if 0 < len(together) <= most else None

    return call


def _settle_late(says: journal.Found, rules: Rules) -> None:
    """Settle by the journal what another machine called unknown meanwhile."""
    rows = Delivery.objects.filter(pk__in=says.answered, state=DeliveryState.UNKNOWN)
    for edition in Edition.objects.filter(pk__in=rows.values("edition_id")):
        with transaction.atomic():
            before = _tried(rows.filter(edition=edition).values_list("pk", "attempts", "deferred_since"))
            outcomes = [says.answered[pk] for pk in before]
            claims.record(claims.judged(edition, outcomes, before, rules.sending), lost=before)
            rules.record(outcomes)


def _tried(rows: object) -> dict[int, Tried]:
    return {pk: Tried(attempts, since) for pk, attempts, since in rows}  # type: ignore[attr-defined]
