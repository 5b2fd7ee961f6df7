"""The local inbox: the list, one mail, and both as JSON for tests."""

import re
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import TextChoices
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import condition, require_POST, require_safe

from broadsheet.sending.inbox import CaughtMail, MailFolder, Summary
from broadsheet.web.headers import MAIL_POLICY
from broadsheet.web.inbox.frame import Dark, framed

Choice = TypeVar("Choice", bound=TextChoices)

PER_PAGE = 100
SHOWN_SOURCE = 500_000

#: content types a browser may show; everything else is only ever downloaded
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")


class Tab(TextChoices):
    """What of a mail is shown."""

    HTML = "html", "HTML"
    TEXT = "text", "Text"
    HEADERS = "headers", "Headers"
    SOURCE = "source", "Source"
    ATTACHMENTS = "attachments", "Attachments"


class Width(TextChoices):
    """How wide the frame is: 375 or 700 pixels."""

    PHONE = "phone", "Phone"
    DESKTOP = "desktop", "Desktop"


def folder() -> MailFolder:
    """The workspace's local inbox."""
    return MailFolder.of(settings.WORKSPACE)


def _version(_request: HttpRequest) -> str:
    return f'"{folder().version()}"'


@require_safe
@condition(etag_func=_version)
def inbox(request: HttpRequest) -> HttpResponse:
    """The list, newest first; ``?q=`` searches. A 304 as long as nothing came or went."""
    search = request.GET.get("q", "")
    version, found = folder().version(), folder().list(search)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    shown = {"page": page, "search": search, "version": version}
    response = _page(request, "list", shown)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@require_safe
def inbox_json(request: HttpRequest) -> JsonResponse:
    """The list as JSON: ``{"mails": [{name, from, to, subject, date, size}]}``, newest first; ``?q=`` searches."""
    return JsonResponse({"mails": [_as_json(each) for each in folder().list(request.GET.get("q", ""))]})


@require_safe
def mail(request: HttpRequest, name: str) -> HttpResponse:
    """One mail; ``view``, ``width`` and ``dark`` say how."""
    found = _found(name)
    tab = _choice(Tab, request, "view", Tab.HTML if found.html is not None else Tab.TEXT)
    width = _choice(Width, request, "width", Width.DESKTOP)
    dark = _choice(Dark, request, "dark", Dark.OFF)
    shown = {"view": tab, "width": width, "dark": dark}
    return _page(
        request,
        "mail",
        {
            "mail": found,
            "summary": found.summary,
            "tab": tab,
            "width": width,
            "dark": dark,
            "tabs": [(*each, _switched(shown, view=each[0])) for each in Tab.choices],
            "widths": [(*each, _switched(shown, width=each[0])) for each in Width.choices],
            "darks": [(*each, _switched(shown, dark=each[0])) for each in Dark.choices],
            "source": found.source[:SHOWN_SOURCE],
            "is_cut": len(found.source) > SHOWN_SOURCE,
        },
    )


@require_safe
def mail_json(_request: HttpRequest, name: str) -> JsonResponse:
    """One mail as JSON: the list's facts, ``html``, ``text``, ``headers``, ``attachments``, ``source``."""
    found = _found(name)
    return JsonResponse(
        _as_json(found.summary)
        | {
            "html": found.html,
            "text": found.text,
            "headers": found.headers,
            "attachments": [
                {"number": each.number, "filename": each.filename, "content_type": each.content_type}
                | {"content_id": each.content_id, "size": len(each.content)}
                for each in found.attachments
            ],
            "source": found.source,
        }
    )


@require_safe
@xframe_options_sameorigin
def mail_html(request: HttpRequest, name: str) -> HttpResponse:
    """The mail's HTML for the frame: sandboxed, without scripts."""
    response = HttpResponse(framed(_found(name), _choice(Dark, request, "dark", Dark.OFF)))
    response.headers["Content-Security-Policy"] = (
        f"{MAIL_POLICY}; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
    )
    return response


@require_safe
def mail_source(_request: HttpRequest, name: str) -> HttpResponseBase:
    """The file as it stands, to keep or to open in a mail program."""
    path = folder().path / name
    if not path.is_file():
        raise Http404
    return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="message/rfc822")


@require_safe
def attachment(_request: HttpRequest, name: str, number: int) -> HttpResponse:
    """One attachment; pictures may be shown, everything else is downloaded."""
    for part in _found(name).attachments:
        if part.number == number:
            shown = part.content_type in PICTURES
            response = HttpResponse(
                part.content, content_type=part.content_type if shown else "application/octet-stream"
            )
            if not shown:
                filename = re.sub(r"[^\w.-]+", "-", part.filename, flags=re.ASCII).strip("-.") or f"part-{number}"
                response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
            return response
    raise Http404


@require_POST
def delete(_request: HttpRequest, name: str) -> HttpResponse:
    """Deletes one mail and goes back to the list."""
    folder().delete(name)
    return redirect("inbox")


@require_POST
def clear(_request: HttpRequest) -> HttpResponse:
    """Deletes all mails and goes back to the list."""
    folder().clear()
    return redirect("inbox")


def _found(name: str) -> CaughtMail:
    found = folder().read(name)
    if found is None:
        raise Http404
    return found


def _page(request: HttpRequest, page: str, context: Mapping[str, object]) -> HttpResponse:
    zone = settings.WORKSPACE.config.zone
    response = render(request, f"inbox/{page}.html", {"zone": zone, **context})
    # Under no-referrer a browser posts a form with `Origin: null`, which the CSRF check has to refuse.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _choice(kinds: type[Choice], request: HttpRequest, key: str, default: Choice) -> Choice:
    asked = request.GET.get(key)
    return kinds(asked) if asked in kinds.values else default


def _switched(shown: Mapping[str, str], **change: str) -> str:
    return f"?{urlencode({**shown, **change})}"


def _as_json(summary: Summary) -> dict[str, object]:
    return {
        "name": summary.name,
        "from": summary.sender,
        "to": summary.to,
        "subject": summary.subject,
        "date": summary.date.isoformat(),
        "size": summary.size,
    }
