"""The sections of the page: which keys of the file are whose, what each needs, and where it stands."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict

from broadsheet.errors import Problem
from broadsheet.web.console.compose.fields import (
    FLAG,
    LINE,
    LINES,
    NUMBER,
    TICKED,
    WORDS,
    Field,
    as_list,
    changes,
    shown,
)
from broadsheet.web.console.compose.schedule_form import schedule_changes, schedule_shown

DONE, OPEN, WRONG, FREE = "done", "open", "wrong", "free"
STATES = {DONE: "Done", OPEN: "To do", WRONG: "Needs a look", FREE: "As you like"}


@dataclass(frozen=True)
class Section:
    """One section."""

    name: str
    title: str
    keys: tuple[str, ...]
    """The top keys of the file that are set here; ``intro`` is its body."""
    needs: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    unset: str = ""
    """What it is called while none of its keys is in the file, and that is all right."""


_NAMES = ("any", "all", "none")
ARTICLES = (
    *(Field(f"tags_{name}", ("articles", "tags", name), WORDS) for name in _NAMES),
    Field("categories", ("articles", "categories"), WORDS),
    Field("sources", ("articles", "sources"), TICKED, []),
    Field("match_interests", ("articles", "match_interests"), FLAG, usual=False),
    Field("newest", ("articles", "newest"), NUMBER, "5"),
    Field("minimum", ("articles", "minimum"), NUMBER, "1"),
    Field("max_age", ("articles", "max_age"), LINE),
    Field("settle", ("articles", "settle"), LINE),
    Field("sort", ("articles", "sort"), LINE, "newest"),
    Field("repeat", ("articles", "repeat"), LINE, "never"),
    Field("fill_up_to", ("articles", "fill", "up_to"), NUMBER),
    Field("fill_any", ("articles", "fill", "tags", "any"), WORDS),
)
#: of one slot
SLOT = (
    Field("name", ("name",), LINE),
    Field("newest", ("newest",), NUMBER, "1"),
    Field("tags_any", ("tags", "any"), WORDS),
    Field("categories", ("categories",), WORDS),
    Field("sort", ("sort",), LINE),
    Field("archive", ("archive",), FLAG, usual=False),
)

SECTIONS: tuple[Section, ...] = (
    # "state" is set on the page of all campaigns, and said at the top of this one.
    Section("name", "Name and sender", ("name", "state"), ("name",), (Field("name", ("name",), LINE),)),
    Section(
        "audience",
        "Audience",
        ("list", "segment", "exclude"),
        ("list",),
        (
            Field("list", ("list",), LINE),
            Field("segment", ("segment",), TICKED, []),
            Field("exclude", ("exclude",), TICKED, []),
        ),
    ),
    Section("articles", "Articles", ("articles",), (), ARTICLES),
    Section(
        "words",
        "Words",
        ("subject", "preheader", "intro"),
        ("subject",),
        (Field("subject", ("subject",), LINE), Field("preheader", ("preheader",), LINE)),
    ),
    Section("design", "Design", ("template",), ("template",), (Field("template", ("template",), LINE),)),
    Section("when", "When", ("schedule",), (), (), "By hand"),
    Section(
        "sending",
        "Sending",
        ("adapter", "approval", "approvers", "tracking", "without_consent", "on_unknown"),
        (),
        (
            Field("adapter", ("adapter",), LINE),
            Field("approval", ("approval",), LINE, "required"),
            Field("approvers", ("approvers",), LINES),
            Field("tracking", ("tracking",), LINE, "none"),
            Field("without_consent", ("without_consent",), LINE, "none"),
            Field("on_unknown", ("on_unknown",), LINE, "hold"),
        ),
    ),
    Section("file", "The file itself", (), (), (), "As written"),
)
BY_NAME: dict[str, Section] = {section.name: section for section in SECTIONS}
_OWNED = {key for section in SECTIONS for key in section.keys}


def section_shown(section: Section, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the section's form shows."""
    if section.name == "when":
        return schedule_shown(settings)
    values = shown(section.fields, settings)
    if section.name == "articles":
        rules = settings.get("articles")
        rules = rules if isinstance(rules, Mapping) else {}
        values["pinned"] = [str(each) for each in as_list(rules.get("pinned"))]
        values["dropped"] = [str(each) for each in as_list(rules.get("dropped"))]
        slots = [each for each in as_list(rules.get("slots")) if isinstance(each, Mapping)]
        values["slots"] = [{"prefix": f"slot-{number}-", **shown(SLOT, slot)} for number, slot in enumerate(slots)]
        values["new_slot"] = {"prefix": f"slot-{len(slots)}-", **shown(SLOT, {}), "newest": ""}
    return values


def section_changes(section: Section, settings: Mapping[str, Any], posted: QueryDict) -> dict[str, Any]:
    """The top keys that the posted form says otherwise than the file; None for one that goes."""
    if section.name == "when":
        return schedule_changes(settings, posted)
    changed = changes(section.fields, settings, posted)
    if section.name == "articles":
        rules = changed.get("articles", settings.get("articles"))
        rules = deepcopy(dict(rules)) if isinstance(rules, Mapping) else {}
        _set(rules, "slots", _slots(rules, posted))
        _do(rules, posted.get("do", ""))
        return {"articles": rules or None} if rules != (settings.get("articles") or {}) else {}
    return changed


def _set(rules: dict[str, Any], key: str, value: list[Any]) -> None:
    if value:
        rules[key] = value
    else:
        rules.pop(key, None)


def _slots(rules: Mapping[str, Any], posted: QueryDict) -> list[Any]:
    """The slots as posted; a row that is empty is none."""
    old = as_list(rules.get("slots"))
    found = []
    for number in range(len(old) + 1):
        prefix = f"slot-{number}-"
        slot = old[number] if number < len(old) else {}
        if not isinstance(slot, Mapping) or f"{prefix}name" not in posted:
            found += [slot] if slot else []
            continue
        if posted.get("do") == f"unslot:{number}":
            continue
        changed = changes(SLOT, slot, posted, prefix)
        new = {key: value for key, value in {**slot, **changed}.items() if value is not None}
        found += [new] if new else []
    return found


def _do(rules: dict[str, Any], what: str) -> None:
    """Pin, drop or move one article, as its button says: ``pin:the-slug``."""
    doing, _, slug = what.partition(":")
    pinned, dropped = as_list(rules.get("pinned")), as_list(rules.get("dropped"))
    if doing in ("pin", "unpin", "drop", "undrop"):
        pinned = [each for each in pinned if each != slug] + ([slug] if doing == "pin" else [])
        dropped = [each for each in dropped if each != slug] + ([slug] if doing == "drop" else [])
    elif doing in ("up", "down") and slug in pinned:
        place = pinned.index(slug)
        other = place + (-1 if doing == "up" else 1)
        if 0 <= other < len(pinned):
            pinned[place], pinned[other] = pinned[other], pinned[place]
    else:
        return
    _set(rules, "pinned", pinned)
    _set(rules, "dropped", dropped)


@dataclass(frozen=True)
class Standing:
    """Where a section stands."""

    section: Section
    state: str
    problems: tuple[str, ...] = ()
    said: str = ""

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do here."""
        return self.state in (DONE, FREE)


def standings(settings: Mapping[str, Any], problems: Iterable[Problem]) -> dict[str, Standing]:
    """Where each section stands, by its name."""
    found = {}
    problems = list(problems)
    for section in SECTIONS:
        mine = tuple(each for each in problems if _belongs(each, section))
        missing = [key for key in section.needs if not settings.get(key)]
        if missing and all(each.where in missing for each in mine):
            state = OPEN
        elif mine:
            state = WRONG
        elif section.unset and not any(settings.get(key) for key in section.keys):
            state = FREE
        else:
            state = DONE
        said = section.unset if state == FREE else STATES[state]
        found[section.name] = Standing(section, state, tuple(map(_plainly, mine)), said)
    return found


def _belongs(problem: Problem, section: Section) -> bool:
    key = problem.where.partition(".")[0]
    return key in section.keys if key in _OWNED else section.name == "file"


#: What the page calls the keys that people slip on most.
_LABELS = {
    "articles.newest": "At most",
    "articles.minimum": "At least",
    "articles.max_age": "Nothing older than",
    "articles.settle": "Unchanged for at least",
    "articles.fill.up_to": "Fill up to",
    "schedule.cron": "The days or times",
    "schedule.every": "Every",
    "schedule.start": "First time",
    "schedule.at": "Times",
    "schedule.time_zone": "Time zone",
    "schedule.window": "No mail before or after",
    "schedule.grace": "Sent late by at most",
    "schedule.lead": "Ready to approve",
    "subject": "Subject",
    "preheader": "Preheader",
    "intro": "Opening words",
    "list": "List",
    "template": "Template",
}


def _plainly(problem: Problem) -> str:
    """The problem in the page's own words, with its line in the file."""
    label = _LABELS.get(problem.where)
    if label is None:
        return str(replace(problem, path=""))
    return f"{label}: {problem.reason}" + (f" (line {problem.line} of the file)" if problem.line else "")
