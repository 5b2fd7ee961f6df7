"""Sandboxed Jinja2 in which a reader's values wait.

Three things differ from Jinja's own sandbox: filters, tests, operators and calls that meet a deferred value
record themselves; ``{% if %}`` on one renders both sides between tokens; ``and or not in`` and the inline
``if``, which Python would decide at once, are compiled into functions that can wait. As both sides of such an
``{% if %}`` are rendered, nothing that outlives them may be changed inside.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import FileSystemLoader, StrictUndefined, Undefined, nodes, pass_context, pass_eval_context
from jinja2.exceptions import SecurityError
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, LoopContext, markup_join, str_join
from jinja2.sandbox import SandboxedEnvironment, modifies_known_mutable
from jinja2.utils import Cycler, Joiner, Namespace
from markupsafe import Markup, escape

from broadsheet.errors import NotDeferrable
from broadsheet.rendering.compiler import Generator
from broadsheet.rendering.deferred import (
    KEY,
    LOOP,
    Branch,
    Deferred,
    as_deferred,
    either,
    expr_of,
    has_elements,
    holds_deferred,
    open_branches,
    waits,
)
from broadsheet.rendering.expressions import COMPARISONS
from broadsheet.rendering.filters import FILTERS
from broadsheet.rendering.recorder import one_round

Thunk = Callable[[], Any]

#: Characters that a template may make: Gmail shows the first 102 kB, and what follows takes time by their number.
LARGEST: Final = 3_000_000
_PLAIN = SandboxedEnvironment(undefined=StrictUndefined)
_PLAIN.filters.update(FILTERS)


SLICE = "slices a reader's value; print it whole, or use a filter such as first or truncate"
CALLED = "calls a reader's value, and those are texts, numbers and lists; name one of them: {{ subscriber.first_name }}"
_STEPS = "inside an {% if %} on a reader's value, where it would happen for every reader; do it outside"

#: Filters that leave HTML as it is.
_SAME_FOR_HTML = frozenset({"safe", "e", "escape", "string", "default", "d"})
#: Filters and tests that may be given a name that isn't defined.
_FOR_UNDEFINED = frozenset({"default", "d", "defined", "undefined"})
#: What filters and tests give for a value that every reader has.
_KNOWN: dict[str, Callable[[Deferred], object]] = {
    "default": lambda value: value,
    "d": lambda value: value,
    "defined": lambda value: True,
    "undefined": lambda value: False,
    "none": lambda value: False,
}


def _recorded(kind: str, name: str, value: object, args: Sequence[object], kwargs: dict[str, object]) -> list[Any]:
    missing = isinstance(value, Undefined) and name in _FOR_UNDEFINED
    return [kind, name, ["undefined"] if missing else expr_of(value), *_recorded_arguments(args, kwargs)]


def _deferring(kind: str, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """The filter or test ``name`` that records itself where it meets a deferred value."""

    @pass_context
    def deferring(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        if holds_deferred([value, *args, *kwargs.values()]) and not _at_once(name, value):
            done = None if kwargs else _done(name, value, args)
            if done is not None:
                return done
            return Deferred([*_recorded(kind, name, value, args, kwargs), bool(context.eval_ctx.autoescape)])
        return call(name, value, args, kwargs, context=context)

    return deferring


def _at_once(name: str, value: Any) -> bool:
    """Whether the filter can do its work now, with tokens in place of values."""
    if name == "format":
        return has_elements(value) and not holds_deferred(value)
    return name in ("length", "count") and isinstance(value, list | tuple)


def _done(name: str, value: Any, args: Sequence[Any]) -> Any:
    """What the filter or test gives whoever the reader is; None if they must be asked."""
    if isinstance(value, Deferred):
        return _KNOWN[name](value) if value.known and name in _KNOWN else None
    if isinstance(value, Markup) and name in _SAME_FOR_HTML:
        return value
    if name == "trim" and not args and isinstance(value, str):
        return _trimmed(value)
    if name == "join" and len(args) < 2 and isinstance(value, list | tuple) and any(map(has_elements, value)):
        return escape(args[0] if args else "").join(value)
    return None


def _trimmed(text: str) -> str | None:
    """``text`` without blank round it; None if that is for the reader to say."""
    trimmed = text.strip()
    if has_elements(text):
        return trimmed  # blank round a value that begins or ends it means nothing to HTML
    deferred = as_deferred(trimmed)
    parts = [trimmed] if deferred is None else deferred.expr[2]
    return trimmed if isinstance(parts[0], str) and isinstance(parts[-1], str) else None


def _and(first: Any, second: Thunk) -> Any:
    return Deferred(["and", expr_of(first), expr_of(second())]) if waits(first) else first and second()


def _or(first: Any, second: Thunk) -> Any:
    return Deferred(["or", expr_of(first), expr_of(second())]) if waits(first) else first or second()


def _not(value: Any) -> Any:
    return Deferred(["not", expr_of(value)]) if waits(value) else not value


def _select(test: Any, first: Thunk, second: Thunk) -> Any:
    if not waits(test):
        return first() if test else second()
    one, other = first(), second()
    if has_elements(one) or has_elements(other):
        return either(test, one, other)
    return Deferred(["if", expr_of(test), expr_of(one), expr_of(other)])


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
        if autoescape and any(map(has_elements, items)):
            return Markup("").join(items)
        return Deferred(["concat", autoescape, [expr_of(each) for each in items]])
    return markup_join(items) if autoescape else str_join(items)


def _sliceable(value: Any) -> Any:
    """What may be sliced. Raises NotDeferrable for a reader's value, and a text that holds one."""
    if as_deferred(value) is not None:
        raise NotDeferrable(SLICE)
    return value


def _each(value: Any) -> Any:
    """What a loop may go through. Raises NotDeferrable for a text that holds tokens."""
    if as_deferred(value) is not None:
        raise NotDeferrable(LOOP)
    return _in_time(value)


def _in_time(values: Iterable[Any]) -> Iterator[Any]:
    for each in values:
        one_round()
        yield each


def _refuse_huge(operator: str, left: Any, right: Any) -> None:
    """Raise OverflowError for a product or a power that would fill the memory, or take for ever."""
    if operator == "**":
        size = _size(left) * right if isinstance(left, int) and isinstance(right, int) else 0
    elif operator == "*":
        several, times = (right, left) if isinstance(left, int) else (left, right)
        size = _size(several) * times if not isinstance(several, int) and isinstance(times, int) else 0
        size = size or _size(left) + _size(right)
    else:
        size = 0
    if size > LARGEST:
        raise OverflowError(f"makes something of more than {LARGEST / 1e6:g} MB")


def _size(value: Any) -> int:
    """About how many bytes it has."""
    if isinstance(value, int):
        return value.bit_length() // 8 + 1
    return len(value) if isinstance(value, str | bytes | list | tuple) else 0


@pass_eval_context
def _printed(eval_ctx: EvalContext, value: Any) -> Any:
    """What is about to be printed; a plain text that holds tokens becomes one value, so that it is escaped whole."""
    if type(value) is not str or not eval_ctx.autoescape:
        return value
    deferred = as_deferred(value)
    return value if deferred is None else deferred


def _filtered(context: Context, value: Any) -> Any:
    """What a ``{% filter %}`` block gives, ready to be written; a reader's value is escaped if its filter didn't."""
    if not isinstance(value, Deferred):
        return value
    return escape(value) if context.eval_ctx.autoescape else str(value)


class _Namespace(Namespace):
    """Jinja's ``namespace``, which may only be changed under the conditions on readers that it was made under."""

    def __init__(*args: Any, **kwargs: Any) -> None:  # as in Jinja: any name may be among the values
        Namespace.__init__(*args, **kwargs)
        object.__setattr__(args[0], "_made_under", open_branches())

    def __getattribute__(self, name: str) -> Any:
        if name == "_made_under":
            return object.__getattribute__(self, name)
        return super().__getattribute__(name)

    def __setitem__(self, name: str, value: Any) -> None:
        if open_branches() != self._made_under:
            raise NotDeferrable(f"changes a namespace {_STEPS}")
        super().__setitem__(name, value)


_GLOBALS: dict[str, Any] = {
    "_bs_and": _and,
    "_bs_or": _or,
    "_bs_not": _not,
    "_bs_select": _select,
    "_bs_compare": _compare,
    "_bs_concat": _concat,
    "_bs_branch": Branch,
    "_bs_filtered": _filtered,
    "_bs_sliceable": _sliceable,
}


class PressEnvironment(SandboxedEnvironment):
    """The environment templates are compiled in; ``templates`` is the folder they are looked up in."""

    code_generator_class = Generator
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
        self.globals["namespace"] = _Namespace
        self.filters = {name: _deferring("filter", name, _PLAIN.call_filter) for name in _PLAIN.filters}
        self.filters["_bs_each"] = _each
        self.tests = {name: _deferring("test", name, _PLAIN.call_test) for name in _PLAIN.tests}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for loop in tree.find_all(nodes.For):
            loop.iter = nodes.Filter(loop.iter, "_bs_each", [], [], None, None, lineno=loop.lineno)
        return tree

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The attribute, or its record."""
        if isinstance(obj, Deferred):
            return self._recorded_access("attr", obj, attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """The item, or its record. Raises NotDeferrable for a deferred key."""
        if as_deferred(argument) is not None:
            raise NotDeferrable(KEY)
        deferred = as_deferred(obj)
        if deferred is not None:
            return self._recorded_access("item", deferred, argument)
        return super().getitem(obj, argument)

    @staticmethod
    def _recorded_access(kind: str, obj: Deferred, name: Any) -> Deferred:
        if not isinstance(name, str | int):
            raise NotDeferrable(KEY)
        if str(name).startswith("_"):
            raise SecurityError(f"access to {name} is not allowed")
        return Deferred([kind, obj.expr, name])

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """The sum, product …, or its record. Two lists, or HTML and what is put into it, are joined at once."""
        at_once = (isinstance(left, list) and isinstance(right, list)) or has_elements(left)
        if holds_deferred((left, right)) and not at_once:
            return Deferred(["binary", operator, expr_of(left), expr_of(right)])
        _refuse_huge(operator, left, right)
        return super().call_binop(context, operator, left, right)

    def call_unop(self, context: Context, operator: str, arg: Any) -> Any:
        """The signed number, or its record."""
        if as_deferred(arg) is not None:
            return Deferred(["unary", operator, expr_of(arg)])
        return super().call_unop(context, operator, arg)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """What the call gives, or its record, where a reader's value is called or a text's method is given one."""
        one_round()
        if isinstance(__obj, Deferred):
            kind, *of = __obj.expr
            if kind != "attr" or of[0] == ["name", "subscriber"]:
                raise NotDeferrable(CALLED)
            return Deferred(["call", __obj.expr, *_recorded_arguments(args, kwargs)])
        owner = getattr(getattr(__obj, "__wrapped__", __obj), "__self__", None)
        if isinstance(owner, str) and _must_wait(owner, args, kwargs):
            return Deferred(["call", ["attr", expr_of(owner), __obj.__name__], *_recorded_arguments(args, kwargs)])
        if open_branches() and _changes(__obj, owner):
            raise NotDeferrable(f"steps or changes something {_STEPS}")
        return super().call(__context, __obj, *args, **kwargs)


def _must_wait(owner: str, args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    """Whether a method of ``owner`` needs the reader. HTML without their values takes theirs in as tokens."""
    return holds_deferred(owner) or (not has_elements(owner) and holds_deferred([*args, *kwargs.values()]))


def _changes(called: Any, owner: Any) -> bool:
    """Whether calling it changes what comes after."""
    if isinstance(called, Joiner) or isinstance(owner, Cycler):
        return True
    name = getattr(called, "__name__", "")
    return (isinstance(owner, LoopContext) and name == "changed") or modifies_known_mutable(owner, name)


def _recorded_arguments(args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    own = {key: value for key, value in kwargs.items() if key not in ("_loop_vars", "_block_vars", "caller")}
    return [expr_of(each) for each in args], {key: expr_of(each) for key, each in own.items()}
