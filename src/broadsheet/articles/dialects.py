"""The table that maps front matter as blogs really write it onto our fields.

Keys are matched without regard to case, ``-`` and ``_``; where a file has several keys of one field, the
one that stands first in the table counts. Nothing here reads a file or a row.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NoReturn

from broadsheet.errors import Problem, RejectedArticle

#: Our field, and the keys that dialects give it. ``published`` is a date here unless it says true or false.
KEYS: dict[str, tuple[str, ...]] = {
    "id": ("id", "guid", "uuid"),
    "title": ("title",),
    "slug": ("slug", "permalink"),
    "excerpt": ("excerpt", "description", "summary", "subtitle", "lede"),
    "category": ("category", "categories", "section"),
    "author": ("author", "authors", "by"),
    "published_at": ("publishedat", "pubdate", "date", "publishdate", "published", "created"),
    "image": ("featuredimage", "image", "cover", "hero", "heroimage", "thumbnail"),
    "tags": ("tags", "tag", "keywords", "topics"),
    "draft": ("draft",),
    "published": ("published",),
    "language": ("lang", "language"),
    "url": ("canonical", "canonicalurl", "url"),
}

#: The most characters a field can hold, as the columns of :class:`broadsheet.models.Article` do.
LIMITS = {
    "identity": 200,
    "slug": 200,
    "path": 500,
    "title": 500,
    "author": 200,
    "category": 100,
    "url": 1000,
    "image_url": 1000,
    "image_alt": 500,
    "language": 35,
}
TAG_LIMIT = 100

_WORDS_FOR = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
_NAMES = ("name", "title", "label", "slug")
_ADDRESSES = ("src", "url", "image", "path")
_ALTS = ("alt", "alttext")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


def refusal(key: str, reason: str) -> RejectedArticle:
    """The rejection of a value that can't be taken, yet without path and line; ``key`` as it is spelled."""
    return RejectedArticle(Problem("", key, reason))


@dataclass(frozen=True)
class Header:
    """A file's front matter, asked by our field names.

    Every method raises RejectedArticle, which names the key, for a value of a wrong type.
    """

    raw: Mapping[Any, Any]
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The source's own keys by our field, before those of the table; ``meta.title`` is a key within a key."""
    _spelled: dict[str, str] = field(init=False, default_factory=dict)
    _values: dict[str, Any] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for key, value in self.raw.items():
            plain = plain_key(key)
            if not is_empty(value) and plain not in self._values:
                self._values[plain] = value
                self._spelled[plain] = str(key)

    def text(self, name: str) -> str:
        """One line of text; empty if the file has none."""
        key, value = self._first(name)
        return "" if key is None else _text(key, value)

    def names(self, name: str) -> list[str]:
        """Names of people or categories: a text, a mapping with a name, or a list of these."""
        key, value = self._first(name)
        if key is None:
            return []
        return [found for each in _listed(value) if (found := _name(key, each))]

    def slug(self) -> tuple[str, str]:
        """The slug as the file gives it, and the permalink's path if it gives one; both may be empty."""
        key, value = self._first("slug")
        if key is None:
            return "", ""
        given = _text(key, value)
        if re.search(r"(^|/):[a-z]", given):  # Jekyll's /:year/:title/ says how to make one; it isn't one
            return "", ""
        permalink = given if plain_key(key) == "permalink" and "/" in given else ""
        return given, permalink

    def tags(self) -> tuple[str, ...]:
        """Tags: lower case, single spaces, each once, in the file's order.

        A text is cut at its commas, or at its spaces if it has no comma.
        """
        key, value = self._first("tags")
        if key is None:
            return ()
        if isinstance(value, str):
            parts = value.split(",") if "," in value else value.split()
        else:
            parts = [_name(key, each) for each in _listed(value)]
        tags = tuple(dict.fromkeys(tag for part in parts if (tag := normal_tag(part))))
        if any(len(tag) > TAG_LIMIT for tag in tags):
            raise refusal(key, f"has a tag of more than {TAG_LIMIT} characters")
        return tags

    def image(self) -> tuple[str, str]:
        """The image's address as the file gives it, and its alt text, from within or from a key beside it."""
        key, value = self._first("image")
        if key is None:
            return "", ""
        if isinstance(value, list):
            value = value[0]
        if not isinstance(value, Mapping):
            return _text(key, value), self._alt_beside(key)
        inner = {plain_key(each): found for each, found in value.items() if not is_empty(found)}
        address = next((inner[each] for each in _ADDRESSES if each in inner), None)
        if address is None:
            _refuse(key, "an address, or a mapping with `src` (or `url`) and `alt`")
        alt = next((_text(f"{key}.{each}", inner[each]) for each in _ALTS if each in inner), "")
        return _text(key, address), alt or self._alt_beside(key)

    def draft(self) -> bool:
        """Whether the file says that it is a draft, or that it is not published."""
        key, value = self._first("draft")
        if key is not None:
            return _truth(key, value)
        key, value = self._first("published")
        return key is not None and _is_truth(value) and not _truth(key, value)

    def language(self) -> str:
        """The language (BCP 47); empty if the file names none."""
        key, value = self._first("language")
        if key is None:
            return ""
        given = "no" if value is False else _text(key, value).replace("_", "-")  # YAML takes Norway's for a "no"
        if not _LANGUAGE.fullmatch(given):
            _refuse(key, "a language such as en or pt-BR")
        return given

    def date(self) -> tuple[str, object]:
        """The key and value of the date of publication; ``("", None)`` if there is none."""
        own, mapped = self._own("published_at")
        if own is not None:
            return own, mapped
        for each in KEYS["published_at"]:
            if each in self._values and not (each == "published" and _is_truth(self._values[each])):
                return self._spelled[each], self._values[each]
        return "", None

    def key_of(self, name: str) -> str:
        """The key that gave our field ``name``, as the file spells it, or our own name for it."""
        return self._first(name.removesuffix("_url").removesuffix("_alt"))[0] or name

    def _own(self, name: str) -> tuple[str | None, Any]:
        """What the source's own keys give for our field."""
        for key in self.keys.get(name, ()):
            value = self._values.get(plain_key(key)) or _within(self.raw, key)
            if not is_empty(value):
                return key, value
        return None, None

    def _first(self, name: str) -> tuple[str | None, Any]:
        key, value = self._own(name)
        if key is not None:
            return key, value
        for each in KEYS.get(name, ()):
            if each in self._values:
                return self._spelled[each], self._values[each]
        return None, None

    def _alt_beside(self, key: str) -> str:
        own = plain_key(key)
        beside = [base + alt for base in (own, *KEYS["image"]) for alt in _ALTS]
        return next((_text(self._spelled[each], self._values[each]) for each in beside if each in self._values), "")


def plain_key(key: object) -> str:
    """``key`` as the table has it: ``publishedAt``, ``published-at`` and ``PUBLISHED_AT`` are one."""
    return re.sub(r"[-_\s]", "", str(key)).casefold()


def _within(raw: Mapping[Any, Any], key: str) -> object:
    """The value at a path such as ``meta.title``; None if there is none."""
    value: object = raw
    for part in key.split("."):
        if not isinstance(value, Mapping):
            return None
        value = next((found for name, found in value.items() if plain_key(name) == plain_key(part)), None)
    return value


def is_empty(value: object) -> bool:
    """Whether a value says nothing, as ``title:`` and ``tags: []`` do."""
    return value is None or (isinstance(value, str) and not value.strip()) or value in ([], {})


def one_line(text: str) -> str:
    """``text`` with single spaces and without control characters."""
    spaced = " ".join(text.split())
    return "".join(c for c in spaced if unicodedata.category(c) not in ("Cc", "Cs"))


def known_language(text: str) -> str:
    """A language (BCP 47) if it looks like one; empty if not."""
    given = one_line(text).replace("_", "-")
    return given if _LANGUAGE.fullmatch(given) and len(given) <= LIMITS["language"] else ""


def normal_tag(text: str) -> str:
    """A tag as it is kept and asked for: lower case, single spaces, no leading ``#``."""
    return one_line(text).lstrip("#").strip().lower()


def plain_category(text: str) -> str:
    """A category for comparing: ``PATIENT_STORIES`` and ``Patient stories`` are one."""
    return " ".join(re.sub(r"[-_]+", " ", text).split()).casefold()


def display_category(text: str) -> str:
    """A category as a reader should see it: ``PATIENT_STORIES``, ``patient-stories`` are "Patient stories".

    Short words in capitals (FAQ, NHS) and whatever mixes cases stay as they are written.
    """
    constant = re.fullmatch(r"[A-Z0-9]+(_[A-Z0-9]+)+|[A-Z]{4,}", text)
    slug = text == text.lower() and " " not in text
    if not (constant or slug):
        return text
    words = re.sub(r"[_-]+", " ", text.lower()).strip()
    return words[:1].upper() + words[1:]


def _text(key: str, value: object) -> str:
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18:
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bool):
        raise refusal(key, "must be text; put it between quotation marks")
    return _refuse(key, "text")


def _name(key: str, value: object) -> str:
    if not isinstance(value, Mapping):
        return "" if is_empty(value) else _text(key, value)
    inner = {plain_key(each): found for each, found in value.items() if not is_empty(found)}
    found = next((inner[each] for each in _NAMES if each in inner), None)
    if found is None:
        _refuse(key, "text, a list of texts, or a mapping with `name`")
    return _text(key, found)


def _truth(key: str, value: object) -> bool:
    if not _is_truth(value):
        _refuse(key, "true or false")
    return _WORDS_FOR[str(value).strip().lower()]


def _is_truth(value: object) -> bool:
    return isinstance(value, bool | int | str) and str(value).strip().lower() in _WORDS_FOR


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _refuse(key: str, allowed: str) -> NoReturn:
    raise refusal(key, f"must be {allowed}")
