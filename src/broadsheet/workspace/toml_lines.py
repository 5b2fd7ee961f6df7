"""Where a TOML file says what, and one value of a table changed with everything else left as it is written."""

import copy
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from broadsheet.errors import BroadsheetError

Keys = tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """One statement: a table's header, or a key with its value."""

    path: Keys
    """The tables and the key; members of an array of tables are counted from 1."""
    first: int
    """Its first and last line, from 1."""
    last: int
    is_header: bool
    value: Any = None


def toml_lines(text: str) -> dict[Keys, int]:
    """The line of every key, by its path; the keys of an inline table stand on its line."""
    found: dict[Keys, int] = {}
    for each in statements(text):
        outer = (each.path[:length] for length in range(1, len(each.path) + 1))
        for path in (*outer, *((*each.path, *inner) for inner in _keys_in(each.value))):
            found.setdefault(path, each.first)
    return found


def statements(text: str) -> Iterator[Statement]:
    """The statements of a valid file, in order. One ends with the line that makes it whole."""
    table: Keys = ()
    numbers: Counter[Keys] = Counter()
    pending, first = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        first, pending = (first, pending + line + "\n") if pending else (number, line + "\n")
        try:
            data = tomllib.loads(pending)
        except (tomllib.TOMLDecodeError, RecursionError):
            continue
        written, pending = pending.strip(), ""
        if not data:  # blank, or a comment
            continue
        path, value = _path_and_value(data)
        if written.startswith("["):
            table = _numbered(path, numbers, adds=written.startswith("[["))
            yield Statement(table, first, number, is_header=True)
        else:
            yield Statement((*table, *path), first, number, is_header=False, value=value)


def _path_and_value(data: dict[str, Any]) -> tuple[Keys, Any]:
    """The way to what one statement says. A key whose value is an inline table of one key looks like a longer way."""
    path: list[str] = []
    value: Any = data
    while isinstance(value, dict) and len(value) == 1:
        [(key, value)] = value.items()
        path.append(key)
    return tuple(path), value


def _numbered(path: Keys, numbers: Counter[Keys], *, adds: bool) -> Keys:
    whole: Keys = ()
    for position, part in enumerate(path, 1):
        whole = (*whole, part)
        if adds and position == len(path):
            numbers[whole] += 1
        if numbers[whole]:
            whole = (*whole, str(numbers[whole]))
    return whole


def _keys_in(value: Any) -> Iterator[Keys]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (key,)
            yield from ((key, *rest) for rest in _keys_in(inner))


def with_value(text: str, table: str, key: str, value: str | int | None) -> str:
    """The file with that key of ``[table]`` set, or taken out for None; comments and order stay.

    Raises BroadsheetError if the file is written in a way that this can't change safely.
    """
    lines = text.split("\n")
    found = list(statements(text))
    there = next((each for each in found if each.path == (table, key) and not each.is_header), None)
    header = next((number for number, each in enumerate(found) if each.path == (table,) and each.is_header), None)
    if there:
        rest = _comment(lines[there.first - 1 : there.last])
        lines[there.first - 1 : there.last] = [] if value is None else [f"{_key(key)} = {_written(value)}{rest}"]
    elif value is not None and header is not None:
        own = takewhile(lambda each: not each.is_header, found[header + 1 :])
        last = max([found[header].last, *(each.last for each in own)])
        lines[last:last] = [f"{_key(key)} = {_written(value)}"]
    elif value is not None:
        above = [*text.rstrip("\n").split("\n"), ""] if text.strip() else []
        lines = [*above, f"[{table}]", f"{_key(key)} = {_written(value)}", ""]
    changed = "\n".join(lines)
    if _data(changed) != _changed(tomllib.loads(text), table, key, value):
        raise BroadsheetError(f"{table}.{key} is written in a way that can't be changed here; edit the file's text.")
    return changed


def _comment(lines: list[str]) -> str:
    """The comment at the end of a one-line statement, with the space before it."""
    if len(lines) != 1:
        return ""
    found = re.fullmatch(r"""[^=]*=\s*(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^#"']*?)(\s*#.*)?""", lines[0])
    return (found[1] or "") if found else ""


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _written(key)


def _written(value: str | int) -> str:
    """The value as TOML; a JSON string is a basic string of TOML."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _data(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _changed(data: Mapping[str, Any], table: str, key: str, value: str | int | None) -> dict[str, Any]:
    expected = copy.deepcopy(dict(data))
    if value is None:
        expected.get(table, {}).pop(key, None)
    else:
        expected.setdefault(table, {})[key] = value
    return expected
