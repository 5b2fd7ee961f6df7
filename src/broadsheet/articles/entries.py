"""One entry of a feed, whatever kind the feed is of, becomes a :class:`ParsedArticle`. Pure."""

import html
import re
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from django.utils.text import slugify

from broadsheet.articles import hypertext
from broadsheet.articles.dates import dated_name
from broadsheet.articles.dialects import LIMITS, TAG_LIMIT, display_category, known_language, one_line
from broadsheet.articles.findings import Finding
from broadsheet.articles.markdown import Base, sanitised, shortened
from broadsheet.articles.parsing import Context, ParsedArticle, digest
from broadsheet.errors import Problem, RejectedArticle

_NAMES = r"(?:p|br|div|a|img|ul|ol|li|h[1-6]|strong|em|b|i|blockquote|figure|span|table|pre|code)"
_ELEMENT = re.compile(rf"</?{_NAMES}(?:\s[^<>]*)?/?>", re.IGNORECASE)
#: HTML that was encoded once too often: it begins with an element, or closes one.
_TWICE = re.compile(
    rf"\A\s*&(?:amp;)*lt;{_NAMES}(?:\s|/?&(?:amp;)*gt;)|&(?:amp;)*lt;/{_NAMES}\s*&(?:amp;)*gt;", re.IGNORECASE
)
_ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-f]+|[a-z]\w+);", re.IGNORECASE)
_DULL = re.compile(r"(?:index|default|\d+)?", re.IGNORECASE)
_SLUG = 80


@dataclass(frozen=True)
class Text:
    """A text of an entry: HTML, or plain if it says so."""

    value: str = ""
    plain: bool = False
    base: str = ""
    """What its relative addresses hang on, where the feed says (``xml:base``)."""


@dataclass(frozen=True)
class Entry:
    """An entry as its feed has it."""

    identity: str = ""
    link: str = ""
    title: Text = Text()
    content: Text = Text()
    summary: Text = Text()
    author: str = ""
    published: datetime | None = None
    updated: datetime | None = None
    odd_date: str = ""
    """A date that can't be read."""
    tags: tuple[str, ...] = ()
    image: str = ""
    image_alt: str = ""
    language: str = ""


@dataclass(frozen=True)
class FeedArticle:
    """An article of a feed. Its slug is a suggestion; without ``dated`` its date is one too."""

    article: ParsedArticle
    dated: bool


def read_entry(entry: Entry, feed: str, context: Context, *, own_link: bool = True) -> FeedArticle:
    """The article in ``entry`` of the feed at that address. Raises RejectedArticle.

    Without ``own_link``, other entries of the feed have its link too, so it does not tell them apart.
    """
    url = web_address(entry.link or entry.identity, feed)
    if not url or len(url) > LIMITS["url"]:
        raise RejectedArticle(Problem("", one_line(entry.title.value)[:60], "has no link that can be used"))
    findings = []
    body, summary = _clean(entry.content, url), _clean(entry.summary, url)
    body, summary = body or summary, summary if body else ""
    excerpt = shortened(hypertext.visible(summary)) or hypertext.excerpt(body)
    title = _fitting(_plain(entry.title) or excerpt, "title")
    if not title:
        raise RejectedArticle(Problem("", url, "has no title and no text"))
    first, alt = hypertext.first_image(body)
    image = web_address(entry.image, url) or first
    if len(image) > LIMITS["image_url"]:
        image, findings = "", [Finding("cut", "its image has too long an address, so it is left out")]
    if entry.odd_date:
        findings.append(Finding("date", f"its date “{entry.odd_date[:60]}” can't be read"))
    names = tuple(dict.fromkeys(name for each in entry.tags if (name := one_line(each)) and len(name) <= TAG_LIMIT))
    tags, found = context.tagging.tags_of(names, names, (title, excerpt, hypertext.visible(body)))
    dated = entry.published is not None
    article = ParsedArticle(
        slug="",
        title=title,
        excerpt=excerpt,
        author=_fitting(entry.author, "author"),
        category=display_category(next(iter(names), "")),
        published_at=entry.published or entry.updated,
        url=url,
        image_url=image,
        image_alt=_fitting(entry.image_alt if image != first else alt, "image_alt"),
        language=known_language(entry.language) or context.language,
        html=body,
        tags=tags,
        draft=False,
        path=url[: LIMITS["path"]],
        content_hash="",
        identity=_identity(entry, url if own_link else "", title),
        findings=(*findings, *found),
    )
    told = replace(article, published_at=article.published_at if dated else None)
    article = replace(article, content_hash=digest(context.fingerprint, repr(told)), slug=_suggestion(article))
    return FeedArticle(article, dated)


def web_address(given: str, base: str) -> str:
    """``given`` as an absolute web address; empty if it is none."""
    try:
        address = Base(base, base).absolute(given.strip().replace(" ", "%20")) if given.strip() else ""
        parts = urlsplit(address)
    except ValueError:
        return ""
    return address if parts.scheme in ("http", "https") and parts.hostname else ""


def _identity(entry: Entry, url: str, title: str) -> str:
    """The entry's id, else its link, else a digest of title and date."""
    known = one_line(entry.identity) or url
    if not known:
        moment = entry.published or entry.updated
        return digest(title, moment.isoformat() if moment else "")
    return known if len(known) <= LIMITS["identity"] else digest(known)


def _suggestion(article: ParsedArticle) -> str:
    """A slug: the last part of the link, or the title if that part says nothing."""
    last = PurePosixPath(unquote(urlsplit(article.url).path)).stem
    words = article.title if _DULL.fullmatch(last) else dated_name(last)[1]
    slug = slugify(words, allow_unicode=True)[:_SLUG] or slugify(article.title, allow_unicode=True)[:_SLUG]
    return slug.strip("-_") or digest(article.identity)[:12]


def _clean(text: Text, page: str) -> str:
    """Clean HTML of a text, with absolute addresses."""
    value = text.value
    for _ in range(3):
        if _ELEMENT.search(value) or not _TWICE.search(value):
            break
        value = html.unescape(value)
    if not _ELEMENT.search(value):
        return hypertext.paragraphs(value if text.plain else html.unescape(value)).strip()
    base = web_address(text.base, page) or page
    return hypertext.blocks(sanitised(value, Base(base, base)).strip())


def _plain(text: Text) -> str:
    """A title in one line, whether its feed meant HTML or text."""
    value = text.value if text.plain and not _ELEMENT.search(text.value) else hypertext.visible(text.value)
    value = html.unescape(value) if _ENTITY.search(value) else value
    return one_line(hypertext.visible(value) if _ELEMENT.search(value) else value)


def _fitting(text: str, name: str) -> str:
    line, limit = one_line(text), LIMITS[name]
    return line if len(line) <= limit else line[: limit - 1] + "…"
