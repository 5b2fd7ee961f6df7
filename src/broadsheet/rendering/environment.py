"""Sandboxed Jinja2 in which a reader's values wait.

Three things differ from Jinja's own sandbox: filters, tests, operators and calls that meet a deferred value
record themselves; ``{% if %}`` on one renders both sides between tokens; ``and or not in`` and the inline
``if``, which Python would decide at once, are compiled into functions that can wait.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, nodes, pass_context
from jinja2.compiler import CodeGenerator, Frame, optimizeconst
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, Macro, markup_join, str_join
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import Cycler, Joiner

from broadsheet.errors import NotDeferrable
from broadsheet.rendering.deferred import (
    KEY,
    Branch,
    Deferred,
    as_deferred,
    expr_of,
    holds_deferred,
    inside_branch,
)
from broadsheet.rendering.expressions import COMPARISONS
from broadsheet.rendering.filters import FILTERS

Thunk = Callable[[], Any]

_PLAIN = SandboxedEnvironment(undefined=StrictUndefined)
_PLAIN.filters.update(FILTERS)


def _recorded(kind: str, name: str, value: object, args: Sequence[object], kwargs: dict[str, object]) -> list[Any]:
    return [
        kind,
        name,
        expr_of(value),
        [expr_of(each) for each in args],
        {key: expr_of(each) for key, each in kwargs.items()},
    ]


def _deferring(kind: str, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """The filter or test ``name`` that records itself where it meets a deferred value."""

    @pass_context
    def deferring(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        if holds_deferred([value, *args, *kwargs.values()]):
            return Deferred([*_recorded(kind, name, value, args, kwargs), bool(context.eval_ctx.autoescape)])
        return call(name, value, args, kwargs, context=context)

    return deferring


def _and(first: Any, second: Thunk) -> Any:
    if as_deferred(first) is None:
        return first and second()
    return Deferred(["and", expr_of(first), expr_of(second())])


def _or(first: Any, second: Thunk) -> Any:
    if as_deferred(first) is None:
        return first or second()
    return Deferred(["or", expr_of(first), expr_of(second())])


def _not(value: Any) -> Any:
    return not value if as_deferred(value) is None else Deferred(["not", expr_of(value)])


def _select(test: Any, first: Thunk, second: Thunk) -> Any:
    if as_deferred(test) is None:
        return first() if test else second()
    return Deferred(["if", expr_of(test), expr_of(first()), expr_of(second())])


def _compare(first: Any, rest: Sequence[tuple[str, Thunk]]) -> Any:
    values, result, left = [first], True, first
    for op, thunk in rest:
        right = thunk()
        values.append(right)
        if not holds_deferred(values):
            result = COMPARISONS[op](left, right)
            if not result:
                return result
        left = right
    if not holds_deferred(values):
        return result
    steps = [[op, expr_of(value)] for (op, _), value in zip(rest, values[1:], strict=True)]
    return Deferred(["compare", expr_of(first), steps])


def _concat(context: Context, items: tuple[Any, ...]) -> Any:
    autoescape = bool(context.eval_ctx.autoescape)
    if holds_deferred(items):
        return Deferred(["concat", autoescape, [expr_of(each) for each in items]])
    return markup_join(items) if autoescape else str_join(items)


def _printed(value: Any) -> Any:
    """What is about to be printed; a plain text that holds tokens becomes one value, so that it is escaped whole."""
    if type(value) is not str:
        return value
    deferred = as_deferred(value)
    return value if deferred is None else deferred


_GLOBALS: dict[str, Any] = {
    "_bs_and": _and,
    "_bs_or": _or,
    "_bs_not": _not,
    "_bs_select": _select,
    "_bs_compare": _compare,
    "_bs_concat": _concat,
    "_bs_branch": Branch,
}

_OWN_SCOPE = (nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block, nodes.With)
_BINDS: dict[type[nodes.Node], str] = {
    nodes.Assign: "{% set %}",
    nodes.AssignBlock: "{% set %}",
    nodes.Macro: "{% macro %}",
    nodes.Import: "{% import %}",
    nodes.FromImport: "{% import %}",
}


def _binding_in(children: Sequence[nodes.Node]) -> str | None:
    """The first statement among ``children`` whose effect outlives them, as the template writes it."""
    for child in children:
        if type(child) in _BINDS:
            return _BINDS[type(child)]
        if next(child.find_all(nodes.NSRef), None) is not None:
            return "{% set %} of a namespace"
        if not isinstance(child, _OWN_SCOPE):
            found = _binding_in(list(child.iter_child_nodes()))
            if found:
                return found
    return None


class _Generator(CodeGenerator):
    """Jinja's compiler, with the nodes that Python would decide at once rewritten."""

    def visit_If(self, node: nodes.If, frame: Frame) -> None:  # noqa: N802  Jinja's visitor names
        inner = frame.soft()
        branch = self.temporary_identifier()
        otherwise: list[nodes.Node] = list(node.else_)
        if node.elif_:
            first, *rest = node.elif_
            otherwise = [nodes.If(first.test, first.body, rest, node.else_, lineno=first.lineno)]
        self.writeline(f"{branch} = environment.press['_bs_branch'](", node)
        self.visit(node.test, inner)
        self.write(f", {_binding_in([*node.body, *otherwise])!r})")
        for condition, text, body in (("first", "open", node.body), ("second", "middle", otherwise)):
            if text == "open" or body:
                self.writeline(f"if {branch}.{condition}:")
                self.indent()
                self._write_token(f"{branch}.{text}", frame)
                self.blockvisit(body, inner)
                self.outdent()
        self._write_token(f"{branch}.ended()", frame)

    def _write_token(self, source: str, frame: Frame) -> None:
        """Print what ``source`` gives, unless the template extends another and nothing here is printed."""
        if self.has_known_extends and frame.require_output_check:
            self.writeline(source)
        else:
            self.simple_write(source, frame)

    def _call(self, name: str, frame: Frame, *args: nodes.Expr | str, thunks: bool = True) -> None:
        """Write a call of a helper; all but the first argument as functions that compute when called."""
        self.write(f"environment.press['{name}'](")
        for position, arg in enumerate(args):
            self.write(", lambda: " if position and thunks else ", " if position else "")
            if isinstance(arg, str):
                self.write(arg)
            else:
                self.visit(arg, frame)
        self.write(")")

    @optimizeconst
    def visit_And(self, node: nodes.BinExpr, frame: Frame) -> None:  # noqa: N802
        self._call("_bs_and", frame, node.left, node.right)

    @optimizeconst
    def visit_Or(self, node: nodes.BinExpr, frame: Frame) -> None:  # noqa: N802
        self._call("_bs_or", frame, node.left, node.right)

    @optimizeconst
    def visit_Not(self, node: nodes.UnaryExpr, frame: Frame) -> None:  # noqa: N802
        self._call("_bs_not", frame, node.node)

    @optimizeconst
    def visit_CondExpr(self, node: nodes.CondExpr, frame: Frame) -> None:  # noqa: N802
        missing = f'cond_expr_undefined("the inline if on {self.position(node)} has no else")'
        self._call("_bs_select", frame.soft(), node.test, node.expr1, node.expr2 or missing)

    @optimizeconst
    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:  # noqa: N802
        self.write("environment.press['_bs_compare'](")
        self.visit(node.expr, frame)
        self.write(", (")
        for operand in node.ops:
            self.write(f"({operand.op!r}, lambda: ")
            self.visit(operand.expr, frame)
            self.write("), ")
        self.write("))")

    @optimizeconst
    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        self.write("environment.press['_bs_concat'](context, (")
        for each in node.nodes:
            self.visit(each, frame)
            self.write(", ")
        self.write("))")


class PressEnvironment(SandboxedEnvironment):
    """The environment templates are compiled in; ``templates`` is the folder they are looked up in."""

    code_generator_class = _Generator
    intercepted_binops = frozenset(SandboxedEnvironment.default_binop_table)
    intercepted_unops = frozenset(SandboxedEnvironment.default_unop_table)

    def __init__(self, templates: Path, *, autoescape: bool) -> None:
        super().__init__(
            loader=FileSystemLoader(templates),
            autoescape=autoescape,
            undefined=StrictUndefined,
            finalize=_printed,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self.press = _GLOBALS
        self.filters = {name: _deferring("filter", name, _PLAIN.call_filter) for name in _PLAIN.filters}
        self.tests = {name: _deferring("test", name, _PLAIN.call_test) for name in _PLAIN.tests}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The attribute, or its record."""
        if isinstance(obj, Deferred):
            return self._recorded_access("attr", obj, attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """The item, or its record. Raises NotDeferrable for a deferred key."""
        if as_deferred(argument) is not None:
            raise NotDeferrable(KEY)
        if isinstance(obj, Deferred):
            return self._recorded_access("item", obj, argument)
        return super().getitem(obj, argument)

    @staticmethod
    def _recorded_access(kind: str, obj: Deferred, name: Any) -> Deferred:
        if not isinstance(name, str | int):
            raise NotDeferrable("slices a reader's value; print it whole, or use a filter such as first or truncate")
        if str(name).startswith("_"):
            raise SecurityError(f"access to {name} is not allowed")
        return Deferred([kind, obj.expr, name])

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """The sum, product …, or its record."""
        if holds_deferred((left, right)):
            return Deferred(["binary", operator, expr_of(left), expr_of(right)])
        return super().call_binop(context, operator, left, right)

    def call_unop(self, context: Context, operator: str, arg: Any) -> Any:
        """The signed number, or its record."""
        if as_deferred(arg) is not None:
            return Deferred(["unary", operator, expr_of(arg)])
        return super().call_unop(context, operator, arg)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """What the call gives, or its record, where a reader's value is called or a text's method is given one."""
        if isinstance(__obj, Deferred):
            return Deferred(["call", __obj.expr, *_recorded_arguments(args, kwargs)])
        owner = _text_owner(__obj)
        if owner is not None and holds_deferred([owner, *args, *kwargs.values()]):
            return Deferred(["call", ["attr", expr_of(owner), __obj.__name__], *_recorded_arguments(args, kwargs)])
        if inside_branch() and (isinstance(__obj, Joiner) or isinstance(getattr(__obj, "__self__", None), Cycler)):
            raise NotDeferrable("steps a joiner or cycler inside an {% if %} on a reader's value; step it outside")
        return super().call(__context, __obj, *args, **kwargs)


def _recorded_arguments(args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    own = {key: value for key, value in kwargs.items() if key not in ("_loop_vars", "_block_vars", "caller")}
    return [expr_of(each) for each in args], {key: expr_of(each) for key, each in own.items()}


def _text_owner(called: Any) -> str | None:
    """The text whose method ``called`` is, if it is one."""
    if isinstance(called, Macro):
        return None
    owner = getattr(getattr(called, "__wrapped__", called), "__self__", None)
    return owner if isinstance(owner, str) else None
