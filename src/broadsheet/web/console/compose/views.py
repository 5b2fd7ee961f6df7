"""Compose: the page, its parts, and what is done with the draft."""

import json
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin

from broadsheet.errors import BroadsheetError, FileChanged, InvalidFile, UnknownName
from broadsheet.models import Role
from broadsheet.web.console.access import audit, who
from broadsheet.web.console.compose import draft, pages
from broadsheet.web.console.compose.audience import counted, is_being_counted, target_of
from broadsheet.web.console.compose.draft import Work, open_work
from broadsheet.web.console.compose.mail import copy_for, whose
from broadsheet.web.console.compose.sections import BY_NAME, Section, section_changes
from broadsheet.web.inbox.frame import Dark
from broadsheet.web.preview.frame import frame_html, frame_policy
from broadsheet.workspace import changed_campaign, create_campaign
from broadsheet.workspace.editing import body_of
from broadsheet.workspace.front_matter import split_header
from broadsheet.workspace.reading import one_kind_of_line


def show(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The page: every section, and the mail beside them."""
    work = _work(slug)
    if work.disk is None:
        return redirect("console-campaign-compare", slug=slug)
    return render(request, "console/compose.html", pages.page(request, work))


def beside(request: HttpRequest, slug: str) -> HttpResponse:
    """The mail beside the sections, as another reader gets it or after a change."""
    work = _work(slug)
    return render(
        request,
        "console/compose/mail.html",
        {"work": work, "clear_hits": "found" in request.GET, **pages.beside(request, work)},
    )


@xframe_options_sameorigin
def mail(request: HttpRequest, slug: str) -> HttpResponse:
    """The draft's HTML for the sandboxed frame."""
    work = _work(slug)
    try:
        of = whose(work, request.GET.get("reader", ""))
        if of is None or of.reader is None:
            raise Http404
        made = copy_for(work, of)
    except (BroadsheetError, ValueError) as error:
        raise Http404 from error
    asked = request.GET.get("dark", "")
    html = frame_html(made.mail, Dark(asked if asked in Dark.values else Dark.OFF), work.workspace.config.public.url)
    return HttpResponse(html, headers={"Content-Security-Policy": frame_policy(images=True)})


def reach(request: HttpRequest, slug: str) -> HttpResponse:
    """How many the campaign reaches; without scripts the page is shown with the number."""
    work = _work(slug)
    if target := target_of(work):
        counted(target)
    if not request.headers.get("HX-Request"):
        return render(request, "console/compose.html", pages.page(request, work))
    is_busy = bool(target and is_being_counted(target))  # before the number is read: it may come at any moment
    context = {"work": work, "is_busy": is_busy, **pages.reach(work)}
    return render(request, "console/compose/reach.html", context)


def save(request: HttpRequest, slug: str, section: str) -> HttpResponseBase:
    """Keep one section in the draft, unless somebody else changed it since the page showed it."""
    if section not in BY_NAME:
        raise Http404
    of = BY_NAME[section]
    with transaction.atomic():
        _work(slug)
        work = draft.locked(slug)
        if "seen" not in request.POST:
            return _after(request, work, of, "")
        if request.POST["seen"] != work.seen(of) and request.POST.get("mine") != work.seen(of):
            return _disputed(request, work, of)
        try:
            saved = _saved(request, work, of)
        except InvalidFile as error:
            return _after(request, work, of, str(error))
        if saved.row and not work.row:
            audit(request, "campaign-draft", work.path, "", "begun")
    return _after(request, saved, of, "")


def _saved(request: HttpRequest, work: Work, of: Section) -> Work:
    if of.name == "file":
        return draft.save_whole(work, request.POST.get("whole", work.text).replace("\0", ""), who(request))
    changes = section_changes(of, work.settings, request.POST)
    intro = request.POST["intro"].replace("\0", "") if "intro" in of.keys and "intro" in request.POST else None
    return draft.save_section(work, changes, intro, who(request))


#: The parts that another look is worth after a section was kept.
_ALSO = {"audience": ("name",)}


def _after(request: HttpRequest, work: Work, of: Section, fault: str) -> HttpResponseBase:
    """The page again; with scripts only what changed on it: where the sections stand, what follows from this one."""
    if not request.headers.get("HX-Request"):
        if fault:
            messages.error(request, fault)
        return redirect(f"{reverse('console-campaign-compose', args=[work.slug])}#{of.name}")
    redrawn = of.name == "file" or bool(request.POST.get("do") or request.POST.get("mine"))
    names = {*([of.name] if redrawn else []), *_ALSO.get(of.name, ()), "file"}
    context = pages.sections(request, work)
    context |= {
        "swap": True,
        "fault": fault,
        "saved": of.name,
        "anew": [part for part in context["parts"] if part["name"] in names],
        "others": [part for part in context["parts"] if part["name"] not in names],
        "with_reach": of.name == "audience" and "audience" not in names,
        "with_picks": of.name in ("articles", "when") and "articles" not in names,
    }
    response = render(request, "console/compose/saved.html", context)
    response.headers["HX-Trigger"] = json.dumps({"saved": of.name})
    return response


def _disputed(request: HttpRequest, work: Work, of: Section) -> HttpResponseBase:
    """The section as the person typed it, told that somebody else changed it meanwhile; nothing is kept yet."""
    typed = section_changes(of, work.settings, request.POST) if of.name != "file" else {}
    context = {
        **pages.sections(request, work),
        "typed": _typed(request, work, of, typed),
        "disputed": of.name,
        "posted": [
            (key, value)
            for key, values in request.POST.lists()
            if key not in ("csrfmiddlewaretoken", "seen", "mine")
            for value in values
        ],
        "now": work.seen(of),
        "section": of,
    }
    if request.headers.get("HX-Request"):
        return render(request, "console/compose/disputed.html", context)
    return render(request, "console/compose_disputed.html", context)


def _typed(request: HttpRequest, work: Work, of: Section, typed: dict[str, Any]) -> list[dict[str, Any]]:
    """Each key that the two say otherwise, with both values."""
    rows = [{"key": key, "theirs": work.settings.get(key), "mine": value} for key, value in typed.items()]
    if "intro" in of.keys and one_kind_of_line(request.POST.get("intro", "")).strip() != work.intro:
        rows.append({"key": "intro", "theirs": work.intro, "mine": request.POST.get("intro", "")})
    return rows


def readers(request: HttpRequest, slug: str) -> HttpResponse:
    """The readers that the search means, each a link to the mail as theirs."""
    work = _work(slug)
    found = pages.hits(request.GET.get("q", "").strip(), pages.choices(request))
    return render(request, "console/compose/hits.html", {"work": work, **found})


def publish(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Write the draft that the page showed into the campaign's file."""
    with transaction.atomic():
        _work(slug)
        work = draft.locked(slug)
        if str(work.number) != request.POST.get("number"):
            messages.error(
                request, "The draft was changed since this page was opened. It is shown as it is now; look it through."
            )
            return redirect("console-campaign-compose", slug=slug)
        try:
            written = draft.publish(work)
        except FileChanged:
            return redirect("console-campaign-compare", slug=slug)
        except BroadsheetError as error:
            messages.error(request, str(error))
            return redirect("console-campaign-compose", slug=slug)
        audit(request, "campaign-publish", work.path, work.disk.text if work.disk else "", written.text)
    messages.success(request, f"Published: {work.path} says all this now.")
    return redirect("console-campaign-compose", slug=slug)


def discard(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Throw the draft away; the audit keeps its text."""
    with transaction.atomic():
        _work(slug)
        work = draft.locked(slug)
        if str(work.number) != request.POST.get("number") or work.row is None:
            messages.error(request, "The draft was changed since this page was opened, so it is still there.")
            return redirect("console-campaign-compose", slug=slug)
        audit(request, "campaign-discard", work.path, work.text, "")
        draft.discard(work)
    messages.success(request, "The draft is gone. This is the file as it is.")
    return redirect("console-campaign-compose", slug=slug) if work.disk else redirect("console-today")


def compare(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The draft and the file side by side, where both changed; and what is to be done about it."""
    work = _work(slug)
    if request.method == "POST":
        return _chosen(request, slug)
    if not work.changed_on_disk or work.row is None:
        return render(request, "console/compose_compare.html", {**pages.head(work), "here": "campaigns", "agree": True})
    theirs = work.disk.text if work.disk else ""
    context = {
        **pages.head(work),
        "here": "campaigns",
        "may_edit": pages.may(request, Role.EDITOR),
        "theirs": draft.difference(work.row.base, theirs),
        "mine": draft.difference(work.row.base, work.row.text),
        "both": draft.difference(theirs, work.row.text),
        "digest": work.disk.digest if work.disk else "",
    }
    return render(request, "console/compose_compare.html", context)


def _chosen(request: HttpRequest, slug: str) -> HttpResponseBase:
    with transaction.atomic():
        work = draft.locked(slug)
        digest = work.disk.digest if work.disk else ""
        asked = request.POST.get("choice", "")
        seen = request.POST.get("number"), request.POST.get("digest")
        if work.row is None or seen != (str(work.number), digest) or asked not in ("merge", "mine", "theirs"):
            messages.error(request, "One of the two was changed since this page was opened. Look at both again.")
            return redirect("console-campaign-compare", slug=slug)
        try:
            _CHOICES[asked](request, work)
        except BroadsheetError as error:
            messages.error(request, str(error))
            return redirect("console-campaign-compare", slug=slug)
    return redirect("console-campaign-compose", slug=slug)


def _merge(request: HttpRequest, work: Work) -> None:
    """Theirs, with what the draft changed put into it."""
    if work.disk is None or work.row is None:
        raise BroadsheetError("The file is gone, so there is nothing to put the changes into.")
    base, theirs, mine = (_settings(each, work.path) for each in (work.row.base, work.disk.text, work.row.text))
    intro = body_of(work.row.text)
    changed = draft.merged(base, theirs, mine)
    before = work.row.text
    text = changed_campaign(
        work.disk.text, work.slug, changed, intro=intro if intro != body_of(work.row.base) else None
    )
    draft.rebase(work, text, who(request))
    audit(request, "campaign-merge", work.path, before, text)
    messages.success(request, "The file's changes and yours are in the draft together. Look it through, then publish.")


def _settings(text: str, path: str) -> dict[str, Any]:
    return {str(key): value for key, value in split_header(one_kind_of_line(text), path).data.items()}


def _keep_mine(request: HttpRequest, work: Work) -> None:
    """The draft as it is; what it was begun from is the file as it is now, which publishing will replace."""
    if work.row is None:
        return
    if work.disk is None:
        written = create_campaign(work.workspace, work.slug, work.row.text)
        draft.discard(work)
        audit(request, "campaign-publish", work.path, "", written.text)
        messages.success(request, f"{work.path} is there again, as the draft has it.")
        return
    audit(request, "campaign-merge", work.path, work.disk.text, work.row.text)
    draft.rebase(work, work.row.text, who(request))
    messages.success(request, "The draft is kept. Publishing it puts it in place of the file as it is now.")


def _take_theirs(request: HttpRequest, work: Work) -> None:
    """The file as it is; the draft goes, its text stays in the audit."""
    audit(request, "campaign-discard", work.path, work.text, "")
    draft.discard(work)
    messages.success(request, "This is the file as it is. The draft is in the audit, in case it is missed.")


_CHOICES = {"merge": _merge, "mine": _keep_mine, "theirs": _take_theirs}


def _work(slug: str) -> Work:
    try:
        return open_work(slug)
    except UnknownName as error:
        raise Http404 from error
