"""Importing people: upload a file, say what its columns are, try it, take it, and get back the lines that were not."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from broadsheet import audience
from broadsheet.audience import uploads
from broadsheet.models import AT_WORK, Upload, UploadState
from broadsheet.timing import span_in_words
from broadsheet.web.console.access import audit, who
from broadsheet.web.console.uploading import ToState, too_large

PAGE = 20
#: What a column may be, and how that is said.
FIELDS: dict[str, str] = {
    "email": "Address",
    "first_name": "First name",
    "last_name": "Last name",
    "name": "Whole name",
    "language": "Language",
    "time_zone": "Time zone",
    "interests": "Interests",
    "lists": "Lists",
    "status": "Whether they are subscribed",
    "created": "When they joined",
    "consent_at": "When they agreed",
    "consent_how": "How they agreed",
    "consent_network": "Network address they agreed from",
    "consent_wording": "Words they agreed to",
}
#: What stands in the form for a column that is left out, and for an attribute named as the column is.
LEFT_OUT, OWN_NAME = "-", "@"
UPDATES: dict[str, str] = {
    "missing": "fill in what we don't know",
    "none": "leave them as they are",
    "all": "take what the file says",
}
#: What a file says of people, in words.
SAID: dict[str, str] = {
    "pending": "not confirmed",
    "doubtful": "in doubt",
    "left": "unsubscribed",
    "suppressed": "not to be mailed",
    "dead": "with addresses that don't exist",
    "complained": "who complained",
}
STATUSES: dict[str, str] = {
    "": "The file says; else they are subscribed",
    "subscribed": "They are subscribed, whatever the file is called",
    "pending": "Nobody has confirmed yet",
    "unsubscribed": "All of them have left",
    "bounced": "Their addresses don't exist",
    "complained": "They reported mail as spam",
    "suppressed": "They must not be mailed",
}


@csrf_exempt  # the form's token stands inside of what is uploaded: it is looked at once it is known where that goes
def listing(request: HttpRequest) -> HttpResponseBase:
    """The form to upload a file, and what was imported before; a POST takes the file in."""
    if request.method != "POST":
        return _page(request)
    if too_large(request):
        most = uploads.MOST >> 20
        return _page(
            request,
            f"A file may have {most:,} MB. Pack it as ZIP, or use `broadsheet subscribers import` on the server.",
            status=413,
        )
    request.upload_handlers = [ToState(request)]
    return _taken_in(request)


@csrf_protect
def _taken_in(request: HttpRequest) -> HttpResponseBase:
    try:
        file = request.FILES.get("file")
    except OSError as error:
        return _page(request, f"The upload broke off ({error.strerror or error}); nothing was kept.")
    if file is None:
        return _page(request, "Choose a file first: CSV, TSV, a ZIP of one, or XLSX.")
    if not file.size:
        return _page(request, f"{file.name} is empty; nothing was kept.")
    file.flush()
    upload = uploads.keep(settings.WORKSPACE, Path(file.temporary_file_path()), file.name or "", who(request))  # type: ignore[attr-defined]
    audit(request, "import-upload", f"import {upload.pk}", "", upload.name)
    return redirect("console-import", pk=upload.pk)


def _page(request: HttpRequest, wrong: str = "", status: int = 200) -> HttpResponse:
    rows = Upload.objects.all()
    if (before := request.GET.get("before", "")).isdecimal() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    found = [uploads.look_after(each) for each in rows[: PAGE + 1]]
    context = {
        "here": "readers",
        "uploads": found[:PAGE],
        "more": found[PAGE - 1].pk if len(found) > PAGE else None,
        "wrong": wrong,
        "most": uploads.MOST >> 20,
    }
    return render(request, "console/imports.html", context, status=status)


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One file: what its columns are, what trying it came to, how far its import is."""
    return render(request, "console/import.html", _facts(_upload(pk)))


def live(request: HttpRequest, pk: int) -> HttpResponse:
    """The part that changes by itself; once it has come to rest, the whole page is read anew."""
    facts = _facts(_upload(pk))
    response = render(request, "console/parts/upload.html", facts)
    if not facts["at_work"]:
        response.headers["HX-Refresh"] = "true"
    return response


def try_(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Go through the file with what the form says of it, and write nothing."""
    upload = _upload(pk)
    try:
        choices = _choices(request, upload)
    except ValueError as error:
        messages.error(request, f"{error} Nothing was tried.")
        return redirect("console-import", pk=pk)
    if not uploads.begin(settings.WORKSPACE, upload, UploadState.TRYING, choices):
        messages.error(request, "This file is being worked on, or is imported already.")
    return redirect("console-import", pk=pk)


def run(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Take the people, as the dry run showed it."""
    upload = _upload(pk)
    if uploads.begin(settings.WORKSPACE, upload, UploadState.TAKING):
        audit(request, "import-run", f"import {pk}", upload.state, f"{upload.name}: {upload.choices}")
    else:
        messages.error(request, "Try the file first; or somebody else has begun to import it.")
    return redirect("console-import", pk=pk)


def stop(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Stop after the batch in hand."""
    if uploads.stop(_upload(pk)):
        audit(request, "import-stop", f"import {pk}")
        messages.success(request, "It stops after the batch in hand.")
    else:
        messages.error(request, "It had ended by then.")
    return redirect("console-import", pk=pk)


def drop(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Take the file and its rejected lines off the server. Who was imported stays."""
    upload = _upload(pk)
    if not uploads.drop(settings.WORKSPACE, upload):
        messages.error(request, "It is being worked on; stop it first.")
        return redirect("console-import", pk=pk)
    audit(request, "import-drop", f"import {pk}", upload.name, "")
    messages.success(request, f"{upload.name} is gone from here. People who were imported stay.")
    return redirect("console-imports")


def rejected(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The lines that were not taken, as a file that can be mended and uploaded again."""
    upload = _upload(pk)
    try:
        file = uploads.rejected_file(settings.WORKSPACE, upload).open("rb")
    except OSError:
        raise Http404 from None
    name = f"{upload.name.rpartition('.')[0] or upload.name}-rejected.csv"
    return FileResponse(file, as_attachment=True, filename=name, content_type="text/csv; charset=utf-8")


def _upload(pk: int) -> Upload:
    return uploads.look_after(get_object_or_404(Upload, pk=pk))


def _choices(request: HttpRequest, upload: Upload) -> dict[str, Any]:
    """What the form says, as the command's options. Raises ValueError for what can't be."""
    given = request.POST
    list_name, update, status = given.get("list", ""), given.get("update", "missing"), given.get("status", "")
    if list_name and list_name not in settings.WORKSPACE.lists.lists:
        raise ValueError(f"There is no list “{list_name}”.")
    if update not in UPDATES or status not in STATUSES:
        raise ValueError("The form was not one of ours.")
    mapped = {}
    for at, column in enumerate(_columns(upload)):
        to = given.get(f"column-{at}", "")
        if to and column["name"]:
            mapped[column["name"]] = "" if to == LEFT_OUT else column["name"] if to == OWN_NAME else to.lstrip("@")
    return {
        "list_name": list_name or None,
        "update": update,
        "mapped": mapped,
        "means": _means(given.get("means", "")),
        "status": status or None,
    }


def _means(text: str) -> dict[str, str]:
    found = {}
    for line in filter(None, map(str.strip, text[:2_000].splitlines())):
        word, sign, meaning = line.rpartition("=")
        if not sign or not word.strip():
            raise ValueError(f"“{line[:80]}” does not say what a word means; write it like: enabled = subscribed.")
        found[word.strip()] = meaning.strip()
    return found


def _columns(upload: Upload) -> list[dict[str, Any]]:
    """The columns that can be said to be something; the second of one name can't be told from the first."""
    seen: set[str] = set()
    columns = []
    for each in upload.glance.get("columns", []):
        again = each["name"].lower() in seen
        seen.add(each["name"].lower())
        columns.append({**each, "again": again})
    return columns


def _facts(upload: Upload) -> dict[str, Any]:
    lists, attributes = audience.list_titles(settings.WORKSPACE), settings.WORKSPACE.lists.attributes
    at_work = upload.state in AT_WORK
    report = upload.report
    return {
        "here": "readers",
        "upload": upload,
        "at_work": at_work,
        "left": _left(upload) if at_work else "",
        "percent": 100 * upload.done // upload.total if upload.total else None,
        "columns": _chosen(upload),
        "more_columns": max(upload.glance.get("count", 0) - uploads.SHOWN_COLUMNS, 0),
        "fields": FIELDS,
        "attributes": {name: each.label or name for name, each in attributes.items()},
        "lists": lists,
        "list_title": lists.get(upload.choices.get("list_name") or "", ""),
        "updates": UPDATES,
        "statuses": STATUSES,
        "means": "\n".join(f"{word} = {meaning}" for word, meaning in upload.choices.get("means", {}).items()),
        "report": report,
        "people": [(SAID.get(word, word), count) for word, count in report.get("people", {}).items()],
        "on_no_list": bool(report)
        and not upload.choices.get("list_name")
        and "lists" not in report["columns"].values(),
        "has_rejected": uploads.rejected_file(settings.WORKSPACE, upload).is_file(),
        "has_file": uploads.file_of(settings.WORKSPACE, upload).is_file(),
    }


def _chosen(upload: Upload) -> list[dict[str, Any]]:
    """Each column with what it is recognised as, in words, and what somebody chose."""
    mapped = upload.choices.get("mapped", {})
    rows = []
    for each in _columns(upload):
        found = each["recognised"]
        word = FIELDS.get(found) or found.replace("attribute ", "Attribute ", 1)
        to = mapped.get(each["name"])
        chosen = LEFT_OUT if to == "" else OWN_NAME if to == each["name"] and to not in FIELDS else to
        if chosen and chosen not in (LEFT_OUT, OWN_NAME) and chosen not in FIELDS:
            chosen = f"@{chosen}"
        rows.append({**each, "word": word[:1].upper() + word[1:], "chosen": chosen or "", "known": found in FIELDS})
    return rows


def _left(upload: Upload) -> str:
    """How long it will still take, in words, as far as one can tell."""
    if not upload.began_at or not upload.total or upload.done < upload.total / 50:
        return ""
    spent = (timezone.now() - upload.began_at).total_seconds()
    seconds = round(spent * (upload.total - upload.done) / upload.done)
    return span_in_words(timedelta(minutes=-(-seconds // 60))) if seconds > 90 else f"{max(seconds, 1)} s"
