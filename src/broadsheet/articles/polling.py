"""Asking the feeds, several at once, and remembering what each answered."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from broadsheet.articles.apart import in_time
from broadsheet.articles.entries import FeedArticle
from broadsheet.articles.feeds import read_feed
from broadsheet.articles.fetching import Answer, Request, get
from broadsheet.articles.parsing import Context
from broadsheet.conf import FeedSource
from broadsheet.errors import BroadsheetError, RejectedArticle
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
