"""A tag rule tried on the articles there are, before it stands in ``broadsheet.toml``."""

from dataclasses import dataclass
from itertools import islice
from time import monotonic

from django.db.models import F

from broadsheet.articles import hypertext
from broadsheet.articles.dialects import normal_tag
from broadsheet.articles.tagging import LONGEST, PATIENCE, compiled
from broadsheet.conf import TaggingRule
from broadsheet.models import Article

#: Seconds that a try may take, the newest articles first; and how many that match are shown, with how many words.
SECONDS, SHOWN, WORDS = 1.5, 100, 5
BATCH = 200


@dataclass(frozen=True)
class Match:
    """One article that the rule fits."""

    slug: str
    title: str
    words: tuple[str, ...]
    """What matched, each as it is first written."""
    tags: tuple[str, ...]
    has: bool
    """Whether it has the tag already."""
    tagged: bool
    """Whether it has other tags, so that only a rule that is ``also_tagged`` gives it one more."""


@dataclass(frozen=True)
class Tried:
    """What came of a try."""

    matches: tuple[Match, ...]
    looked_at: int
    articles: int
    """How many there are."""
    slow: str = ""
    """The title of an article that the pattern took too long over."""


def try_rule(rule: TaggingRule) -> Tried:
    """Which articles the rule fits, and by which words."""
    until, matches, looked_at, slow = monotonic() + SECONDS, list[Match](), 0, ""
    rows = Article.objects.order_by(F("published_at").desc(nulls_last=True), "slug").prefetch_related("tags")
    for row in rows.only("slug", "title", "excerpt", "html").iterator(chunk_size=BATCH):
        if monotonic() > until or len(matches) >= SHOWN:
            break
        looked_at += 1
        try:
            words = _words(rule, row)
        except TimeoutError:
            slow = row.title
            break
        if words:
            tags = tuple(tag.name for tag in row.tags.all())
            tag = normal_tag(rule.tag)
            matches.append(Match(row.slug, row.title, words, tags, tag in tags, any(each != tag for each in tags)))
    return Tried(tuple(matches), looked_at, Article.objects.count(), slow)


def _words(rule: TaggingRule, row: Article) -> tuple[str, ...]:
    """What of the article's text the pattern finds, as a sync would look for it. Raises TimeoutError."""
    text = "\n".join((row.title, row.excerpt, hypertext.visible(row.html)))[:LONGEST]
    found = (each[0][:80] for each in compiled(rule.when).finditer(text, timeout=PATIENCE))
    return tuple({word.casefold(): word for word in islice(found, 50)}.values())[:WORDS]
