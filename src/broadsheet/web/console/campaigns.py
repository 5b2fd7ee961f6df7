"""Campaigns: each with its state, readers, next time and last result; new ones, copies, pausing and retiring."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.text import slugify

from broadsheet import audience, editions, reports, workspace
from broadsheet.errors import BroadsheetError
from broadsheet.models import Edition, EditionState, Role
from broadsheet.schedule.coming import readable
from broadsheet.timing import Change, Run, in_words, runs, span_in_words
from broadsheet.web.console.access import audit
from broadsheet.web.console.compose.audience import Count, counted, is_being_counted, kept_count
from broadsheet.workspace import CampaignFile, Workspace

STATES = {"active": "Active", "paused": "Paused", "retired": "Retired"}


@dataclass(frozen=True)
class Row:
    """One campaign on the page."""

    file: CampaignFile
    list_title: str
    segments: tuple[str, ...]
    exclude: tuple[str, ...]
    words: str
    """When it comes out."""
    zone: str
    next: Run | None
    last: Edition | None
    result: reports.Result | None

    @property
    def label(self) -> str:
        """Its state in a word."""
        return "By hand" if self.file.state == "active" and self.file.schedule is None else STATES[self.file.state]


def listing(request: HttpRequest) -> HttpResponse:
    """The campaigns that come out, or the retired ones. Nobody is counted here: the page asks for what is old."""
    files_of = workspace.current(settings.WORKSPACE)
    now, retired = timezone.now(), request.GET.get("state") == "retired"
    files, wrong = readable(files_of)
    shown = [file for file in files if (file.state == "retired") == retired]
    last = _last([file.slug for file in shown])
    results, changes = reports.results(last.values()), editions.changes(now)
    rows = [_row(files_of, file, now, changes.get(file.slug, {}), last.get(file.slug), results) for file in shown]
    sizes = {file.slug: _size(file.slug, kept_count(_target(files_of, file)), now) for file in shown}
    role = Role(request.member.role)  # type: ignore[attr-defined]
    context = {
        "here": "campaigns",
        "rows": [(row, sizes[row.file.slug]) for row in sorted(rows, key=_order)],
        "now": now,
        "retired": retired,
        "retired_count": sum(file.state == "retired" for file in files),
        "wrong": {} if retired else wrong,
        "may_edit": role.may(Role.EDITOR),
        "may_publish": role.may(Role.PUBLISHER),
    }
    return render(request, "console/campaigns.html", context)


def _order(row: Row) -> tuple[bool, float, str]:
    """Soonest first; what has no next time after that, by name."""
    return row.next is None, row.next.moment.timestamp() if row.next else 0.0, row.file.name.casefold()


def _row(
    files: Workspace,
    file: CampaignFile,
    now: datetime,
    changes: Mapping[datetime, Change],
    last: Edition | None,
    results: Mapping[int, reports.Result],
) -> Row:
    zone = file.schedule.zone(files.config.zone) if file.schedule else files.config.zone
    coming = runs(file.schedule, zone, now, changes) if file.schedule and not file.resting else iter(())
    return Row(
        file=file,
        list_title=audience.list_titles(files)[file.list],
        segments=tuple(audience.segment_label(files, each) for each in file.segment),
        exclude=tuple(audience.segment_label(files, each) for each in file.exclude),
        words=in_words(file.schedule, zone) if file.schedule else "when somebody sends it",
        zone=str(zone),
        next=next((run for run in coming if not run.left_out), None),
        last=last,
        result=results.get(last.pk) if last else None,
    )


def _last(slugs: list[str]) -> dict[str, Edition]:
    """Each campaign's last edition that went out."""
    found = {}
    for slug in slugs:
        sent = Edition.objects.select_related("campaign").filter(campaign__slug=slug, state=EditionState.SENT)
        if edition := sent.order_by("-scheduled_for").first():
            found[slug] = edition
    return found


def _target(files: Workspace, file: CampaignFile) -> audience.Target:
    return audience.Target(
        file.list,
        tuple(files.segment(each) for each in file.segment),
        tuple(files.segment(each) for each in file.exclude),
    )


def _size(slug: str, kept: Count | None, now: datetime) -> dict[str, Any]:
    if kept is None:
        return {"name": slug, "is_old": True}
    age = now - kept.at
    said = "just now" if age < timedelta(minutes=1) else f"{span_in_words(age)} ago"
    known = {"size": f"{kept.readers:,}", "people": kept.readers, "at": kept.at, "age": said, "exact": kept.exact}
    return {"name": slug, "is_old": kept.is_old, **known}


def count(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Count one campaign's readers; among many people that is begun, and the page asks (``look``) what came of it."""
    files = workspace.current(settings.WORKSPACE)
    target = _target(files, _file(files, slug))
    found = counted(target, anew="look" not in request.POST)
    if request.headers.get("HX-Request"):
        is_busy = is_being_counted(target)  # before the number is read: it may come at any moment
        size = _size(slug, kept_count(target) or found, timezone.now()) | {"is_old": False, "is_busy": is_busy}
        return render(request, "console/parts/readers_of.html", {"size": size})
    return redirect("console-campaigns")


def state(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Pause a campaign, retire it, or let it come out again: a key of its file, and nothing else in it."""
    files, to = workspace.current(settings.WORKSPACE), request.POST.get("to", "")
    if to not in STATES:
        raise Http404
    file = _file(files, slug)
    back = reverse("console-campaigns") + ("?state=retired" if file.state == "retired" else "")
    if file.state == to:
        messages.success(request, f"{file.name} is {to} already.")
        return redirect(back)
    try:
        version = workspace.campaign_version(files, slug)
        text = workspace.changed_campaign(version.text, slug, {"state": None if to == "active" else to})
        workspace.save_campaign(files, slug, version, text)
    except BroadsheetError as error:
        messages.error(request, str(error))
        return redirect(back)
    audit(request, "campaign-state", f"campaigns/{slug}.md", file.state, to)
    messages.success(request, _said(file, to))
    return redirect(back)


def _said(file: CampaignFile, to: str) -> str:
    if to == "active":
        when = "Times that have passed meanwhile are not made up for." if file.schedule else "It is sent by hand."
        return f"{file.name} is active again. {when}"
    waiting = Edition.objects.filter(campaign__slug=file.slug, state=EditionState.SENDING).first()
    going = f" Edition {waiting.pk} is going out already and goes on: pause it on its own page." if waiting else ""
    return f"{file.name} is {to}: nothing of it comes out until it is active again.{going}"


def _file(files: Workspace, slug: str) -> CampaignFile:
    try:
        return files.campaign(slug)
    except (BroadsheetError, ValueError):
        raise Http404 from None


# -- new ones ----------------------------------------------------------------------------------------------------


def new(request: HttpRequest) -> HttpResponseBase:
    """A new campaign: from a start with what it needs, or as a copy of another. Neither has a schedule yet."""
    files = workspace.current(settings.WORKSPACE)
    if request.method != "POST":
        return _new_page(request, files, {"copy": request.GET.get("copy", "")})
    given = {name: request.POST.get(name, "").strip() for name in ("name", "copy", "list", "template", "slug")}
    try:
        slug = given["slug"] or _free(files, slugify(given["name"])[:90].strip("-"))
        workspace.create_campaign(files, slug, _text(files, given))
    except BroadsheetError as error:
        return _new_page(request, files, given, str(error))
    audit(request, "campaign-new", f"campaigns/{slug}.md", "", f"a copy of {given['copy']}" if given["copy"] else "new")
    messages.success(request, f"{given['name']} is there: campaigns/{slug}.md. It comes out once it has a schedule.")
    try:
        return redirect("console-campaign-compose", slug)
    except NoReverseMatch:
        return redirect("console-campaigns")


def _text(files: Workspace, given: Mapping[str, str]) -> str:
    if not given["name"]:
        raise BroadsheetError("Give it a name: what staff call it.")
    if given["copy"]:
        version = workspace.campaign_version(files, given["copy"])
        text = workspace.duplicated_campaign(version.text, given["copy"], given["name"])
        return workspace.changed_campaign(text, given["copy"], {"state": None})
    return workspace.starter_campaign(given["name"], given["list"], given["template"])


def _free(files: Workspace, wanted: str) -> str:
    """A file name that is not taken: the wanted one, or with a number behind it."""
    taken, base = set(files.campaign_names()), wanted or "campaign"
    return next(name for name in (base, *(f"{base}-{n}" for n in range(2, len(taken) + 3))) if name not in taken)


def _new_page(request: HttpRequest, files: Workspace, given: Mapping[str, str], wrong: str = "") -> HttpResponse:
    try:
        lists, templates = audience.list_titles(files), files.template_names()
    except BroadsheetError as error:
        lists, templates, wrong = {}, [], wrong or str(error)
    names, _ = readable(files)
    context = {
        "here": "campaigns",
        "given": given,
        "wrong": wrong,
        "lists": lists,
        "templates": templates,
        "campaigns": names,
    }
    return render(request, "console/campaign_new.html", context, status=400 if wrong and request.POST else 200)
