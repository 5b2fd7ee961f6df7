"""What the rules for articles bring now: what comes, in which order, what waits and why, and who has had what."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from broadsheet import editions, reports
from broadsheet.errors import InvalidFile
from broadsheet.models import Summary, Tag
from broadsheet.schedule import next_time
from broadsheet.selection import Candidate, pick, pool
from broadsheet.web.console.compose.draft import Work
from broadsheet.workspace import ArticleRules
from broadsheet.workspace.reading import validated
from broadsheet.workspace.segment_file import changed

#: How many of the articles that fit are listed.
LISTED = 20


@dataclass(frozen=True)
class Line:
    """One article of the result."""

    slug: str
    title: str
    tags: tuple[str, ...]
    published_at: datetime | None
    is_pinned: bool
    comes: bool
    """Whether a reader who is interested in all of it, and has had nothing, would get it."""
    had_by: int
    """To how many readers it was sent already, in the editions that were looked at."""
    is_first: bool = False
    is_last: bool = False


@dataclass(frozen=True)
class Result:
    """What the rules bring."""

    lines: tuple[Line, ...]
    more: int
    """How many others fit."""
    comes: int
    minimum: int
    kept_out: tuple[tuple[str, int], ...]
    """Why others don't fit, and how many."""
    dropped: tuple[str, ...]
    missing: tuple[str, ...]
    """Pinned slugs that can't come: no such article, or it waits."""

    @property
    def coming(self) -> tuple[Line, ...]:
        """Those that such a reader would get."""
        return tuple(each for each in self.lines if each.comes)

    @property
    def waiting(self) -> tuple[Line, ...]:
        """Those that fit, and find no place."""
        return tuple(each for each in self.lines if not each.comes)

    @property
    def waiting_count(self) -> int:
        """How many there are of them, listed or not."""
        return len(self.waiting) + self.more

    @property
    def too_few(self) -> bool:
        """Whether an edition would be skipped."""
        return self.comes < max(self.minimum, 1)


def next_at(work: Work) -> datetime:
    """When the campaign comes out next; now, if nothing says so."""
    now = timezone.now()
    return next_time(work.workspace, work.campaign, now) if work.campaign else now


def result_of(work: Work) -> Result | None:
    """What the draft's rules bring at the campaign's next time; None while the rules can't be read."""
    try:
        rules = validated(ArticleRules, work.settings.get("articles") or {}, work.path)
    except InvalidFile:
        return None
    known = editions.candidates(work.workspace)
    fit = pool(rules, known, next_at(work))
    every = frozenset(tag for each in known for tag in each.tags)
    comes = pick(rules, fit, every, frozenset()).slugs or pick(_any_number(rules), fit, every, frozenset()).slugs
    listed = _in_order(comes, fit.pinned, fit.fresh, fit.archive)
    had = _had_by(each.slug for each in listed[:LISTED])
    pinned = [each.slug for each in fit.pinned]
    lines = [_line(each, pinned, each.slug in comes, had.get(each.slug, 0)) for each in listed[:LISTED]]
    return Result(
        tuple(lines),
        max(len(listed) - LISTED, 0),
        len(comes),
        rules.minimum,
        tuple(Counter(why for slug, why in fit.kept_out.items() if slug not in rules.dropped).most_common(8)),
        rules.dropped,
        tuple(slug for slug in rules.pinned if slug not in pinned),
    )


def _any_number(rules: ArticleRules) -> ArticleRules:
    """The same rules for an edition that has fewer articles than it needs."""
    return changed(rules, minimum=0)


def _in_order(comes: tuple[str, ...], *groups: tuple[Candidate, ...]) -> list[Candidate]:
    """What comes in its order, then what else fits."""
    by_slug = {each.slug: each for group in groups for each in group}
    return [by_slug[slug] for slug in dict.fromkeys((*comes, *by_slug)) if slug in by_slug]


def _line(each: Candidate, pinned: list[str], comes: bool, had_by: int) -> Line:
    return Line(
        each.slug,
        each.title or each.slug,
        tuple(sorted(each.tags)),
        each.published_at,
        each.slug in pinned,
        comes,
        had_by,
        is_first=pinned[:1] == [each.slug],
        is_last=pinned[-1:] == [each.slug],
    )


def _had_by(slugs: Iterable[str]) -> dict[str, int]:
    """To how many readers each was sent, from the kept summaries of the editions that had it."""
    wanted = list(slugs)
    uses = reports.editions_with(wanted)
    of = {edition.pk for editions_ in uses.by_slug.values() for edition in editions_}
    had: Counter[str] = Counter()
    for data in Summary.objects.filter(edition__in=of).values_list("data", flat=True):
        for variant in data.get("variants", ()):
            for slug in set(wanted).intersection(variant["articles"]):
                had[slug] += variant["sent"]
    return dict(had)


def known_tags() -> list[Any]:
    """Every tag that an article has, for the form to offer."""
    return list(Tag.objects.filter(articles__isnull=False).distinct().values_list("name", flat=True)[:500])
