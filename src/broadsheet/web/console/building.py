"""Building a segment: its rules as rows, said in a sentence with a count, kept in ``subscribers/segments.yaml``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.text import slugify

from broadsheet import audience
from broadsheet.errors import BroadsheetError, FileChanged, InvalidFile
from broadsheet.models import Tag
from broadsheet.web.console.access import audit
from broadsheet.web.console.rows import GROUPS, MOST, Field, Row, entry_of, fields, posted, rows_of
from broadsheet.workspace import (
    FileVersion,
    Segment,
    Workspace,
    change_segment,
    changed_segments,
    current,
    read_version,
    segment_users,
)
from broadsheet.workspace.reading import one_kind_of_line, parse_yaml
from broadsheet.workspace.root import SEGMENTS

SUGGESTED = 300
_NEW = Row("all", "list", "in")


@dataclass(frozen=True)
class Draft:
    """What a form holds of a segment, or what the file does."""

    name: str
    title: str
    rows: list[Row]
    digest: str
    """Of the file as it was read for this form."""


@dataclass(frozen=True)
class Desk:
    """The file as it is now, and what rows can be made of in it."""

    workspace: Workspace
    version: FileVersion | None
    entries: Mapping[str, Any]
    known: Mapping[str, Field]

    @classmethod
    def of(cls, name: str) -> "Desk":
        """For the segment of that name, which can't be part of itself. Raises InvalidFile for a file with mistakes."""
        workspace = current(settings.WORKSPACE)
        titles = {each: segment.title or each for each, segment in workspace.segments.items()}
        version = read_version(workspace, SEGMENTS)
        data = parse_yaml(one_kind_of_line(version.text), SEGMENTS) if version else None
        titles.pop(name, None)
        known = fields(workspace.lists.attributes, audience.list_titles(workspace), titles)
        return cls(workspace, version, (data or {}).get("segments") or {}, known)

    @property
    def digest(self) -> str:
        """Of the file as it is now; empty if there is none."""
        return self.version.digest if self.version else ""

    def entry(self, draft: Draft) -> dict[str, Any]:
        """What is to stand in the file. Raises ValueError for a row that can't."""
        return entry_of(draft.title, draft.rows, self.known, self.entries.get(draft.name) or {})

    def segment(self, draft: Draft) -> Segment:
        """The segment as the file would hold it. Raises ValueError for a row, InvalidFile for a rule, that can't be."""
        text = changed_segments(self.version.text if self.version else "", draft.name, self.entry(draft))
        return self.workspace.segments_from(one_kind_of_line(text))[draft.name]


def new(request: HttpRequest) -> HttpResponseBase:
    """A segment that is not in the file yet."""
    return _build(request, "")


def edit(request: HttpRequest, name: str) -> HttpResponseBase:
    """One that is."""
    return _build(request, name)


def _build(request: HttpRequest, name: str) -> HttpResponseBase:
    try:
        desk = Desk.of(name)
    except InvalidFile:
        return redirect("console-segments")  # which says what is wrong with the file
    if name and name not in desk.entries:
        raise Http404
    if request.method != "POST":
        entry = desk.entries.get(name) or {}
        rows = rows_of(entry, desk.known) or [_NEW]
        return _page(request, desk, Draft(name, entry.get("title", ""), rows, desk.digest), is_new=not name)
    draft = _posted(request, desk, name)
    if request.POST.get("do") == "save":
        return _save(request, desk, draft, is_new=not name)
    return _page(request, desk, _changed(draft, request.POST.get("do", "")), is_new=not name)


def _posted(request: HttpRequest, desk: Desk, name: str) -> Draft:
    title = " ".join(request.POST.get("title", "").split())[:100]
    return Draft(
        name or slugify(title)[:60] or "segment",
        title,
        posted(request.POST, desk.known),
        request.POST.get("digest", ""),
    )


def _changed(draft: Draft, do: str) -> Draft:
    """The draft with a row more or less."""
    what, _, number = do.partition("-")
    rows = list(draft.rows)
    if what == "add" and len(rows) < MOST:
        rows.append(replace(_NEW, group=number) if number in GROUPS else _NEW)
    elif what == "drop" and number.isdecimal() and int(number) < len(rows):
        del rows[int(number)]
    return replace(draft, rows=rows)


def _save(request: HttpRequest, desk: Desk, draft: Draft, *, is_new: bool) -> HttpResponseBase:
    wrong, conflict = "", None
    if not draft.title:
        wrong = "Give it a name that staff know it by."
    elif not draft.rows:
        wrong = "Without a rule it would be everybody. Add one."
    elif is_new and draft.name in desk.entries:
        wrong = f"There is a segment “{draft.name}” already. Choose another name."
    if wrong:
        return _page(request, desk, draft, is_new=is_new, wrong=wrong)
    version = replace(desk.version, digest=draft.digest) if desk.version else None
    try:
        entry = desk.entry(draft)
        change_segment(desk.workspace, draft.name, entry, version)
    except FileChanged as error:
        conflict = error
    except (ValueError, BroadsheetError) as error:
        wrong = _said(error, draft.name)
    if conflict or wrong:
        draft = replace(draft, digest=desk.digest)
        return _page(request, desk, draft, is_new=is_new, wrong=wrong, conflict=conflict)
    audit(request, "segment", f"segment {draft.name}", desk.entries.get(draft.name) or "", entry)
    messages.success(request, f"{draft.title} is saved in {SEGMENTS}.")
    return redirect("console-segments")


def _said(error: Exception, name: str) -> str:
    """What is wrong with the rules, without the file's lines, which are of a text nobody has seen."""
    if not isinstance(error, InvalidFile):
        return str(error)
    said = []
    for each in error.problems:
        where = each.where.removeprefix(f"segments.{name}").strip(".").split(".")
        place = f"{GROUPS[where[0]]}, rule {int(where[1]) + 1}: " if _is_rule(where) else ""
        said.append(f"{place}{each.reason}")
    return "\n".join(said)


def _is_rule(where: list[str]) -> bool:
    return len(where) > 1 and where[0] in GROUPS and where[1].isdecimal()


def preview(request: HttpRequest) -> HttpResponse:
    """The rules of the form in a sentence, and how many people that is now."""
    name = request.POST.get("name", "")
    try:
        desk = Desk.of(name)
    except InvalidFile as error:
        said: dict[str, Any] = {"wrong": str(error)}
    else:
        said = _sentence(desk, _posted(request, desk, name), counted=True)
    return render(request, "console/parts/segment_said.html", {"said": said})


def _sentence(desk: Desk, draft: Draft, *, counted: bool) -> dict[str, Any]:
    """What the rules say; and, if it is asked, how many people they are for, within a second or two."""
    if not draft.rows:
        return {"sentence": "Everybody: there is no rule yet."}
    try:
        segment = desk.segment(draft)
    except BroadsheetError as error:
        return {"wrong": _said(error, draft.name)}
    except ValueError as error:
        return {"unfinished": str(error)}
    sentence = audience.segment_sentence(segment, audience.list_titles(desk.workspace))
    return {"sentence": sentence, "count": audience.count_soon(segment) if counted else None}


def _page(
    request: HttpRequest,
    desk: Desk,
    draft: Draft,
    *,
    is_new: bool,
    wrong: str = "",
    conflict: FileChanged | None = None,
) -> HttpResponse:
    looked = request.method == "POST" and request.POST.get("do") == "look"
    context = {
        "here": "segments",
        "draft": draft,
        "is_new": is_new,
        "rows": [(row, desk.known[row.field]) for row in draft.rows],
        "groups": GROUPS,
        "fields": desk.known,
        "full": len(draft.rows) >= MOST,
        "wrong": wrong,
        "conflict": conflict,
        "said": _sentence(desk, draft, counted=looked),
        "tags": Tag.objects.values_list("name", flat=True)[:SUGGESTED],
        "campaigns": desk.workspace.campaign_names(),
        "users": [] if is_new else _users(desk, draft.name),
        "path": SEGMENTS,
    }
    return render(request, "console/segment.html", context)


def _users(desk: Desk, name: str) -> list[str]:
    """What names the segment, so that it can't go."""
    others = [each for each, entry in desk.entries.items() if each != name and name in _named(entry)]
    return [*segment_users(desk.workspace, name), *(f"the segment {each}" for each in others)]


def _named(value: Any) -> Iterator[Any]:
    """The segments that are named in rules, at any depth."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from each if key == "segment" and isinstance(each, list) else [each] if key == "segment" else ()
            yield from _named(each)
    elif isinstance(value, list):
        for each in value:
            yield from _named(each)


def drop(request: HttpRequest, name: str) -> HttpResponseBase:
    """Take a segment out of the file, if nothing names it."""
    try:
        desk = Desk.of(name)
        if name not in desk.entries:
            raise Http404
        version = replace(desk.version, digest=request.POST.get("digest", "")) if desk.version else None
        change_segment(desk.workspace, name, None, version)
    except BroadsheetError as error:
        messages.error(request, _said(error, name))
        return redirect("console-segments")
    audit(request, "segment", f"segment {name}", desk.entries[name], "")
    messages.success(request, f"{name} is taken out of {SEGMENTS}.")
    return redirect("console-segments")
