"""Checks of CSS and HTML against what important mail programs support, by Can I Email.

The rule, so that it doesn't cry wolf:

1. Only what every reader's program gets counts: attributes and inlined styles. What stands in ``@media``,
   ``@supports``, ``:hover`` and its like is an extra for those that know it.
2. A feature is named if one of the important programs does not support it *at all*; partly is enough.
3. :data:`BREAKING` features are warnings: without them the mail falls apart or can't be read.
   :data:`HARMLESS` ones are never named: without them the mail is plainer, no more. The rest is advice.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from lxml.html import HtmlElement

from broadsheet.rendering.findings.codes import Finding, found
from broadsheet.rendering.findings.copies import Copy, House, tag_of
from broadsheet.rendering.findings.style import colour, declarations, pixels

#: Features without which a mail breaks, and what then happens.
BREAKING: Final[dict[str, str]] = {
    "css-display-flex": "what stands side by side comes one below the other, or overlaps",
    "css-display-grid": "what stands side by side comes one below the other",
    "css-grid-template": "what stands side by side comes one below the other",
    "css-position": "what is placed freely falls back into the text",
    "css-transform": "it stays where and as it was",
    "css-variables": "the whole declaration is dropped",
    "css-unit-calc": "the whole declaration is dropped",
    "css-function-min": "the whole declaration is dropped",
    "css-function-max": "the whole declaration is dropped",
    "css-function-clamp": "the whole declaration is dropped",
    "css-modern-color": "the colour is dropped",
    "css-function-light-dark": "the colour is dropped",
    "css-unit-rem": "the whole declaration is dropped",
    "css-margin-inline-block": "the space is lost",
    "css-padding-inline-block": "the space is lost",
    "css-background-image": "the picture is missing and text on it may be unreadable",
    "css-linear-gradient": "the ground is missing and text on it may be unreadable",
    "css-visibility": "what should be hidden is shown",
    "html-hidden": "what should be hidden is shown",
    "html-video": "nothing is shown",
    "html-audio": "nothing is shown",
    "html-object": "nothing is shown",
    "html-svg": "nothing is shown",
    "html-form": "it can't be filled in",
    "html-input-text": "it can't be filled in",
    "html-select": "it can't be filled in",
    "html-textarea": "it can't be filled in",
    "html-button-submit": "it can't be pressed",
    "html-dialog": "its text is shown always or never",
    "html-link": "the style sheet is not loaded",
}

_PLAINER_CSS: Final = """
    accent-color animation at-font-face backdrop-filter background-blend-mode background-clip background-origin
    background-position background-repeat background-size border-radius border-radius-logical border-spacing
    box-shadow box-sizing caption-side color-scheme cursor empty-cells font-kerning font-size-adjust font-stretch
    height hyphenate-character hyphenate-limit-chars hyphens letter-spacing list-style-image list-style-position
    max-height max-width min-height min-width mix-blend-mode opacity orphans outline outline-offset overflow
    overflow-wrap resize scroll-snap tab-size table-layout text-align-last text-decoration-color
    text-decoration-line text-decoration-skip-ink text-decoration-style text-decoration-thickness text-emphasis
    text-emphasis-position text-justify text-overflow text-shadow text-underline-offset text-underline-position
    text-wrap transition user-select white-space white-space-collapse widows word-break word-spacing word-wrap
"""
_PLAINER_HTML: Final = """
    abbr acronym aria-describedby aria-hidden aria-label aria-labelledby aria-live bdi body dfn doctype lang
    loading-attribute meta-color-scheme picture role rp rt ruby semantics srcset style target wbr
"""
#: Features without which a mail is plainer, no more.
HARMLESS: Final = frozenset(
    [*(f"css-{name}" for name in _PLAINER_CSS.split()), *(f"html-{name}" for name in _PLAINER_HTML.split())]
)

_BY_VALUE: Final = tuple(
    (re.compile(name), re.compile(value), feature)
    for name, value, feature in (
        (r"display", r"(inline-)?flex\b", "css-display-flex"),
        (r"display", r"(inline-)?grid\b", "css-display-grid"),
        (r"position", r"absolute|fixed|sticky", "css-position"),
        (r"visibility", r"hidden|collapse", "css-visibility"),
        (r"background(-image)?", r"url\(", "css-background-image"),
        (r"background(-image)?", r"linear-gradient\(", "css-linear-gradient"),
        (r"background(-image)?", r"radial-gradient\(", "css-radial-gradient"),
        (r"background(-image)?", r"conic-gradient\(", "css-conic-gradient"),
        (r"--.*", r"", "css-variables"),
        (r".*", r"\bvar\(", "css-variables"),
        (r".*", r"\bcalc\(", "css-unit-calc"),
        (r".*", r"\bmin\(", "css-function-min"),
        (r".*", r"\bmax\(", "css-function-max"),
        (r".*", r"\bclamp\(", "css-function-clamp"),
        (r".*", r"\b(ok)?l(ch|ab)\(", "css-modern-color"),
        (r".*", r"\blight-dark\(", "css-function-light-dark"),
        (r"(?!font-family).*", r"(?<![\w.])[\d.]+rem\b", "css-unit-rem"),
        (r"(?!font-family).*", r"(?<![\w.])[\d.]+vw\b", "css-unit-vw"),
        (r"(?!font-family).*", r"(?<![\w.])[\d.]+vh\b", "css-unit-vh"),
        (r".*", r"\b(fit|min|max)-content\b", "css-intrinsic-size"),
        (r"(row-|column-)?gap", r"", "css-gap"),
        (r"(margin)-(inline|block).*", r"", "css-margin-inline-block"),
        (r"(padding)-(inline|block).*", r"", "css-padding-inline-block"),
        (r"grid-template.*", r"", "css-grid-template"),
        (r"column(s|-width)", r"", "css-column-count"),
    )
)
#: properties that say nothing new beside the one value that :data:`_BY_VALUE` asks for
_ASKED_BY_VALUE: Final = {"display", "position", "visibility", "background", "background-image"}
#: what belongs to a feature that is named already
_PART_OF: Final = {
    "css-align-items": "css-display-flex",
    "css-justify-content": "css-display-flex",
    "css-flex-direction": "css-display-flex",
    "css-flex-wrap": "css-display-flex",
    "css-gap": "css-display-flex",
    "css-z-index": "css-position",
    "css-inset": "css-position",
    "css-clear": "css-float",
}
_ELEMENTS: Final = {"map": "html-image-maps", "button": "html-button-submit", "embed": "html-object"}
#: elements that every program removes; Can I Email doesn't list them
_REMOVED: Final = ("script", "iframe", "frame", "applet", "canvas")
_WIDE: Final = 320


@cache
def can_i_email() -> dict[str, Any]:
    """``from``, ``date`` and ``features``: slug to title and, by mail program, ``n`` (no) or ``a`` (in part)."""
    file = Path(__file__).with_name("caniemail") / "data.json"
    data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return data


def lacking(feature: str) -> list[str]:
    """The important mail programs that do not support the feature at all."""
    return [name for name, answer in can_i_email()["features"].get(feature, {}).items() if answer == "n"]


def check_clients(copy: Copy, house: House) -> Iterator[Finding]:
    """Findings about every element that is shown, one for each feature and place."""
    for element in copy.root.iter():
        if not isinstance(element.tag, str):
            continue
        if element.tag in _REMOVED:
            message = f"<{element.tag}> is removed by every mail program."
            yield found("html-breaks", message, f"HTML: {tag_of(element)}")
        if element in copy.seen:
            yield from _styles(element)
        yield from _markup(element)
    yield from _style_sheets(copy)
    wide = _held_by_max_width(copy)
    if wide is not None and not re.search(r"<!--\[if [^\]]*mso", copy.html):
        yield found("outlook-width", "Nothing else holds its width.", f"HTML: {tag_of(wide)}")


def _styles(element: HtmlElement) -> Iterator[Finding]:
    style = declarations(element.get("style") or "")
    if not style:
        return
    features = dict.fromkeys(feature for item in style.items() for feature in _features(*item))
    if _has_plain_ground(element, style):
        for fallen_back in ("css-background-image", "css-linear-gradient", "css-radial-gradient", "css-conic-gradient"):
            features.pop(fallen_back, None)
    for feature in features:
        if _PART_OF.get(feature) not in features:
            yield from _unsupported("css", feature, element)


def _features(name: str, value: str) -> Iterator[str]:
    for names, values, feature in _BY_VALUE:
        if names.fullmatch(name) and values.search(value):
            yield feature
    if name not in _ASKED_BY_VALUE and not name.startswith(("-", "mso-")):
        yield f"css-{name}"


def _has_plain_ground(element: HtmlElement, style: Mapping[str, str]) -> bool:
    shorthand = re.sub(r"url\([^)]*\)|[\w-]*gradient\(.*\)", "", style.get("background", ""))
    given = style.get("background-color") or shorthand or element.get("bgcolor") or ""
    return colour(given) is not None


def _markup(element: HtmlElement) -> Iterator[Finding]:
    tag = str(element.tag)
    if tag == "input":
        yield from _unsupported("html", "html-input-text", element)
    elif tag != "link" or (element.get("rel") or "").lower() == "stylesheet":
        yield from _unsupported("html", _ELEMENTS.get(tag, f"html-{tag}"), element)
    if element.get("hidden") is not None:
        yield from _unsupported("html", "html-hidden", element)
    if tag == "a" and len(element.get("href") or "") > 1 and (element.get("href") or "").startswith("#"):
        yield from _unsupported("html", "html-anchor-links", element)


def _style_sheets(copy: Copy) -> Iterator[Finding]:
    for sheet in copy.root.iter("style"):
        if "@import" in (sheet.text or ""):
            yield from _unsupported("css", "css-at-import", sheet)


def _unsupported(kind: str, feature: str, element: HtmlElement) -> Iterator[Finding]:
    programs = lacking(feature)
    if not programs or feature in HARMLESS:
        return
    data = can_i_email()
    message = f"{data['features'][feature]['title']} is not supported by {', '.join(programs)}"
    message += f": {BREAKING[feature]}" if feature in BREAKING else ""
    code = f"{kind}-breaks" if feature in BREAKING else f"{kind}-unsupported"
    yield found(code, f"{message} (Can I Email, {data['date']}).", f"HTML: {feature} at {tag_of(element)}")


def _held_by_max_width(copy: Copy) -> HtmlElement | None:
    for element in copy.elements("div", "section", "main", "article", "center", "body"):
        width = pixels(declarations(element.get("style") or "").get("max-width", ""))
        if width is not None and width >= _WIDE:
            return element
    return None
