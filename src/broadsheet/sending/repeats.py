"""Calls that may have been taken or not, made again with their idempotency key until somebody answers.

Their copies are ``unknown`` meanwhile, so whatever fails here, nobody is mailed twice. An answer settles them; where
none comes before the key ends, the campaign's ``on_unknown`` does. They need no moment of the pace: each copy had one
when it went out first.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from broadsheet.audience import Target, may_receive, readers
from broadsheet.errors import AdapterFailed, UnstampableReader
from broadsheet.models import Delivery, DeliveryState, Repeat
from broadsheet.sending import claims
from broadsheet.sending.adapters import hand_over
from broadsheet.sending.adapters.providers import ApiAdapter
from broadsheet.sending.doubts import REST
from broadsheet.sending.ledger import Batch, Job
from broadsheet.sending.outcome import Outcome, Result
from broadsheet.sending.recovery import Record
from broadsheet.sending.stamps import Stamps
from broadsheet.sending.verdict import GROWTH, Tried
from broadsheet.stamping import Mail

#: Nobody else makes a call again so soon; if somebody does while it lasts, its key keeps them apart.
_TURN = timedelta(minutes=1)
#: A call rests longer each time that it has no answer, but not longer than this.
_LONGEST_REST = timedelta(hours=1)
_NO_ANSWER = "no answer while its key lasted"


@dataclass(frozen=True)
class _Said:
    """What came of a call that was made again."""

    settled: list[Outcome]
    waiting: list[int]
    """Who has no answer still."""
    rest: timedelta = timedelta(0)


def ask_again(job: Job, go_on: Callable[[], bool], record: Record) -> Iterator[Batch]:
    """Makes the edition's calls again whose time has come, and yields what was recorded.

    A copy whose reader has left meanwhile is not asked for, nor is any other of its call. Raises AdapterFailed.
    """
    while go_on() and (repeat := _turn(job.edition.pk)):
        rows = {row.pk: row for row in Delivery.objects.filter(pk__among=set(repeat.deliveries))}
        doubtful = {pk: row for pk, row in rows.items() if row.state == DeliveryState.UNKNOWN}
        said = _asked(job, repeat, rows, doubtful)
        settled = [each for each in said.settled if each.delivery_id in doubtful]
        before = {pk: Tried(row.attempts, row.deferred_since) for pk, row in doubtful.items()}
        with transaction.atomic():
            claims.record(claims.judged(job.edition, settled, before, job.rules), lost=before)
            record(settled)
            _put_back(repeat, said)
        yield Batch(tuple(settled))


def _turn(edition_id: int) -> Repeat | None:
    """A call whose time has come, which nobody else makes meanwhile."""
    now = timezone.now()
    for row in Repeat.objects.filter(edition_id=edition_id, again_at__lte=now).order_by("again_at", "pk"):
        mine = Repeat.objects.filter(pk=row.pk, again_at=row.again_at)
        if mine.update(again_at=now + _TURN, tries=F("tries") + 1):
            return row
    return None


def _asked(job: Job, repeat: Repeat, rows: Mapping[int, Delivery], doubtful: Mapping[int, Delivery]) -> _Said:
    """What the provider says now; what can't be asked for is given up."""
    wanted = rows if repeat.together else doubtful
    mails = _stamped(job, wanted) if doubtful and timezone.now() < repeat.until else []
    keys = job.adapter.keys if isinstance(job.adapter, ApiAdapter) else None
    if keys is None or (repeat.together and not len(mails) == len(repeat.deliveries) <= keys.most):
        mails = []
    try:
        answers = hand_over(job.adapter, mails) if mails else []
    except AdapterFailed:
        Repeat.objects.filter(pk=repeat.pk).update(again_at=timezone.now() + REST)
        raise
    given_up = doubtful.keys() - {mail.delivery_id for mail in mails}
    settled = [Outcome(pk, Result.UNKNOWN, _NO_ANSWER) for pk in sorted(given_up)]
    waiting, rest = [], min(REST * GROWTH ** min(repeat.tries, 9), _LONGEST_REST)
    for each in answers:
        if each.result is Result.DEFERRED or each.again:  # that it is busy says nothing about the first time
            waiting.append(each.delivery_id)
            rest = max(rest, timedelta(seconds=each.retry_after or 0))
        else:
            settled.append(each)
    return _Said(settled, [pk for pk in waiting if pk in doubtful], rest)


def _stamped(job: Job, rows: Mapping[int, Delivery]) -> list[Mail]:
    """The mails of those copies, but of those that may not leave any more, in the order of their ids."""
    edition = job.edition
    target = Target(edition.list_name, at=edition.scheduled_for, edition_id=edition.pk)
    ids = [row.subscriber_id for row in rows.values()]
    people, refused = readers(ids), may_receive(ids, target)
    stamps = Stamps(edition, job.signer)
    stamps.make_ready({row.variant_id for row in rows.values() if row.variant_id}, ())
    mails = []
    for pk in sorted(rows):
        row = rows[pk]
        if row.subscriber_id in people and row.subscriber_id not in refused and row.variant_id:
            reader = people[row.subscriber_id]
            try:
                mails.append(stamps.of(row.variant_id, reader)(reader, delivery_id=pk, now=timezone.now()))
            except UnstampableReader:  # their data have changed since, so this is not the call that it was
                continue
    return mails


def _put_back(repeat: Repeat, said: _Said) -> None:
    row = Repeat.objects.filter(pk=repeat.pk)
    if not said.waiting:
        row.delete()
        return
    at: datetime = min(timezone.now() + said.rest, repeat.until)
    row.update(again_at=at, deliveries=repeat.deliveries if repeat.together else said.waiting)
