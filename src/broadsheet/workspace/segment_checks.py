"""What a segment says held against what there is: lists, attributes and their types, other segments, circles."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import available_timezones

from broadsheet.workspace.forms import span
from broadsheet.workspace.people_files import Attribute, Lists
from broadsheet.workspace.segment_file import TESTS, AttributeRule, Rule, Segment, changed, circle

Mistake = tuple[str, str]
"""The key, as it is shown, and what is wrong with it."""


@dataclass(frozen=True)
class Known:
    """What segments may name."""

    lists: Lists
    segments: Mapping[str, Segment]
    campaigns: tuple[str, ...]


def mistakes(segment: Segment, at: str, known: Known) -> Iterator[Mistake]:
    """Every name in the segment that nothing answers to, and every test that does not fit its attribute."""
    for key, position, rule in segment.rules():
        where = f"{at}.{key}.{position}"
        for kind, names, there in (
            ("list", rule.list, known.lists.lists),
            ("segment", [each for each in rule.segment or () if isinstance(each, str)], known.segments),
            ("campaign", [had.campaign for had in (rule.got, rule.opened, rule.clicked) if had], known.campaigns),
        ):
            for name in names or ():
                if name is not None and name not in there:
                    yield where, f"there is no {kind} “{name}”; there is: {', '.join(sorted(there)) or 'none yet'}"
        for name in rule.zone or ():
            if name not in available_timezones():
                yield f"{where}.zone", f"there is no time zone “{name}”; one is Europe/Berlin"
        if rule.attribute is not None and (reason := _misfit(rule.attribute, known.lists.attributes)):
            yield f"{where}.attribute", reason
        for number, each in enumerate(rule.segment or ()):
            if not isinstance(each, str):
                yield from mistakes(each, f"{where}.segment.{number}", known)


def circles(segments: Mapping[str, Segment], at: str) -> Iterator[Mistake]:
    """Each segment that leads back to itself."""
    for name in segments:
        if way := circle(name, segments):
            yield f"{at}.{name}", f"leads back to itself ({' → '.join(way)}); take one of these references out"


def typed(segment: Segment, attributes: Mapping[str, Attribute]) -> Segment:
    """The segment with the values of its attribute tests in the attribute's own type."""

    def fitted(rule: Rule) -> Rule:
        if rule.segment is not None:
            inner = (each if isinstance(each, str) else typed(each, attributes) for each in rule.segment)
            return changed(rule, segment=tuple(inner))
        test = rule.attribute
        if test is None or test.test in ("exists", "contains", "starts"):
            return rule
        of = TYPES[_type(test.name, attributes)].of
        given = getattr(test, test.test)
        value = tuple(map(of, given)) if isinstance(given, tuple) else of(given)
        return changed(rule, attribute=changed(test, **{test.test: value}))

    return changed(segment, **{key: tuple(map(fitted, getattr(segment, key))) for key in ("all", "any", "none")})


def _type(name: str, attributes: Mapping[str, Attribute]) -> str:
    return attributes[name].type if name in attributes else "text"


def _misfit(rule: AttributeRule, attributes: Mapping[str, Attribute]) -> str:
    """Why the test does not fit the attribute; empty if it does."""
    kind, test = _type(rule.name, attributes), rule.test
    shown = f"`{TESTS[test]}`"
    if test not in TYPES[kind].tests:
        allowed = ", ".join(f"`{TESTS[each]}`" for each in TYPES[kind].tests)
        hint = "" if rule.name in attributes else f"; declare `{rule.name}` in lists.yaml to compare it"
        return f"{shown} does not fit `{rule.name}`, which is {kind}; allowed: {allowed}{hint}"
    if test in ("exists", "contains", "starts"):
        return ""
    given = getattr(rule, test)
    values = given if isinstance(given, tuple) else (given,)
    for value in values:
        try:
            TYPES[kind].of(value)
        except ValueError:
            return f"{value!r} is not {TYPES[kind].a}, which `{rule.name}` is"
        choices = attributes[rule.name].choices if kind == "choice" else ()
        if choices and str(value) not in choices:
            return f"“{value}” is none of the choices of `{rule.name}`; allowed: {', '.join(choices)}"
    if test == "between" and TYPES[kind].of(values[0]) > TYPES[kind].of(values[1]):
        return f"`between` has its most before its least: {values[0]}, {values[1]}"
    return ""


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("not a number")  # noqa: TRY004  one kind of answer for whatever is given
    return value


def _day(value: object) -> date | timedelta:
    return value if isinstance(value, date) else span(str(value)) or date.fromisoformat(str(value))


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("not yes or no")  # noqa: TRY004
    return value


def _text(value: object) -> str:
    if isinstance(value, bool):
        raise ValueError("not text")  # noqa: TRY004  YAML reads yes, no, on and off as such
    return str(value)


@dataclass(frozen=True)
class _Type:
    """One type of attribute, as tests see it."""

    a: str
    of: Callable[[Any], Any]
    tests: tuple[str, ...]


_SAME = ("equal", "unequal", "is_in", "not_in", "exists")
_ORDER = ("less", "more", "between")
TYPES: dict[str, _Type] = {
    "text": _Type("text (write yes, no, on and off in quotes)", _text, (*_SAME, "contains", "starts")),
    "choice": _Type("text (write yes, no, on and off in quotes)", _text, _SAME),
    "number": _Type("a number", _number, (*_SAME, *_ORDER)),
    "date": _Type("a day such as 2026-01-31, or a span such as 90d", _day, (*_SAME, *_ORDER)),
    "yes/no": _Type("true or false", _yes_or_no, ("equal", "unequal", "exists")),
}
