"""One article's text becomes a :class:`ParsedArticle`. Pure: no file, row or socket is touched."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from zoneinfo import ZoneInfo

from django.utils.text import slugify

from broadsheet.articles import hypertext
from broadsheet.articles.bodies import Body, cleaned, form_of, read_body
from broadsheet.articles.dates import dated_name, parse_date
from broadsheet.articles.dialects import LIMITS, Header, display_category, refusal
from broadsheet.articles.findings import Finding
from broadsheet.articles.markdown import Base
from broadsheet.articles.tagging import Tagging
from broadsheet.conf import Config
from broadsheet.errors import InvalidFile, Problem, RejectedArticle
from broadsheet.workspace.front_matter import Split, split_header

#: Part of every content hash: raise it when the same text should be parsed anew.
VERSION = 2
_PAGE = re.compile(r"\.(html?|md|markdown)$", re.IGNORECASE)


@dataclass(frozen=True)
class ParsedArticle:
    """One article as its source says it; the fields are columns of :class:`broadsheet.models.Article`."""

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
    identity: str = ""
    """The id that the source gives it, if it gives one."""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Context:
    """What an article is read against: the same context and the same text make the same article."""

    site_url: str
    """Without a slash at its end."""
    language: str
    """Of articles that name none."""
    zone: ZoneInfo
    """Of dates that name none."""
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tagging: Tagging = field(default_factory=Tagging)

    @classmethod
    def of(cls, config: Config, tagging: Tagging, keys: Mapping[Any, tuple[str, ...]] | None = None) -> "Context":
        """The context that ``broadsheet.toml`` gives to a source with these keys."""
        return cls(config.site.url, config.site.language, config.zone, dict(keys or {}), tagging)

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the context, and of the code that reads."""
        keys = sorted((name, *each) for name, each in self.keys.items())
        parts = (VERSION, self.site_url, self.language, self.zone.key, keys, self.tagging.fingerprint())
        return digest(repr(parts))


def digest(*parts: str) -> str:
    """A digest of all the parts together."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def content_hash(text: str, path: str, context: Context) -> str:
    """A digest of all that :func:`parse_article` makes its answer from; far cheaper than parsing."""
    return digest(context.fingerprint, path, text)


def parse_article(text: str, path: str, context: Context) -> ParsedArticle:
    """The article in ``text``, which stands in the file ``path`` (relative, with ``/``).

    Raises RejectedArticle with path, line and reason.
    """
    try:
        split = split_header(text, path)
    except InvalidFile as error:
        raise RejectedArticle(error.problems[0]) from error
    form = form_of(path)
    page, content = hypertext.page(split.body) if form == "html" else ({}, split.body)
    header = Header({**page, **split.data}, context.keys)
    try:
        slug, permalink = _slug(header, path)
        url, base = _addresses(header, slug, permalink, context.site_url)
        content, findings = cleaned(content, form, _line_of(text, split.body))
        body = read_body(content, form, header.text("title"), base)
        if not body.title:
            raise refusal("", "has no title" if content.strip() else "has no title and no text")
        image, alt = header.image()
        excerpt = header.text("excerpt") or body.excerpt
        categories = header.names("category")
        tags, found = context.tagging.tags_of(header.tags(), categories, _texts(body, excerpt))
        article = ParsedArticle(
            slug=slug,
            title=body.title,
            excerpt=excerpt,
            author=", ".join(header.names("author")),
            category=display_category(next(iter(categories), "")),
            published_at=_published_at(header, path, context.zone),
            url=url,
            image_url=_web_address(header.key_of("image"), base, image) if image else "",
            image_alt=alt,
            language=header.language() or context.language,
            html=body.html,
            tags=tags,
            draft=header.draft(),
            path=path,
            content_hash=content_hash(text, path, context),
            identity=_identity(header),
            findings=(*findings, *found),
        )
        _check_lengths(article, header)
    except RejectedArticle as error:
        raise RejectedArticle(_located(error.problem, split, path)) from error
    return article


def _line_of(text: str, body: str) -> int:
    """The line that ``body`` begins in, which is the end of ``text``."""
    return 1 + text.count("\n", 0, len(text) - len(body)) if text.endswith(body) else 1


def _texts(body: Body, excerpt: str) -> Iterator[str]:
    """What tag rules look at; made only if they do."""
    yield body.title
    yield excerpt
    yield hypertext.visible(body.html)


def _identity(header: Header) -> str:
    try:
        given = header.text("id")
    except RejectedArticle:  # no text, so it names nothing
        return ""
    return given if len(given) <= LIMITS["identity"] else digest(given)


def _slug(header: Header, path: str) -> tuple[str, str]:
    """The slug, and the permalink if there is one."""
    given, permalink = header.slug()
    try:
        path_given = unquote(urlsplit(given).path)
    except ValueError as error:
        raise refusal(header.key_of("slug"), f"“{given[:60]}” is not a slug") from error
    segment = _PAGE.sub("", path_given.rstrip("/").rpartition("/")[2])
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
