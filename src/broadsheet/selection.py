"""Rules, articles and a reader's past, to ordered picks. Pure: no query, no clock.

Its cost grows with the distinct groups of readers (same interests, same past), not with readers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from broadsheet.workspace import ArticleRules


@dataclass(frozen=True)
class Candidate:
    """What picking needs to know of an article."""

    slug: str
    published_at: datetime | None
    draft: bool
    tags: frozenset[str]


@dataclass(frozen=True)
class Picks:
    """What one group of readers gets: slugs in order, newest first; or the reason they get nothing."""

    slugs: tuple[str, ...]
    too_few: bool = False


def candidates(rules: ArticleRules, articles: Iterable[Candidate], at: datetime) -> tuple[Candidate, ...]:
    """The articles that the campaign's own rules let in at that moment, newest first.

    Drafts, articles without a date and articles dated in the future wait.
    """
    fit = [
        (article.published_at, article)
        for article in articles
        if article.published_at is not None
        and article.published_at <= at
        and not article.draft
        and rules.tags.lets_in(article.tags)
    ]
    fit.sort(key=lambda each: (-each[0].timestamp(), each[1].slug))
    return tuple(article for _, article in fit)


def pick(rules: ArticleRules, fit: tuple[Candidate, ...], interests: frozenset[str], seen: frozenset[str]) -> Picks:
    """What a reader with these interests who has had ``seen`` gets, out of :func:`candidates`."""
    slugs = tuple(
        article.slug
        for article in fit
        if article.slug not in seen and not (rules.match_interests and interests.isdisjoint(article.tags))
    )[: rules.newest]
    if len(slugs) < max(rules.minimum, 1):
        return Picks((), too_few=True)
    return Picks(slugs)
