"""Cuts rendered HTML and text at their tokens, each slot with the encoding its place asks for."""

import re
from bisect import bisect_right
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any, Final

from broadsheet.errors import NotDeferrable
from broadsheet.rendering.deferred import parts_expr
from broadsheet.rendering.message import Choice, Encoding, Mark, MarkKind, Pieces, Slot
from broadsheet.rendering.recorder import Fork, Recorder, Token, tree_of

_TAG: Final = r"""<[a-zA-Z/](?:[^>"']|"[^"]*"|'[^']*')*>"""
_RAW_TEXT: Final = r"<(?P<raw>style|script)\b[^>]*>.*?</(?P=raw)\s*>"
#: What stands in HTML beside text. A comment for Outlook is markup, any other comment is none.
_MARKUP: Final = re.compile(
    rf"(?P<comment><!--+>|<!--(?!\[if).*?-->|<!--\[if[^>]*>|<!\[endif\]-->)|(?P<fixed>{_RAW_TEXT})|(?P<tag>{_TAG})",
    re.IGNORECASE | re.DOTALL,
)
#: What a comment put between would change.
_CLOSED: Final = re.compile(
    rf"<!--+>|<!--.*?-->|<(?P<text>title|textarea)\b[^>]*>.*?</(?P=text)\s*>|{_RAW_TEXT}|{_TAG}",
    re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTE: Final = re.compile(r"""([^\s=>"'/]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_SCHEME_SETTLED: Final = re.compile(r"[:/?#]")

URL_ATTRIBUTES: Final = {"href", "src", "action", "background", "cite", "longdesc", "formaction", "poster"}
_FIXED_ATTRIBUTES: Final = {"class", "style", "id"}
_VOID: Final = {*("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")}

_IN_STYLE: Final = (
    "a reader's value stands in a <style> or <script> element, which is fixed for all readers; "
    "write both rules, and put an {% if %} around two elements of different classes"
)
_IN_TAG: Final = (
    "a reader's value stands inside a tag but outside an attribute's quotes; "
    "put it into a quoted value, or an {% if %} around the whole element"
)


def shielded(html: str, recorder: Recorder) -> str:
    """``html`` with the tokens of conditions between elements wrapped in comments.

    A bare word between two table rows would be moved by an HTML parser; a comment stays where it is.
    """
    inside = _spans([match.span() for match in _CLOSED.finditer(html)])

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
    html = _MARKUP.sub(lambda markup: _with_whole_addresses(markup, recorder), html)
    encodings: dict[str, Encoding] = {}
    for markup in _MARKUP.finditer(html):
        if recorder.mark not in markup[0]:
            continue
        if markup["fixed"]:
            raise _refused(_IN_STYLE, recorder.token_in(markup[0]))
        if markup["tag"]:
            encodings |= _attribute_encodings(markup[0], recorder)
    tree = tree_of(html, recorder, str, lambda word, token: (word, token))
    _refuse_torn_elements(tree)

    def slot(word: str, token: Token) -> Slot | Mark:
        if token.expr and token.expr[0] == "mark":
            return Mark(MarkKind(token.expr[1]), token.expr[2])
        return Slot(token.expr or [], encodings.get(word, Encoding.HTML if token.escaped else Encoding.RAW))

    return _pieces(tree, slot)


def cut_text(text: str, recorder: Recorder) -> Pieces:
    """Plain ``text`` as pieces. What was printed as HTML came here by way of an HTML part, and is turned back."""

    def slot(_: str, token: Token) -> Slot:
        printed = Encoding.FROM_HTML if token.escaped else Encoding.TEXT
        return Slot(token.expr or [], Encoding.TEXT_ADDRESS if token.address else printed)

    return _pieces(tree_of(text, recorder, str, lambda word, token: (word, token)), slot)


def header_parts(text: str, recorder: Recorder) -> list[Any]:
    """A header's text as the parts of a ``text`` expression (see :func:`~broadsheet.rendering.deferred.parts_expr`)."""
    return parts_expr(text, recorder)


def _refused(reason: str, token: Token | None) -> NotDeferrable:
    return NotDeferrable(reason, *(token.place if token else ()))


def _spans(spans: list[tuple[int, int]]) -> Callable[[int], bool]:
    starts, ends = [start for start, _ in spans], [end for _, end in spans]

    def inside(position: int) -> bool:
        index = bisect_right(starts, position) - 1
        return index >= 0 and position < ends[index]

    return inside


def _with_whole_addresses(markup: re.Match[str], recorder: Recorder) -> str:
    """The tag, with each address that a reader's value begins made one token, as only the whole tells its scheme."""
    if not markup["tag"] or recorder.mark not in markup[0]:
        return markup[0]

    def whole(attribute: re.Match[str]) -> str:
        at = 2 if attribute[2] is not None else 3
        value, name = attribute[at], attribute[1].lower()
        first = recorder.pattern.search(value)
        if name not in URL_ATTRIBUTES or not first or _SCHEME_SETTLED.search(value[: first.start()]):
            return attribute[0]
        if first[0] == value:
            return attribute[0]
        try:
            parts = parts_expr(value, recorder)
        except NotDeferrable as error:
            raise _refused(error.reason, recorder.token_in(value)) from error
        word = recorder.write("v", ["text", True, parts], escaped=True)
        start = attribute.start()
        return attribute[0][: attribute.start(at) - start] + word + attribute[0][attribute.end(at) - start :]

    return _ATTRIBUTE.sub(whole, markup[0])


def _attribute_encodings(tag: str, recorder: Recorder) -> dict[str, Encoding]:
    """The encoding of each token in the tag, by its word."""
    found: dict[str, Encoding] = {}
    for attribute in _ATTRIBUTE.finditer(tag):
        value, name = attribute[2] if attribute[2] is not None else attribute[3], attribute[1].lower()
        for match in recorder.pattern.finditer(value):
            if name in _FIXED_ATTRIBUTES or name.startswith("on"):
                raise _refused(
                    f"a reader's value stands in the attribute {name}, which is settled before the reader is known; "
                    "put an {% if %} around two whole elements instead",
                    recorder.read(match[2]),
                )
            whole = match[0] == value
            address = Encoding.ADDRESS if whole else Encoding.URL
            found[match[0]] = address if name in URL_ATTRIBUTES else Encoding.ATTRIBUTE
    outside = next((match for match in recorder.pattern.finditer(_ATTRIBUTE.sub("", tag))), None)
    if outside:
        raise _refused(_IN_TAG, recorder.read(outside[2]))
    return found


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


def _refuse_torn_elements(tree: list[Any]) -> None:
    """Raise NotDeferrable if one side of a condition opens an element that it does not close."""
    for fork in tree:
        if not isinstance(fork, Fork):
            continue
        for side in (fork.first, fork.second):
            balance = _Balance()
            balance.feed(_text_of(side))
            torn = balance.torn or (balance.stack[-1] if balance.stack else "")
            if torn:
                raise NotDeferrable(
                    f"an {{% if %}} on a reader's value holds only half of a <{torn}> element; "
                    "open and close an element on the same side",
                    *fork.place,
                )
            _refuse_torn_elements(side)


def _text_of(side: list[Any]) -> str:
    return "".join(
        part if isinstance(part, str) else _text_of(part.first) + _text_of(part.second)
        for part in side
        if isinstance(part, str | Fork)
    )


def _pieces(tree: list[Any], slot: Callable[[str, Token], Slot | Mark]) -> Pieces:
    return tuple(
        part.encode()
        if isinstance(part, str)
        else Choice(part.expr, _pieces(part.first, slot), _pieces(part.second, slot))
        if isinstance(part, Fork)
        else slot(*part)
        for part in tree
    )
