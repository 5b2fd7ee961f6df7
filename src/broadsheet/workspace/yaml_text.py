"""YAML as people write it: its nodes with their places in the text, and values written the way the starter writes them.

Pure. Of a file's YAML the console changes a few values; what it does not change stays as it was to the byte. So
nothing is dumped anew: a value's place is found (:func:`read`), and a new one put there (:mod:`.editing`).
"""

import copy
from dataclasses import dataclass
from typing import Any

import yaml

#: Collections that fit into a line of so many characters stand on one.
WIDTH = 100
_NO_WRAPPING = 1 << 30
_ALIAS = "is_alias"
_MERGE = "tag:yaml.org,2002:merge"
#: What stands for the key ``<<``, which is no text: ``"<<"`` in quotes is.
MERGED = object()


class _Loader(yaml.SafeLoader):
    """A safe loader whose aliases are nodes of their own, at their own places; written in Python, for exact marks."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        alias = self.peek_event() if self.check_event(yaml.AliasEvent) else None  # type: ignore[no-untyped-call]
        node = super().compose_node(parent, index)
        if alias is None or node is None:
            return node
        twin = copy.copy(node)
        twin.start_mark, twin.end_mark = alias.start_mark, alias.end_mark
        setattr(twin, _ALIAS, True)
        return twin


@dataclass(frozen=True)
class Written:
    """A YAML text, parsed: its root node, the data, and the text itself."""

    text: str
    root: yaml.Node | None
    data: Any


def read(text: str) -> Written:
    """The text, parsed. Raises ``yaml.YAMLError``, ValueError or RecursionError for what is no YAML."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        # Resolving `<<` changes nodes: the data is made from a copy.
        data = None if root is None else loader.construct_document(copy.deepcopy(root))
        return Written(text, root, data)
    finally:
        loader.dispose()


def is_alias(node: yaml.Node) -> bool:
    """Whether ``*name`` stands there."""
    return getattr(node, _ALIAS, False)


def is_flow(node: yaml.Node) -> bool:
    """Whether the node is a collection in brackets or braces."""
    return isinstance(node, yaml.CollectionNode) and bool(node.flow_style)


def key_of(node: yaml.Node) -> Any:
    """What a key's node stands for; for one that is no plain value, something that nothing equals."""
    if node.tag == _MERGE:
        return MERGED
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(copy.copy(node)) if isinstance(node, yaml.ScalarNode) else object()
    except yaml.YAMLError:
        return object()
    finally:
        loader.dispose()


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same in a file: ``1``, ``1.0`` and ``true`` are three."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    return bool(one == other)


def plain(value: object, *, flow: bool, style: str | None = None) -> str:
    """A single value as YAML on one line; ``style`` is the quote that stood there before.

    Text without a quote before gets one, ``"``, only where it must.
    """
    if not isinstance(value, str):
        return _dumped(value, flow, None)
    if style in ('"', "'") and not (style == "'" and "\n" in value):
        return _dumped(value, flow, style)
    written = _dumped(value, flow, None)
    return _dumped(value, flow, '"') if written.startswith("'") else written


def _dumped(value: object, flow: bool, style: str | None) -> str:
    written = yaml.safe_dump(
        [value], default_flow_style=flow, default_style=style, allow_unicode=True, width=_NO_WRAPPING
    ).strip("\n")
    return written[1:-1] if flow else written.removeprefix("-").strip(" ")


def one_line(value: object) -> str:
    """The value in one line, collections in brackets and braces."""
    if isinstance(value, dict):
        pairs = (f"{plain(key, flow=True)}: {one_line(each)}" for key, each in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(one_line, value)) + "]"
    return plain(value, flow=True)


def after_key(value: object, indent: int, newline: str, *, taken: int = 0) -> str:
    """What stands after a key's colon, the space or line break before it included.

    ``indent`` is the column of the lines below it; ``taken`` how much of the line the key takes already.
    """
    if not isinstance(value, dict | list | tuple):
        return f" {plain(value, flow=False)}"
    short = one_line(value)
    if (taken + len(short) < WIDTH and not _lists_tables(value)) or not value:
        return f" {short}"
    return newline + (pairs(value, indent, newline) if isinstance(value, dict) else items(value, indent, newline))


def pair(key: object, value: object, indent: int, newline: str) -> str:
    """One key and its value, without the indent before it."""
    name = plain(key, flow=False)
    return f"{name}:{after_key(value, indent + 2, newline, taken=indent + len(name) + 2)}"


def pairs(value: dict[Any, Any], indent: int, newline: str) -> str:
    """The lines of a mapping."""
    return newline.join(" " * indent + pair(key, each, indent, newline) for key, each in value.items())


def item(value: object, indent: int, newline: str) -> str:
    """One entry of a list, dash and all, without the indent before it."""
    if isinstance(value, dict) and value and (len(value) == 1 or indent + len(one_line(value)) + 2 >= WIDTH):
        return "- " + pairs(value, indent + 2, newline).lstrip(" ")
    return f"-{after_key(value, indent + 2, newline, taken=indent + 2)}"


def _lists_tables(value: object) -> bool:
    """Whether a list of tables, such as a segment's rules, is in it: these read better below each other."""
    if isinstance(value, dict):
        return any(map(_lists_tables, value.values()))
    return isinstance(value, list | tuple) and any(isinstance(each, dict) or _lists_tables(each) for each in value)


def items(value: list[Any] | tuple[Any, ...], indent: int, newline: str) -> str:
    """The lines of a list."""
    return newline.join(" " * indent + item(each, indent, newline) for each in value)
