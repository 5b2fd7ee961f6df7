"""Recorded expressions, turned into functions that take a reader's values.

The operations: ``name attr item call const markup undefined list tuple dict filter test compare and or not
binary unary concat if text``; each calls what Jinja itself calls for it.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import ChainableUndefined, Undefined
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, markup_join, str_join
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup, escape

from broadsheet.rendering.filters import FILTERS
from broadsheet.rendering.recorder import Expr

Scope = Mapping[str, Any]
"""``subscriber`` and the reader's addresses (``unsubscribe_url`` …) by name."""
Evaluate = Callable[[Scope], Any]

#: Jinja's own filters and tests, with ours; sandboxed, as readers' methods may be called.
ENVIRONMENT = SandboxedEnvironment(undefined=ChainableUndefined)
ENVIRONMENT.filters.update(FILTERS)
_TEMPLATE = ENVIRONMENT.from_string("")


def _context(autoescape: bool) -> Context:
    context = _TEMPLATE.new_context()
    context.eval_ctx = EvalContext(ENVIRONMENT)
    context.eval_ctx.autoescape = autoescape
    return context


_CONTEXTS = {flag: _context(flag) for flag in (False, True)}

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": lambda a, b: a in b,
    "notin": lambda a, b: a not in b,
}


SUBSCRIBER: Expr = ["name", "subscriber"]


def function(expr: Expr) -> Evaluate:
    """The function that gives ``expr``'s value for a :data:`Scope`."""
    return _MAKERS[expr[0]](*expr[1:])


def _name(name: str) -> Evaluate:
    return lambda scope: scope[name]


def _attr(of: Expr, name: str) -> Evaluate:
    if of == SUBSCRIBER:
        missing = ENVIRONMENT.undefined(name=name)
        return lambda scope: scope["subscriber"].get(name, missing)
    inner = function(of)
    return lambda scope: ENVIRONMENT.getattr(inner(scope), name)


def _item(of: Expr, key: Any) -> Evaluate:
    if of == SUBSCRIBER:
        return _attr(of, key)
    inner = function(of)
    return lambda scope: ENVIRONMENT.getitem(inner(scope), key)


def _constant(value: Any) -> Evaluate:
    return lambda scope: value


def _undefined() -> Evaluate:
    return _constant(Undefined())  # what Jinja gives for an inline if without else


def _many(make: Callable[[Any], Any]) -> Callable[[list[Expr]], Evaluate]:
    def maker(items: list[Expr]) -> Evaluate:
        inner = [function(each) for each in items]
        return lambda scope: make(each(scope) for each in inner)

    return maker


def _dict(items: list[tuple[str, Expr]]) -> Evaluate:
    inner = [(key, function(each)) for key, each in items]
    return lambda scope: {key: each(scope) for key, each in inner}


def _call(callee: Expr, args: list[Expr], kwargs: dict[str, Expr]) -> Evaluate:
    called = function(callee)
    positional = [function(each) for each in args]
    named = {key: function(each) for key, each in kwargs.items()}
    return lambda scope: ENVIRONMENT.call(
        _CONTEXTS[False],
        called(scope),
        *[each(scope) for each in positional],
        **{key: each(scope) for key, each in named.items()},
    )


def _applied(call: Callable[..., Any]) -> Callable[[str, Expr, list[Expr], dict[str, Expr], bool], Evaluate]:
    def maker(name: str, of: Expr, args: list[Expr], kwargs: dict[str, Expr], autoescape: bool) -> Evaluate:
        inner = function(of)
        positional = [function(each) for each in args]
        named = {key: function(each) for key, each in kwargs.items()}
        context = _CONTEXTS[autoescape]
        if name in ("default", "d") and len(positional) == 1 and not named:
            return _default(of, inner, args[0])
        return lambda scope: call(
            name,
            inner(scope),
            [each(scope) for each in positional],
            {key: each(scope) for key, each in named.items()},
            context=context,
        )

    return maker


def _default(of: Expr, value: Evaluate, fallback: Expr) -> Evaluate:
    """The commonest filter of all, without Jinja's way round."""
    if fallback[0] == "const" and len(of) == 3 and of[:2] == ["attr", SUBSCRIBER]:
        name, constant = of[2], fallback[1]
        return lambda scope: scope["subscriber"].get(name, constant)
    otherwise = function(fallback)

    def default(scope: Scope) -> Any:
        given = value(scope)
        return otherwise(scope) if isinstance(given, Undefined) else given

    return default


def _compare(first: Expr, rest: list[tuple[str, Expr]]) -> Evaluate:
    left = function(first)
    steps = [(COMPARISONS[op], function(each)) for op, each in rest]
    if len(steps) == 1:
        only, right = steps[0]
        return lambda scope: only(left(scope), right(scope))

    def evaluate(scope: Scope) -> Any:
        value, result = left(scope), True
        for compare, each in steps:
            right = each(scope)
            result = compare(value, right)
            if not result:
                break
            value = right
        return result

    return evaluate


def _and(a: Expr, b: Expr) -> Evaluate:
    first, second = function(a), function(b)
    return lambda scope: first(scope) and second(scope)


def _or(a: Expr, b: Expr) -> Evaluate:
    first, second = function(a), function(b)
    return lambda scope: first(scope) or second(scope)


def _not(a: Expr) -> Evaluate:
    inner = function(a)
    return lambda scope: not inner(scope)


def _binary(symbol: str, a: Expr, b: Expr) -> Evaluate:
    apply = ENVIRONMENT.binop_table[symbol]
    left, right = function(a), function(b)
    return lambda scope: apply(left(scope), right(scope))


def _unary(symbol: str, a: Expr) -> Evaluate:
    apply, inner = ENVIRONMENT.unop_table[symbol], function(a)
    return lambda scope: apply(inner(scope))


def _concat(autoescape: bool, items: list[Expr]) -> Evaluate:
    join, inner = (markup_join if autoescape else str_join), [function(each) for each in items]
    return lambda scope: join(each(scope) for each in inner)


def _if(test: Expr, a: Expr, b: Expr) -> Evaluate:
    condition, first, second = function(test), function(a), function(b)
    return lambda scope: first(scope) if condition(scope) else second(scope)


def _text(is_markup: bool, parts: list[Any]) -> Evaluate:
    inner = _parts(parts)
    return (lambda scope: Markup(inner(scope))) if is_markup else inner  # noqa: S704  it was Markup before


def _parts(parts: list[Any]) -> Callable[[Scope], str]:
    makers: list[Callable[[Scope], str]] = [_part(each) for each in parts]
    return lambda scope: "".join([each(scope) for each in makers])


def _part(part: Any) -> Callable[[Scope], str]:
    if isinstance(part, str):
        return lambda scope: part
    if part[0] == "v":
        value = function(part[2])
        printed: Callable[[Any], str] = escape if part[1] else str
        return lambda scope: str(printed(value(scope)))
    condition, first, second = function(part[1]), _parts(part[2]), _parts(part[3])
    return lambda scope: first(scope) if condition(scope) else second(scope)


_MAKERS: dict[str, Callable[..., Evaluate]] = {
    "name": _name,
    "attr": _attr,
    "item": _item,
    "call": _call,
    "const": _constant,
    "markup": lambda text: _constant(Markup(text)),  # noqa: S704  it was Markup before
    "undefined": _undefined,
    "list": _many(list),
    "tuple": _many(tuple),
    "dict": _dict,
    "filter": _applied(ENVIRONMENT.call_filter),
    "test": _applied(ENVIRONMENT.call_test),
    "compare": _compare,
    "and": _and,
    "or": _or,
    "not": _not,
    "binary": _binary,
    "unary": _unary,
    "concat": _concat,
    "if": _if,
    "text": _text,
}
