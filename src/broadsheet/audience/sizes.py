"""How many people are in a segment or get a campaign, kept: a page shows what was counted last, and when."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

from django.utils import timezone

from broadsheet.audience.consent import Target, mailable
from broadsheet.audience.segments import segment_query
from broadsheet.models import SegmentSize, Subscriber
from broadsheet.workspace import Segment

#: A campaign's name among those of segments.
_FILE = "campaigns/{}.md"


def count_segment(name: str, segment: Segment) -> SegmentSize:
    """The segment counted now, and kept."""
    size = Subscriber.objects.filter(segment_query(segment)).count()
    return _keep(name, _fingerprint(segment), size)


def kept_sizes(segments: Mapping[str, Segment]) -> dict[str, SegmentSize]:
    """What was counted last, by name, of those segments whose rules are still the same."""
    return _kept({name: (name, _fingerprint(segment)) for name, segment in segments.items()})


def count_readers(slug: str, target: Target) -> SegmentSize:
    """Those who may be mailed for the campaign, counted now, and kept."""
    return _keep(_FILE.format(slug), _rules(target), mailable(target).count())


def kept_readers(targets: Mapping[str, Target]) -> dict[str, SegmentSize]:
    """What was counted last, by campaign, of those whose list and segments are still the same."""
    return _kept({slug: (_FILE.format(slug), _rules(target)) for slug, target in targets.items()})


def _keep(name: str, fingerprint: str, size: int) -> SegmentSize:
    known = {"fingerprint": fingerprint, "size": size, "counted_at": timezone.now()}
    return SegmentSize.objects.update_or_create(name=name, defaults=known)[0]


def _kept(wanted: Mapping[str, tuple[str, str]]) -> dict[str, SegmentSize]:
    rows = {row.name: row for row in SegmentSize.objects.filter(name__in=[name for name, _ in wanted.values()])}
    return {
        key: rows[name] for key, (name, rules) in wanted.items() if name in rows and rows[name].fingerprint == rules
    }


def _rules(target: Target) -> str:
    return _fingerprint(replace(target, at=None, edition_id=None))


def _fingerprint(rules: Segment | Target) -> str:
    return sha256(repr(rules).encode()).hexdigest()
