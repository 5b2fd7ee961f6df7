"""What is there: the articles, and the sources they come from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from django.db.models import Count, F, Q, QuerySet

from broadsheet.articles.dialects import normal_tag
from broadsheet.articles.folders import check_folder
from broadsheet.conf import FolderSource
from broadsheet.errors import BroadsheetError, Problem
from broadsheet.models import Article, SourceState, Tag
from broadsheet.workspace import Workspace


class ArticleRow(TypedDict):
    """One line of ``broadsheet articles``; times are aware, in UTC."""

    slug: str
    title: str
    excerpt: str
    author: str
    category: str
    published_at: datetime | None
    tags: list[str]
    image: str
    url: str
    source: str
    draft: bool
    seen_before: bool
    changed_at: datetime
    findings: list[dict[str, Any]]


class SourceRow(TypedDict):
    """One source as it stands; ``reason`` is empty while it can be read."""

    source: str
    kind: str
    place: str
    articles: int
    checked_at: datetime | None
    failing_since: datetime | None
    reason: str


def article_rows(tag: str | None = None) -> list[ArticleRow]:
    """The articles, newest first and undated ones last; only those with ``tag`` if one is given."""
    return [article_row(article) for article in _newest(tag)]


#: What staff may narrow the articles to, and how that is said.
STATES: dict[str, tuple[str, Q]] = {
    "ready": ("Published", Q(draft=False, seen_before=False, published_at__isnull=False)),
    "draft": ("Draft", Q(draft=True)),
    "archive": ("Archive", Q(seen_before=True)),
    "undated": ("Without a date", Q(published_at__isnull=True)),
    "advice": ("With advice", ~Q(findings=[])),
}


@dataclass(frozen=True)
class Sought:
    """Which articles are looked for; empty: all of them."""

    source: str = ""
    tag: str = ""
    state: str = ""
    """One of :data:`STATES`."""
    words: str = ""
    """What stands in the title."""


def article_page(sought: Sought, *, after: str = "", size: int = 50) -> tuple[list[ArticleRow], str]:
    """The next articles behind the one with the slug ``after``, and the slug to go on with, if there are more."""
    articles = _newest(sought.tag or None)
    if sought.source:
        articles = articles.filter(source=sought.source)
    if sought.state in STATES:
        articles = articles.filter(STATES[sought.state][1])
    if sought.words:
        articles = articles.filter(title__icontains=sought.words)
    last = Article.objects.filter(slug=after).only("slug", "published_at").first() if after else None
    if last is not None:
        later = Q(published_at__isnull=True)
        if last.published_at is None:
            later &= Q(slug__gt=last.slug)
        else:
            same = Q(published_at=last.published_at, slug__gt=last.slug)
            later |= Q(published_at__lt=last.published_at) | same
        articles = articles.filter(later)
    found = list(articles[: size + 1])
    return [article_row(each) for each in found[:size]], found[size - 1].slug if len(found) > size else ""


def _newest(tag: str | None) -> QuerySet[Article]:
    articles = Article.objects.order_by(F("published_at").desc(nulls_last=True), "slug").prefetch_related("tags")
    articles = articles.defer("html")
    return articles.filter(tags__name=normal_tag(tag)) if tag is not None else articles


def article_row(article: Article) -> ArticleRow:
    """One article as a line of the listing."""
    return ArticleRow(
        slug=article.slug,
        title=article.title,
        excerpt=article.excerpt,
        author=article.author,
        category=article.category,
        published_at=article.published_at,
        tags=[each.name for each in article.tags.all()],
        image=article.image_url,
        url=article.url,
        source=article.source,
        draft=article.draft,
        seen_before=article.seen_before,
        changed_at=article.changed_at,
        findings=article.findings,
    )


@dataclass(frozen=True)
class Names:
    """What articles there are may be asked for by, as campaigns write it."""

    tags: frozenset[str]
    categories: frozenset[str]
    slugs: frozenset[str]


def known_names() -> Names:
    """The tags, categories and slugs of all articles."""
    categories = Article.objects.values_list("category", flat=True).distinct()
    return Names(
        frozenset(Tag.objects.values_list("name", flat=True)),
        frozenset(each.lower() for each in categories if each),
        frozenset(Article.objects.values_list("slug", flat=True)),
    )


def failing_sources(workspace: Workspace) -> list[Problem]:
    """The sources that can't be read, each with its name, and since when and why; for `doctor` and the console.

    Feeds as the last sync found them, folders as they are now. Asks nobody.
    """
    zone, found = workspace.config.zone, []
    for source, row in zip(workspace.config.sources, source_rows(workspace), strict=True):
        if isinstance(source, FolderSource):
            try:
                check_folder(workspace, source)
            except BroadsheetError as error:
                found.append(Problem(source.label, "", str(error)))
        elif row["reason"] and row["failing_since"]:
            since = f"{row['failing_since'].astimezone(zone):%-d %b %Y, %H:%M}"
            reason = f"the feed {row['reason']} (since {since}); its {row['articles']:,} articles stay as they were"
            found.append(Problem(source.label, "", reason))
    return found


def source_rows(workspace: Workspace) -> list[SourceRow]:
    """The sources of ``broadsheet.toml`` in their order, with what the last sync learnt of each."""
    states = {state.place: state for state in SourceState.objects.all()}
    counted = dict(Article.objects.values_list("place").annotate(Count("pk")))
    rows = []
    for source in workspace.config.sources:
        state = states.get(source.place, SourceState())
        rows.append(
            SourceRow(
                source=source.label,
                kind=source.kind,
                place=source.place,
                articles=counted.get(source.place, 0),
                checked_at=state.checked_at,
                failing_since=state.failing_since,
                reason=state.reason,
            )
        )
    return rows
