"""Markdown to clean HTML: CommonMark with tables and strikethrough, sanitised, every address absolute."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urljoin, urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token


class _Markdown(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802  the name is the library's
        """True: every address meets the sanitiser, so a bad one becomes plain text and not raw Markdown."""
        return True


@dataclass(frozen=True)
class Flavour:
    """One way to read Markdown: in full, or its blocks only, which takes a fifth of the time."""

    full: MarkdownIt
    blocks: MarkdownIt

    @classmethod
    def without(cls, *rules: str) -> "Flavour":
        """CommonMark with tables and strikethrough, and without these rules."""
        full, blocks = (
            _Markdown("commonmark", {"html": True}).enable(["table", "strikethrough"]).disable(list(rules))
            for _ in range(2)
        )
        return cls(full, blocks.disable(["inline", "text_join"]))


PLAIN = Flavour.without()
#: In MDX an indented text is no code, but the content of a component.
MDX = Flavour.without("code")

_TAGS = """
a abbr b bdi bdo blockquote br caption cite code col colgroup dd del dfn div dl dt em figcaption figure h1 h2
h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp small span strong sub sup table tbody td
tfoot th thead tr u ul var wbr
"""
#: Elements that go with all that is in them; of other unknown elements the text stays.
_DROPPED = """
script style iframe noembed noframes noscript object template select textarea button svg math title
"""
_CELL = frozenset({"align", "valign", "colspan", "rowspan"})
ATTRIBUTES: dict[str, frozenset[str]] = {
    "*": frozenset({"dir", "lang", "title"}),
    "a": frozenset({"href"}),
    "img": frozenset({"src", "alt", "width", "height"}),
    "td": _CELL,
    "th": _CELL,
    "col": frozenset({"span"}),
    "ol": frozenset({"start", "type", "reversed"}),
    "li": frozenset({"value"}),
}
SCHEMES = {"href": frozenset({"http", "https", "mailto", "tel"}), "src": frozenset({"http", "https"})}
_EXCERPT = 199
_IMAGE = re.compile(r'<img((?: [\w-]+="[^"]*")*)>')
_SHORTCODE = re.compile(r"\{[{%].*[%}]\}", re.DOTALL)
_COMMENT = re.compile(r"\s*(<!--.*?-->\s*)*", re.DOTALL)


@dataclass(frozen=True)
class Base:
    """What relative addresses are resolved against."""

    site: str
    """The site's address: for ``/images/x.png``."""
    page: str
    """The article's own address: for ``x.png`` and ``#notes``."""

    def absolute(self, address: str) -> str:
        """``address`` made absolute. Raises ValueError if it is no address at all."""
        address = address.strip()
        root_relative = address.startswith("/") and not address.startswith("//")
        return urljoin(self.site if root_relative else self.page, address)


def to_html(body: str, base: Base, flavour: Flavour = PLAIN) -> str:
    """The HTML of a Markdown text: safe to mail, with absolute links and images."""
    tokens = _parse(body, flavour)
    for token in tokens:
        if token.type in ("td_open", "th_open") and (style := token.attrs.pop("style", None)):
            token.attrs["align"] = str(style).removeprefix("text-align:")
    return sanitised(flavour.full.renderer.render(tokens, flavour.full.options, {}), base)


def sanitised(html: str, base: Base) -> str:
    """``html`` with nothing in it but what a mail may hold; images left without an address are gone."""

    def resolve(_tag: str, attribute: str, value: str) -> str | None:
        allowed = SCHEMES.get(attribute)
        if allowed is None:
            return value
        if not value.strip():
            return None
        try:
            address = base.absolute(value)
            return address if urlsplit(address).scheme in allowed else None
        except ValueError:
            return None

    clean = nh3.clean(
        html,
        tags=frozenset(_TAGS.split()),
        clean_content_tags=frozenset(_DROPPED.split()),
        attributes=ATTRIBUTES,
        attribute_filter=resolve,
        link_rel=None,
        url_schemes=frozenset().union(*SCHEMES.values()),
    )
    return _IMAGE.sub(lambda found: found[0] if ' src="' in found[1] else "", clean)


def leading_heading(body: str, flavour: Flavour = PLAIN) -> tuple[str, str] | None:
    """The text of the heading that ``body`` begins with, and the rest; None if it begins otherwise."""
    tokens = flavour.blocks.parse(body, {})
    start = next((i for i, token in enumerate(tokens) if not _is_comment(token)), None)
    if start is None or tokens[start].type != "heading_open":
        return None
    lines = body.split("\n")
    first, last = tokens[start].map or (0, 0)
    heading = tokens[start + 1].content
    links = "[" in heading  # whose addresses may stand at the end of the text
    inline = _parse(body, flavour)[start + 1] if links else flavour.full.parseInline(heading, {})[0]
    return _plain(inline), "\n".join([*lines[:first], *lines[last:]]).strip("\n")


def title_and_body(body: str, flavour: Flavour = PLAIN) -> tuple[str, str]:
    """A title for a text that names none: its first heading, or its first line; and the body without it.

    A heading further down stays where it is. The title is empty if there is no text.
    """
    if leading := leading_heading(body, flavour):
        return leading
    tokens = _parse(body, flavour)
    for i, token in enumerate(tokens):
        if token.type == "heading_open" and (title := _plain(tokens[i + 1])):
            return title, body
    text = body[_COMMENT.match(body).end() :] if _COMMENT.match(body) else body  # type: ignore[union-attr]
    line, _, rest = text.partition("\n")
    inline = [token for token in _parse(line, flavour) if token.type == "inline"]
    title = _plain(inline[0]) if inline else ""
    if len(title) > _EXCERPT:
        return shortened(title), body
    return title, rest.strip("\n") if title else body


def excerpt(body: str, flavour: Flavour = PLAIN) -> str:
    """The first real paragraph as plain text, under 200 characters; empty if there is none.

    Headings, lists, quotes, tables, images and shortcodes are none; a note all in italics is one only if no
    other follows.
    """
    found = []
    tokens = _parse(body, flavour)
    for i, token in enumerate(tokens):
        if token.type != "paragraph_open" or token.level:
            continue
        text = _plain(tokens[i + 1])
        if not text or _SHORTCODE.fullmatch(text):
            continue
        if not _all_italic(tokens[i + 1]):
            return shortened(text)
        found.append(text)
    return shortened(found[0]) if found else ""


def shortened(text: str) -> str:
    """``text`` cut at a word to under 200 characters, with an ellipsis where something is missing."""
    if len(text) <= _EXCERPT:
        return text
    cut = text[:_EXCERPT]
    word, space, _ = cut.rpartition(" ")
    kept = word if space and len(word) > _EXCERPT // 2 else cut[:-1]  # a script without spaces is cut anywhere
    return kept.rstrip(" ,;:–—-([“\"'") + "…"


def code_blocks(body: str) -> list[tuple[int, int]]:
    """The ranges of characters that are fenced or indented code."""
    starts = [0, *(found.end() for found in re.finditer("\n", body)), len(body)]
    blocks = [
        token.map for token in PLAIN.blocks.parse(body, {}) if token.type in ("fence", "code_block") and token.map
    ]
    return [(starts[first], starts[min(last, len(starts) - 1)]) for first, last in blocks]


@lru_cache(maxsize=2)
def _parse(body: str, flavour: Flavour) -> list[Token]:
    """The tokens of a text. An article's text is asked for several times in a row, and parsing is what costs."""
    return flavour.full.parse(body, {})


def _is_comment(token: Token) -> bool:
    whole = _COMMENT.fullmatch(token.content) if token.type == "html_block" else None
    return whole is not None


def _plain(inline: Token) -> str:
    """What one would read aloud of an inline token; images are silent."""
    return " ".join("".join(_pieces(inline.children or ())).split())


def _pieces(children: Iterable[Token]) -> Iterable[str]:
    for child in children:
        if child.type in ("text", "code_inline", "text_special"):
            yield child.content
        elif child.type in ("softbreak", "hardbreak"):
            yield " "


def _all_italic(inline: Token) -> bool:
    """Whether no word of an inline token stands outside of emphasis."""
    depth, outside = 0, ""
    for child in inline.children or ():
        depth += {"em_open": 1, "em_close": -1}.get(child.type, 0)
        if not depth:
            outside += child.content
    return not outside.strip()
