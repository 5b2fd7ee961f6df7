"""A reader's values while a template is compiled: expressions that are recorded, not computed.

A :class:`Deferred` stands for ``subscriber`` and everything made from it. Printing one leaves a token of the
:mod:`~broadsheet.rendering.recorder` in the text; :mod:`broadsheet.rendering.cutting` finds it again. An expression is
a tree of plain lists (so that it goes into the database as JSON) and names the very functions Jinja would have called;
evaluating it with a reader's values (:mod:`broadsheet.rendering.expressions`) gives what rendering in full would have
given.
"""

import re
from typing import Any, NoReturn

from jinja2 import StrictUndefined, Undefined
from markupsafe import Markup, escape

from broadsheet.errors import NotDeferrable
from broadsheet.rendering.recorder import Expr, Fork, Recorder, current_recorder, tree_of

_ELEMENT = re.compile("<[a-zA-Z]")


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
WHOLE = (
    "uses the whole of subscriber, all that is known of a reader; name one of their values: {{ subscriber.first_name }}"
)
HTML = (
    "changes HTML elements that hold a reader's value, after which their styles can't be inlined; "
    "change the value alone, and put an {% if %} around the elements"
)


class Deferred:
    """A value only the reader has. Everything that can wait is done by the environment; the rest is refused here."""

    __slots__ = ("expr",)

    def __init__(self, expr: Expr) -> None:
        self.expr = expr

    def __html__(self) -> str:
        expr = expr_of(self)
        if _gives_elements(expr):
            raise NotDeferrable(HTML)
        return current_recorder.get().write("v", expr, escaped=True)

    def __str__(self) -> str:
        return current_recorder.get().write("v", expr_of(self))

    def __repr__(self) -> str:
        return f"Deferred({self.expr!r})"

    def __hash__(self) -> NoReturn:
        raise NotDeferrable(KEY)

    def __eq__(self, other: object) -> NoReturn:
        raise NotDeferrable(TRUTH)

    def __bool__(self) -> bool:
        if self.known:
            return True
        raise NotDeferrable(TRUTH)

    @property
    def known(self) -> bool:
        """Whether every reader has it: the subscriber as such, an address of their own."""
        return bool(self.expr[0] == "name")

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
        recorder = current_recorder.get(None)
        if recorder is not None and recorder.mark in value:
            return Deferred(["text", isinstance(value, Markup), parts_expr(value, recorder)])
    return None


def has_elements(value: object) -> bool:
    """Whether ``value`` is HTML with elements in it, not text alone."""
    return isinstance(value, Markup) and _ELEMENT.search(value) is not None


def _gives_elements(expr: object) -> bool:
    """Whether what the expression gives may hold elements that the template wrote."""
    match expr:
        case ["compare" | "not" | "test" | "const", *_] | [
            "filter",
            "length" | "count" | "wordcount" | "striptags",
            *_,
        ]:
            return False
        case ["markup", str(text)]:
            return has_elements(Markup(text))  # noqa: S704  it was Markup before
        case ["text", True, list(parts)]:
            return any(isinstance(part, str) and _ELEMENT.search(part) for part in parts) or _gives_elements(parts)
        case ["if", _, first, second]:
            return _gives_elements(first) or _gives_elements(second)
        case list():
            return any(map(_gives_elements, expr))
    return False


def waits(value: object) -> bool:
    """Whether only the reader decides if ``value`` is true. A text with words of its own is, whatever they add."""
    if isinstance(value, Deferred):
        return not value.known
    deferred = as_deferred(value)
    return deferred is not None and not any(isinstance(part, str) for part in deferred.expr[2])


def holds_deferred(value: object) -> bool:
    """Whether ``value`` is deferred, or holds something deferred at any depth of lists and dictionaries."""
    if isinstance(value, list | tuple):
        return any(holds_deferred(each) for each in value)
    if isinstance(value, dict):
        return any(holds_deferred(each) for each in value.values())
    return isinstance(value, Deferred) or _holds_token(value)


def _holds_token(value: object) -> bool:
    recorder = current_recorder.get(None)
    return isinstance(value, str) and recorder is not None and recorder.mark in value


def expr_of(value: object) -> Expr:
    """The expression that gives ``value``. Raises NotDeferrable for a whole reader, and what can't be kept as JSON."""
    deferred = as_deferred(value)
    if deferred is not None:
        if deferred.expr == ["name", "subscriber"]:
            raise NotDeferrable(WHOLE)
        return deferred.expr
    if isinstance(value, StrictUndefined):
        str(value)  # raises, and says which name is not defined
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
    tree = tree_of(text, recorder, str, lambda _, token: ["v", token.escaped, token.expr])
    return _as_parts(tree)


def _as_parts(tree: list[Any]) -> list[Any]:
    return [
        ["i", part.expr, _as_parts(part.first), _as_parts(part.second)] if isinstance(part, Fork) else part
        for part in tree
    ]


def either(test: object, first: object, second: object) -> Markup:
    """HTML that is ``first`` for some readers and ``second`` for the others."""
    recorder, expr = current_recorder.get(), expr_of(test)
    opened, turned, ended = recorder.write("i", expr), recorder.write("e"), recorder.write("f")
    return Markup(f"{opened}{escape(first)}{turned}{escape(second)}{ended}")  # noqa: S704  both sides are escaped


class Branch:
    """One ``{% if %}`` while its template runs: one side is taken if the test is known, else both are."""

    def __init__(self, test: object, bound: str | None) -> None:
        self._recorder: Recorder | None = None
        self._open = self._middle = self._close = ""
        if not waits(test):
            self.first = bool(test)
            self.second = not self.first
            return
        if bound:
            raise NotDeferrable(
                f"has {bound} inside an {{% if %}} on a reader's value, where it would happen for every reader; "
                "write it outside, with an inline if: {% set x = 'a' if subscriber.… else 'b' %}"
            )
        expr = expr_of(test)
        self._recorder = recorder = current_recorder.get()
        self.first = self.second = True
        self._number = len(recorder.tokens)
        self._open, self._middle, self._close = recorder.write("i", expr), recorder.write("e"), recorder.write("f")

    def opened(self) -> str:
        """The token that opens it; empty if the test was known."""
        if self._recorder is not None:
            self._recorder.branches.append((self._number, True))
        return self._open

    def turned(self) -> str:
        """The token between its sides; empty if the test was known."""
        if self._recorder is not None:
            self._recorder.branches[-1] = (self._number, False)
        return self._middle

    def ended(self) -> str:
        """The token that ends it; empty if the test was known."""
        if self._recorder is not None:
            self._recorder.branches.pop()
        return self._close


def open_branches() -> tuple[tuple[int, bool], ...]:
    """The conditions on readers' values that are open just now, and which of their sides."""
    recorder = current_recorder.get(None)
    return () if recorder is None else tuple(recorder.branches)
