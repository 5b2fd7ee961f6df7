"""The form of a segment: rules over people, in ``subscribers/segments.yaml`` or written out in a campaign."""

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator
from pydantic.dataclasses import dataclass, rebuild_dataclass

from broadsheet.conf import STRICT
from broadsheet.workspace.forms import Duration, Names, TagRule, one_or_more, span

Value = str | int | float | bool | date
Moment = date | timedelta
"""A day, or a span that is counted back from now."""


def _moment(value: object) -> object:
    """A day such as 2026-01-31, or a span such as ``90d``."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).date()
    if isinstance(value, date | timedelta):
        return value
    found = span(str(value))
    if found is None:
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            raise ValueError("must be a day such as 2026-01-31, or a span such as 90d (w d h m)") from None
    return found


def _value(value: object) -> object:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, str | int | float | bool | date):
        return value
    raise ValueError("must be text, a number, a day, true or false")


def _values(value: object) -> object:
    listed = value if isinstance(value, list | tuple) else (value,)
    if any(isinstance(each, bool) for each in listed):
        raise ValueError("holds true or false, as YAML reads yes, no, on and off; write such a word in quotes")
    return tuple(_value(each) for each in listed)


def _bounds(value: object) -> object:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError("must be two values, the least and the most: [18, 65]")
    return tuple(_value(each) for each in value)


One = Annotated[Any, BeforeValidator(_value)]
Several = Annotated[tuple[Any, ...], BeforeValidator(_values)]
When = Annotated[Any, BeforeValidator(_moment)]


@dataclass(frozen=True, config=STRICT)
class AttributeRule:
    """A test of one attribute; exactly one is given beside its name."""

    name: str = Field(description="The attribute.")
    equal: One | None = Field(default=None, alias="=", description="Its value is this.")
    unequal: One | None = Field(default=None, alias="!=", description="It has no value, or another than this.")
    is_in: Several | None = Field(default=None, alias="in", description="Its value is one of these.")
    not_in: Several | None = Field(default=None, description="Its value is none of these.")
    contains: str | None = Field(default=None, description="This stands in it, in any case.")
    starts: str | None = Field(default=None, description="It begins with this, in any case.")
    less: One | None = Field(default=None, alias="<", description="A number or day before this.")
    more: One | None = Field(default=None, alias=">", description="A number or day after this.")
    between: Annotated[tuple[Any, ...], BeforeValidator(_bounds)] | None = Field(
        default=None, description="A number or day from the first to the second, both included."
    )
    exists: bool | None = Field(default=None, description="Whether it has a value.")

    @model_validator(mode="after")
    def _one_test(self) -> "AttributeRule":
        if sum(getattr(self, each.name) is not None for each in fields(self) if each.name != "name") != 1:
            raise ValueError(f"needs exactly one of {', '.join(f'`{word}`' for word in TESTS.values())}")
        return self

    @property
    def test(self) -> str:
        """The one test that is given, by the name of its field."""
        return next(name for name in TESTS if getattr(self, name) is not None)


#: Each test's field, and the key it has in the file.
TESTS: dict[str, str] = {
    name: str(info.alias or name)
    for name, info in AttributeRule.__pydantic_fields__.items()  # type: ignore[attr-defined]
    if name != "name"
}


@dataclass(frozen=True, config=STRICT)
class Joined:
    """When they joined."""

    after: When | None = Field(default=None, description="On this day or later, or within this span: `90d`.")
    before: When | None = Field(default=None, description="Before this day, or longer ago than this span.")

    @model_validator(mode="after")
    def _some(self) -> "Joined":
        if self.after is None and self.before is None:
            raise ValueError("needs `after`, `before`, or both")
        return self


@dataclass(frozen=True, config=STRICT)
class Had:
    """Which mails, and since when; without any key, any mail at any time."""

    edition: int | None = Field(
        default=None, ge=1, lt=1 << 63, description="The edition of that number (`broadsheet editions`)."
    )
    campaign: str | None = Field(default=None, description="Any edition of this campaign.")
    within: Duration | None = Field(default=None, description="In the last so long: `30d`.")

    @model_validator(mode="after")
    def _one_of_two(self) -> "Had":
        if self.edition is not None and self.campaign is not None:
            raise ValueError("takes `edition` or `campaign`, not both")
        return self


def _kind(value: object) -> str:
    return "⟨name⟩" if isinstance(value, str) else "⟨own⟩"


NameOrOwn = Annotated[
    Annotated[str, Tag("⟨name⟩")] | Annotated["Segment", Tag("⟨own⟩")],
    Discriminator(_kind),
]


def _names_or_own(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


_Inner = Annotated[tuple[NameOrOwn, ...], BeforeValidator(_names_or_own)]


@dataclass(frozen=True, config=STRICT)
class Rule:
    """One test of a subscriber; exactly one of its keys is given."""

    list: Names | None = Field(default=None, description="Subscribed to one of these lists.")
    interests: TagRule | None = Field(default=None, description="What they like to read about.")
    attribute: AttributeRule | None = Field(default=None, description="A test of one attribute.")
    language: Names | None = Field(default=None, description="Their language is one of these.")
    zone: Names | None = Field(default=None, description="Their time zone is one of these.")
    joined: Joined | None = Field(default=None, description="When they joined.")
    got: Had | None = Field(default=None, description="They were sent such a mail.")
    opened: Had | None = Field(default=None, description="They opened such a mail.")
    clicked: Had | None = Field(default=None, description="They followed a link in such a mail.")
    never_engaged: bool | None = Field(default=None, description="Whether they never opened or clicked anything.")
    domain: Names | None = Field(default=None, description="Their address is at one of these domains.")
    segment: _Inner | None = Field(default=None, description="In one of these segments.")

    @model_validator(mode="before")
    @classmethod
    def _one_key(cls, data: Any) -> Any:
        given = getattr(data, "kwargs", data)
        if isinstance(given, dict) and len(given) != 1:
            raise ValueError(f"needs exactly one of {', '.join(f'`{each.name}`' for each in fields(cls))}")
        if isinstance(given, dict) and (empty := [key for key, value in given.items() if value in (None, "", [], ())]):
            raise ValueError(f"`{empty[0]}` says nothing; write what it is about, or take the rule out")
        return data

    @model_validator(mode="after")
    def _some_interests(self) -> "Rule":
        if self.interests is not None and not (self.interests.any or self.interests.all or self.interests.none):
            raise ValueError("`interests` needs `any`, `all` or `none`, or it holds for everybody")
        return self

    @property
    def kind(self) -> str:
        """The one key that is given."""
        return next(each.name for each in fields(self) if getattr(self, each.name) is not None)

    @property
    def given(self) -> Any:
        """What stands under that key."""
        return getattr(self, self.kind)


Rules = Annotated[tuple[Rule, ...], BeforeValidator(one_or_more)]


@dataclass(frozen=True, config=STRICT)
class Segment:
    """A saved rule over subscribers: each of ``all``, one of ``any``, none of ``none``."""

    title: str = Field(default="", description="What staff call it.")
    all: Rules = Field(default=(), description="Every one of these is true.")
    any: Rules = Field(default=(), description="At least one of these is true.")
    none: Rules = Field(default=(), description="Not one of these is true.")

    def rules(self) -> Iterator[tuple[str, int, Rule]]:
        """Each rule with the key it stands under and its position there."""
        for key in ("all", "any", "none"):
            for position, rule in enumerate(getattr(self, key)):
                yield key, position, rule


for declared in (Rule, Segment):
    rebuild_dataclass(declared, force=True)  # type: ignore[arg-type]


NamedOrOwn = Annotated[
    tuple[
        Annotated[Annotated[str, Tag("⟨name⟩")] | Annotated[Segment, Tag("⟨own⟩")], Discriminator(_kind)],
        ...,
    ],
    BeforeValidator(_names_or_own),
]
"""Segments by name, or written out in place."""


@dataclass(frozen=True, config=STRICT)
class Segments:
    """All of ``segments.yaml``."""

    segments: dict[str, Segment] = Field(default_factory=dict, description="Every segment by name.")


T = TypeVar("T")


def changed(whole: T, **parts: object) -> T:
    """A copy with these parts in place; checked once, they are not taken for a file's keys a second time."""
    made = copy(whole)
    for name, value in parts.items():
        object.__setattr__(made, name, value)
    return made


def with_references(segment: Segment, known: Mapping[str, Segment]) -> Segment:
    """The segment with every segment that it names put in its place, title and all; circles must be out by then."""

    def placed(rule: Rule) -> Rule:
        if rule.segment is None:
            return rule
        inner = (
            changed(known[each], title=known[each].title or each) if isinstance(each, str) else each
            for each in rule.segment
        )
        return changed(rule, segment=tuple(with_references(each, known) for each in inner))

    return changed(segment, **{key: tuple(map(placed, getattr(segment, key))) for key in ("all", "any", "none")})


def names_in(segment: Segment) -> Iterator[str]:
    """The segments that this one names, at any depth of what is written out in it."""
    for _, _, rule in segment.rules():
        for each in rule.segment or ():
            if isinstance(each, str):
                yield each
            else:
                yield from names_in(each)


def circle(name: str, known: Mapping[str, Segment]) -> tuple[str, ...]:
    """The way from a segment back to itself, such as ``a → b → a``; empty if there is none."""
    stack: list[tuple[str, ...]] = [(name,)]
    seen: set[str] = set()
    while stack:
        way = stack.pop()
        for step in names_in(known[way[-1]]):
            if step == name:
                return (*way, name)
            if step in known and step not in seen:
                seen.add(step)
                stack.append((*way, step))
    return ()
