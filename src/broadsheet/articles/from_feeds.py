"""A step of the sync: what the feeds answered."""

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace

from broadsheet.articles.entries import FeedArticle
from broadsheet.articles.identity import free_slug, same_entries
from broadsheet.articles.parsing import Context
from broadsheet.articles.polling import Polled, remember
from broadsheet.articles.rows import New, Row
from broadsheet.articles.tally import Tally
from broadsheet.conf import FeedSource
from broadsheet.errors import Problem, RejectedArticle


@dataclass
class Feeds:
    """Takes the feeds' articles. What is no longer in a feed stays: a feed holds the newest few."""

    tally: Tally
    sources: list[FeedSource]
    places: frozenset[str]
    """Of every source there is; an article of any other may turn up in a feed under its new address."""

    def claim_slugs(self) -> None:
        """Before any file may claim one: the slugs of the feeds' articles are theirs."""
        for source in self.sources:
            self.tally.path_of |= {row.slug: row.path for row in self.tally.known.by_place[source.place]}

    def take(self, answers: Mapping[str, Future[Polled]], context: Context) -> None:
        """Take every answer, in the order of the sources."""
        for source in self.sources:
            outcome = answers[source.url].result()
            if outcome.reason:
                reason = f"the feed {outcome.reason}; its articles stay as they were"
                self.tally.failed.append(Problem(source.label, "", reason))
            taken = self._take(source, outcome)
            rows = self.tally.known.by_place[source.place]
            self.tally.unchanged += sum(row.slug not in taken for row in rows)
            if any(row.source != source.label for row in rows):
                self.tally.writer.rename(source.place, source.label)
            remember(self.tally.state(source), outcome, context, self.tally.now)

    def _take(self, source: FeedSource, outcome: Polled) -> set[str]:
        """Take the articles of one feed that are new or changed; their slugs."""
        read: list[FeedArticle] = []
        for each in outcome.articles or ():
            if isinstance(each, RejectedArticle):
                self.tally.rejected.append(Problem(source.label, each.problem.where, each.problem.reason))
            else:
                read.append(each)
        known = same_entries([each.article for each in read], self._candidates(source))
        taken = set()
        for index, each in enumerate(read):
            row = known.get(index)
            if row is None or (row.place, row.content_hash) != (source.place, each.article.content_hash):
                new = self._new(source, each, row)
                taken.add(new.article.slug)
                self.tally.take(new)
        return taken

    def _candidates(self, source: FeedSource) -> list[Row]:
        known, path_of = self.tally.known, self.tally.path_of
        orphans = [row for row in known.by_slug.values() if row.place not in self.places and row.slug not in path_of]
        return [*known.by_place[source.place], *orphans]

    def _new(self, source: FeedSource, found: FeedArticle, row: Row | None) -> New:
        article = found.article
        past = self.tally.is_past(source, article.published_at)
        if not found.dated:
            first_seen = row.published_at if row else None
            article = replace(article, published_at=first_seen or article.published_at or self.tally.now)
        slug = row.slug if row else free_slug(article.slug, self._is_taken)
        return New(replace(article, slug=slug), source.label, source.place, seen_before=past)

    def _is_taken(self, slug: str) -> bool:
        return slug in self.tally.path_of or slug in self.tally.known.by_slug
