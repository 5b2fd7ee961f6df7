"""The article rows: what is known before a sync, what it has taken so far, and writing what it found."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import NamedTuple, TypeVar

from django.db import transaction

from broadsheet.articles.findings import Finding, as_rows
from broadsheet.articles.parsing import ParsedArticle
from broadsheet.conf import FeedSource, FolderSource
from broadsheet.errors import Problem
from broadsheet.models import Article, SourceState, Tag

T = TypeVar("T")
BATCH = 500
_COLUMNS = [each.name for each in fields(ParsedArticle) if each.name not in ("slug", "tags", "findings")]
#: What readers see of an article; while it stays the same, the article has not changed.
_SEEN = ("title", "excerpt", "html", "author", "category", "url", "image_url", "image_alt", "language", "draft")


class Row(NamedTuple):
    """What a sync needs to know of an article that is there."""

    slug: str
    source: str
    place: str
    path: str
    identity: str
    content_hash: str
    file_stamp: str
    title: str
    url: str
    published_at: datetime | None


class Known:
    """The articles that were there before the sync."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.by_slug = {row.slug: row for row in rows}
        self.by_path = {row.path: row for row in self.by_slug.values()}
        self.by_identity = {row.identity: row for row in self.by_slug.values() if row.identity}
        self.by_place: dict[str, list[Row]] = defaultdict(list)
        for row in self.by_slug.values():
            self.by_place[row.place].append(row)

    @classmethod
    def load(cls) -> "Known":
        """All of them, in one query."""
        return cls(Row(*each) for each in Article.objects.values_list(*Row._fields))


@dataclass(frozen=True)
class New:
    """An article to write, and what its row says beside it."""

    article: ParsedArticle
    source: str
    place: str
    file_stamp: str = ""
    seen_before: bool = False
    """Of an article that was there before, its row's own answer stays."""


@dataclass
class Writer:
    """Takes articles and writes them in batches, each in a transaction of its own."""

    now: datetime
    _waiting: list[New] = field(default_factory=list)
    _stamps: dict[str, str] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)

    def add(self, new: New) -> None:
        """Write ``new``, now or with those that follow."""
        self._waiting.append(new)
        if len(self._waiting) >= BATCH:
            self._flush()

    def restamp(self, slug: str, stamp: str) -> None:
        """Note that an unchanged article's file is known by another stamp."""
        self._stamps[slug] = stamp

    def rename(self, place: str, source: str) -> None:
        """Have every article of that place bear the source's name."""
        self._names[place] = source

    def finish(self, gone: Iterable[str]) -> None:
        """Write what is left, and take away the articles of these slugs."""
        self._flush()
        if gone := sorted(gone):
            with transaction.atomic():
                for slugs in batches(gone):
                    Article.objects.filter(slug__in=slugs).delete()
                Tag.objects.filter(articles=None).delete()
        for slugs in batches(list(self._stamps)):
            rows = list(Article.objects.filter(slug__in=slugs).only("pk", "slug"))
            for row in rows:
                row.file_stamp = self._stamps[row.slug]
            Article.objects.bulk_update(rows, ["file_stamp"])
        for place, source in self._names.items():
            Article.objects.filter(place=place).exclude(source=source).update(source=source)

    def _flush(self) -> None:
        if self._waiting:
            write(self._waiting, self.now)
            self._waiting.clear()


@transaction.atomic
def write(new: list[New], now: datetime) -> None:
    """The articles as rows, changed where they are there; ``changed_at`` moves if readers see a change."""
    before = {
        slug: (tuple(seen), changed_at)
        for slug, changed_at, *seen in Article.objects.filter(slug__in=[n.article.slug for n in new]).values_list(
            "slug", "changed_at", *_SEEN
        )
    }

    def changed_at(article: ParsedArticle) -> datetime:
        seen, at = before.get(article.slug, ((), now))
        return at if seen == tuple(getattr(article, name) for name in _SEEN) else now

    Article.objects.bulk_create(
        [
            Article(
                slug=each.article.slug,
                source=each.source,
                place=each.place,
                file_stamp=each.file_stamp,
                seen_before=each.seen_before,
                findings=as_rows(each.article.findings),
                changed_at=changed_at(each.article),
                **{name: getattr(each.article, name) for name in _COLUMNS},
            )
            for each in new
        ],
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["slug"],
        update_fields=[*_COLUMNS, "source", "place", "file_stamp", "findings", "changed_at", "synced_at"],
    )
    _write_tags({each.article.slug: each.article.tags for each in new})
    if before:
        Tag.objects.filter(articles=None).delete()


def batches(items: list[T]) -> Iterator[list[T]]:
    """``items`` in pieces that one statement can take."""
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]


def _write_tags(tags_of: dict[str, tuple[str, ...]]) -> None:
    """File the articles of these slugs under these tags, and no others."""
    names = {name for tags in tags_of.values() for name in tags}
    Tag.objects.bulk_create([Tag(name=name) for name in sorted(names)], batch_size=BATCH, ignore_conflicts=True)
    tag_ids = {name: pk for some in batches(sorted(names)) for name, pk in _ids_of(some)}
    filed = Article.tags.through
    for slugs in batches(list(tags_of)):
        ids = dict(Article.objects.filter(slug__in=slugs).values_list("slug", "pk"))
        filed.objects.filter(article_id__in=ids.values()).delete()
        filed.objects.bulk_create(
            [filed(article_id=ids[slug], tag_id=tag_ids[name]) for slug in slugs for name in tags_of[slug]],
            batch_size=BATCH,
        )


def _ids_of(names: list[str]) -> Iterable[tuple[str, int]]:
    return Tag.objects.filter(name__in=names).values_list("name", "pk")


@dataclass
class Tally:
    """What the steps of a sync share."""

    now: datetime
    known: Known
    states: dict[str, SourceState]
    """By place: what earlier syncs have learnt of the source."""
    writer: Writer
    path_of: dict[str, str] = field(default_factory=dict)
    """By slug: the file or entry that has it."""
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: list[Problem] = field(default_factory=list)
    failed: list[Problem] = field(default_factory=list)
    findings: list[tuple[str, Finding]] = field(default_factory=list)

    def claim(self, slug: str, path: str) -> bool:
        """Whether the file may have the slug; if another has it, the file is rejected."""
        first = self.path_of.setdefault(slug, path)
        if first != path:
            self.rejected.append(Problem(path, "", f"has the slug “{slug}”, which {first} has too; change one"))
        return first == path

    def take(self, new: New) -> None:
        """Have an article written, and count it."""
        article = new.article
        self.path_of[article.slug] = article.path
        if article.slug in self.known.by_slug:
            self.changed += 1
        else:
            self.added += 1
        self.findings += [(article.path, each) for each in article.findings]
        self.writer.add(new)

    def state(self, source: FolderSource | FeedSource) -> SourceState:
        """The row of a source, made if there is none yet."""
        return self.states.setdefault(source.place, SourceState(place=source.place, name=source.label))

    def is_past(self, source: FolderSource | FeedSource, published: datetime | None) -> bool:
        """Whether a new article counts as seen: a source's first sync finds it older than ``max_age``, or undated."""
        if source.max_age is None or self.state(source).first_synced_at:
            return False
        return published is None or published < self.now - source.max_age
