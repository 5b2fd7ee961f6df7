"""Whom the campaign reaches: the number and the reasons, counted and kept with their age, and ten of them."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any

from django.core.cache import cache
from django.db.models import Max, Min
from django.utils import timezone

from broadsheet import audience
from broadsheet.audience import Target
from broadsheet.errors import BroadsheetError
from broadsheet.models import Subscriber, Subscription
from broadsheet.web.console import keeping
from broadsheet.web.console.compose.draft import Work
from broadsheet.web.console.compose.fields import as_list
from broadsheet.workspace import Segment, Workspace
from broadsheet.workspace.reading import validated

SAMPLE = 10
#: Seconds a number is kept at all, and after how many it is counted anew when somebody looks.
KEPT, FRESH = 7 * 24 * 3600, 600


@dataclass(frozen=True)
class Count:
    """How many the campaign reaches, as counted at that time."""

    readers: int
    excluded: dict[str, int]
    """How many of the list get nothing, by reason."""
    sample: tuple[int, ...]
    """Some of them, by subscriber id."""
    at: datetime
    exact: bool = True
    """False: an estimate, which knows no reasons."""

    @property
    def is_old(self) -> bool:
        """Whether it should be counted anew."""
        return not self.exact or (timezone.now() - self.at).total_seconds() > FRESH


def target_of(work: Work) -> Target | None:
    """Whom the text says it is for; None while it doesn't say so clearly."""
    named, workspace = work.settings.get("list"), work.workspace
    try:
        if named not in workspace.lists.lists:
            return None
        inside, outside = (_segments(workspace, work.settings.get(key)) for key in ("segment", "exclude"))
    except BroadsheetError:
        return None
    return Target(str(named), inside, outside)


def _segments(workspace: Workspace, named: Any) -> tuple[Segment, ...]:
    return tuple(workspace.segment(each if isinstance(each, str) else _own(each)) for each in as_list(named))


def _own(written: Mapping[str, Any]) -> Segment:
    """A segment that is written out in the campaign's file. Raises InvalidFile."""
    return validated(Segment, written, "segment")


def kept_count(target: Target) -> Count | None:
    """What was counted last of these very rules."""
    found: Count | None = cache.get(_key(target))
    return found


def counted(target: Target, *, anew: bool = False) -> Count:
    """How many it reaches, at once: counted now among few people, else as it was kept or can be estimated.

    What is old, or wanted ``anew``, is then counted in the background; :func:`is_being_counted` tells until when.
    """
    if keeping.are_few():
        return _count(target)
    found = kept_count(target)
    if anew or found is None or found.is_old:
        keeping.begin(_key(target), partial(_count, target))
    if found is None:
        cache.add(_key(target), _estimated(target), KEPT)  # unless it was counted meanwhile
    return kept_count(target) or _estimated(target)


def is_being_counted(target: Target) -> bool:
    """Whether somebody is at it, so that another look is worth it."""
    return keeping.is_busy(_key(target))


def _count(target: Target) -> Count:
    excluded = audience.excluded_by_reason(target)
    ever = Subscription.objects.filter(list_name=target.list_name).count()
    made = Count(max(ever - sum(excluded.values()), 0), excluded, _sample(target), timezone.now())
    cache.set(_key(target), made, KEPT)
    return made


def _estimated(target: Target) -> Count:
    size, some = audience.estimate_reach(target)
    sample = random.sample(sorted(some), min(SAMPLE, len(some)))
    return Count(size, {}, tuple(sorted(sample)), timezone.now(), exact=False)


def _key(target: Target) -> str:
    return "audience-" + sha256(repr(target).encode()).hexdigest()


def _sample(target: Target) -> tuple[int, ...]:
    """Ten of them from a place by chance; the first of all where fewer come after it."""
    ends = Subscriber.objects.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None:
        return ()
    people = audience.mailable(target).order_by("pk").values_list("pk", flat=True)
    found = list(people.filter(pk__gte=random.randint(ends["first"], ends["last"]))[:SAMPLE])  # noqa: S311
    if len(found) < SAMPLE:
        found = list(dict.fromkeys([*found, *people[:SAMPLE]]))[:SAMPLE]
    return tuple(sorted(found))


def people_of(sample: tuple[int, ...]) -> list[Subscriber]:
    """The rows of a sample, as far as they are still there, interests loaded."""
    return list(Subscriber.objects.select_related("interests").filter(pk__in=sample).order_by("pk"))
