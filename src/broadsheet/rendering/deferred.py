"""A reader's values while a template is compiled: expressions that are recorded, not computed.

A :class:`Deferred` stands for ``subscriber`` and everything made from it. Printing one leaves a *token* in
the text, a plain ASCII word that HTML parsers, CSS inliners and text makers carry through unharmed;
:mod:`broadsheet.rendering.cutting` finds it again. An expression is a tree of plain lists (so that it goes
into the database as JSON) and names the very functions Jinja would have called; evaluating it with a
reader's values (:mod:`broadsheet.rendering.expressions`) gives what rendering in full would have given.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NoReturn

from jinja2 import Undefined
from markupsafe import Markup

from broadsheet.errors import NotDeferrable

Expr = list[Any]
"""``[operation, operand, …]``; the operations are listed in :mod:`broadsheet.rendering.expressions`."""

LOOP = (
    "loops over a reader's own data, which isn't known while the mail is compiled; "
    "print it whole instead, for example {{ subscriber.interests | join(', ') }}"
)
KEY = "uses a reader's value as a dictionary key; write {% if subscriber.… == '…' %} instead"
TRUTH = (
    "decides something by a reader's value where only {% if %}, and/or/not and inline if can wait for the reader; "
    "put an {% if %} inside the loop or around the element"
)
NUMBER = "needs a number that only the reader has; compare or print it instead"


@dataclass(frozen=True)
class Token:
    """What one token stands for."""

    kind: str
    """``v`` a value; ``i`` ``e`` ``f`` the begin, else and end of a condition."""
    expr: Expr | None = None
    escaped: bool = False
    """Whether the template printed it with HTML escaping."""


@dataclass
class Recorder:
    """The tokens of one compilation. The random mark keeps an article's text from posing as a token."""

    mark: str = field(default_factory=lambda: "zq" + secrets.token_hex(5))
    tokens: list[Token] = field(default_factory=list)
    open_branches: int = 0

    def __post_init__(self) -> None:
        self.pattern = re.compile(rf"{self.mark}([vief])(\d+)z")

    def write(self, token: Token) -> str:
        """The word that stands for ``token`` in the text."""
        self.tokens.append(token)
        return f"{self.mark}{token.kind}{len(self.tokens) - 1}z"

    def read(self, number: str) -> Token:
        """The token of that number."""
        return self.tokens[int(number)]


_current: ContextVar[Recorder] = ContextVar("recorder")


@contextmanager
def recording() -> Iterator[Recorder]:
    """A fresh :class:`Recorder` that all printing of deferred values goes to."""
    recorder = Recorder()
    token = _current.set(recorder)
    try:
        yield recorder
    finally:
        _current.reset(token)


class Deferred:
    """A value only the reader has. Everything that can wait is done by the environment; the rest is refused here."""

    __slots__ = ("expr",)

    def __init__(self, expr: Expr) -> None:
        self.expr = expr

    def __html__(self) -> str:
        return _current.get().write(Token("v", self.expr, escaped=True))

    def __str__(self) -> str:
        return _current.get().write(Token("v", self.expr))

    def __repr__(self) -> str:
        return f"Deferred({self.expr!r})"

    def __hash__(self) -> NoReturn:
        raise NotDeferrable(KEY)

    def __eq__(self, other: object) -> NoReturn:
        raise NotDeferrable(TRUTH)

    def __bool__(self) -> NoReturn:
        raise NotDeferrable(TRUTH)

    def __iter__(self) -> NoReturn:
        raise NotDeferrable(LOOP)

    def __len__(self) -> NoReturn:
        raise NotDeferrable(NUMBER)

    def __index__(self) -> NoReturn:
        raise NotDeferrable(NUMBER)

    def __contains__(self, item: object) -> NoReturn:
        raise NotDeferrable(TRUTH)

    def __getitem__(self, key: object) -> NoReturn:
        raise NotDeferrable(LOOP)


def as_deferred(value: object) -> Deferred | None:
    """``value`` if it is deferred, a text that holds tokens as one deferred value, else None."""
    if isinstance(value, Deferred):
        return value
    if isinstance(value, str):
        recorder = _current.get(None)
        if recorder is not None and recorder.mark in value:
            return Deferred(["text", isinstance(value, Markup), parts_expr(value, recorder)])
    return None


def holds_deferred(value: object) -> bool:
    """Whether ``value`` is deferred, or holds something deferred at any depth of lists and dictionaries."""
    if isinstance(value, list | tuple):
        return any(holds_deferred(each) for each in value)
    if isinstance(value, dict):
        return any(holds_deferred(each) for each in value.values())
    return as_deferred(value) is not None


def expr_of(value: object) -> Expr:
    """The expression that gives ``value``. Raises NotDeferrable for what can't be kept as JSON."""
    deferred = as_deferred(value)
    if deferred is not None:
        return deferred.expr
    if isinstance(value, Undefined):
        return ["undefined"]
    if isinstance(value, Markup):
        return ["markup", str(value)]
    if value is None or isinstance(value, str | int | float | bool):
        return ["const", value]
    if isinstance(value, list | tuple):
        return ["list" if isinstance(value, list) else "tuple", [expr_of(each) for each in value]]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return ["dict", [[key, expr_of(each)] for key, each in value.items()]]
    raise NotDeferrable(
        f"mixes a reader's value with a {type(value).__name__}, which is known only while the mail is compiled; "
        "take the text or number that is needed out of it first"
    )


def parts_expr(text: str, recorder: Recorder) -> list[Any]:
    """The text cut at its tokens: strings, ``["v", escaped, expr]`` and ``["i", expr, parts, parts]``.

    Raises NotDeferrable if a condition's tokens are torn apart.
    """
    root: list[Any] = []
    stack: list[tuple[list[Any], list[Any] | None]] = [(root, None)]
    position = 0
    for match in recorder.pattern.finditer(text):
        here = stack[-1][0]
        if match.start() > position:
            here.append(str(text[position : match.start()]))
        position = match.end()
        token = recorder.read(match[2])
        if token.kind == "v":
            here.append(["v", token.escaped, token.expr])
        elif token.kind == "i":
            branch: list[Any] = ["i", token.expr, [], []]
            here.append(branch)
            stack.append((branch[2], branch))
        elif stack[-1][1] is None:
            raise NotDeferrable("a condition on a reader's value was torn apart by what was done to its text")
        elif token.kind == "e":
            branch = stack.pop()[1] or []
            stack.append((branch[3], branch))
        else:
            stack.pop()
    if len(stack) != 1:
        raise NotDeferrable("a condition on a reader's value was torn apart by what was done to its text")
    if position < len(text):
        root.append(str(text[position:]))
    return root


class Branch:
    """One ``{% if %}`` while its template runs: one side is taken if the test is known, else both are."""

    def __init__(self, test: object, assigned: str | None) -> None:
        deferred = as_deferred(test)
        self.open = self.middle = self.close = ""
        if deferred is None:
            self.first = bool(test)
            self.second = not self.first
            return
        if assigned:
            raise NotDeferrable(
                f"{assigned} inside an {{% if %}} on a reader's value would happen for every reader; "
                "write it outside with an inline if: {% set x = 'a' if subscriber.… else 'b' %}"
            )
        recorder = _current.get()
        recorder.open_branches += 1
        self.first = self.second = True
        self.open = recorder.write(Token("i", deferred.expr))
        self.middle = recorder.write(Token("e"))
        self.close = recorder.write(Token("f"))

    def ended(self) -> str:
        """The token that ends it; empty if the test was known."""
        if self.close:
            _current.get().open_branches -= 1
        return self.close


def inside_branch() -> bool:
    """Whether an ``{% if %}`` on a reader's value is open."""
    recorder = _current.get(None)
    return recorder is not None and recorder.open_branches > 0
