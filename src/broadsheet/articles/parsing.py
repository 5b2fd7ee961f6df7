"""One article's text becomes a :class:`ParsedArticle`. Pure: no file, row or socket is touched."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from zoneinfo import ZoneInfo

from django.utils.text import slugify

from broadsheet.articles import markdown
from broadsheet.articles.dates import dated_name, parse_date
from broadsheet.articles.dialects import LIMITS, Header, display_category, refusal
from broadsheet.articles.markdown import Base
from broadsheet.errors import InvalidFile, Problem, RejectedArticle
from broadsheet.workspace.front_matter import Split, split_header

#: Part of every content hash: raise it when the same text should be parsed anew.
VERSION = 1
_PAGE = re.compile(r"\.(html?|md|markdown)$", re.IGNORECASE)


@dataclass(frozen=True)
class ParsedArticle:
    """One article as its file says it; the fields are the columns of :class:`broadsheet.models.Article`."""

    slug: str
    title: str
    excerpt: str
    author: str
    category: str
    published_at: datetime | None
    url: str
    image_url: str
    image_alt: str
    language: str
    html: str
    tags: tuple[str, ...]
    draft: bool
    path: str
    content_hash: str


def content_hash(text: str, *, path: str, site_url: str, language: str, zone: ZoneInfo) -> str:
    """A digest of all that :func:`parse_article` makes its answer from: the same digest, the same article."""
    parts = (str(VERSION), path, site_url, language, zone.key, text)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def parse_article(text: str, *, path: str, site_url: str, language: str, zone: ZoneInfo) -> ParsedArticle:
    """The article in ``text``, which stands in the file ``path`` (relative, with ``/``).

    ``site_url`` has no slash at its end; ``language`` and ``zone`` are for articles that name none.
    Raises RejectedArticle with path, line and reason.
    """
    try:
        split = split_header(text, path)
    except InvalidFile as error:
        raise RejectedArticle(error.problems[0]) from error
    header = Header(split.data)
    try:
        slug, permalink = _slug(header, path)
        url, base = _addresses(header, slug, permalink, site_url)
        title, body = _title(header, split.body)
        image, alt = header.image()
        article = ParsedArticle(
            slug=slug,
            title=title,
            excerpt=header.text("excerpt") or markdown.excerpt(body),
            author=", ".join(header.names("author")),
            category=display_category(next(iter(header.names("category")), "")),
            published_at=_published_at(header, path, zone),
            url=url,
            image_url=_web_address(header.key_of("image"), base, image) if image else "",
            image_alt=alt,
            language=header.language() or language,
            html=markdown.to_html(body, base),
            tags=header.tags(),
            draft=header.draft(),
            path=path,
            content_hash=content_hash(text, path=path, site_url=site_url, language=language, zone=zone),
        )
        _check_lengths(article, header)
    except RejectedArticle as error:
        raise RejectedArticle(_located(error.problem, split, path)) from error
    return article


def _slug(header: Header, path: str) -> tuple[str, str]:
    """The slug, and the permalink if there is one."""
    given, permalink = header.slug()
    segment = _PAGE.sub("", unquote(urlsplit(given).path).rstrip("/").rpartition("/")[2])
    if segment:
        kept = unicodedata.normalize("NFC", segment)
        slug = kept if re.fullmatch(r"[\w.~-]*\w[\w.~-]*", kept) else slugify(kept, allow_unicode=True)
    else:
        slug = slugify(dated_name(_own_name(path))[1], allow_unicode=True)
    if not slug:
        raise refusal(header.key_of("slug"), "holds no letter or digit to make a slug of")
    return slug, permalink


def _own_name(path: str) -> str:
    """The file's name without its ending, or its folder's if the file is an ``index``."""
    pure = PurePosixPath(path)
    return pure.parent.name if pure.stem.lower() == "index" and pure.parent.name else pure.stem


def _addresses(header: Header, slug: str, permalink: str, site_url: str) -> tuple[str, Base]:
    """The article's address, and what its relative links hang on: its page on our own site."""
    site = Base(site_url, f"{site_url}/")
    own = f"{site_url}/articles/{quote(slug)}"
    if permalink:
        own = _web_address(header.key_of("slug"), site, permalink)
    given = header.text("url")
    url = _web_address(header.key_of("url"), site, given) if given else own
    same_site = urlsplit(url).netloc == urlsplit(site_url).netloc
    return url, Base(site_url, url if same_site else own)


def _web_address(key: str, base: Base, given: str) -> str:
    try:
        address = base.absolute(given.replace(" ", "%20"))
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise refusal(key, f"“{given[:60]}” is not a web address")
    return address


def _title(header: Header, body: str) -> tuple[str, str]:
    """The title, and the body without a heading that only repeats it."""
    given = header.text("title")
    if not given:
        title, rest = markdown.title_and_body(body)
        if not title:
            raise refusal("", "has no title and no text" if not body.strip() else "has no title")
        return title, rest
    leading = markdown.leading_heading(body)
    if leading and _bare(leading[0]) == _bare(given):
        return given, leading[1]
    return given, body


def _bare(text: str) -> str:
    """Letters and digits only, for comparing."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def _published_at(header: Header, path: str, zone: ZoneInfo) -> datetime | None:
    key, value = header.date()
    pure = PurePosixPath(path)
    if not key:
        days = (dated_name(name)[0] for name in (pure.stem, pure.parent.name))
        value = next((day for day in days if day), None)
        if value is None:
            return None
    try:
        return parse_date(value, zone)
    except ValueError as error:
        raise refusal(key, str(error)) from error


def _check_lengths(article: ParsedArticle, header: Header) -> None:
    values: dict[str, Any] = {each.name: getattr(article, each.name) for each in fields(article)}
    for name, limit in LIMITS.items():
        if len(values[name]) > limit:
            raise refusal(header.key_of(name), f"has {len(values[name])} characters; at most {limit} fit")


def _located(problem: Problem, split: Split, path: str) -> Problem:
    """``problem`` with the path, and with its key's line."""
    if not problem.where:
        return Problem(path, "", problem.reason)
    return Problem(path, split.where(problem.where), f"`{problem.where}` {problem.reason}")
