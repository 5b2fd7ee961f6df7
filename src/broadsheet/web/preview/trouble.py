"""A mistake as a panel shows it: the file, the line, what stands there, and what to write instead."""

import re
from dataclasses import dataclass
from pathlib import Path

from broadsheet.errors import BroadsheetError, InvalidFile, Problem, RejectedArticle, TemplateProblem
from broadsheet.workspace.front_matter import split_header
from broadsheet.workspace.reading import read_text

AROUND = 3
LONGEST = 400

#: What the desk takes for a writer's mistake; anything else is ours.
MISTAKES = (BroadsheetError, OSError, ValueError)


@dataclass(frozen=True)
class Line:
    """One line of the file."""

    number: int
    text: str
    is_meant: bool


@dataclass(frozen=True)
class Trouble:
    """One mistake."""

    file: str
    """Relative to the workspace; empty if no file is at fault."""
    line: int | None
    key: str
    """The setting that is meant, where it is not a line."""
    reason: str
    around: tuple[Line, ...] = ()


def troubles(error: Exception, root: Path) -> tuple[Trouble, ...]:
    """Everything that ``error`` says is wrong in the workspace at ``root``."""
    if isinstance(error, InvalidFile):
        return tuple(of_problem(problem, root) for problem in error.problems)
    if isinstance(error, RejectedArticle):
        return (of_problem(error.problem, root),)
    if isinstance(error, TemplateProblem):
        return (_of_template(error, root),)
    return (Trouble("", None, "", str(error)),)


def of_problem(problem: Problem, root: Path) -> Trouble:
    """A mistake in a file of data or in an article."""
    text = _text(root / problem.path)
    numbered = re.fullmatch(r"line (\d+)", problem.where)
    line = int(numbered[1]) if numbered else _line_of(text, problem.where)
    key = "" if numbered else problem.where
    return Trouble(problem.path, line, key, problem.reason, _around(text, line))


def _of_template(error: TemplateProblem, root: Path) -> Trouble:
    """A mistake in a template, or in the Jinja of a campaign (``campaigns/weekly.md: subject``)."""
    name, _, part = error.template.partition(": ")
    file = next((each for each in (name, f"templates/{name}") if (root / each).is_file()), name)
    text, line = _text(root / file), error.line
    if part == "body":
        line = _body_begins(text, file) + (line or 1) - 1
    elif part:
        line = _line_of(text, part)
    return Trouble(file, line, "" if part == "body" else part, error.reason, _around(text, line))


def _text(path: Path) -> str:
    try:
        return read_text(path)
    except (OSError, ValueError):
        return ""


def _body_begins(text: str, file: str) -> int:
    split = split_header(text, file)
    at = text.find(split.body.strip(), text.find(split.source) + len(split.source))
    return text.count("\n", 0, max(at, 0)) + 1


def _line_of(text: str, key: str) -> int | None:
    """The line that ``key`` (``schedule.cron``) stands in, as deep as it can be followed; None if nowhere."""
    found: int | None = None
    lines = text.split("\n")
    for part in key.split("."):
        if not part or part.isdigit():
            continue
        spelled = re.compile(rf"(^|[\s\[{{,.\"'])({re.escape(part)})[\"']?\s*[]:=]")
        start = (found or 1) - 1
        here = (n for n, line in enumerate(lines[start:], start + 1) if spelled.search(line.partition("#")[0]))
        found = next(here, found)
    return found


def _around(text: str, line: int | None) -> tuple[Line, ...]:
    lines = text.split("\n")
    if line is None or not text or not 1 <= line <= len(lines):
        return ()
    first, last = max(1, line - AROUND), min(len(lines), line + AROUND)
    return tuple(Line(n, lines[n - 1][:LONGEST], n == line) for n in range(first, last + 1))
