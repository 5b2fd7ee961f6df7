"""How many people are in a segment, kept: a page shows what was counted last, and when."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from time import monotonic

from django.core.cache import cache
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from broadsheet.audience.consent import Target, may_receive
from broadsheet.audience.counting import newest_person, segment_size
from broadsheet.audience.members import segment_members
from broadsheet.models import SegmentSize, Subscriber
from broadsheet.workspace import Segment

#: Seconds that somebody who is writing rules waits for their number; what takes longer is estimated.
PATIENCE = 1.0
#: People that an estimate looks at: it is right to within two in a hundred of all, mostly.
SAMPLE = 2_000
#: Seconds for which a number of rules that are being written is kept.
KEPT = 600


@dataclass(frozen=True)
class Counted:
    """How many people rules are for."""

    size: int
    at: datetime
    exact: bool = True
    """False: an estimate from :data:`SAMPLE` people, to two digits."""


def count_soon(segment: Segment, seconds: float = PATIENCE) -> Counted:
    """How many people are in the segment, in about that time: counted, or estimated where counting takes longer."""
    key = f"segment:{_fingerprint(segment)}"
    found: Counted | None = cache.get(key)
    if found is None:
        found = _counted(segment, seconds)
        cache.set(key, found, KEPT)
    return found


def _counted(segment: Segment, seconds: float) -> Counted:
    try:
        with _at_most(seconds):
            return Counted(segment_size(segment), timezone.now())
    except OperationalError:  # it took too long
        return Counted(_estimate(segment), timezone.now(), exact=False)


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """A query in the block is given up after so long, with an OperationalError."""
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{round(seconds * 1000)}ms"])
            yield
        return
    connection.ensure_connection()
    until = monotonic() + seconds
    connection.connection.set_progress_handler(lambda: monotonic() > until, 10_000)
    try:
        yield
    finally:
        connection.connection.set_progress_handler(None, 0)


def _estimate(segment: Segment) -> int:
    newest, some = _some_people()
    return _scaled(len(segment_members(segment, some)), newest)


def estimate_reach(target: Target) -> tuple[int, set[int]]:
    """About how many people a campaign reaches, from :data:`SAMPLE` of them, and who of those it would be."""
    newest, some = _some_people()
    reached = some - may_receive(some, target).keys()
    if target.segments:
        reached = set[int]().union(*(segment_members(each, reached) for each in target.segments))
    for each in target.exclude:
        reached -= segment_members(each, reached)
    return _scaled(len(reached), newest), reached


def _some_people() -> tuple[int, set[int]]:
    """The newest person's number, and those who are still there of as many numbers up to it, by chance."""
    newest = newest_person()
    numbers = set(secrets.SystemRandom().sample(range(1, newest + 1), min(newest, SAMPLE)))
    return newest, set(Subscriber.objects.filter(pk__among=numbers).values_list("pk", flat=True))


def _scaled(found: int, newest: int) -> int:
    """What was found of the looked at numbers, of all; to two digits."""
    size = round(found / min(newest, SAMPLE) * newest) if newest else 0
    return round(size, 2 - len(str(size)))


def count_segment(name: str, segment: Segment) -> SegmentSize:
    """The segment counted now, and kept."""
    known = {"fingerprint": _fingerprint(segment), "size": segment_size(segment), "counted_at": timezone.now()}
    return SegmentSize.objects.update_or_create(name=name, defaults=known)[0]


def kept_sizes(segments: Mapping[str, Segment]) -> dict[str, SegmentSize]:
    """What was counted last, by name, of those segments whose rules are still the same."""
    kept = SegmentSize.objects.filter(name__in=list(segments))
    return {each.name: each for each in kept if each.fingerprint == _fingerprint(segments[each.name])}


def _fingerprint(segment: Segment) -> str:
    return sha256(repr(segment).encode()).hexdigest()
