"""The article sources become rows: what is new, what changed, what is gone, and what can't be read."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import NamedTuple, TypedDict, TypeVar

from django.db import transaction
from django.db.models import F

from broadsheet.articles.dialects import normal_tag
from broadsheet.articles.folders import ArticleFile, article_files
from broadsheet.articles.parsing import ParsedArticle
from broadsheet.errors import Problem, RejectedArticle
from broadsheet.models import Article, Tag
from broadsheet.workspace import Workspace

T = TypeVar("T")
_BATCH = 500
_COLUMNS = [each.name for each in fields(ParsedArticle) if each.name not in ("slug", "tags")]


@dataclass(frozen=True)
class SyncReport:
    """What a sync did; ``articles`` is how many there are now."""

    added: int
    changed: int
    unchanged: int
    removed: int
    rejected: tuple[Problem, ...]
    articles: int


class ArticleRow(TypedDict):
    """One line of ``broadsheet articles``; ``published_at`` is aware, in UTC."""

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


class _Row(NamedTuple):
    slug: str
    source: str
    content_hash: str


@dataclass
class _Reading:
    """What the files hold, while they are read."""

    unchanged: int = 0
    parsed: list[tuple[str, ParsedArticle]] = field(default_factory=list)
    rejected: list[Problem] = field(default_factory=list)
    path_of: dict[str, str] = field(default_factory=dict)
    """By slug: the file that has it."""


def sync(workspace: Workspace) -> SyncReport:
    """Bring the article rows up to date with the sources, and say what that meant.

    An article is known by its slug. A file that was fine and no longer is keeps its row; a file that is gone
    loses it. Files that did not change are not parsed. Raises BroadsheetError, and changes nothing, if a
    source isn't there.
    """
    found = list(Article.objects.values_list("path", "slug", "source", "content_hash"))
    rows = {path: _Row(*row) for path, *row in found}
    reading = _read(workspace, rows)
    known = {slug for _, slug, _, _ in found}
    kept = {rows[problem.path].slug for problem in reading.rejected if problem.path in rows}
    gone = known - reading.path_of.keys() - kept
    if reading.parsed or gone:
        _write(reading.parsed, gone)
    added = sum(article.slug not in known for _, article in reading.parsed)
    return SyncReport(
        added=added,
        changed=len(reading.parsed) - added,
        unchanged=reading.unchanged,
        removed=len(gone),
        rejected=tuple(reading.rejected),
        articles=len(known) + added - len(gone),
    )


def article_rows(tag: str | None = None) -> list[ArticleRow]:
    """The articles, newest first and undated ones last; only those with ``tag`` if one is given."""
    articles = Article.objects.order_by(F("published_at").desc(nulls_last=True), "slug").prefetch_related("tags")
    if tag is not None:
        articles = articles.filter(tags__name=normal_tag(tag))
    return [
        ArticleRow(
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
        )
        for article in articles
    ]


def _read(workspace: Workspace, rows: dict[str, _Row]) -> _Reading:
    """Read every file once, the sources in their order; the first to have a slug keeps it."""
    reading = _Reading()
    seen: set[str] = set()
    for source in workspace.config.sources:
        for file in article_files(workspace, source):
            path = file.problem.path if isinstance(file, RejectedArticle) else file.path
            if path not in seen:  # two sources may overlap
                seen.add(path)
                _take(reading, source.label, file, rows.get(path))
    return reading


def _take(reading: _Reading, source: str, file: ArticleFile | RejectedArticle, row: _Row | None) -> None:
    if isinstance(file, RejectedArticle):
        reading.rejected.append(file.problem)
        return
    if row and (row.source, row.content_hash) == (source, file.content_hash):
        slug, article = row.slug, None
    else:
        result = file.parsed()
        if isinstance(result, RejectedArticle):
            reading.rejected.append(result.problem)
            return
        slug, article = result.slug, result
    first = reading.path_of.setdefault(slug, file.path)
    if first != file.path:
        reading.rejected.append(Problem(file.path, "", f"has the slug “{slug}”, which {first} has too; change one"))
    elif article:
        reading.parsed.append((source, article))
    else:
        reading.unchanged += 1


@transaction.atomic
def _write(parsed: list[tuple[str, ParsedArticle]], gone: set[str]) -> None:
    for slugs in _batches(sorted(gone)):
        Article.objects.filter(slug__in=slugs).delete()
    Article.objects.bulk_create(
        [
            Article(slug=article.slug, source=source, **{name: getattr(article, name) for name in _COLUMNS})
            for source, article in parsed
        ],
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["slug"],
        update_fields=[*_COLUMNS, "source", "synced_at"],
    )
    _write_tags({article.slug: article.tags for _, article in parsed})
    Tag.objects.filter(articles=None).delete()


def _write_tags(tags_of: dict[str, tuple[str, ...]]) -> None:
    """File the articles of these slugs under these tags, and no others."""
    names = {name for tags in tags_of.values() for name in tags}
    Tag.objects.bulk_create([Tag(name=name) for name in sorted(names)], batch_size=_BATCH, ignore_conflicts=True)
    tag_ids = dict(Tag.objects.values_list("name", "pk"))
    filed = Article.tags.through
    for slugs in _batches(list(tags_of)):
        ids = dict(Article.objects.filter(slug__in=slugs).values_list("slug", "pk"))
        filed.objects.filter(article_id__in=ids.values()).delete()
        filed.objects.bulk_create(
            [filed(article_id=ids[slug], tag_id=tag_ids[name]) for slug in slugs for name in tags_of[slug]],
            batch_size=_BATCH,
        )


def _batches(items: list[T]) -> Iterator[list[T]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]
