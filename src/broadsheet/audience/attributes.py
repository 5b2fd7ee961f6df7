"""Attributes as conditions: JSON in both databases, each test true or false, whatever is kept there."""

import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.db.models import BooleanField, CharField, FloatField, Func, Q, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    IContains,
    In,
    IRegex,
    IStartsWith,
    LessThan,
    LessThanOrEqual,
)
from django.utils import timezone

from broadsheet.workspace import AttributeRule


class _Json(Func):
    """One attribute out of the JSON column; Django's own transforms read the row's JSON two or three times."""

    def __init__(self, name: str, output_field: Any = None) -> None:
        super().__init__("attributes", output_field=output_field or self.kind())
        self.name = name

    kind: type[Any] = CharField
    sqlite = "json_extract(%(column)s, %%s)"
    postgresql = "(%(column)s ->> %%s)"

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, tuple[Any, ...]]:
        return self._sql(compiler, self.sqlite, f"$.{json.dumps(self.name)}")

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, tuple[Any, ...]]:
        return self._sql(compiler, self.postgresql, self.name)

    def _sql(self, compiler: Any, template: str, name: str) -> tuple[str, tuple[Any, ...]]:
        column, params = compiler.compile(self.source_expressions[0])
        sql = template % {"column": column}
        return sql, (*params, *(name,) * sql.count("%s"))


class _Text(_Json):
    """An attribute as text; NULL if there is none."""


class _Number(_Json):
    """An attribute as a number; NULL if there is none, or if what is there is none."""

    kind = FloatField
    sqlite = "CASE WHEN json_type(%(column)s, %%s) IN ('integer', 'real') THEN json_extract(%(column)s, %%s) END"
    postgresql = "CASE WHEN jsonb_typeof(%(column)s -> %%s) = 'number' THEN (%(column)s ->> %%s)::double precision END"


class _YesOrNo(_Json):
    """An attribute as ``true`` or ``false``; NULL if there is none."""

    sqlite = "json_type(%(column)s, %%s)"


def _day(value: date | timedelta) -> str:
    """A day as it is kept; a span is counted back from today."""
    return (value if isinstance(value, date) else (timezone.now() - value).date()).isoformat()


def _read(name: str, value: Any) -> tuple[_Json, Callable[[Any], Any]]:
    """What is compared and how the value is given, by the value's type."""
    if isinstance(value, bool):
        return _YesOrNo(name), lambda yes: "true" if yes else "false"
    if isinstance(value, int | float):
        return _Number(name), float
    if isinstance(value, date | timedelta):
        return _Text(name), _day
    return _Text(name), str


def _sure(test: Any) -> Q:
    """The test as true or false: of what is not there it would be unknown, and so would its negation."""
    return Q(Coalesce(test, Value(False), output_field=BooleanField()))


def _compared(lookup: type[Any]) -> Callable[[str, Any], Q]:
    def query(name: str, value: Any) -> Q:
        read, given = _read(name, value)
        return _sure(lookup(read, given(value)))

    return query


def _anyhow(lookup: type[Any], before: str = "") -> Callable[[str, str], Q]:
    """The text in any case of its letters. SQLite's LIKE knows that of a to z alone, its REGEXP (Python's) of all."""

    def query(name: str, text: str) -> Q:
        if connection.vendor == "sqlite" and not text.isascii():
            return _sure(IRegex(_Text(name), before + re.escape(text)))
        return _sure(lookup(_Text(name), text))

    return query


def _one_of(name: str, values: tuple[Any, ...]) -> Q:
    if not values:
        return Q(pk__in=[])
    read, given = _read(name, values[0])
    return _sure(In(read, [given(each) for each in values]))


def _between(name: str, bounds: tuple[Any, ...]) -> Q:
    read, given = _read(name, bounds[0])
    least, most = (given(each) for each in bounds)
    return _sure(GreaterThanOrEqual(read, least)) & _sure(LessThanOrEqual(read, most))


def _there(name: str, wanted: bool) -> Q:
    there = Q(attributes__has_key=name)
    return there if wanted else ~there


#: Each test of an attribute, by its field: the query, and what it says of ``name`` and the shown value.
ATTRIBUTE_TESTS: dict[str, tuple[Callable[[str, Any], Q], str]] = {
    "equal": (_compared(Exact), "with {name} {value}"),
    "unequal": (lambda name, value: ~_compared(Exact)(name, value), "whose {name} is not {value}"),
    "is_in": (_one_of, "with {name} {value}"),
    "not_in": (lambda name, values: ~_one_of(name, values), "whose {name} is not {value}"),
    "contains": (_anyhow(IContains), "with “{value}” in {name}"),
    "starts": (_anyhow(IStartsWith, r"\A"), "whose {name} begins with “{value}”"),
    "less": (_compared(LessThan), "with {name} under {value}"),
    "more": (_compared(GreaterThan), "with {name} over {value}"),
    "between": (_between, "with {name} from {value}"),
    "exists": (_there, "{value} {name}"),
}


def attribute_query(rule: AttributeRule) -> Q:
    """The condition on Subscriber that the test stands for."""
    return ATTRIBUTE_TESTS[rule.test][0](rule.name, getattr(rule, rule.test))


def shown(value: Any) -> str:
    """A value in a sentence."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, timedelta):
        return f"{ago(value)} ago"
    return f"{value:%-d %B %Y}" if isinstance(value, date) else str(value)


def ago(span: timedelta) -> str:
    """A span in words: ``90 days``, ``1 hour``."""
    minutes = round(span.total_seconds() / 60)
    for size, word in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes % size == 0:
            number = minutes // size
            return f"{number} {word}{'' if number == 1 else 's'}"
    return f"{minutes} minutes"


def attribute_sentence(rule: AttributeRule) -> str:
    """The test in English."""
    value = getattr(rule, rule.test)
    if rule.test == "exists":
        said = "with" if value else "without"
    elif rule.test == "between":
        said = " to ".join(shown(each) for each in value)
    else:
        said = " or ".join(shown(each) for each in value) if isinstance(value, tuple) else shown(value)
    return ATTRIBUTE_TESTS[rule.test][1].format(name=rule.name, value=said)
