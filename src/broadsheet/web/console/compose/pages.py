"""What the page and its parts show: one dictionary for each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any
from urllib.parse import urlencode
from zoneinfo import available_timezones

from django.http import HttpRequest
from django.utils import timezone

from broadsheet import audience, editions
from broadsheet.errors import BroadsheetError, InvalidFile, Problem
from broadsheet.models import Role
from broadsheet.timing import firings, in_words, opens
from broadsheet.web.console.compose.audience import kept_count, people_of, target_of
from broadsheet.web.console.compose.draft import Work, difference, unreadable
from broadsheet.web.console.compose.fields import as_list
from broadsheet.web.console.compose.mail import Copy, Whose, copy_for, whose
from broadsheet.web.console.compose.picks import known_tags, result_of
from broadsheet.web.console.compose.schedule_form import DAYS, WAYS
from broadsheet.web.console.compose.sections import SECTIONS, section_shown
from broadsheet.web.inbox.frame import Dark
from broadsheet.web.preview.people import full_name
from broadsheet.workspace import Schedule
from broadsheet.workspace.reading import load_data, one_kind_of_line, validated

NEXT = 5
WIDTHS = {"desktop": "Desktop", "phone": "Phone"}
#: What the form's choices are called.
OPTIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "repeat": (
        ("never", "Never"),
        ("per-campaign", "Not from this one"),
        ("allow", "As often as it fits"),
    ),
    "sort": (("newest", "Newest first"), ("oldest", "Oldest first"), ("title", "By title")),
    "unit": (("m", "minutes"), ("h", "hours"), ("d", "days"), ("w", "weeks")),
    "on_unknown": (("hold", "Wait for a person"), ("resend", "Are sent again"), ("assume-sent", "Count as sent")),
    "without_consent": (("none", "Are not counted"), ("aggregate", "Are counted without a name")),
}
TRACKING = (
    ("none", "Not counted"),
    ("aggregate", "Counted, without anybody's name"),
    ("individual", "Counted by name, for readers who agreed"),
)
#: What may be clicked into the words; the attributes of lists.yaml come after.
READERS = ("first_name", "last_name", "name", "email", "language")
VARIABLES = (
    ("The first article's title", "{{ articles[0].title }}"),
    ("How many articles", "{{ articles | length }}"),
    ("The site's name", "{{ site.name }}"),
    ("The list's title", "{{ list.title }}"),
    ("The edition's day", '{{ edition.date.strftime("%d %B %Y") }}'),
)


def page(request: HttpRequest, work: Work) -> dict[str, Any]:
    """The whole page."""
    return {**sections(request, work), **beside(request, work)}


def sections(request: HttpRequest, work: Work) -> dict[str, Any]:
    """The page without the mail beside the sections."""
    context = {"here": "campaigns", "may_edit": may(request, Role.EDITOR), "may_publish": may(request, Role.PUBLISHER)}
    return {**context, **head(work), **reach(work), **picked(work), **times(work), **form(work)}


def may(request: HttpRequest, needed: Role) -> bool:
    """Whether whoever asks has that role."""
    return Role(request.member.role).may(needed)  # type: ignore[attr-defined]


def head(work: Work) -> dict[str, Any]:
    """The draft, and where each section stands."""
    found = list(work.standings.values())
    needed = [each for each in found if each.section.name != "file" or each.problems]
    return {
        "work": work,
        "title": str(work.settings.get("name") or work.slug),
        "state": "" if (state := work.settings.get("state", "active")) == "active" else str(state),
        "standings": found,
        "by_name": work.standings,
        "done": sum(each.is_done for each in needed),
        "of": len(needed),
        "is_ready": not work.problems and not (work.row and work.row.unread),
        "difference": difference(work.row.base, work.row.text) if work.row else [],
    }


def form(work: Work) -> dict[str, Any]:
    """The values of every field, and what may be chosen."""
    workspace = work.workspace
    values = {section.name: section_shown(section, work.settings) for section in SECTIONS}
    for slot in (*values["articles"]["slots"], values["articles"]["new_slot"]):
        slot["sorts"] = _with_chosen((("", "As above"), *OPTIONS["sort"]), slot["sort"])
    every = {name: value for each in values.values() for name, value in each.items()}
    context: dict[str, Any] = {
        "parts": [
            {
                "name": section.name,
                "standing": work.standings[section.name],
                "values": values[section.name],
                "seen": work.seen(section),
                "template": f"console/compose/{section.name}.html",
            }
            for section in SECTIONS
        ],
        "options": {name: _with_chosen(choices, every[name]) for name, choices in OPTIONS.items()},
        "trackings": _with_chosen(TRACKING, every["tracking"]),
        "matches": every["match_interests"],
        "unread_problems": unread_problems(work),
        "intro": work.intro,
        "whole": one_kind_of_line(work.row.unread if work.row and work.row.unread else work.text),
        "days": DAYS,
        "ways": WAYS,
        "zones": _zones(),
        "tags": known_tags(),
    }
    try:
        return context | _choices(work, workspace.lists.attributes)
    except InvalidFile as error:
        return context | {"wrong": str(error)}


@cache
def _zones() -> list[str]:
    """Every time zone there is: finding them reads 600 files."""
    return sorted(available_timezones())


def _with_chosen(choices: tuple[tuple[str, str], ...], chosen: Any) -> list[tuple[str, str]]:
    """The choices, and what the file says if it is none of them."""
    return [*choices, *([] if chosen in dict(choices) else [(str(chosen), str(chosen))])]


def unread_problems(work: Work) -> list[Problem]:
    """What is wrong with the file as somebody typed it, while it can't be read."""
    if work.row is None or not work.row.unread:
        return []
    return [replace(each, path="") for each in unreadable(work.row.unread, work.slug)]


def _choices(work: Work, attributes: Mapping[str, Any]) -> dict[str, Any]:
    workspace = work.workspace
    config = workspace.config
    adapter = str(work.settings.get("adapter") or "default")
    pace = config.pace.get(adapter)
    template, templates = str(work.settings.get("template") or ""), workspace.template_names()
    variables = [(name.replace("_", " "), f'{{{{ subscriber.{name} | default("") }}}}') for name in attributes]
    return {
        "lists": workspace.lists.lists,
        "sender": workspace.sender_of(str(work.settings.get("list"))),
        "segments": _segments(work),
        "written_out": _written_out(work),
        "sources": [source.label for source in config.sources],
        "templates": [_template(work, name) for name in templates],
        "lost_template": template not in templates and template,
        "adapters": {"default": "the local inbox", **{name: each.kind for name, each in config.adapters.items()}},
        "adapter": adapter,
        "pace": _pace(pace) if pace else "",
        "site_zone": str(config.zone),
        "variables": [
            *((f"The reader's {name.replace('_', ' ')}", _reader(name)) for name in READERS),
            *((f"The reader's {label}", written) for label, written in variables),
            *VARIABLES,
        ],
    }


def _reader(name: str) -> str:
    return f'{{{{ subscriber.{name} | default("there") }}}}' if name == "first_name" else f"{{{{ subscriber.{name} }}}}"


def _segments(work: Work) -> list[dict[str, Any]]:
    """Each segment with its boxes."""
    segments, titles = work.workspace.segments, audience.list_titles(work.workspace)
    kept = audience.kept_sizes(segments)
    ticked = {key: as_list(work.settings.get(key)) for key in ("segment", "exclude")}
    return [
        {
            "name": name,
            "title": segment.title or name,
            "sentence": audience.segment_sentence(segment, titles),
            "size": kept.get(name),
            "is_in": name in ticked["segment"],
            "is_out": name in ticked["exclude"],
        }
        for name, segment in segments.items()
    ]


def _written_out(work: Work) -> list[tuple[str, str]]:
    """The segments that the file has written out, as sentences, with the key they stand under."""
    campaign = work.campaign
    if campaign is None:
        return []
    return [
        (key, audience.segment_label(work.workspace, each))
        for key in ("segment", "exclude")
        for each in getattr(campaign, key)
        if not isinstance(each, str)
    ]


#: Of a template's theme, the colours that are shown.
_SWATCHES = ("background", "card", "band", "primary", "accent", "ink")


def _template(work: Work, name: str) -> dict[str, Any]:
    try:
        theme = work.workspace.theme(name)
        declared = work.workspace.templates / name / "template.toml"
        about = load_data(declared, f"templates/{name}/template.toml") if declared.is_file() else {}
    except BroadsheetError:
        theme, about = {}, {}
    colours = [str(theme[key]) for key in _SWATCHES if str(theme.get(key, "")).startswith("#")]
    title, description = about.get("name") or name, about.get("description") or ""
    return {"name": name, "title": title, "description": description, "colours": list(enumerate(colours))}


def _pace(pace: Any) -> str:
    """The pace in words: ``5 a second, 2,000 an hour``."""
    said = [
        f"{getattr(pace, key):,.10g} {word}"
        for key, word in (("per_second", "a second"), ("per_hour", "an hour"), ("per_day", "a day"))
        if getattr(pace, key)
    ]
    said += [f"{rate:,.10g} a second to {domain}" for domain, rate in pace.domains.items()]
    return ", ".join(said) + (", warming up" if pace.warm_up else "")


def reach(work: Work) -> dict[str, Any]:
    """Whom the campaign reaches, as counted last."""
    target = target_of(work)
    kept = kept_count(target) if target else None
    context: dict[str, Any] = {"target": target, "count": kept}
    if kept is not None:
        context["sample"] = [(row, full_name(row), row.interests.tags) for row in people_of(kept.sample)]
        context["excluded"] = sorted(kept.excluded.items(), key=lambda each: -each[1])
    return context


def picked(work: Work) -> dict[str, Any]:
    """What the rules for articles bring."""
    return {"picks": None if work.unreadable else result_of(work)}


@dataclass(frozen=True)
class Coming:
    """One of the next times."""

    at: datetime
    opens: datetime | None
    """When the first copies leave, if that is earlier."""


def times(work: Work) -> dict[str, Any]:
    """The schedule in words, and the next times."""
    written = work.settings.get("schedule")
    if not written:
        return {"in_words": "", "coming": []}
    try:
        schedule = validated(Schedule, written, work.path)
        site = work.workspace.config.zone
    except InvalidFile:
        return {"in_words": "", "coming": [], "is_wrong": True}
    zone = schedule.zone(site)
    now = timezone.now()
    found = list(islice(firings(schedule, zone, now, editions.changes_of(work.slug, now)), NEXT))
    early = [opens(schedule, zone, each) for each in found]
    return {
        "in_words": in_words(schedule, zone),
        "zone_name": str(zone),
        "coming": [
            Coming(each, first if each - first > timedelta(0) else None)
            for each, first in zip(found, early, strict=True)
        ],
    }


def beside(request: HttpRequest, work: Work) -> dict[str, Any]:
    """The mail as a reader gets it, how it is shown, and its row in an inbox."""
    asked = choices(request)
    of, shown, fault = _shown(work, asked["reader"])
    context: dict[str, Any] = {
        **asked,
        "choices": urlencode(asked),
        "widths": _switch(asked, "width", WIDTHS),
        "darks": _switch(asked, "dark", dict(Dark.choices)),
        "whose": of,
        "copy": shown,
        "fault": fault,
        "is_unknown": bool(asked["reader"]) and of is not None and of.email.casefold() != asked["reader"].casefold(),
        "frame": urlencode(
            {"reader": of.email if of and not of.is_made_up else "", "dark": asked["dark"], "n": work.number}
        ),
    }
    if words := request.GET.get("q", "").strip():
        context |= hits(words, asked)
    return context


def choices(request: HttpRequest) -> dict[str, str]:
    """How the mail is shown, as the address asks for it."""
    width, dark = request.GET.get("width", ""), request.GET.get("dark", "")
    return {
        "reader": request.GET.get("reader", "").strip(),
        "width": width if width in WIDTHS else "desktop",
        "dark": dark if dark in Dark.values else str(Dark.OFF),
    }


def _shown(work: Work, address: str) -> tuple[Whose | None, Copy | None, str]:
    try:
        of = whose(work, address)
        return of, copy_for(work, of) if of and of.reader else None, ""
    except (BroadsheetError, ValueError) as error:
        return None, None, str(error)


def _switch(asked: Mapping[str, str], key: str, labels: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Value, label and address of each way to choose ``key``."""
    return [(value, label, urlencode({**asked, key: value})) for value, label in labels.items()]


def hits(words: str, asked: Mapping[str, str]) -> dict[str, Any]:
    """The readers that the words find, each with the address that shows the mail as theirs."""
    found = audience.find(audience.Wanted(words=words), size=8).readers
    rows = [(full_name(row), row.email, urlencode({**asked, "reader": row.email})) for row in found]
    return {"searched": words, "hits": rows}
