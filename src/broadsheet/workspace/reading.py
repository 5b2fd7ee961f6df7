"""Reading one file: its text, its data, and its mistakes, all at once and in plain words."""

import dataclasses
import difflib
import os
import re
import stat
import tempfile
import tomllib
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import TypeAdapter, ValidationError

from broadsheet.errors import InvalidFile, Problem

T = TypeVar("T")

try:
    _SafeLoader: Any = yaml.CSafeLoader
except AttributeError:  # PyYAML built without libyaml
    _SafeLoader = yaml.SafeLoader


def read_text(path: Path) -> str:
    """The file's text: UTF-8, UTF-16 with a mark, or else Latin-1; without BOM, lines ending in LF.

    Raises ValueError for what is no text (it holds a NUL byte), OSError for what can't be read.
    """
    return one_kind_of_line(decoded(path.read_bytes())[0])


def decoded(raw: bytes) -> tuple[str, str]:
    """The text of a file's bytes without BOM, its lines ending as they do; and the name of its encoding.

    Raises ValueError for what is no text.
    """
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError as error:
            raise ValueError("is not a text file") from error
    else:
        encoding = "utf-8-sig" if raw.startswith(b"\xef\xbb\xbf") else "utf-8"
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            encoding = "latin-1"
            text = raw.decode(encoding)
    if "\0" in text:
        raise ValueError("is not a text file")
    return text, encoding


def one_kind_of_line(text: str) -> str:
    """The text with its lines ending in LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def write_atomically(path: Path, content: str | bytes, *, is_new: bool = False) -> None:
    """Put ``content`` into ``path``, whole or not at all; who may read the file stays as it is.

    Raises FileExistsError with ``is_new`` if there is such a file.
    """
    path = path.resolve()  # a link goes on leading to its file
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
            file.flush()
            os.fchmod(file.fileno(), _mode(path))
            os.fsync(file.fileno())
        if is_new:
            os.link(temporary, path)
            Path(temporary).unlink()
        else:
            Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name, too, is there after a power cut
    finally:
        os.close(folder)


def _mode(path: Path) -> int:
    """The rights of the file that is there, or of a new one."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return 0o644


def load_data(path: Path, shown: str) -> Any:
    """The data of a ``.toml`` or ``.yaml`` file. Raises InvalidFile, naming the line, if it can't be parsed."""
    try:
        text = read_text(path)
    except ValueError as error:
        raise InvalidFile([Problem(shown, "", str(error))]) from error
    except OSError as error:
        raise InvalidFile([Problem(shown, "", f"can't be read ({error.strerror})")]) from error
    if path.suffix == ".toml":
        return parse_toml(text, shown)
    data = parse_yaml(text, shown)
    refuse_doubled_keys(text, shown)
    return data


def parse_toml(text: str, shown: str, *, first_line: int = 1) -> dict[str, Any]:
    """The table in ``text``. Raises InvalidFile with the line, counted from ``first_line``."""
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise InvalidFile([Problem(shown, f"line {first_line}", "not valid TOML: tables too deep")]) from error
    except ValueError as error:  # TOMLDecodeError, or a number too long for Python
        reason = str(error)
        at = re.search(r"\s*\(at line (\d+), column \d+\)", reason)
        line = int(at[1]) if at else text.count("\n") + 1
        reason = reason.replace(at[0], "") if at else reason.removesuffix(" (at end of document)")
        raise InvalidFile([Problem(shown, f"line {line + first_line - 1}", f"not valid TOML: {reason}")]) from error


def parse_yaml(text: str, shown: str, *, first_line: int = 1) -> Any:
    """The data in ``text``, plain types only. Raises InvalidFile with the line, counted from ``first_line``."""
    try:
        return yaml.load(text, Loader=_SafeLoader)  # noqa: S506  a safe loader, the one in C where there is one
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + first_line}" if mark else ""
        raise InvalidFile([Problem(shown, line, f"not valid YAML: {error.problem or error.context}")]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidFile([Problem(shown, "", f"not valid YAML: {str(error).splitlines()[0]}")]) from error


def refuse_doubled_keys(text: str, shown: str, *, first_line: int = 1) -> None:
    """Raises InvalidFile, naming the lines, if the YAML ``text`` has a key twice in one place: one would be lost."""
    try:
        root = yaml.compose(text, Loader=_SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return  # whoever parses it says so
    if problems := list(_doubled(root, shown, first_line, set())):
        raise InvalidFile(problems)


def _doubled(node: Any, shown: str, first_line: int, seen: set[int]) -> Iterator[Problem]:
    if id(node) in seen:  # an anchor may hold itself
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _doubled(each, shown, first_line, seen)
    elif isinstance(node, yaml.MappingNode):
        lines: dict[tuple[str, str], int] = {}
        for key, value in node.value:
            line = key.start_mark.line + first_line
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if first := lines.get((key.tag, key.value)):
                    reason = f"`{key.value}` stands here again, after line {first}; keep one of them"
                    yield Problem(shown, f"line {line}", reason)
                lines.setdefault((key.tag, key.value), line)
            yield from _doubled(value, shown, first_line, seen)


def validated(declared: type[T], data: object, shown: str) -> T:
    """``data`` as the frozen dataclass ``declared``. Raises InvalidFile with every mistake in it."""
    try:
        return TypeAdapter(declared).validate_python(data)
    except ValidationError as error:
        raise InvalidFile(problems_of(error, declared, shown)) from error


def with_lines(problems: Sequence[Problem], text: str, *, first_line: int = 1) -> list[Problem]:
    """The problems with the line that each one's key stands on in the YAML ``text``, as far as it is there."""
    try:
        root = yaml.compose(text, Loader=_SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return list(problems)
    return [
        dataclasses.replace(each, line=_line(root, each.where) + first_line) if root and each.where else each
        for each in problems
    ]


def _line(node: Any, where: str) -> int:
    """The line, from 0, of the deepest part of the dotted ``where`` that is there."""
    line = node.start_mark.line
    parts = where.split(".")
    while parts and isinstance(node, yaml.MappingNode | yaml.SequenceNode):
        if isinstance(node, yaml.SequenceNode):
            position = int(parts[0]) if parts[0].isdigit() else -1
            if not 0 <= position < len(node.value):
                break
            node, parts = node.value[position], parts[1:]
            line = node.start_mark.line
            continue
        keys = {str(key.value): (key, value) for key, value in node.value}
        length = next((n for n in range(len(parts), 0, -1) if ".".join(parts[:n]) in keys), 0)  # keys may hold dots
        if not length:
            break
        key, node = keys[".".join(parts[:length])]
        parts, line = parts[length:], key.start_mark.line
    return int(line)


def problems_of(error: ValidationError, declared: Any, shown: str) -> list[Problem]:
    """What pydantic found, said to a person: file, key, what is allowed."""
    problems = []
    for found in error.errors(include_url=False):
        where = ".".join(str(part) for part in _without_tags(found["loc"]))
        problems.append(Problem(shown, where, _reason(found, declared)))
    return list(dict.fromkeys(problems))


_PLAIN_REASONS = {
    "missing": "is missing",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a table of keys and values",
    "dataclass_type": "must be a table of keys and values",
    "dataclass_exact_type": "must be a table of keys and values",
    "url_parsing": "must be a web address such as https://clinic.example",
    "url_scheme": "must be a web address such as https://clinic.example",
    "union_tag_not_found": "needs a `kind`",
    "dict_attributes_type": "must be a table of keys and values",
    "invalid_key": "is not text; write it in quotes",
}


def _reason(found: Mapping[str, Any], declared: Any) -> str:
    kind, context = found["type"], found.get("ctx", {})
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        allowed = _keys_at(declared, found["loc"][:-1])
        close = difflib.get_close_matches(str(found["loc"][-1]), allowed, n=1)
        hint = f"did you mean `{close[0]}`? " if close else ""
        return f"is not a key here; {hint}Allowed: {', '.join(allowed)}".replace("; Allowed", "; allowed")
    if kind in ("literal_error", "enum", "union_tag_invalid"):
        allowed_text = context.get("expected") or context.get("expected_tags", "")
        return (
            f"is {found['input']!r}; allowed: {allowed_text}" if kind == "literal_error" else f"allowed: {allowed_text}"
        )
    if kind == "value_error":
        return str(context["error"])
    if kind in _PLAIN_REASONS:
        return _PLAIN_REASONS[kind]
    message: str = found["msg"]
    return message[0].lower() + message[1:].replace("Input should", "should")


def _dataclasses_in(annotation: Any) -> list[type]:
    """The dataclasses an annotation speaks of: itself, or those inside a union, tuple or mapping."""
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        return [annotation]
    if get_origin(annotation) in (Union, types.UnionType, tuple, list, dict) or hasattr(annotation, "__metadata__"):
        return [each for part in get_args(annotation) for each in _dataclasses_in(part)]
    return []


def _fields(declared: Any) -> dict[str, Any]:
    return {info.alias or name: info for name, info in declared.__pydantic_fields__.items()}


def _keys_at(declared: Any, loc: Sequence[int | str]) -> list[str]:
    """The keys allowed at ``loc`` inside ``declared``."""
    current = _dataclasses_in(declared)
    for position, part in enumerate(loc):
        if _is_kind(loc, position):
            current = [each for each in current if _fields(each)["kind"].annotation == Literal[part]]
            continue
        matching = [_fields(each)[str(part)] for each in current if str(part) in _fields(each)]
        if matching:
            current = [each for info in matching for each in _dataclasses_in(info.annotation)]
    return list(dict.fromkeys(key for each in current for key in _fields(each)))


def _without_tags(loc: Sequence[int | str]) -> list[int | str]:
    """``loc`` without the names pydantic puts in for the member of a union it tried."""
    return [part for position, part in enumerate(loc) if not (_is_kind(loc, position) or _is_type(part))]


def _is_kind(loc: Sequence[int | str], position: int) -> bool:
    """Whether this part is the kind of an adapter, a source or a mailbox, which follows its name or number."""
    if tuple(loc[:2]) == ("bounces", "mailboxes"):
        return position == 3
    return position == 2 and (loc[0] == "adapters" or (loc[0] == "sources" and loc[2] in ("folder", "feed")))


def _is_type(part: int | str) -> bool:
    return isinstance(part, str) and (part in ("str", "int", "float", "bool") or "[" in part or part[:1] == "⟨")
