"""HTML read for what is in it: a page's own data, its text, its first image; and plain text made HTML. Pure."""

import html
import re
from collections.abc import Iterator

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring, tostring

from broadsheet.articles.markdown import shortened

_BLOCK = re.compile(r"</?(?:p|div|h[1-6]|li|ul|ol|dl|dt|dd|tr|table|blockquote|pre|figure|figcaption|hr|br)\b[^>]*>")
_TAG = re.compile(r"<[^>]*>")
_PAGE = re.compile(r"<(?:!doctype|html|head|body)\b", re.IGNORECASE)
_HEADING = re.compile(r"\s*<(h[1-6])\b[^>]*>(.*?)</\1>", re.DOTALL)
_AROUND = ("nav", "aside", "footer", "script", "style", "noscript", "template")
#: Not the text itself: what stands in these is passed over for an excerpt.
_ASIDE = {"li", "blockquote", "table", "figure", "figcaption", "pre", "td", "th", "dd"}
#: The keys of :mod:`broadsheet.articles.dialects` that a page's <meta> may give.
_META = {
    "description": "description",
    "og:description": "description",
    "author": "author",
    "article:author": "author",
    "keywords": "keywords",
    "article:published_time": "date",
    "date": "date",
    "dcterms.date": "date",
    "og:image": "image",
    "og:image:alt": "imageAlt",
    "article:section": "section",
    "og:title": "title",
}


def page(text: str) -> tuple[dict[str, str], str]:
    """What a page's head says, by keys of front matter, and the HTML of its text.

    A text that is no whole page comes back as it is. Of a page the one ``<article>`` or ``<main>`` counts, or
    else the body; navigation, asides and footers go.
    """
    root = _parsed(text) if _PAGE.search(text) else None
    if root is None:
        return {}, text
    data: dict[str, str] = {}
    for meta in root.iter("meta"):
        key = _META.get((meta.get("name") or meta.get("property") or "").lower())
        if key and meta.get("content"):
            data.setdefault(key, meta.get("content", ""))
    title = root.find(".//title")
    if title is not None and title.text_content().strip():
        data["title"] = title.text_content()
    for link in root.iter("link"):
        if (link.get("rel") or "").lower() == "canonical" and link.get("href"):
            data.setdefault("canonical", link.get("href", ""))
    if root.get("lang"):
        data["lang"] = root.get("lang", "")
    main = [found for name in ("article", "main") if len(found := list(root.iter(name))) == 1]
    content = main[0][0] if main else root.find("body")
    if content is None:
        return data, ""
    for element in [*content.iter(*_AROUND), *(() if main else content.iter("header"))]:
        element.drop_tree()
    inner = html.escape(content.text or "") + "".join(tostring(child, encoding="unicode") for child in content)
    return data, inner


def visible(markup: str) -> str:
    """What one would read aloud of clean HTML, in one line."""
    return " ".join(html.unescape(_TAG.sub("", _BLOCK.sub(" ", markup))).split())


def blocks(markup: str) -> str:
    """Clean HTML with a paragraph round it, if it holds no block of its own."""
    return markup if not markup.strip() or _BLOCK.search(markup) else f"<p>{markup.strip()}</p>"


def leading_heading(markup: str) -> tuple[str, str] | None:
    """The text of the heading that clean HTML begins with, and the rest; None if it begins otherwise."""
    found = _HEADING.match(markup)
    return (visible(found[2]), markup[found.end() :].lstrip()) if found else None


def excerpt(markup: str) -> str:
    """The first paragraph of clean HTML as plain text, or else its beginning, under 200 characters."""
    root = _parsed(markup)
    if root is None:
        return ""
    for line_end in root.iter("br"):
        line_end.tail = f" {line_end.tail or ''}"
    paragraphs = (p for p in root.iter("p") if not any(up.tag in _ASIDE for up in p.iterancestors()))
    found = (" ".join(p.text_content().split()) for p in paragraphs)
    return shortened(next((text for text in found if text), "") or visible(markup))


def first_image(markup: str) -> tuple[str, str]:
    """The address and alt text of the first image that is more than a dot; empty if there is none."""
    root = _parsed(markup) if "<img" in markup else None
    for image in root.iter("img") if root is not None else ():
        if image.get("src") and not {"0", "1"} & {image.get("width"), image.get("height")}:
            return image.get("src", ""), " ".join((image.get("alt") or "").split())
    return "", ""


def paragraphs(text: str) -> str:
    """Plain text as HTML: blank lines part paragraphs, other line ends stay."""
    return "".join(f"<p>{'<br>'.join(block)}</p>\n" for block in _blocks(text))


def _blocks(text: str) -> Iterator[list[str]]:
    for block in re.split(r"\n[ \t\f\v]*\n", text):
        if block.strip():
            yield [html.escape(line.strip(), quote=False) for line in block.strip("\n").split("\n")]


def _parsed(markup: str) -> HtmlElement | None:
    """The tree of a text; None if there is nothing to make one of."""
    try:
        # libxml2 stops at control characters, and lxml refuses text with an encoding declaration
        clean = re.sub(r"<\?[^>]*>|[^\x09\x0a\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", markup)
        return document_fromstring(clean, parser=HTMLParser(encoding="utf-8", huge_tree=False))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None
