"""Cuts rendered HTML and text at their tokens, each slot with the encoding its place asks for."""

import re
from bisect import bisect_right
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any, Final

from broadsheet.errors import NotDeferrable
from broadsheet.rendering.deferred import Recorder, parts_expr
from broadsheet.rendering.message import Choice, Encoding, Pieces, Slot

_TAG: Final = re.compile(r"""<[a-zA-Z/](?:[^>"']|"[^"]*"|'[^']*')*>""")
_ATTRIBUTE: Final = re.compile(r"""([^\s=>"'/]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_RAW_TEXT: Final = re.compile(r"<(style|script)\b[^>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TITLE: Final = re.compile(r"<(title|textarea)\b[^>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)

URL_ATTRIBUTES: Final = {"href", "src", "action", "background", "cite", "longdesc", "formaction", "poster"}
_FIXED_ATTRIBUTES: Final = {"class", "style", "id"}
_VOID: Final = {*("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")}


def shielded(html: str, recorder: Recorder) -> str:
    """``html`` with the tokens of conditions between elements wrapped in comments.

    A bare word between two table rows would be moved by an HTML parser; a comment stays where it is.
    """
    kept = [match.span() for pattern in (_COMMENT, _TITLE, _RAW_TEXT) for match in pattern.finditer(html)]
    kept += [match.span() for match in _TAG.finditer(html)]
    inside = _spans(kept)

    def wrap(match: re.Match[str]) -> str:
        return match[0] if match[1] == "v" or inside(match.start()) else f"<!--{match[0]}-->"

    return recorder.pattern.sub(wrap, html)


def unshielded(html: str, recorder: Recorder) -> str:
    """``html`` without the comments that :func:`shielded` put in."""
    return re.sub(rf"<!--({recorder.pattern.pattern})-->", r"\1", html)


def cut_html(html: str, recorder: Recorder) -> Pieces:
    """``html`` as pieces of UTF-8 bytes with slots and choices, not yet transfer-encoded.

    Raises NotDeferrable where a reader's value stands in a place that can't wait (a class, a style, a
    tag's name) or a condition holds only half an element.
    """
    spans = [(match.start(), match.end()) for match in _TAG.finditer(html)]
    starts = [start for start, _ in spans]
    raw_text = _spans([match.span() for match in _RAW_TEXT.finditer(html)])
    encodings: dict[str, Encoding] = {}
    for match in recorder.pattern.finditer(html):
        if raw_text(match.start()):
            raise NotDeferrable(
                "a reader's value stands in a <style> or <script> element, which is fixed for all readers"
            )
        index = bisect_right(starts, match.start()) - 1
        inside_tag = index >= 0 and match.start() < spans[index][1]
        if inside_tag:
            encodings[match[0]] = _attribute_encoding(html, spans[index], match)
    _refuse_torn_elements(html, recorder)
    return _pieces(
        html, recorder, lambda word, escaped: encodings.get(word, Encoding.HTML if escaped else Encoding.RAW)
    )


def cut_text(text: str, recorder: Recorder) -> Pieces:
    """Plain ``text`` as pieces."""
    return _pieces(text, recorder, lambda word, escaped: Encoding.TEXT)


def header_parts(text: str, recorder: Recorder) -> list[Any]:
    """A header's text as the parts of a ``text`` expression (see :func:`~broadsheet.rendering.deferred.parts_expr`)."""
    return parts_expr(text, recorder)


def _spans(spans: list[tuple[int, int]]) -> Callable[[int], bool]:
    ordered = sorted(spans)
    starts = [start for start, _ in ordered]
    ends: list[int] = []
    for _, end in ordered:
        ends.append(max(end, ends[-1] if ends else 0))

    def inside(position: int) -> bool:
        index = bisect_right(starts, position) - 1
        return index >= 0 and position < ends[index]

    return inside


def _attribute_encoding(html: str, span: tuple[int, int], token: re.Match[str]) -> Encoding:
    for match in _ATTRIBUTE.finditer(html, *span):
        value_at = 2 if match[2] is not None else 3
        if match.start(value_at) <= token.start() < match.end(value_at):
            name = match[1].lower()
            if name in _FIXED_ATTRIBUTES or name.startswith("on"):
                raise NotDeferrable(
                    f"a reader's value stands in the attribute {name}, which is settled before the reader is known; "
                    "put an {% if %} around two whole elements instead"
                )
            if name in URL_ATTRIBUTES:
                return Encoding.ADDRESS if match.start(value_at) == token.start() else Encoding.URL
            return Encoding.HTML
    raise NotDeferrable(
        "a reader's value stands inside a tag but outside an attribute's quotes; "
        "put it into a quoted value, or an {% if %} around the whole element"
    )


class _Balance(HTMLParser):
    """Counts elements that a piece of HTML opens and doesn't close, or closes and didn't open."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.stack: list[str] = []
        self.torn = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A closed tag opens nothing."""

    def handle_endtag(self, tag: str) -> None:
        if self.stack and self.stack[-1] == tag:
            self.stack.pop()
        elif tag not in _VOID:
            self.torn = self.torn or tag


def _refuse_torn_elements(html: str, recorder: Recorder) -> None:
    """Raise NotDeferrable if one side of a condition opens an element that it does not close."""

    def text_of(parts: list[Any]) -> str:
        return "".join(
            part if isinstance(part, str) else "" if part[0] == "v" else text_of(part[2]) + text_of(part[3])
            for part in parts
        )

    def walk(parts: list[Any]) -> None:
        for part in parts:
            if isinstance(part, str) or part[0] == "v":
                continue
            for side in (part[2], part[3]):
                balance = _Balance()
                balance.feed(text_of(side))
                torn = balance.torn or (balance.stack[-1] if balance.stack else "")
                if torn:
                    raise NotDeferrable(
                        f"an {{% if %}} on a reader's value holds only half of a <{torn}> element; "
                        "open and close an element on the same side"
                    )
                walk(side)

    walk(parts_expr(html, recorder))


def _pieces(text: str, recorder: Recorder, encoding: Callable[[str, bool], Encoding]) -> Pieces:
    root: list[Any] = []
    stack: list[tuple[list[Any], list[Any] | None]] = [(root, None)]
    position = 0
    for match in recorder.pattern.finditer(text):
        if match.start() > position:
            stack[-1][0].append(text[position : match.start()].encode())
        position = match.end()
        token = recorder.read(match[2])
        if token.kind == "v":
            stack[-1][0].append(Slot(token.expr or [], encoding(match[0], token.escaped)))
        elif token.kind == "i":
            sides: list[Any] = [token.expr, [], []]
            stack[-1][0].append(sides)
            stack.append((sides[1], sides))
        elif stack[-1][1] is None:
            raise NotDeferrable("a condition on a reader's value was torn apart; keep its two ends in one place")
        elif token.kind == "e":
            sides = stack.pop()[1] or []
            stack.append((sides[2], sides))
        else:
            stack.pop()
    if len(stack) != 1:
        raise NotDeferrable("a condition on a reader's value was torn apart; keep its two ends in one place")
    if position < len(text):
        root.append(text[position:].encode())
    return _frozen(root)


def _frozen(pieces: list[Any]) -> Pieces:
    return tuple(
        Choice(piece[0], _frozen(piece[1]), _frozen(piece[2])) if isinstance(piece, list) else piece for piece in pieces
    )
