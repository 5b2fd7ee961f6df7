"""Going through a text once, from mark to mark, and taking out what each mark opens; code keeps its own."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from broadsheet.articles.findings import Finding

_BACKTICKS = re.compile(r"`+")
_SHOWN = 60


@dataclass(frozen=True)
class Cut:
    """What becomes of the text from a mark to ``end``."""

    end: int
    instead: str | None = ""
    """What comes in its place; None leaves it as it is."""
    code: str = ""
    name: str = ""
    """What the finding calls it; without a name there is no finding."""
    whole_line: bool = False
    """Whether the line goes with it, if it holds nothing else."""
    before: re.Pattern[str] | None = None
    """What goes with it of the text before."""


@dataclass
class Scan:
    """A text, and what the handlers of marks ask about it. No question costs more than a search."""

    text: str
    kept: list[tuple[int, int]]
    """The ranges of code blocks, in their order."""
    vain: int = 0
    """How often brackets were followed and never closed."""
    _missing: set[str] = field(default_factory=set)

    def find(self, closing: str, start: int) -> int:
        """Where ``closing`` stands from ``start`` on; -1 if nowhere, and then it is not sought again."""
        if closing in self._missing:
            return -1
        found = self.text.find(closing, start)
        if found < 0:
            self._missing.add(closing)
        return found

    def block_at(self, position: int) -> tuple[int, int] | None:
        """The code block that holds ``position``, or else the next one."""
        index = bisect_left(self.kept, position, key=lambda block: block[1] - 1)
        return self.kept[index] if index < len(self.kept) else None

    def code_span(self, start: int, length: int) -> int:
        """The end of the code span that the backticks at ``start`` open; their own end if nothing closes it."""
        runs = self._runs.get(length, [])
        after = bisect_right(runs, start)
        closed = after < len(runs) and runs[after] < self._paragraph_end(start)
        return runs[after] + length if closed else start + length

    def alone(self, start: int, end: int) -> bool:
        """Whether nothing else stands in the lines from ``start`` to ``end``."""
        before = self.text.rfind("\n", 0, start) + 1
        after = self.text.find("\n", end)
        return not (self.text[before:start] + self.text[end : after if after >= 0 else None]).strip()

    @cached_property
    def _runs(self) -> dict[int, list[int]]:
        runs: dict[int, list[int]] = {}
        for run in _BACKTICKS.finditer(self.text):
            runs.setdefault(len(run[0]), []).append(run.start())
        return runs

    @cached_property
    def _blank(self) -> list[int]:
        return [found.start() for found in re.finditer(r"\n(?=[ \t]*\n)", self.text)]

    def _paragraph_end(self, position: int) -> int:
        index = bisect_left(self._blank, position)
        return self._blank[index] if index < len(self._blank) else len(self.text)


Handler = Callable[[Scan, re.Match[str]], Cut | None]
"""Says what the mark that matched opens; None if it is nothing of that kind."""


class Scanner:
    """Knows a set of marks: patterns, each with the handler of what it opens.

    ``first`` are the characters that a mark can begin with: looking for them first is four times as fast.
    """

    def __init__(self, first: str, marks: tuple[tuple[str, Handler], ...]) -> None:
        self._handlers = {f"m{i}": handler for i, (_, handler) in enumerate(marks)}
        any_mark = "|".join(f"(?P<m{i}>{pattern})" for i, (pattern, _) in enumerate(marks))
        self._mark = re.compile(f"(?=[{re.escape(first)}])(?:{any_mark})", re.MULTILINE)

    def touches(self, text: str) -> bool:
        """Whether any mark stands in ``text``."""
        return self._mark.search(text) is not None

    def cleaned(self, text: str, kept: list[tuple[int, int]], first_line: int) -> tuple[str, list[Finding]]:
        """``text`` without what the marks open outside of ``kept``; a finding for each kind and name."""
        scan = Scan(text, kept)
        out: list[str] = []
        found: dict[tuple[str, str], list[int]] = {}
        done = position = 0
        while mark := self._mark.search(text, position):
            start = mark.start()
            block = scan.block_at(start)
            if block and block[0] <= start:
                position = block[1]
                continue
            cut = self._handlers[mark.lastgroup or ""](scan, mark)
            if cut is None or (cut.code and block and block[0] < cut.end):
                position = max(mark.end(), start + 1)
                continue
            position = max(cut.end, start + 1)
            if cut.name:
                name = " ".join(cut.name.split())
                shown = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…"
                found.setdefault((cut.code, shown), []).append(start)
            if cut.instead is None:
                continue
            before = text[done:start]
            out += (cut.before.sub("", before) if cut.before else before, cut.instead)
            if cut.whole_line and text[position : position + 1] == "\n" and scan.alone(start, position):
                position += 1
            done = position
        out.append(text[done:])
        return "".join(out), [_finding(text, *each, first_line) for each in found.items()]


def _finding(text: str, what: tuple[str, str], starts: list[int], first_line: int) -> Finding:
    code, name = what
    line = first_line + text.count("\n", 0, starts[0])
    more = f" (and {len(starts) - 1} more)" if len(starts) > 1 else ""
    return Finding(code, f"line {line}: {name} was taken out{more}")
