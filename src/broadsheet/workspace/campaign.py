"""A campaign's file: its settings in front matter, the mail's intro as its body."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic.dataclasses import dataclass

from broadsheet.conf import STRICT, TimeZoneName
from broadsheet.workspace.forms import Duration, Names, TagRule, Tags, one_or_more
from broadsheet.workspace.segment_file import NamedOrOwn

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


Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _window(text: str) -> str:
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-3]):([0-5]\d)", text)
    if found is None or (int(found[1]), int(found[2])) >= (int(found[3]), int(found[4])):
        raise ValueError("must be two times of one day, such as 09:00-20:00")
    return text


SortOrder = Literal["newest", "oldest", "title"]
Moments = Annotated[tuple[datetime, ...], BeforeValidator(one_or_more)]


@dataclass(frozen=True, config=STRICT)
class Wanted:
    """Which articles something asks for; without any key, every article."""

    tags: TagRule = Field(default_factory=TagRule, description="Which tags an article needs.")
    categories: Tags = Field(default=(), description="Only articles of one of these categories.")
    sources: Names = Field(default=(), description="Only articles from one of these sources.")

    def lets_in(self, tags: frozenset[str], category: str, source: str) -> bool:
        """Whether an article with these tags, of this category and source, is asked for."""
        return (
            self.tags.lets_in(tags)
            and (not self.categories or category.lower() in self.categories)
            and (not self.sources or source in self.sources)
        )


@dataclass(frozen=True, config=STRICT)
class Slot(Wanted):
    """One place or several in an edition, filled by a rule of their own."""

    name: str = Field(default="", description="What staff call the slot.")
    newest: int = Field(default=1, ge=1, le=50, description="How many articles the slot takes at the most.")
    archive: bool = Field(
        default=False, description="Take from articles older than `max_age`, or from before the source was first read."
    )
    sort: SortOrder | None = Field(default=None, description="Order within the slot; the campaign's if unset.")


@dataclass(frozen=True, config=STRICT)
class Fill(Wanted):
    """What to add, whatever a reader's interests, when their own tags give too few."""

    up_to: int = Field(default=3, ge=1, le=50, description="Add until there are this many.")


@dataclass(frozen=True, config=STRICT)
class ArticleRules(Wanted):
    """``articles:`` of a campaign: what to pick."""

    match_interests: bool = Field(default=False, description="Give each reader what matches their own interests.")
    fill: Fill | None = Field(default=None, description="What to add when a reader's own tags give too few.")
    newest: int = Field(default=5, ge=1, le=50, description="How many articles at the most, newest first.")
    minimum: int = Field(default=1, ge=0, le=50, description="With fewer than this, a reader is skipped.")
    max_age: Duration | None = Field(default=None, description="Nothing older than this, such as `60d`.")
    settle: Duration | None = Field(default=None, description="Only what has not changed for so long, such as `30m`.")
    pinned: Names = Field(default=(), description="Slugs that come first, whatever their tags or age.")
    dropped: Names = Field(default=(), description="Slugs that are never picked.")
    slots: tuple[Slot, ...] = Field(default=(), description="Places with a rule of their own, instead of `newest`.")
    sort: SortOrder = Field(default="newest", description="`newest` or `oldest` first, or by `title`.")
    repeat: Literal["never", "per-campaign", "allow"] = Field(
        default="never",
        description="`never`: no article twice to the same reader, across campaigns; `per-campaign`: not twice "
        "from this campaign; `allow`: again and again.",
    )

    @model_validator(mode="after")
    def _sensible(self) -> "ArticleRules":
        if both := sorted(set(self.pinned) & set(self.dropped)):
            raise ValueError(f"`{both[0]}` is both pinned and dropped; keep one of the two")
        most = sum(slot.newest for slot in self.slots) + len(self.pinned) if self.slots else self.newest
        most = max(most, self.fill.up_to if self.fill else 0)
        if self.minimum > most:
            raise ValueError(f"`minimum` is {self.minimum}, more than the {most} articles there can be")
        return self


@dataclass(frozen=True, config=STRICT)
class NotOn:
    """Days on which nothing comes out."""

    dates: tuple[date, ...] = Field(default=(), description="Single days, such as 2026-12-25.")
    weekdays: tuple[Weekday, ...] = Field(default=(), description="Days of the week: mon tue wed thu fri sat sun.")


@dataclass(frozen=True, config=STRICT)
class Schedule:
    """``schedule:`` of a campaign: when it comes out. Exactly one of ``cron``, ``every`` and ``at`` is given."""

    cron: Annotated[str, AfterValidator(_cron)] | None = Field(
        default=None, description="Five cron fields, such as `0 9 * * tue`."
    )
    every: Duration | None = Field(default=None, description="An interval, such as `2w`, counted from `start`.")
    start: datetime | None = Field(default=None, description="The first time of an interval.")
    at: Moments = Field(default=(), description="Single times, one or several, such as 2026-12-01T09:00.")
    time_zone: TimeZoneName | None = Field(default=None, description="Zone of these times; the site's if unset.")
    deliver: Literal["together", "reader-local"] = Field(
        default="together",
        description="`together`: at one moment; `reader-local`: at that time of day in each reader's zone.",
    )
    window: Annotated[str, AfterValidator(_window)] | None = Field(
        default=None, description="Hours of a reader's day in which mail may arrive, such as `09:00-20:00`."
    )
    not_on: NotOn = Field(default_factory=NotOn, description="Days on which nothing comes out.")
    skip: tuple[date, ...] = Field(default=(), description="Single editions that are left out, by their date.")
    grace: Duration = Field(
        default=timedelta(hours=6), description="An edition missed by less is sent late; by more, it is skipped."
    )
    lead: Duration = Field(
        default=timedelta(hours=24), description="How long before its time an edition that needs approval is frozen."
    )

    @model_validator(mode="after")
    def _one_rule(self) -> "Schedule":
        if sum((self.cron is not None, self.every is not None, bool(self.at))) != 1:
            raise ValueError("needs exactly one of `cron`, `every`, `at`")
        if (self.every is None) != (self.start is None):
            raise ValueError("`every` and `start` belong together: every: 2w, start: 2026-01-06T09:00")
        if self.every is not None and self.every < timedelta(minutes=5):
            raise ValueError("`every` is at least 5m")
        if len(set(self.not_on.weekdays)) == len(get_args(Weekday)):
            raise ValueError("`not_on` leaves no day of the week on which it could come out")
        return self

    def zone(self, site: ZoneInfo) -> ZoneInfo:
        """The zone of the times: its own, or the site's."""
        return ZoneInfo(self.time_zone) if self.time_zone else site


@dataclass(frozen=True, config=STRICT)
class CampaignFile:
    """One ``campaigns/<slug>.md``, checked."""

    slug: str = Field(description="The file's name without its ending.")
    name: str = Field(description="What staff call it.")
    list: str = Field(description="The list whose subscribers it goes to.")
    template: str = Field(description="Folder in `templates/`.")
    subject: str = Field(description="Subject line, Jinja2.", min_length=1)
    segment: NamedOrOwn = Field(
        default=(), description="Segments of the list, by name or written out; several are a union."
    )
    exclude: NamedOrOwn = Field(default=(), description="Segments whose members get nothing.")
    articles: ArticleRules = Field(default_factory=ArticleRules, description="What to pick.")
    preheader: str = Field(default="", description="The line that inboxes show after the subject, Jinja2.")
    schedule: Schedule | None = Field(default=None, description="When it comes out by itself.")
    state: Literal["active", "paused", "retired"] = Field(
        default="active",
        description="`paused`: nothing of it comes out until it is `active` again; `retired`: nor for good.",
    )
    approval: Literal["required", "automatic"] = Field(
        default="required", description="`required`: somebody says yes to each edition before it is sent."
    )
    approvers: Names = Field(
        default=(), description="Addresses that the proof and the question go to; the sender's if unset."
    )
    adapter: str = Field(default="default", description="Which adapter sends it.")
    on_unknown: Literal["hold", "resend", "assume-sent"] = Field(
        default="hold",
        description="Copies of which nobody can say whether they were taken: `hold` them for a person, `resend`, or "
        "`assume-sent`.",
    )
    tracking: Literal["none", "aggregate", "individual"] = Field(
        default="none",
        description="`none`: links and pictures stay as they are; `aggregate`: clicks and opens are counted without "
        "any reader's id; `individual`: by reader, for those who agreed to it.",
    )
    without_consent: Literal["none", "aggregate"] = Field(
        default="none", description="With `individual`: how the copies of readers who did not agree are counted."
    )
    intro: str = Field(default="", description="The file's body: the mail's opening words, Markdown with Jinja2.")

    @property
    def resting(self) -> str:
        """Why nothing of it comes out; empty while it is active."""
        return "" if self.state == "active" else f"its campaign is {self.state} (`state` in campaigns/{self.slug}.md)"
