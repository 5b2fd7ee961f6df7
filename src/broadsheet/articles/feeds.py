"""Feeds: what an address answered becomes entries; RSS and Atom by feedparser, JSON Feed by hand. Pure."""

import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from time import struct_time
from typing import Any
from xml.sax import SAXException
from zoneinfo import ZoneInfo

import feedparser

from broadsheet.articles.dates import parse_date
from broadsheet.articles.entries import Entry, FeedArticle, Text, read_entry
from broadsheet.articles.fetching import Answer
from broadsheet.articles.parsing import Context
from broadsheet.errors import BroadsheetError, Problem, RejectedArticle

_IMAGE = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|svg)(?:\?|$)", re.IGNORECASE)
_OFFERED = re.compile(
    rb"""<link\b[^>]{0,500}type=["']application/(?:rss|atom|feed)\+(?:xml|json)["'][^>]{0,500}>""", re.IGNORECASE
)
_HREF = re.compile(rb"""href=["']([^"']{1,500})["']""", re.IGNORECASE)
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_HTML = re.compile(rb"\s*(?:<!--.{0,5000}?-->\s*)?<(?:!doctype html|html)\b", re.IGNORECASE | re.DOTALL)


#: A feed holds the newest few; this many are an archive, or an attack.
MOST_ENTRIES = 5_000
_ENTRY = re.compile(rb"<(?:\w+:)?(?:item|entry)[\s>]")


def read_feed(answer: Answer, context: Context) -> list[FeedArticle | RejectedArticle]:
    """The entries of a feed in its order, each as an article or rejected; an entry that comes twice, once.

    Raises BroadsheetError with the reason if it is no feed.
    """
    body = answer.body or b""
    is_json = "json" in answer.content_type.lower() or body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"
    entries = _json_entries(body, context) if is_json else _xml_entries(body, answer, context)
    links = Counter(entry.link for entry in entries)
    read: dict[str, FeedArticle | RejectedArticle] = {}
    for number, entry in enumerate(entries, start=1):
        try:
            article = read_entry(entry, answer.address, context, own_link=links[entry.link] == 1)
            read.setdefault(article.article.identity, article)
        except RejectedArticle as rejected:
            where = rejected.problem.where or f"entry {number}"
            read[f"\0{number}"] = RejectedArticle(Problem("", where, rejected.problem.reason))
    return list(read.values())


def _xml_entries(body: bytes, answer: Answer, context: Context) -> list[Entry]:
    if _HTML.match(body):
        raise BroadsheetError(f"is a web page and no feed{_offer(body)}")
    _refuse_too_many(sum(1 for _ in _ENTRY.finditer(body)))
    headers = {"content-type": answer.content_type, "content-location": answer.address}
    try:
        parsed = feedparser.parse(
            io.BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except Exception as error:
        raise BroadsheetError(f"can't be read as a feed ({type(error).__name__})") from error
    found = parsed["entries"]
    if not found and not parsed.get("version"):
        raise BroadsheetError("is no feed: neither RSS nor Atom nor JSON Feed")
    if not found and isinstance(parsed.get("bozo_exception"), SAXException):
        raise BroadsheetError(f"is a damaged feed ({str(parsed['bozo_exception'])[:100]})")
    language = _text(dict.get(parsed["feed"], "language"))
    return [_xml_entry(each, answer.address, language, context.zone) for each in found]


def _refuse_too_many(entries: int) -> None:
    if entries > MOST_ENTRIES:
        raise BroadsheetError(f"has {entries:,} entries; at most {MOST_ENTRIES:,} are read")


def _offer(body: bytes) -> str:
    """The address of the feed that a web page names, in words."""
    link = _OFFERED.search(body)
    href = _HREF.search(link[0]) if link else None
    return f"; it names its feed: {href[1].decode('utf-8', 'replace')}" if href else ""


def _xml_entry(raw: Any, feed: str, language: str, zone: ZoneInfo) -> Entry:
    get = _Getter(raw)  # feedparser's own lookup answers with another key's value, and warns
    published, odd = _moment(get("published_parsed"), get("published"), zone)
    updated, _ = _moment(get("updated_parsed"), get("updated"), zone)
    contents = [_detail(each, feed) for each in _listed(get("content"))]
    image, alt = _image(get)
    return Entry(
        identity=_text(get("id")),
        link=_text(get("link")),
        title=_detail(get("title_detail"), feed),
        content=max(contents, key=lambda each: len(each.value), default=Text()),
        summary=_detail(get("summary_detail"), feed),
        author=_author(get),
        published=published,
        updated=updated,
        odd_date=odd if updated is None else "",
        tags=tuple(
            part
            for tag in _listed(get("tags"))
            if isinstance(tag, Mapping)
            for part in _text(tag.get("label") or tag.get("term")).split(",")
        ),
        image=image,
        image_alt=alt,
        language=next((_text(each.get("language")) for each in _listed(get("content")) if each.get("language")), "")
        or language,
    )


class _Getter:
    def __init__(self, raw: Any) -> None:
        self.raw = raw

    def __call__(self, key: str) -> Any:
        return dict.get(self.raw, key)


def _detail(raw: Any, feed: str) -> Text:
    if not isinstance(raw, Mapping):
        return Text()
    base = _text(raw.get("base"))
    plain = _text(raw.get("type")) not in ("text/html", "application/xhtml+xml")
    return Text(_text(raw.get("value")), plain=plain, base="" if base == feed else base)


def _author(get: _Getter) -> str:
    """The authors' names; an address that stands in their place is not for readers."""
    several = [_text(each.get("name")) for each in _listed(get("authors")) if isinstance(each, Mapping)]
    names = several if len(several) > 1 and all(several) else [_text(get("author"))]
    return ", ".join(name for each in names if (name := _without_address(each)))


def _without_address(author: str) -> str:
    """``Ann Lee`` of ``ann@x.example (Ann Lee)`` and of ``Ann Lee (ann@x.example)``."""
    if "@" not in author:
        return author.strip()
    inside = re.search(r"\(([^()@]+)\)", author)
    return inside[1].strip() if inside else re.sub(r"\S*@\S*", "", author).strip(' ()<>,"')


def _image(get: _Getter) -> tuple[str, str]:
    """The address of the entry's picture, and its description."""
    media = [each for each in _listed(get("media_content")) if isinstance(each, Mapping) and _is_image(each)]
    thumbnails = [each for each in _listed(get("media_thumbnail")) if isinstance(each, Mapping)]
    enclosed = [
        {"url": each.get("href")}
        for each in _listed(get("links"))
        if isinstance(each, Mapping) and each.get("rel") == "enclosure" and _is_image({**each, "url": each.get("href")})
    ]
    best = next((max(kind, key=_width) for kind in (media, thumbnails, enclosed) if kind), None)
    if best is None:
        own = get("image")
        return (_text(own.get("href")), "") if isinstance(own, Mapping) else ("", "")
    return _text(best.get("url")), ""


def _is_image(media: Mapping[str, Any]) -> bool:
    said = _text(media.get("type")) or _text(media.get("medium"))
    return said.startswith("image") if said else bool(_IMAGE.search(_text(media.get("url"))))


def _width(media: Mapping[str, Any]) -> int:
    width = _text(media.get("width"))
    return int(width) if re.fullmatch(r"\d{1,6}", width, re.ASCII) else 0


def _moment(parsed: Any, written: Any, zone: ZoneInfo) -> tuple[datetime | None, str]:
    """A date as we read it, or as feedparser does; and what is written, if nobody can read it."""
    text = _text(written).strip()
    moment, odd = _read_date(text, zone) if text else (None, "")
    if moment is None and isinstance(parsed, struct_time):
        try:
            year, month, day, hour, minute, second = parsed[:6]
            return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC), ""
        except ValueError:
            return None, odd
    return moment, odd


def _read_date(text: str, zone: ZoneInfo) -> tuple[datetime | None, str]:
    try:
        return parse_date(text, zone), ""
    except (ValueError, OverflowError):
        return None, text


def _json_entries(body: bytes, context: Context) -> list[Entry]:
    """The items, as https://www.jsonfeed.org/version/1.1/ describes them."""
    try:
        feed = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise BroadsheetError(f"is damaged JSON ({str(error)[:100]})") from error
    items = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(items, list) or "jsonfeed" not in _text(feed.get("version")):
        raise BroadsheetError("is JSON, but no JSON Feed")
    _refuse_too_many(len(items))
    return [_json_entry(each, _text(feed.get("language")), context.zone) for each in items if isinstance(each, dict)]


def _json_entry(item: dict[str, Any], language: str, zone: ZoneInfo) -> Entry:
    published, odd = _read_date(_text(item.get("date_published")), zone) if item.get("date_published") else (None, "")
    updated, _ = _read_date(_text(item.get("date_modified")), zone) if item.get("date_modified") else (None, "")
    people = [each for each in (*_listed(item.get("authors")), item.get("author")) if isinstance(each, dict)]
    enclosed = [
        _text(each.get("url"))
        for each in _listed(item.get("attachments"))
        if isinstance(each, dict) and _text(each.get("mime_type")).startswith("image/")
    ]
    content = Text(_text(item.get("content_html"))) if item.get("content_html") else None
    return Entry(
        identity=_text(item.get("id")),
        link=_text(item.get("url")) or _text(item.get("external_url")),
        title=Text(_text(item.get("title")), plain=True),
        content=content or Text(_text(item.get("content_text")), plain=True),
        summary=Text(_text(item.get("summary")), plain=True),
        author=", ".join(dict.fromkeys(name for each in people if (name := _text(each.get("name"))))),
        published=published,
        updated=updated,
        odd_date=odd if updated is None else "",
        tags=tuple(_text(each) for each in _listed(item.get("tags"))),
        image=_text(item.get("image")) or _text(item.get("banner_image")) or next(iter(enclosed), ""),
        language=_text(item.get("language")) or language,
    )


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else ()


def _text(value: Any) -> str:
    """A text or a number as text that a database takes; anything else is none."""
    given = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    return _UNWRITABLE.sub("", given)
