"""Asking the feeds, several at once, remembering what each answered, and a step of the sync that takes it."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from broadsheet.articles.apart import in_time
from broadsheet.articles.entries import FeedArticle
from broadsheet.articles.feeds import read_feed
from broadsheet.articles.fetching import Answer, Request, get
from broadsheet.articles.identity import free_slug, same_entries
from broadsheet.articles.parsing import Context
from broadsheet.articles.rows import New, Row, Tally
from broadsheet.conf import FeedSource
from broadsheet.errors import BroadsheetError, Problem, RejectedArticle
from broadsheet.models import SourceState

MAX_BYTES = 5_000_000
AT_ONCE = 8
_ACCEPT = (
    "application/feed+json, application/atom+xml, application/rss+xml, application/json;q=0.9, "
    "application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"
)
Read = list[FeedArticle | RejectedArticle]


@dataclass(frozen=True)
class Polled:
    """What came of asking one feed."""

    answer: Answer | None = None
    articles: Read | None = None
    """None: it has not changed, or it failed."""
    reason: str = ""
    """Why it failed."""


@contextmanager
def polled(
    feeds: list[FeedSource], states: dict[str, SourceState], context: Context
) -> Iterator[dict[str, Future[Polled]]]:
    """The feeds being asked while other work goes on; by address, what will have come of it."""
    if not feeds:
        yield {}
        return
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="feed") as pool:
        requests = {feed.url: _request(feed, states.get(feed.url), context) for feed in feeds}
        yield {url: pool.submit(_poll, url, request, context) for url, request in requests.items()}


def remember(state: SourceState, outcome: Polled, context: Context, now: datetime) -> None:
    """Note in the source's row what came of asking."""
    state.checked_at = now
    state.reason = outcome.reason[:500]
    if outcome.reason:
        state.failing_since = state.failing_since or now
    else:
        state.failing_since = None
        state.first_synced_at = state.first_synced_at or now
    if outcome.articles is not None and outcome.answer is not None:
        state.etag = outcome.answer.etag if len(outcome.answer.etag) <= 500 else ""
        state.last_modified = outcome.answer.last_modified if len(outcome.answer.last_modified) <= 500 else ""
        state.fingerprint = context.fingerprint


def _request(feed: FeedSource, state: SourceState | None, context: Context) -> Request:
    """A request for what changed; for everything, if the settings changed since."""
    known = state if state and state.fingerprint == context.fingerprint else None
    return Request(
        accept=_ACCEPT,
        encodings="gzip, deflate",
        max_bytes=MAX_BYTES,
        seconds=feed.timeout,
        allow_private=feed.allow_private,
        etag=known.etag if known else "",
        last_modified=known.last_modified if known else "",
    )


def _read(answer: Answer, context: Context) -> Read | None:
    """What the answer holds; None if that is what it held before."""
    return None if answer.body is None else in_time(read_body, answer.body, replace(answer, body=None), context)


def read_body(body: bytes, answer: Answer, context: Context) -> Read:
    """The entries in a body."""
    return read_feed(replace(answer, body=body), context)


def _poll(url: str, request: Request, context: Context) -> Polled:
    try:
        answer = get(url, request)
        return Polled(answer, _read(answer, context))
    except BroadsheetError as error:
        return Polled(reason=str(error))


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
