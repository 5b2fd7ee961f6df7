"""Claims on stretches of the ledger: whose turn a copy is, for how long, and what became of it.

A claim is a row of its own (:class:`~broadsheet.models.Claim`); a copy's row is written once, when its outcome is
known. Here is plain SQL: these few statements run for every message.
"""

import os
import secrets
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from broadsheet.conf import Sending
from broadsheet.models import Claim, Delivery, DeliveryState, Edition, EditionState
from broadsheet.models.among import among
from broadsheet.models.delivery import moment_of, text_of
from broadsheet.sending.outcome import Outcome, Result
from broadsheet.sending.turns import in_turns, rest, turn
from broadsheet.sending.verdict import Tried, Verdict, verdict

#: A sender on another machine that has not been heard of for so long is taken for dead.
LEASE = timedelta(seconds=60)

Place = tuple[int, int]
"""A place in the order of sending: variant, id."""
FIRST: Place = (0, 0)
_END: Place = (2**62, 0)

_DUE = "edition_id = %s AND state IN ('queued', 'deferred') AND (at IS NULL OR at <= %s)"
_ROWS = (
    "SELECT id, variant_id, subscriber_id, attempts, deferred_since FROM broadsheet_delivery"  # noqa: S608
    f" WHERE {_DUE} AND (variant_id, id) > (%s, %s) AND (variant_id, id) < (%s, %s) ORDER BY variant_id, id LIMIT %s"
)


class Row(NamedTuple):
    """A claimed copy."""

    id: int
    variant: int
    subscriber: int
    attempts: int
    deferred_since: datetime | None


@dataclass(frozen=True)
class Claimed:
    """A claim and its copies, in the order of sending."""

    pk: int
    rows: tuple[Row, ...]

    @property
    def end(self) -> Place:
        """Where the next claim begins to look."""
        return self.rows[-1].variant, self.rows[-1].id


def sender_name(edition_id: int) -> str:
    """A name that no other sender has had."""
    return f"{socket.gethostname()[:40]}-{edition_id}-{os.getpid()}-{secrets.token_hex(4)}"


def keep_little_in_memory() -> None:
    """A sender looks at each row twice, one after the other: of the 64 MB of pages that a freeze wants, 4 will do.

    Said before it counts what waits, which goes through all of an edition: 25 MB of a million stayed for good.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA cache_size=-4096")
            cursor.execute("PRAGMA shrink_memory")


def locked_state(edition_id: int) -> tuple[str, datetime]:
    """The edition's state, its row locked until the transaction ends, and the database's clock."""
    postgresql = connection.vendor == "postgresql"
    extra = ", clock_timestamp()" if postgresql else ""
    lock = " FOR NO KEY UPDATE" if postgresql else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT state{extra} FROM broadsheet_edition WHERE id = %s{lock}", [edition_id])  # noqa: S608
        found = cursor.fetchone()
    if found is None:
        return EditionState.CANCELLED, timezone.now()
    return found[0], found[1] if postgresql else timezone.now()


def claim(edition_id: int, sender: str, size: int, after: Place = FIRST) -> Claimed | None:
    """Up to ``size`` copies that are due, now this sender's, or None; looked for after a place, then from the first.

    Nobody else gets them while the lease runs. Nothing is claimed of an edition that is not being sent.
    """
    with transaction.atomic():
        state, clock = locked_state(edition_id)
        if state != EditionState.SENDING:
            return None
        return take_stretch(edition_id, sender, size, after, clock)


def take_stretch(edition_id: int, sender: str, size: int, after: Place, clock: datetime) -> Claimed | None:
    """What :func:`claim` does, under the lock of :func:`locked_state`."""
    now = timezone.now()
    with connection.cursor() as cursor:
        for start, end in _gaps(edition_id, after):
            cursor.execute(_ROWS, [edition_id, _written(now), *start, *end, size])
            if rows := tuple(_row(*each) for each in _fetched(cursor)):
                break
        else:
            return None
    made = Claim.objects.create(
        edition_id=edition_id,
        sender=sender,
        first_variant=rows[0].variant,
        first_id=rows[0].id,
        last_variant=rows[-1].variant,
        last_id=rows[-1].id,
        taken_at=now,
        lease_until=clock + LEASE,
    )
    return Claimed(made.pk, rows)


def _fetched(cursor: Any) -> Iterator[tuple[Any, ...]]:
    while found := cursor.fetchmany(turn()):
        yield from found
        rest()


def _row(pk: int, variant: int, subscriber: int, attempts: int, since: str) -> Row:
    return Row(pk, variant, subscriber, attempts, moment_of(since))


def _gaps(edition_id: int, after: Place) -> list[tuple[Place, Place]]:
    """Where nobody has a claim, beginning with what follows ``after``."""
    stretches = Claim.objects.filter(edition_id=edition_id).values_list(
        "first_variant", "first_id", "last_variant", "last_id"
    )
    gaps, start = [], FIRST
    for first_variant, first_id, last_variant, last_id in sorted(stretches):
        gaps.append((start, (first_variant, first_id)))
        start = (last_variant, last_id)
    gaps.append((start, _END))
    ahead = [(max(start, after), end) for start, end in gaps if end > after]
    behind = [(start, min(end, (after[0], after[1] + 1))) for start, end in gaps if start < after]
    return ahead + behind


def _written(moment: datetime | None) -> Any:
    return None if moment is None else connection.ops.adapt_datetimefield_value(moment)


def state_of(edition_id: int) -> str:
    """The edition's state now."""
    return Edition.objects.values_list("state", flat=True).get(pk=edition_id)


def keep(pks: Sequence[int]) -> set[int]:
    """Extend these claims' leases; those that are still there."""
    if not pks:
        return set()
    condition, chosen = among("id", pks)
    if connection.vendor == "postgresql":
        until, parameters = f"clock_timestamp() + interval '{LEASE.total_seconds():.0f} seconds'", []
    else:
        until, parameters = "%s", [_written(timezone.now() + LEASE)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE broadsheet_claim SET lease_until = {until} WHERE {condition} RETURNING id",  # noqa: S608
            [*parameters, chosen],
        )
        return {pk for (pk,) in cursor.fetchall()}


def let_go(pks: Sequence[int]) -> None:
    """End these claims. What of them has no outcome yet waits in the queue again."""
    if pks:
        condition, chosen = among("id", pks)
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM broadsheet_claim WHERE {condition}", [chosen])  # noqa: S608


def let_go_all(sender: str, *, but: Iterable[int] = ()) -> None:
    """End the sender's claims, but those: what is left of a transaction of which nobody knows whether it ended."""
    Claim.objects.filter(sender=sender).exclude(pk__in=but).delete()


_SENT = "UPDATE broadsheet_delivery SET state = 'sent', at = %s, reason = '', attempts = attempts + 1"
_OTHER = (
    "UPDATE broadsheet_delivery SET state = %s, at = %s, reason = %s, deferred_since = %s, attempts = attempts + %s"
)


def record(verdicts: Mapping[int, Verdict], *, lost: Iterable[int] = ()) -> None:
    """Write what became of copies. Of the ``lost``, whose claim somebody else ended, only what is still unsettled.

    What was sent is the truth, whatever the row says: an unknown copy turns out to be sent.
    """
    lost = set(lost)
    now = _written(timezone.now())
    plain, others = [], []
    for pk, each in verdicts.items():
        if each.state == DeliveryState.SENT and not each.reason:
            plain.append(pk)
        else:
            open_ = "state = 'unknown'" if pk in lost else "state IN ('queued', 'deferred', 'unknown')"
            others.append((open_, each, pk))
    with connection.cursor() as cursor:
        for some in in_turns(sorted(plain)):
            condition, chosen = among("id", some)
            cursor.execute(f"{_SENT} WHERE {condition} AND state <> 'sent'", [now, chosen])
        for open_, each, pk in others:
            values = [each.state, _written(each.at), each.reason, text_of(each.deferred_since), int(each.used_up), pk]
            cursor.execute(f"{_OTHER} WHERE id = %s AND {open_}", values)


def set_aside(refused: Mapping[int, str]) -> None:
    """Record why claimed copies are not sent after all: ``suppressed``, or skipped for that reason."""
    now = timezone.now()
    by_reason: dict[str, list[int]] = {}
    for pk, reason in refused.items():
        by_reason.setdefault(reason, []).append(pk)
    for reason, pks in by_reason.items():
        state = DeliveryState.SUPPRESSED if reason == "suppressed" else DeliveryState.SKIPPED
        for start in range(0, len(pks), 500):
            rows = Delivery.objects.filter(pk__in=pks[start : start + 500], state__in=DeliveryState.open())
            rows.update(state=state, reason=reason, at=now)


def put_off(times: Mapping[int, datetime]) -> None:
    """Give copies that the pace holds up a time before which nobody takes them."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE broadsheet_delivery SET at = %s WHERE id = %s AND state IN ('queued', 'deferred')",
            [(_written(at), pk) for pk, at in times.items()],
        )


def judged(
    edition: Edition, outcomes: Iterable[Outcome], before: Mapping[int, Tried], rules: Sending
) -> dict[int, Verdict]:
    """The verdict on each answered copy. ``before`` need not hold those that were simply sent."""
    now = timezone.now()
    sent = Verdict(DeliveryState.SENT, now)
    return {
        each.delivery_id: sent
        if each.result is Result.SENT
        else verdict(each, before[each.delivery_id], edition.on_unknown, rules, now)
        for each in outcomes
    }
