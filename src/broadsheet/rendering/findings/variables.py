"""Checks of what a template asks of subscribers, and of templates that can't be compiled."""

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from jinja2 import UndefinedError

from broadsheet.errors import TemplateProblem, UnstampableReader
from broadsheet.rendering.findings.codes import Finding, found
from broadsheet.rendering.message import Choice, Line, Message, Pieces, Slot
from broadsheet.rendering.sheet import Sheet

#: What templates know of every subscriber, and what of it each one has.
BUILT_IN: Final = frozenset({"first_name", "last_name", "name", "language", "time_zone", "email", "interests"})
ALWAYS_THERE: Final = frozenset({"email", "interests"})

_SUBSCRIBER: Final = ["name", "subscriber"]
#: What follows a name that is printed as it is.
_BARE: Final = r"\s*-?\}\}"


def of_problem(problem: TemplateProblem) -> Finding:
    """The finding for a template that can't be compiled, with its file and line."""
    where = problem.template + (f", line {problem.line}" if problem.line else "")
    undefined = isinstance(problem.__cause__, UndefinedError)
    return found(
        "undefined-variable" if undefined else "template-error", f"{problem.reason.rstrip('.')}.", where or "template"
    )


def of_reader(problem: UnstampableReader, who: str) -> Finding:
    """The finding for a mail that can't be made for a sample reader."""
    reason = str(problem).partition(": ")[2] or str(problem)
    return found("reader-unstampable", f"For {who} the mail can't be made: {reason}.", f"subscriber: {who}")


def of_message(message: Message, sheet: Sheet, known: frozenset[str]) -> list[Finding]:
    """Findings about the attributes of subscribers that the compiled mail uses; ``known`` are those there are."""
    findings = []
    used = dict.fromkeys(_attributes(_plain(message.pieces)))
    allowed = BUILT_IN | known
    for name in used:
        where = _mention(sheet, name) or f"subscriber.{name}"
        if name not in allowed:
            near = difflib.get_close_matches(str(name), sorted(allowed), n=1)
            hint = f" Did you mean subscriber.{near[0]}?" if near else ""
            findings.append(found("unknown-attribute", f"No subscriber has subscriber.{name}.{hint}", where))
        elif name not in ALWAYS_THERE and _printed_bare(message.pieces, name):
            message_text = f"Readers without subscriber.{name} see nothing in its place."
            findings.append(found("value-without-default", message_text, _mention(sheet, name, _BARE) or where))
    return findings


def _plain(pieces: Pieces) -> Iterator[Any]:
    for piece in pieces:
        match piece:
            case Slot():
                yield piece.expr
            case Choice():
                yield piece.test
                yield from _plain(piece.first)
                yield from _plain(piece.second)
            case Line():
                yield piece.parts


def _attributes(tree: Any) -> Iterator[Any]:
    """The names of subscriber's attributes at any depth of recorded expressions."""
    if isinstance(tree, dict):
        yield from _attributes(list(tree.values()))
    elif isinstance(tree, list) and len(tree) == 3 and tree[0] in ("attr", "item") and tree[1] == _SUBSCRIBER:
        yield tree[2]
    elif not isinstance(tree, str | bytes) and hasattr(tree, "__iter__"):
        for each in tree:
            yield from _attributes(each)


def _printed_bare(pieces: Pieces, name: str) -> bool:
    """Whether the value is printed as it is, outside any condition on it."""
    return any(_prints_bare(piece, name) for piece in pieces)


def _prints_bare(piece: object, name: str) -> bool:
    bare = (["attr", _SUBSCRIBER, name], ["item", _SUBSCRIBER, name])
    match piece:
        case Slot():
            return piece.expr in bare
        case Line():
            return any(part[0] == "v" and part[2] in bare for part in piece.parts if not isinstance(part, str))
        case Choice():
            return name not in _attributes(piece.test) and (
                _printed_bare(piece.first, name) or _printed_bare(piece.second, name)
            )
        case _:
            return False


def _mention(sheet: Sheet, name: str, behind: str = "") -> str:
    """The first place in the campaign's texts or the template's files that names the attribute; may be empty.

    ``behind`` is a pattern for what follows the name.
    """
    word = re.escape(str(name))
    named = re.compile(rf"subscriber\s*(?:\.\s*{word}\b|\[\s*['\"]{word}['\"]\s*\]){behind}")
    for key, shown in (("subject", "subject"), ("preheader", "preheader"), ("intro", "body")):
        if named.search(sheet.campaign.get(key, "")):
            return f"campaigns/{sheet.campaign['slug']}.md: {shown}"
    folders = (sheet.templates / sheet.template, sheet.templates)
    for file in (file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()):
        if line := _line_with(named, file):
            return f"templates/{file.relative_to(sheet.templates).as_posix()}, line {line}"
    return ""


def _line_with(named: re.Pattern[str], file: Path) -> int | None:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    return next((number for number, line in enumerate(lines, 1) if named.search(line)), None)
