"""Changing values in YAML text; every byte that is not part of a change stays: comments, order, quotes, line breaks.

Pure. A change is worked out where it stands: a value is replaced at its place, a key that is new gets a line after the
one it belongs behind, one that goes takes its line along. What comes out is read again and must say what was wanted.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any

import yaml

from broadsheet.errors import InvalidFile, Problem
from broadsheet.workspace import yaml_text
from broadsheet.workspace.yaml_text import MERGED, Written, is_alias, is_flow, plain, same

_BREAK = re.compile(r"\r\n|\n|\r")
_BLANK = " \t\r\n"
_DASH = re.compile(r"[ ]*-[ ]+")
_FRONT = re.compile(
    r"\A\ufeff?\s*---[ \t]*(?:\r\n|\n|\r)(?P<source>.*?)(?<=[\r\n])---[ \t]*(?=[\r\n]|\Z)(?P<body>.*)\Z", re.DOTALL
)


_Pair = tuple[Any, yaml.Node, yaml.Node]
"""A key, its node, its value's."""
_Piece = tuple[int, int, str] | str
"""An entry in brackets: where it stood and what it is now; or a new one."""


_Steps = Sequence[tuple[str, int, int, int, int]]
"""As :meth:`SequenceMatcher.get_opcodes` gives them."""


class _NotInPlace(Exception):
    """A part that can't be changed piece by piece is written anew as a whole; never leaves this module."""


def with_settings(
    text: str, changes: Mapping[str, object], shown: str, *, body: str | None = None, order: Sequence[str] = ()
) -> str:
    """A file with YAML front matter, in which these keys have these values and the body is this one.

    None takes a key out. ``order`` says which keys a new one stands behind. Raises InvalidFile where the file has no
    front matter in YAML, or the change can't be written.
    """
    found = _FRONT.match(text)
    if found is None:
        reason = "has no front matter between two lines of ---, so it is changed in an editor only"
        raise InvalidFile([Problem(shown, "line 1", reason)])
    source = with_keys(found["source"], changes, shown, order=order, newline=newline_of(text))
    rest = found["body"] if body is None else _with_body(found["body"], body, newline_of(text))
    return text[: found.start("source")] + source + text[found.end("source") : found.start("body")] + rest


def with_keys(
    source: str, changes: Mapping[str, object], shown: str, *, order: Sequence[str] = (), newline: str = ""
) -> str:
    """YAML text in which these keys have these values; None takes one out. Raises InvalidFile."""
    try:
        written = yaml_text.read(source)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = f"can't be changed while it is not valid YAML: {str(error).splitlines()[0]}"
        raise InvalidFile([Problem(shown, "", reason)]) from error
    old = {} if written.data is None else written.data
    if not isinstance(old, dict):
        raise InvalidFile([Problem(shown, "", "must be keys and values")])
    gone = {key for key, each in changes.items() if each is None}
    wanted = {key: each for key, each in _plain_data({**old, **changes}).items() if key not in gone}
    return _fitted(written, wanted, shown, order, newline or newline_of(source))


def _fitted(written: Written, wanted: dict[Any, Any], shown: str, order: Sequence[str], newline: str) -> str:
    """The text that says ``wanted``, by the gentlest way that does."""
    if same(written.data or {}, wanted):
        return written.text
    for expand in (False, True):  # an anchor that goes or changes: what names it is written out
        editor = _Editor(written.text, newline, order, expand)
        try:
            text = editor.document(written, wanted)
            if same(yaml_text.read(text).data or {}, wanted):
                return text
        except (_NotInPlace, yaml.YAMLError, ValueError, RecursionError):
            continue
    reason = "is written in a way that can't be changed from here; change it in an editor"
    raise InvalidFile([Problem(shown, "", reason)])


def _plain_data(value: Any) -> Any:
    """Tuples as lists, whatever depth."""
    if isinstance(value, Mapping):
        return {key: _plain_data(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_data(each) for each in value]
    return value


def newline_of(text: str) -> str:
    """The line break that most lines of the text end with."""
    crlf = text.count("\r\n")
    return "\r\n" if crlf * 2 > text.count("\n") else "\n" if "\n" in text or "\r" not in text else "\r"


def body_of(text: str) -> str:
    """The body of a file with front matter, as a person edits it: lines end in LF, none is empty at either end."""
    found = _FRONT.match(text)
    return _BREAK.sub("\n", found["body"]).strip() if found else ""


def _with_body(old: str, new: str, newline: str) -> str:
    """The body with its words exchanged; the empty lines round them stay."""
    new = _BREAK.sub("\n", new).strip()
    kept = old.strip()
    if _BREAK.sub("\n", kept) == new:
        return old
    begin = old.index(kept) if kept else len(old)
    before, after = old[:begin], old[begin + len(kept) :]
    if not before.endswith(("\n", "\r")):
        before += newline
    return before + new.replace("\n", newline) + (after or newline)


@dataclass
class _Editor:
    """Works out the changes of one text."""

    text: str
    newline: str
    order: Sequence[str]
    expand: bool
    """Whether aliases and merged keys are written out."""
    edits: list[tuple[int, int, str]] = field(default_factory=list)

    def document(self, written: Written, wanted: dict[Any, Any]) -> str:
        root = written.root
        if not isinstance(root, yaml.MappingNode) or not any(key in wanted for key in written.data):
            return self._new_document(root, wanted)
        self._mapping(root, written.data, wanted, top=True)
        return self._applied(0, len(self.text), self.edits)

    def _new_document(self, root: yaml.Node | None, wanted: dict[Any, Any]) -> str:
        """A text of which no key stays: comments at most."""
        lines = yaml_text.pairs(wanted, 0, self.newline) + self.newline
        if root is not None and self._end(root) > root.start_mark.index:
            begin, end = root.start_mark.index, self._end(root)
            return self.text[:begin] + lines.rstrip("\r\n") + self.text[end:]
        kept = self.text if not self.text.strip() or self.text.endswith(("\n", "\r")) else self.text + self.newline
        return kept + lines

    def _applied(self, begin: int, end: int, edits: list[tuple[int, int, str]]) -> str:
        parts, at = [], begin
        for start, stop, new in sorted(edits, key=lambda each: (each[0], each[1])):
            if start < at:
                raise _NotInPlace
            parts += [self.text[at:start], new]
            at = stop
        return "".join([*parts, self.text[at:end]])

    def _fit(self, node: yaml.Node, old: Any, new: Any, *, flow: bool, indent: int) -> None:
        """Make ``node``, which says ``old``, say ``new``."""
        if is_alias(node):
            if self.expand or not same(old, new):
                self._whole(node, new, flow=True, indent=indent)
        elif same(old, new) and not (self.expand and _has_aliases(node)):
            return
        elif isinstance(node, yaml.MappingNode) and isinstance(new, dict) and new:
            self._gently(node, new, flow, indent, lambda: self._mapping(node, old, new))
        elif isinstance(node, yaml.SequenceNode) and isinstance(new, list) and new:
            self._gently(node, new, flow, indent, lambda: self._sequence(node, old, new))
        else:
            self._whole(node, new, flow=flow, indent=indent)

    def _gently(self, node: yaml.Node, new: Any, flow: bool, indent: int, way: Callable[[], None]) -> None:
        """Try that way; where it leads nowhere, write the node anew."""
        outer, self.edits = self.edits, []
        try:
            way()
            self._applied(self._line_begin(node.start_mark.index), self._next_line(self._end(node)), self.edits)
        except _NotInPlace:
            self.edits = []
            self._whole(node, new, flow=flow, indent=indent)
        outer += self.edits
        self.edits = outer

    def _whole(self, node: yaml.Node, new: Any, *, flow: bool, indent: int) -> None:
        """Write the node anew at its place."""
        begin, end = node.start_mark.index, self._end(node)
        if not isinstance(new, dict | list):
            written = plain(new, flow=flow, style=node.style if isinstance(node, yaml.ScalarNode) else None)
        elif flow or is_flow(node):
            written = yaml_text.one_line(new)
        else:
            written = yaml_text.after_key(new, indent, self.newline, taken=node.start_mark.column).removeprefix(" ")
        above = len(self.text[:begin].rstrip(_BLANK))
        if written.startswith(self.newline) or (
            self.text[above:begin].strip(" \t") and self.text[above - 1 : above] in (":", "-")
        ):
            begin = above  # it begins on the key's own line, whatever line the old one began on
        if self.text[begin - 1 : begin] in (":", "-") and not written.startswith(self.newline):
            written = f" {written}"
        self.edits.append((begin, end, written))

    # Mappings

    def _mapping(self, node: yaml.MappingNode, old: dict[Any, Any], new: dict[Any, Any], *, top: bool = False) -> None:
        entries = self._pairs(node)
        names = {key for key, _, _ in entries}
        merged = set(old) - names
        if MERGED in names and (self.expand or not merged <= new.keys()):
            raise _NotInPlace
        fresh = [key for key in new if key not in names and not (key in merged and same(old[key], new[key]))]
        if node.flow_style:
            self._flow_mapping(node, entries, old, {key: new[key] for key in new if key in names or key in fresh})
            return
        kept = [each for each in entries if each[0] in new or each[0] == MERGED]
        if not kept:
            raise _NotInPlace
        column = entries[0][1].start_mark.column
        for key, name, value in entries:
            if key in new:
                self._fit(value, old[key], new[key], flow=False, indent=column + 2)
            elif key != MERGED:
                self._drop_lines(name, value)
        for after, keys in self._places(kept, fresh, top).items():
            lines = [" " * column + yaml_text.pair(key, new[key], column, self.newline) for key in keys]
            self._add_lines(self._end_of(kept[after]), lines)

    def _places(self, kept: Sequence[tuple[Any, Any, Any]], fresh: Sequence[Any], top: bool) -> dict[int, list[Any]]:
        """Behind which of the kept entries each new key goes."""
        places: dict[int, list[Any]] = {}
        ranks = {key: rank for rank, key in enumerate(self.order)} if top else {}
        for key in sorted(fresh, key=lambda each: ranks.get(each, len(ranks))):
            before = [n for n, each in enumerate(kept) if ranks.get(each[0], len(ranks)) < ranks.get(key, -1)]
            places.setdefault(max(before, default=len(kept) - 1), []).append(key)
        return places

    def _pairs(self, node: yaml.MappingNode) -> list[_Pair]:
        """Each key, its node and its value's."""
        entries = [(yaml_text.key_of(name), name, value) for name, value in node.value]
        if len({key for key, _, _ in entries}) < len(entries):
            raise _NotInPlace
        return entries

    def _end_of(self, pair: _Pair) -> int:
        return max(self._end(pair[2]), int(pair[1].end_mark.index))

    def _drop_lines(self, name: yaml.Node, value: yaml.Node) -> None:
        begin = self._line_begin(name.start_mark.index)
        if self.text[begin : name.start_mark.index].strip(" "):
            raise _NotInPlace
        self.edits.append((begin, self._next_line(self._end_of((None, name, value))), ""))

    def _flow_mapping(self, node: yaml.Node, entries: list[_Pair], old: dict[Any, Any], new: dict[Any, Any]) -> None:
        spans = [(pair[1].start_mark.index, self._end_of(pair)) for pair in entries]
        pieces: list[_Piece] = []
        for span, (key, _, value) in zip(spans, entries, strict=True):
            if key == MERGED:
                pieces.append((*span, self.text[slice(*span)]))
            elif key in new:
                pieces.append((*span, self._inner(*span, value, old[key], new[key])))
        there = {key for key, _, _ in entries}
        pieces += [
            f"{plain(key, flow=True)}: {yaml_text.one_line(value)}" for key, value in new.items() if key not in there
        ]
        self._flow(node, spans, pieces)

    # Lists

    def _sequence(self, node: yaml.SequenceNode, old: list[Any], new: list[Any]) -> None:
        marks = [yaml_text.one_line(each) for each in old], [yaml_text.one_line(each) for each in new]
        steps = SequenceMatcher(None, *marks, autojunk=False).get_opcodes()
        if node.flow_style:
            self._flow_sequence(node, old, new, steps)
            return
        column = self._dash(node.value[0])
        for _, i, j, k, m in steps:
            even = min(j - i, m - k)
            for n in range(even):
                self._fit(node.value[i + n], old[i + n], new[k + n], flow=False, indent=column + 2)
            for gone in node.value[i + even : j]:
                self._dash(gone)
                begin = self._line_begin(gone.start_mark.index)
                self.edits.append((begin, self._next_line(self._end(gone)), ""))
            if fresh := new[k + even : m]:
                self._add_items(node, i + even, fresh, column)

    def _dash(self, node: yaml.Node) -> int:
        """The column of the dash before that entry."""
        before = self.text[self._line_begin(node.start_mark.index) : node.start_mark.index]
        if not _DASH.fullmatch(before):
            raise _NotInPlace
        return before.index("-")

    def _add_items(self, node: yaml.SequenceNode, position: int, fresh: list[Any], column: int) -> None:
        lines = [" " * column + yaml_text.item(each, column, self.newline) for each in fresh]
        if position:
            self._add_lines(self._end(node.value[position - 1]), lines)
        else:
            at = self._line_begin(node.value[0].start_mark.index)
            self.edits.append((at, at, "".join(each + self.newline for each in lines)))

    def _add_lines(self, end: int, lines: list[str]) -> None:
        """Put lines below the one that ``end`` is in."""
        at = self._next_line(end)
        is_last = at == len(self.text) and not self.text.endswith(("\n", "\r"))
        added = (self.newline + each if is_last else each + self.newline for each in lines)
        self.edits.append((at, at, "".join(added)))

    def _flow_sequence(self, node: yaml.Node, old: list[Any], new: list[Any], steps: _Steps) -> None:
        pieces: list[_Piece] = []
        spans: list[tuple[int, int]] = [(each.start_mark.index, self._end(each)) for each in node.value]
        for _, i, j, k, m in steps:
            even = min(j - i, m - k)
            for n in range(even):
                inner = self._inner(*spans[i + n], node.value[i + n], old[i + n], new[k + n])
                pieces.append((*spans[i + n], inner))
            pieces += [yaml_text.one_line(each) for each in new[k + even : m]]
        self._flow(node, spans, pieces)

    # Both in brackets

    def _inner(self, begin: int, end: int, node: yaml.Node, old: Any, new: Any) -> str:
        """The entry's own text with its value changed."""
        outer, self.edits = self.edits, []
        try:
            self._fit(node, old, new, flow=True, indent=0)
            return self._applied(begin, end, self.edits)
        finally:
            self.edits = outer

    def _flow(self, node: yaml.Node, spans: list[tuple[int, int]], pieces: Sequence[_Piece]) -> None:
        """The entries put together again, with what stood between those that stay neighbours."""
        if not spans:
            raise _NotInPlace
        after = {span[0]: next_span[0] for span, next_span in pairwise(spans)}
        parts: list[str] = []
        last: tuple[int, int, str] | None = None
        for each in pieces:
            here = None if isinstance(each, str) else each
            if parts:
                neighbours = last is not None and here is not None and after.get(last[0]) == here[0]
                parts.append(self.text[last[1] : here[0]] if neighbours and last and here else ", ")
            parts.append(each if isinstance(each, str) else each[2])
            last = here
        self.edits.append((spans[0][0], spans[-1][1], "".join(parts)))

    # Places in the text

    def _end(self, node: yaml.Node) -> int:
        """Where the node's last character is, and one more; comments behind it are not its own."""
        if is_alias(node) or is_flow(node):
            return int(node.end_mark.index)
        if isinstance(node, yaml.CollectionNode) and node.value:
            last = node.value[-1]
            return max(self._end(last[1]), last[0].end_mark.index) if isinstance(last, tuple) else self._end(last)
        if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
            return len(self.text[: node.end_mark.index].rstrip(_BLANK))
        return int(node.end_mark.index)

    def _line_begin(self, at: int) -> int:
        while at and self.text[at - 1] not in "\r\n":
            at -= 1
        return at

    def _next_line(self, at: int) -> int:
        found = _BREAK.search(self.text, at)
        return found.end() if found else len(self.text)


def _has_aliases(node: yaml.Node) -> bool:
    if is_alias(node):
        return True
    if not isinstance(node, yaml.CollectionNode):
        return False
    inner = (part for each in node.value for part in (each if isinstance(each, tuple) else (each,)))
    return any(map(_has_aliases, inner))
