"""What stands in a text for what only the reader has: tokens, one after the other as they are written, and found again.

A *token* is a plain ASCII word that HTML parsers, CSS inliners and text makers carry through unharmed. A
:class:`Recorder` knows what each of one compilation stands for.
"""

import re
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from time import thread_time
from typing import Any, Final

from broadsheet.errors import NotDeferrable

Expr = list[Any]
"""``[operation, operand, …]``; the operations are listed in :mod:`broadsheet.rendering.expressions`."""

#: Seconds of processor time that rendering one template may take. A large one takes some hundredths.
SECONDS: Final = 5
#: After so many rounds of loops, and calls, the clock is looked at.
_ROUNDS: Final = 100
TORN = "tears a condition on a reader's value apart; keep its two ends in one place"


@dataclass(frozen=True)
class Token:
    """What one token stands for."""

    kind: str
    """``v`` a value; ``i`` ``e`` ``f`` the begin, else and end of a condition."""
    expr: Expr | None = None
    escaped: bool = False
    """Whether the template printed it with HTML escaping."""
    place: tuple[str, int | None] = ("", None)
    """The template and line that printed it."""
    address: bool = False
    """Whether it is part of a link's address that a plain text shows."""


@dataclass
class Recorder:
    """The tokens of one compilation. The random mark keeps an article's text from posing as a token."""

    mark: str = field(default_factory=lambda: "zq" + secrets.token_hex(5))
    tokens: list[Token] = field(default_factory=list)
    source: str = ""
    """What is being rendered, for the place of tokens from a text that is no file of its own."""
    branches: list[tuple[int, bool]] = field(default_factory=list)
    """The conditions that are open, outermost first: number, and whether it is the first side."""
    rounds: int = 0
    """Of loops, and calls, in what is being rendered."""
    ends: float = 0.0
    """When its time is up, in this thread's processor time."""

    def __post_init__(self) -> None:
        self.pattern = re.compile(rf"{self.mark}([vief])(\d+)z")

    def write(self, kind: str, expr: Expr | None = None, *, escaped: bool = False) -> str:
        """The word that stands for a new token in the text."""
        self.tokens.append(Token(kind, expr, escaped, self._place()))
        return f"{self.mark}{kind}{len(self.tokens) - 1}z"

    def round(self) -> None:
        """Count one round of a loop, or a call. Raises OverflowError, as Jinja's own limits do, when time is up."""
        self.rounds += 1
        if self.rounds % _ROUNDS == 0 and thread_time() > self.ends:
            raise OverflowError(
                f"takes longer than {SECONDS} seconds; look for a loop in a loop, or a macro that calls itself"
            )

    def in_address(self, text: str) -> str:
        """``text``, an address out of HTML, for a plain text: its values are written as addresses are."""

        def word(match: re.Match[str]) -> str:
            if match[1] != "v":
                return match[0]
            self.tokens.append(replace(self.read(match[2]), address=True))
            return f"{self.mark}v{len(self.tokens) - 1}z"

        return self.pattern.sub(word, text)

    def read(self, number: str) -> Token:
        """The token of that number."""
        return self.tokens[int(number)]

    def token_in(self, text: str) -> Token | None:
        """The first token in ``text``."""
        match = self.pattern.search(text)
        return self.read(match[2]) if match else None

    def _place(self) -> tuple[str, int | None]:
        frame = sys._getframe(2)
        while frame.f_back is not None:
            template = frame.f_globals.get("__jinja_template__")
            if template is not None:
                name = self.source if template.name is None else f"templates/{template.name}"
                return name, template.get_corresponding_lineno(frame.f_lineno)
            frame = frame.f_back
        return self.source, None


current_recorder: ContextVar[Recorder] = ContextVar("recorder")


@contextmanager
def recording() -> Iterator[Recorder]:
    """A fresh :class:`Recorder` that all printing of deferred values goes to."""
    recorder = Recorder()
    token = current_recorder.set(recorder)
    try:
        yield recorder
    finally:
        current_recorder.reset(token)


@contextmanager
def rendering_of(source: str) -> Iterator[None]:
    """Tokens made in here come from ``source`` where they come from no file; it has its own time to end in."""
    recorder = current_recorder.get()
    before, recorder.source = recorder.source, source
    recorder.rounds, recorder.ends = 0, thread_time() + SECONDS
    try:
        yield
    finally:
        recorder.source = before


def one_round() -> None:
    """Count one round of a loop, or a call, in what is being rendered. Raises OverflowError when its time is up."""
    current_recorder.get().round()


@dataclass
class Fork:
    """A condition in a text: its test, and what stands on its two sides."""

    expr: Expr
    place: tuple[str, int | None]
    words: list[str]
    """Its tokens as they stand in the text: two, or three if it has a second side."""
    first: list[Any] = field(default_factory=list)
    second: list[Any] = field(default_factory=list)


def tree_of(
    text: str, recorder: Recorder, static: Callable[[str], object], value: Callable[[str, Token], object]
) -> list[Any]:
    """The text cut at its tokens: what ``static`` makes of its text, what ``value`` makes of a token's word, and Forks.

    Raises NotDeferrable if a condition's tokens are torn apart.
    """
    root: list[Any] = []
    here, stack = root, list[tuple[list[Any], Fork]]()
    position = 0
    for match in recorder.pattern.finditer(text):
        if match.start() > position:
            here.append(static(str(text[position : match.start()])))
        position = match.end()
        token = recorder.read(match[2])
        if token.kind == "v":
            here.append(value(match[0], token))
        elif token.kind == "i":
            fork = Fork(token.expr or [], token.place, [match[0]])
            here.append(fork)
            stack.append((here, fork))
            here = fork.first
        elif not stack:
            raise NotDeferrable(TORN, *token.place)
        elif token.kind == "e":
            fork = stack[-1][1]
            fork.words.append(match[0])
            here = fork.second
        else:
            here, fork = stack.pop()
            fork.words.append(match[0])
    if stack:
        raise NotDeferrable(TORN, *stack[-1][1].place)
    if position < len(text):
        here.append(static(str(text[position:])))
    return root
