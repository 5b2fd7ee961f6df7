"""A campaign's file: its settings in front matter, the mail's intro as its body."""

import re
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.dataclasses import dataclass

from broadsheet.conf import STRICT, TimeZoneName


def _tag(word: object) -> object:
    return " ".join(word.lower().split()) if isinstance(word, str) else word


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")


def crontab(text: str, zone: tzinfo) -> CronTrigger:
    """The trigger of five cron fields. Raises ValueError for what is none.

    As in crontab(5), weekday 0 and 7 are Sunday; APScheduler's own numbers begin with Monday.
    """
    fields = text.split()
    if len(fields) == 5:
        fields[4] = ",".join(_named_days(part) for part in fields[4].split(","))
    return CronTrigger.from_crontab(" ".join(fields), timezone=zone)


def _named_days(part: str) -> str:
    """One part of the weekday field with names for its numbers: ``1-3`` is ``mon,tue,wed``."""
    numbers = re.fullmatch(r"([0-7])(?:-([0-7])(?:/([1-7]))?)?", part)
    if numbers is None:
        return part
    first, last = int(numbers[1]), int(numbers[2] or numbers[1])
    if first > last:
        raise ValueError(f"the weekdays {part} run backwards")
    return ",".join(_DAYS[first : last + 1 : int(numbers[3] or 1)])


def _cron(text: str) -> str:
    try:
        trigger = crontab(text, UTC)
    except ValueError as error:
        raise ValueError(
            f"is not a cron time ({error}); write five fields like `0 9 * * tue`: minute hour day month weekday"
        ) from error
    if trigger.get_next_fire_time(None, datetime.now(UTC)) is None:
        raise ValueError("is a time that never comes")
    return text


TagName = Annotated[str, BeforeValidator(_tag)]
Tags = Annotated[tuple[TagName, ...], BeforeValidator(_one_or_more)]
Names = Annotated[tuple[str, ...], BeforeValidator(_one_or_more)]


@dataclass(frozen=True, config=STRICT)
class TagRule:
    """Which tags let something in: at least one of ``any``, each of ``all``, not one of ``none``."""

    any: Tags = Field(default=(), description="At least one of these.")
    all: Tags = Field(default=(), description="Every one of these.")
    none: Tags = Field(default=(), description="Not one of these.")

    def lets_in(self, tags: frozenset[str]) -> bool:
        """Whether ``tags`` keep the rule; an empty rule lets everything in."""
        return (
            (not self.any or not tags.isdisjoint(self.any)) and tags.issuperset(self.all) and tags.isdisjoint(self.none)
        )


@dataclass(frozen=True, config=STRICT)
class ArticleRules:
    """``articles:`` of a campaign: what to pick."""

    tags: TagRule = Field(default_factory=TagRule, description="Which tags an article needs.")
    match_interests: bool = Field(default=False, description="Give each reader what matches their own interests.")
    newest: int = Field(default=5, ge=1, le=50, description="How many articles at the most, newest first.")
    repeat: Literal["never", "per-campaign", "allow"] = Field(
        default="never",
        description="`never`: no article twice to the same reader, across campaigns; `per-campaign`: not twice "
        "from this campaign; `allow`: again and again.",
    )
    minimum: int = Field(default=1, ge=0, le=50, description="With fewer than this, a reader is skipped.")


@dataclass(frozen=True, config=STRICT)
class Schedule:
    """``schedule:`` of a campaign: when it comes out."""

    cron: Annotated[str, AfterValidator(_cron)] = Field(description="Five cron fields, such as `0 9 * * tue`.")
    time_zone: TimeZoneName | None = Field(default=None, description="Zone of the cron time; the site's if unset.")
    deliver: Literal["together"] = Field(default="together", description="`together`: to everybody at one moment.")

    def zone(self, site: ZoneInfo) -> ZoneInfo:
        """The zone of the cron time: its own, or the site's."""
        return ZoneInfo(self.time_zone) if self.time_zone else site


@dataclass(frozen=True, config=STRICT)
class CampaignFile:
    """One ``campaigns/<slug>.md``, checked."""

    slug: str = Field(description="The file's name without its ending.")
    name: str = Field(description="What staff call it.")
    list: str = Field(description="The list whose subscribers it goes to.")
    template: str = Field(description="Folder in `templates/`.")
    subject: str = Field(description="Subject line, Jinja2.", min_length=1)
    segment: Names = Field(default=(), description="Segments of the list, one or several; several are a union.")
    articles: ArticleRules = Field(default_factory=ArticleRules, description="What to pick.")
    preheader: str = Field(default="", description="The line that inboxes show after the subject, Jinja2.")
    schedule: Schedule | None = Field(default=None, description="When it comes out by itself.")
    approval: Literal["required", "automatic"] = Field(
        default="required", description="`required`: somebody says yes to each edition before it is sent."
    )
    adapter: str = Field(default="default", description="Which adapter sends it.")
    tracking: Literal["none"] = Field(default="none", description="`none`: nothing about readers is recorded.")
    intro: str = Field(default="", description="The file's body: the mail's opening words, Markdown with Jinja2.")
