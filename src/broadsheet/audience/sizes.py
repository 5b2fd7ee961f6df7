"""How many people are in a segment, kept: a page shows what was counted last, and when."""

from collections.abc import Mapping
from hashlib import sha256

from django.utils import timezone

from broadsheet.audience.segments import segment_query
from broadsheet.models import SegmentSize, Subscriber
from broadsheet.workspace import Segment


def count_segment(name: str, segment: Segment) -> SegmentSize:
    """The segment counted now, and kept."""
    size = Subscriber.objects.filter(segment_query(segment)).count()
    known = {"fingerprint": _fingerprint(segment), "size": size, "counted_at": timezone.now()}
    return SegmentSize.objects.update_or_create(name=name, defaults=known)[0]


def kept_sizes(segments: Mapping[str, Segment]) -> dict[str, SegmentSize]:
    """What was counted last, by name, of those segments whose rules are still the same."""
    kept = SegmentSize.objects.filter(name__in=list(segments))
    return {each.name: each for each in kept if each.fingerprint == _fingerprint(segments[each.name])}


def _fingerprint(segment: Segment) -> str:
    return sha256(repr(segment).encode()).hexdigest()
