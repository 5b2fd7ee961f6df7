"""``subscribers/lists.yaml``: what people subscribe to, and what else may be known of them."""

from typing import Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from broadsheet.conf import STRICT, Mailbox


@dataclass(frozen=True, config=STRICT)
class ListSender:
    """Who a list's mail is from, where that is not the workspace's sender."""

    name: str | None = Field(default=None, description="Name shown in the inbox.")
    email: Mailbox | None = Field(default=None, description="The From address.")


@dataclass(frozen=True, config=STRICT)
class ListFile:
    """One list: what a person subscribes to."""

    title: str = Field(description="What readers know it as.")
    description: str = Field(default="", description="What it brings, in a sentence.")
    public: bool = Field(default=True, description="Whether anyone may subscribe.")
    opt_in: Literal["single", "double"] = Field(
        default="double", description="`double`: a new reader confirms by mail."
    )
    sender: ListSender = Field(
        default_factory=ListSender, description="Who its mail is from, if not the workspace's sender: `name`, `email`."
    )
    reply_to: Mailbox | None = Field(default=None, description="Where answers to it go, if not where others do.")
    welcome: str | None = Field(
        default=None, description="Template of the mail that greets a new reader; none if unset."
    )
    adapter: str | None = Field(default=None, description="Which adapter sends its campaigns that name none.")


@dataclass(frozen=True, config=STRICT)
class Attribute:
    """One thing known of a subscriber beside name and address."""

    type: Literal["text", "number", "date", "yes/no", "choice"] = Field(default="text", description="What it holds.")
    label: str = Field(default="", description="What people see.")
    choices: tuple[str, ...] = Field(default=(), description="What may be chosen, for `choice`.")

    @model_validator(mode="after")
    def _choices_fit(self) -> "Attribute":
        if (self.type == "choice") != bool(self.choices):
            raise ValueError("`type: choice` and `choices` belong together: {type: choice, choices: [small, large]}")
        return self


@dataclass(frozen=True, config=STRICT)
class Lists:
    """All of ``lists.yaml``."""

    lists: dict[str, ListFile] = Field(description="Every list by name.")
    attributes: dict[str, Attribute] = Field(default_factory=dict, description="Attributes by name.")
