"""``subscribers/lists.yaml`` and ``subscribers/segments.yaml``."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic.dataclasses import dataclass

from broadsheet.conf import STRICT
from broadsheet.workspace.campaign import Names, TagRule


@dataclass(frozen=True, config=STRICT)
class ListFile:
    """One list: what a person subscribes to."""

    title: str = Field(description="What readers know it as.")
    description: str = Field(default="", description="What it brings, in a sentence.")
    public: bool = Field(default=True, description="Whether anyone may subscribe.")
    opt_in: Literal["single", "double"] = Field(
        default="double", description="`double`: a new reader confirms by mail."
    )
    adapter: str | None = Field(default=None, description="Which adapter sends its campaigns that name none.")


@dataclass(frozen=True, config=STRICT)
class Attribute:
    """One thing known of a subscriber beside name and address."""

    type: Literal["text", "number", "date", "yes/no", "choice"] = Field(default="text", description="What it holds.")
    label: str = Field(default="", description="What people see.")
    choices: tuple[str, ...] = Field(default=(), description="What may be chosen, for `choice`.")


@dataclass(frozen=True, config=STRICT)
class Lists:
    """All of ``lists.yaml``."""

    lists: dict[str, ListFile] = Field(description="Every list by name.")
    attributes: dict[str, Attribute] = Field(default_factory=dict, description="Attributes by name.")


def _texts(value: object) -> object:
    if any(isinstance(each, bool) for each in (value if isinstance(value, list | tuple) else (value,))):
        raise ValueError("holds true or false, as YAML reads yes, no, on and off; write such a word in quotes")
    if isinstance(value, str | int | float):
        return (str(value),)
    return tuple(str(each) for each in value) if isinstance(value, list | tuple) else value


@dataclass(frozen=True, config=STRICT)
class AttributeRule:
    """A test of one attribute."""

    name: str = Field(description="The attribute.")
    is_in: Annotated[tuple[str, ...] | None, BeforeValidator(_texts)] = Field(
        default=None, alias="in", description="Its value is one of these."
    )
    not_in: Annotated[tuple[str, ...] | None, BeforeValidator(_texts)] = Field(
        default=None, description="Its value is none of these."
    )
    exists: bool | None = Field(default=None, description="Whether it has a value.")

    @model_validator(mode="after")
    def _one_test(self) -> "AttributeRule":
        if sum(test is not None for test in (self.is_in, self.not_in, self.exists)) != 1:
            raise ValueError("needs exactly one of `in`, `not_in`, `exists`")
        return self


@dataclass(frozen=True, config=STRICT)
class Rule:
    """One test of a subscriber; exactly one of its keys is given."""

    list: Names | None = Field(default=None, description="Subscribed to one of these lists.")
    interests: TagRule | None = Field(default=None, description="What they like to read about.")
    attribute: AttributeRule | None = Field(default=None, description="A test of one attribute.")
    language: Names | None = Field(default=None, description="Their language is one of these.")

    @model_validator(mode="before")
    @classmethod
    def _one_key(cls, data: Any) -> Any:
        given = getattr(data, "kwargs", data)
        if isinstance(given, dict) and len(given) != 1:
            raise ValueError("needs exactly one of `list`, `interests`, `attribute`, `language`")
        return data


@dataclass(frozen=True, config=STRICT)
class Segment:
    """A saved rule over subscribers: each of ``all``, one of ``any``, none of ``none``."""

    title: str = Field(default="", description="What staff call it.")
    all: tuple[Rule, ...] = Field(default=(), description="Every one of these is true.")
    any: tuple[Rule, ...] = Field(default=(), description="At least one of these is true.")
    none: tuple[Rule, ...] = Field(default=(), description="Not one of these is true.")


@dataclass(frozen=True, config=STRICT)
class Segments:
    """All of ``segments.yaml``."""

    segments: dict[str, Segment] = Field(default_factory=dict, description="Every segment by name.")
