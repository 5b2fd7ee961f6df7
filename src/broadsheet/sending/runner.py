"""Drains an edition: claim, look again, stamp, hand over, record, until nothing is due."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.utils import timezone

from broadsheet.audience import Target, may_receive, readers
from broadsheet.errors import AdapterFailed, UnstampableReader
from broadsheet.models import Delivery, Edition, Variant
from broadsheet.rendering import Message
from broadsheet.sending import claims
from broadsheet.sending.adapters import Adapter
from broadsheet.sending.outcome import Outcome, Result
from broadsheet.stamping import Imprint, LinkSigner, Mail, Stamp

BATCH = 200


@dataclass(frozen=True)
class Batch:
    """What one round did."""

    outcomes: tuple[Outcome, ...]
    set_aside: int
    """Rows that were not sent after a last look at consent and suppression."""


def drain(
    edition: Edition, adapter: Adapter, signer: LinkSigner, go_on: Callable[[], bool] = lambda: True
) -> Iterator[Batch]:
    """Sends what is due, one batch at a time, and yields each batch after it is recorded.

    ``go_on`` is asked before each batch: nothing more is claimed once it says no.

    A copy is not sent to anyone who left the list, paused it or was suppressed since the freeze. Raises AdapterFailed
    when the adapter can't send at all; what was claimed and not attempted goes back to the queue.
    """
    sender = claims.sender_name()
    imprint = Imprint(edition.pk, edition.public_url, edition.mail_domain, edition.mail_from, signer)
    target = Target(edition.list_name, at=edition.scheduled_for, edition_id=edition.pk)
    stamps: dict[int, Stamp] = {}
    while go_on() and (claimed := claims.claim(edition, sender, BATCH)):
        refused = may_receive([row.subscriber_id for row in claimed], target)
        aside = {row.pk: refused[row.subscriber_id] for row in claimed if row.subscriber_id in refused}
        claims.set_aside(aside, sender)
        due = [row for row in claimed if row.pk not in aside]
        mails, outcomes = _stamped(due, imprint, stamps)
        failed: AdapterFailed | None = None
        try:
            outcomes.extend(adapter.deliver(mails))
        except AdapterFailed as error:
            failed = error
        claims.record({row.pk: row for row in due}, outcomes, sender)
        if failed:
            answered = {outcome.delivery_id for outcome in outcomes}
            claims.hand_back([row for row in due if row.pk not in answered], sender)
        yield Batch(tuple(outcomes), len(aside))
        if failed:
            raise failed


def _stamped(due: list[Delivery], imprint: Imprint, stamps: dict[int, Stamp]) -> tuple[list[Mail], list[Outcome]]:
    """The mails of those rows, and failures for the readers whose data can't go in. ``stamps`` is filled as needed."""
    people = readers(row.subscriber_id for row in due)
    missing = {row.variant_id for row in due if row.variant_id is not None} - stamps.keys()
    for variant in Variant.objects.filter(pk__in=missing):
        stamps[variant.pk] = Stamp(Message.from_bytes(bytes(variant.message)), imprint)
    now = timezone.now()
    mails: list[Mail] = []
    failures: list[Outcome] = []
    for row in due:
        try:
            mails.append(stamps[row.variant_id or 0](people[row.subscriber_id], delivery_id=row.pk, now=now))
        except UnstampableReader as error:
            failures.append(Outcome(row.pk, Result.FAILED, f"their data can't go into this mail: {error}"[:300]))
    return mails, failures
