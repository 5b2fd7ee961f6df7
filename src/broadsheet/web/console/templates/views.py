"""The pages of templates: all of them, one with its mail and what is wrong with it, its files, its colours."""

import base64
import difflib
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import TextChoices
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.clickjacking import xframe_options_sameorigin
from PIL import Image

from broadsheet.errors import BroadsheetError, FileChanged, InvalidFile
from broadsheet.models import Role
from broadsheet.sending.inbox import CaughtMail, Summary
from broadsheet.web.console.access import audit
from broadsheet.web.console.templates.files import (
    Folder,
    fault_with,
    files_of,
    folder,
    folders,
    kept_trial,
    opened,
    save,
    trial,
)
from broadsheet.web.console.templates.look import SHARED, Look, look_of, own_theme, written
from broadsheet.web.console.templates.sample import PICTURE
from broadsheet.web.console.templates.trial import Fault
from broadsheet.web.headers import MAIL_POLICY
from broadsheet.web.inbox.frame import Dark, framed
from broadsheet.workspace import Workspace

LEVELS = {"block": "Must be mended", "warn": "Should be mended", "advice": "Advice"}
AROUND = 3
#: A line of a file that is shown beside a mistake, in characters.
_WIDEST = 300
#: Lines of a comparison that are shown.
_MOST_LINES = 400
_TABLE = "template.toml"


class Width(TextChoices):
    """How wide the mail is shown."""

    DESKTOP = "desktop", "Desktop"
    PHONE = "phone", "Phone"


def listing(request: HttpRequest) -> HttpResponse:
    """All of them, each with its mail in small."""
    workspace = _workspace()
    context = {"here": "templates", "folders": folders(workspace), "shared": folder(workspace, SHARED)}
    return render(request, "console/templates.html", context)


def show(request: HttpRequest, name: str) -> HttpResponse:
    """One template: its mail with sample data, what is wrong with it, who uses it, its files."""
    workspace, found = _workspace(), _folder(name)
    choices = {"width": _one_of(Width, request), "dark": _one_of(Dark, request)}
    context: dict[str, Any] = {
        "here": "templates",
        "folder": found,
        "files": files_of(workspace, name),
        "may_save": _may_save(request),
        **choices,
        "widths": _switch(Width, "width", choices),
        "darks": _switch(Dark, "dark", choices),
    }
    if not found.is_shared and (kept := kept_trial(workspace, name)):
        context |= _said(workspace, kept)
    return render(request, "console/template.html", context)


def findings(request: HttpRequest, name: str) -> HttpResponse:
    """What is wrong with its mail; the page asks for this part where it has to be looked at first."""
    found = _folder(name)
    if found.is_shared:
        raise Http404
    context = {"folder": found, **_said(_workspace(), trial(_workspace(), name))}
    part = "console/parts/findings.html" if request.headers.get("HX-Request") else "console/template_findings.html"
    return render(request, part, {"here": "templates", **context})


def _said(workspace: Workspace, tried: Any) -> dict[str, Any]:
    return {
        "tried": tried,
        "around": _around(_text_of(workspace, tried.fault), tried.fault),
        "findings": [(LEVELS[each.level], each) for each in tried.findings],
    }


@xframe_options_sameorigin
def mail(request: HttpRequest, name: str) -> HttpResponse:
    """Its mail for a sandboxed frame, as its files say or with the colours that the address has."""
    workspace, found = _workspace(), _folder(name)
    shown = workspace.template_names()[0] if found.is_shared and workspace.template_names() else name
    if shown not in workspace.template_names():
        raise Http404
    tried = trial(workspace, shown, _theme_asked(workspace, found, shown, request.GET))
    html = "<!doctype html><p>This template can't be shown." if tried.fault else tried.html
    summary = Summary("", "", (), tried.subject, timezone.now(), tried.html_size)
    page = framed(CaughtMail(summary, html, tried.text, (), "", ()), Dark(_one_of(Dark, request)))
    policy = f"{MAIL_POLICY}; frame-ancestors 'self'; sandbox"
    return HttpResponse(page.replace(f"/i/{PICTURE}", _picture()), headers={"Content-Security-Policy": policy})


def _theme_asked(workspace: Workspace, found: Folder, shown: str, asked: QueryDict) -> dict[str, object] | None:
    given = _given(asked)
    if not given:
        return None
    try:
        theme = dict(look_of(workspace, found.name, given).theme)
        return theme | own_theme(workspace, shown) | workspace.config.theme if found.is_shared else theme
    except InvalidFile:
        return None


@cache
def _picture() -> str:
    """A quiet drawing in place of an article's picture."""
    drawn = BytesIO()
    Image.linear_gradient("L").resize((640, 360)).convert("RGB").point(lambda tone: 150 + tone // 3).save(drawn, "PNG")
    return f"data:image/png;base64,{base64.b64encode(drawn.getvalue()).decode()}"


# One file


def edit(request: HttpRequest, name: str, file: str) -> HttpResponseBase:
    """The text of one file; a POST checks it, and saves it unless it was only to be checked."""
    workspace, found = _workspace(), _folder(name)
    if file not in files_of(workspace, name):
        raise Http404
    shown = f"templates/{name}/{file}"
    try:
        now = opened(workspace, name, file)
    except BroadsheetError as error:
        messages.error(request, str(error))
        return redirect("console-template", name=name)
    context: dict[str, Any] = {
        "here": "templates",
        "folder": found,
        "file": file,
        "shown": shown,
        "may_save": _may_save(request),
        "text": now.text,
        "version": now.digest,
    }
    if request.method == "POST":
        text = request.POST.get("text", "").replace("\r\n", "\n").replace("\r", "\n")
        context |= {"text": text, "version": request.POST.get("version", "")}
        fault = fault_with(workspace, name, file, text)
        if fault:
            context |= {"fault": fault, "around": _around(_fault_text(workspace, fault, shown, text), fault)}
        elif request.POST.get("do") == "check":
            context["is_well"] = True
        elif _saved(request, context, found):
            return redirect("console-template-file", name=name, file=file)
    return render(request, "console/template_file.html", context)


def _saved(request: HttpRequest, context: dict[str, Any], found: Folder) -> bool:
    """Whether the text is in the file now; else the context says what stands there instead."""
    workspace, file, shown, text = _workspace(), context["file"], context["shown"], context["text"]
    try:
        before = save(workspace, found.name, file, text, context["version"])
    except FileChanged:
        now = opened(workspace, found.name, file)
        context |= {"theirs": now.text, "version": now.digest, "difference": _difference(now.text, text)}
        return False
    except BroadsheetError as error:
        messages.error(request, str(error))
        return False
    if before != text:
        audit(request, "template", shown, before, text)
    messages.success(request, f"{shown} is saved." if before != text else f"{shown} says that already.")
    return True


def _difference(theirs: str, yours: str) -> list[tuple[str, str]]:
    """The lines that differ, with a few around them: the sign, and the line."""
    lines = list(difflib.unified_diff(theirs.split("\n"), yours.split("\n"), lineterm="", n=2))[2:]
    return [(line[:1], line[1 : _WIDEST + 1]) for line in lines[:_MOST_LINES]]


def _text_of(workspace: Workspace, fault: Fault | None) -> str:
    """The text of the file that a mistake is in, if it is one of the templates'."""
    parts = Path(fault.file).parts if fault else ()
    if len(parts) != 3 or parts[0] != "templates" or parts[2] not in files_of(workspace, parts[1]):
        return ""
    try:
        return opened(workspace, parts[1], parts[2]).text
    except BroadsheetError:
        return ""


def _fault_text(workspace: Workspace, fault: Fault, shown: str, text: str) -> str:
    return text if fault.file == shown else _text_of(workspace, fault)


def _around(text: str, fault: Fault | None) -> list[tuple[int, str, bool]]:
    """The lines around the mistake: number, text, and whether it is the one."""
    lines = text.split("\n")
    if not text or fault is None or fault.line is None or not 1 <= fault.line <= len(lines):
        return []
    first, last = max(1, fault.line - AROUND), min(len(lines), fault.line + AROUND)
    return [(number, lines[number - 1][:_WIDEST], number == fault.line) for number in range(first, last + 1)]


# Colours, fonts and measures


def look(request: HttpRequest, name: str) -> HttpResponseBase:
    """The fields of its theme; a POST tries and saves them in its template.toml."""
    workspace, found = _workspace(), _folder(name)
    given = _given(request.POST) if request.method == "POST" else None
    try:
        shown = look_of(workspace, name, given)
    except InvalidFile as error:
        messages.error(request, f"{error}. Mend the file first.")
        return redirect("console-template", name=name)
    fault = None
    if given is not None and not shown.wrong:
        fault, done = _save_look(request, found, shown)
        if done:
            return redirect("console-template-look", name=name)
    context = {
        "here": "templates",
        "folder": found,
        "look": shown,
        "fault": fault,
        "may_save": _may_save(request),
        "preview": _preview(name, shown),
        "file": f"templates/{name}/{_TABLE}",
    }
    return render(request, "console/template_look.html", context)


def contrast(request: HttpRequest, name: str) -> HttpResponse:
    """How well the colours of a form that is being filled in can be read, and the mail in them."""
    found = _folder(name)
    try:
        shown = look_of(_workspace(), name, _given(request.GET))
    except InvalidFile:
        raise Http404 from None
    context = {"folder": found, "look": shown, "preview": _preview(name, shown)}
    return render(request, "console/parts/contrast.html", context)


def _given(asked: QueryDict) -> dict[str, tuple[str, str]]:
    """The fields of the form, each with what it was when the form was opened; without that, each counts as touched."""
    keys = [key.removeprefix("theme.") for key in asked if key.startswith("theme.")]
    return {key: (asked.get(f"theme.{key}", ""), asked.get(f"was.{key}", "\0")) for key in keys}


def _preview(name: str, shown: Look) -> str:
    """The address of the mail in those colours."""
    changed = {f"theme.{key}": "" if value is None else value for key, value in shown.changes.items()}
    return reverse("console-template-mail", args=[name]) + (f"?{urlencode(changed)}" if changed else "")


def _save_look(request: HttpRequest, found: Folder, shown: Look) -> tuple[Fault | None, bool]:
    """What keeps the changes from being written, and whether they are."""
    workspace, file = _workspace(), f"templates/{found.name}/{_TABLE}"
    try:
        now = opened(workspace, found.name, _TABLE)
        text = written(now.text, shown.changes)
        if fault := fault_with(workspace, found.name, _TABLE, text) if shown.changes else None:
            return fault, False
        before = save(workspace, found.name, _TABLE, text, now.digest) if shown.changes else text
    except BroadsheetError as error:  # FileChanged, too: within this very second; saving again looks anew
        messages.error(request, str(error))
        return None, False
    if before != text:
        audit(request, "template", file, before, text)
        messages.success(request, f"{file} is saved.")
    else:
        messages.info(request, "Nothing was changed.")
    return None, True


def _workspace() -> Workspace:
    found: Workspace = settings.WORKSPACE
    return found


def _folder(name: str) -> Folder:
    found = folder(_workspace(), name)
    if found is None:
        raise Http404
    return found


def _may_save(request: HttpRequest) -> bool:
    return Role(request.member.role).may(Role.PUBLISHER)  # type: ignore[attr-defined]


def _one_of(kinds: type[TextChoices], request: HttpRequest) -> str:
    """What the address asks for; the first of its kind if it asks for nothing that there is."""
    asked = request.GET.get(kinds.__name__.lower(), "")
    return asked if asked in kinds.values else str(kinds.values[0])


def _switch(kinds: type[TextChoices], key: str, chosen: dict[str, str]) -> list[tuple[str, str, str]]:
    return [(value, label, f"?{urlencode({**chosen, key: value})}") for value, label in kinds.choices]
