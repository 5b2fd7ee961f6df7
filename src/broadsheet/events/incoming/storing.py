"""Messages that came back: kept first, recorded after, let go of in the end."""

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from django.db import transaction
from django.utils import timezone

from broadsheet.events.bounces import Report, parse, shortened
from broadsheet.events.incoming.recording import Recorder
from broadsheet.models import ReturnedMail

log = logging.getLogger(__name__)


#: Messages that are stored or recorded in one transaction, which waits for the disk; and their bytes, about.
AT_ONCE, _BYTES = 50, 4_000_000
_T = TypeVar("_T")


class Came(NamedTuple):
    """A message as it came."""

    raw: bytes
    source: str
    envelope_to: str = ""

    @property
    def digest(self) -> str:
        """The same for a copy of it."""
        return hashlib.sha256(self.envelope_to.encode("utf-8", "surrogateescape") + b"\0" + self.raw).hexdigest()


def in_groups(sized: Iterable[tuple[_T, int]]) -> Iterator[list[_T]]:
    """Things with their sizes as they are worked on at once: several, but of large ones few."""
    group: list[_T] = []
    room = _BYTES
    for each, size in sized:
        if group and (size > room or len(group) == AT_ONCE):
            yield group
            group, room = [], _BYTES
        group.append(each)
        room -= size
    if group:
        yield group


def keep(came: Sequence[Came]) -> list[ReturnedMail]:
    """The stored messages, once they are safe: new rows, or those of earlier copies of them."""
    digests, now = [each.digest for each in came], timezone.now()
    with transaction.atomic():
        ReturnedMail.objects.bulk_create(
            [
                ReturnedMail(
                    digest=digest,
                    source=each.source[:200],
                    envelope_to=each.envelope_to.encode("utf-8", "replace").decode()[:320],
                    content=shortened(each.raw),
                    received_at=now,
                )
                for digest, each in zip(digests, came, strict=True)
            ],
            ignore_conflicts=True,
        )
        found = {row.digest: row for row in ReturnedMail.objects.filter(digest__in=digests)}
    return [found[digest] for digest in digests]


def record(rows: Iterable[ReturnedMail], recorder: Recorder, reports: Mapping[int, Report] | None = None) -> None:
    """Records what stored messages say, those of which it was done already left out.

    ``reports`` are the messages that were parsed before, by number. Parsing takes a while, so nothing is locked then.
    """
    given = reports or {}
    reports = {
        row.pk: given.get(row.pk) or parse(bytes(row.content), row.envelope_to)
        for row in rows
        if row.recorded_at is None
    }
    with transaction.atomic():
        waiting = ReturnedMail.objects.filter(pk__in=reports, recorded_at__isnull=True).defer("content").order_by("pk")
        mine = list(waiting.select_for_update())  # somebody else may be at them
        for row in mine:
            row.kind, row.outcome = recorder.record(reports[row.pk], row.pk)
            row.outcome, row.recorded_at = row.outcome[:300], timezone.now()
            log.info("Message %s from %s: %s, %s", row.pk, row.source, row.kind, row.outcome)
        ReturnedMail.objects.bulk_update(mine, ["kind", "outcome", "recorded_at"])


def record_waiting(recorder: Recorder, most: int | None = None) -> int:
    """How many messages were recorded, of those that were stored and not worked on yet; ``most`` at the most."""
    number, last = 0, 0
    while most is None or number < most:
        size = AT_ONCE if most is None else min(AT_ONCE, most - number)
        rows = list(ReturnedMail.objects.filter(recorded_at__isnull=True, pk__gt=last).order_by("pk")[:size])
        if not rows:
            break
        record(rows, recorder)
        number, last = number + len(rows), rows[-1].pk
    return number


def let_go(now: datetime, after: timedelta) -> int:
    """How many messages were recorded so long ago that only what was done about them is kept."""
    old = ReturnedMail.objects.filter(recorded_at__isnull=False, received_at__lt=now - after).exclude(content=b"")
    return old.update(content=b"")
