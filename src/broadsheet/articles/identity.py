"""Which article it is: one that was renamed, moved, dated anew or published again is not new. Pure."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit

from broadsheet.articles.parsing import ParsedArticle
from broadsheet.articles.rows import Row

#: The names of parameters that only count clicks.
TRACKING = re.compile(r"utm_|fbclid$|gclid$|mc_[ce]id$")


def same_file(article: ParsedArticle, rows: Iterable[Row]) -> Row | None:
    """Which of the rows, none of which has its slug, an article of a file is.

    The one with its id, or else the one of the same file if title or date is still the same: a file that
    holds something else each week holds a new article each week.
    """
    for row in rows:
        if article.identity and row.identity == article.identity:
            return row
    for row in rows:
        same_date = row.published_at is not None and row.published_at == article.published_at
        if row.path == article.path and (row.title == article.title or same_date):
            return row
    return None


def same_entries(articles: Sequence[ParsedArticle], rows: Iterable[Row]) -> dict[int, Row]:
    """By index: the row of each article of a feed that is known.

    By id; where a feed changes its ids, by link, else by title and date. Such a likeness counts if no other
    entry and no other row has it too.
    """
    known: dict[int, Row] = {}
    left = list(rows)
    tests: tuple[tuple[Callable[[ParsedArticle], object], Callable[[Row], object]], ...] = (
        (lambda article: article.identity, lambda row: row.identity),
        (lambda article: plain_link(article.url), lambda row: plain_link(row.url)),
        (
            lambda article: (article.title, article.published_at) if article.published_at else None,
            lambda row: (row.title, row.published_at),
        ),
    )
    for of_article, of_row in tests:
        open_articles = {index: of_article(each) for index, each in enumerate(articles) if index not in known}
        often = Counter(of_article(each) for each in articles)
        rows_with = Counter(of_row(row) for row in left)
        by_likeness = {of_row(row): row for row in left}
        for index, likeness in open_articles.items():
            if likeness and likeness in by_likeness and often[likeness] == 1 and rows_with[likeness] == 1:
                known[index] = by_likeness[likeness]
        taken = {row.slug for row in known.values()}
        left = [row for row in left if row.slug not in taken]
    return known


def plain_link(address: str) -> str:
    """A link for comparing: scheme, ``www.``, a slash at the end and tracking parameters don't matter."""
    try:
        parts = urlsplit(address)
        query = [(name, value) for name, value in parse_qsl(parts.query) if not TRACKING.match(name)]
    except ValueError:
        return address
    host = parts.netloc.lower().removeprefix("www.")
    return f"{host}{parts.path.rstrip('/')}?{urlencode(query)}#{parts.fragment}"


def free_slug(wanted: str, taken: Callable[[str], bool]) -> str:
    """``wanted``, with a number behind it if it is taken."""
    number, slug = 1, wanted
    while taken(slug):
        number += 1
        slug = f"{wanted}-{number}"
    return slug
