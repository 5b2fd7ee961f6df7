"""Front matter: what stands above an article's text, in YAML, TOML or JSON."""

import json
import re
from dataclasses import dataclass
from typing import Any

from frontmatter.default_handlers import BaseHandler, JSONHandler, YAMLHandler

from broadsheet.errors import InvalidFile, Problem
from broadsheet.workspace.reading import parse_toml, parse_yaml


@dataclass(frozen=True)
class Split:
    """A file cut in two: the data of its front matter (empty if it has none), and the rest."""

    data: dict[Any, Any]
    body: str
    source: str = ""
    """The front matter as it is written."""
    line: int = 1
    """The file's line that ``source`` begins in."""

    def where(self, key: str) -> str:
        """The line that ``key`` stands in, for a person to look at; the key itself if it can't be found."""
        spelled = re.compile(rf"[\s,{{]*[\"']?{re.escape(key.partition('.')[0])}[\"']?\s*[:=]")
        lines = self.source.split("\n")
        return next((f"line {self.line + n}" for n, text in enumerate(lines) if spelled.match(text)), key)


class YamlHeader(YAMLHandler):
    """Front matter between two lines of ``---``."""

    FM_BOUNDARY = re.compile(r"^---[ \t]*$", re.MULTILINE)
    meant = re.compile(r"---[ \t]*\n(\s*#[^\n]*\n|\s*\n)*[ \t]*[\"']?[\w.-]+[\"']?[ \t]*:(\s|$)")

    def data(self, source: str, path: str, line: int) -> Any:
        """The front matter's data. Raises InvalidFile."""
        try:
            return parse_yaml(source, path, first_line=line)
        except InvalidFile as error:
            if error.problems[0].where:
                raise
            raise InvalidFile([_found_again(source, path, line) or error.problems[0]]) from error


class TomlHeader(BaseHandler):
    """Front matter between two lines of ``+++``; python-frontmatter's own wants a parser that is no more."""

    FM_BOUNDARY = re.compile(r"^\+\+\+[ \t]*$", re.MULTILINE)
    START_DELIMITER = END_DELIMITER = "+++"
    meant = re.compile(r"\+\+\+[ \t]*\n(\s*#[^\n]*\n|\s*\n)*[ \t]*(\[[^\n]+\]|[\"']?[\w.-]+[\"']?[ \t]*=)")

    def data(self, source: str, path: str, line: int) -> Any:
        """The front matter's data. Raises InvalidFile."""
        return parse_toml(source, path, first_line=line)


class JsonHeader(JSONHandler):
    """Front matter that is one JSON object, wherever its braces stand."""

    FM_BOUNDARY = re.compile(r"\{(?=\s*(\"|\}\s*$))", re.MULTILINE)
    meant = FM_BOUNDARY

    def split(self, text: str) -> tuple[str, str]:
        """The object and what follows it. Raises ValueError if the object does not end."""
        _, end = json.JSONDecoder().raw_decode(text)
        return text[:end], text[end:]

    def data(self, source: str, path: str, line: int) -> Any:
        """The front matter's data, which ``split`` has found good."""
        return json.loads(source)


_HANDLERS = (YamlHeader(), TomlHeader(), JsonHeader())


def split_header(text: str, path: str) -> Split:
    """``text`` cut into front matter and body. Raises InvalidFile with the line of what is wrong.

    A first line of ``---`` with nothing like ``key: value`` after it is a rule in the text, not front matter.
    """
    above = len(text) - len(text.lstrip())
    line = text.count("\n", 0, above) + 1
    text = text.lstrip()
    handler = next((each for each in _HANDLERS if each.detect(text)), None)
    if handler is None:
        return Split({}, text)
    try:
        source, body = _cut(handler, text, path, line)
        data = _mapping(handler.data(source, path, line), path, line)
    except InvalidFile:
        if handler.meant.match(text):
            raise
        return Split({}, text)
    except (ValueError, RecursionError) as error:  # numbers too long, tables too deep
        raise InvalidFile([Problem(path, f"line {line}", f"the front matter can't be read: {error}")]) from error
    return Split(data or {}, body, source, line)


def _cut(handler: BaseHandler, text: str, path: str, line: int) -> tuple[str, str]:
    try:
        return handler.split(text)
    except json.JSONDecodeError as error:
        at = f"line {error.lineno + line - 1}"
        raise InvalidFile([Problem(path, at, f"not valid JSON: {error.msg}")]) from error
    except ValueError as error:
        if not handler.START_DELIMITER:
            raise
        reason = f"the front matter has no closing line of {handler.START_DELIMITER}"
        raise InvalidFile([Problem(path, f"line {line}", reason)]) from error


def _mapping(data: Any, path: str, line: int) -> dict[Any, Any]:
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise InvalidFile([Problem(path, f"line {line}", "the front matter must be keys and values")])
    return data


def _found_again(source: str, path: str, line: int) -> Problem | None:
    """The first line of ``source`` that is no YAML by itself, where the parser names no line."""
    for number, text in enumerate(source.split("\n"), start=line):
        try:
            parse_yaml(text.strip(), path, first_line=number)
        except InvalidFile as error:
            found = error.problems[0]
            key = text.partition(":")[0].strip()
            return found if found.where else Problem(path, f"line {number}", f"`{key}`: {found.reason}")
    return None
