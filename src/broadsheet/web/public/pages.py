"""How the subscribers' pages are made: their template, their headers, the forms posted to them.

Reading a page changes nothing (mail scanners open every link); only a POST acts. No page sets a cookie: the
signed word in the address says who is meant, and nobody else has it, so it also stands in for a CSRF token.
"""

from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.http import require_http_methods

from broadsheet.audience import is_suppressed
from broadsheet.models import Subscriber
from broadsheet.web.headers import SCRIPTLESS_POLICY
from broadsheet.web.languages import known_language
from broadsheet.workspace.people_files import ListFile

page_methods = require_http_methods(["GET", "HEAD", "POST"])


def page(request: HttpRequest, name: str, **context: Any) -> HttpResponse:
    """The page of that template, in the language that is spoken now."""
    context |= {"site": settings.WORKSPACE.config.site}
    response = render(request, f"public/{name}.html", context)
    response.headers["Content-Security-Policy"] = SCRIPTLESS_POLICY
    return response


def expired(request: HttpRequest, what: str, **context: Any) -> HttpResponse:
    """The page that says that a link has run out."""
    response = page(request, "expired", what=what, **context)
    response.status_code = 410
    return response


def for_everybody(response: HttpResponse) -> HttpResponse:
    """The response, which anyone may keep for some minutes, and search engines if ``public.robots`` says so."""
    response.headers["Cache-Control"] = "public, max-age=300"
    if settings.WORKSPACE.config.public.robots == "archive":
        response.headers["X-Robots-Tag"] = "all"
    return response


def speak_to(subscriber: Subscriber) -> None:
    """From here on the answer is in the reader's language, if they have one that the pages are written in."""
    if subscriber.language:
        site = settings.WORKSPACE.config.site.language
        translation.activate(known_language(subscriber.language.replace("_", "-"), translation.get_language(), site))


def form_of(request: HttpRequest) -> QueryDict:
    """The form that was posted; an empty one for a body that is none. Providers post all sorts of bodies."""
    try:
        return request.POST
    except (BadRequest, MultiPartParserError, SuspiciousOperation, UnreadablePostError):
        return QueryDict()


def one_line(text: str, most: int = 200) -> str:
    """What somebody wrote, on one line of so many signs: none that can't be printed, as PostgreSQL keeps no NUL."""
    return " ".join("".join(sign for sign in text if sign.isprintable() or sign.isspace()).split())[:most]


def kept_out(subscriber: Subscriber) -> dict[str, Any]:
    """What a page says to a reader whose address must not be mailed, whatever list they are on: whom to write to."""
    sender = settings.WORKSPACE.config.sender
    is_kept_out = bool(is_suppressed(subscriber.email))
    return {"is_kept_out": is_kept_out, "contact": sender.reply_to or sender.email}


def title_of(list_name: str) -> str:
    """The list's title; its name, if it is no longer in the files: leaving it still works."""
    known = settings.WORKSPACE.lists.lists.get(list_name)
    return known.title if known else list_name


def public_lists() -> dict[str, ListFile]:
    """The lists that anyone may subscribe to, by name."""
    return {name: declared for name, declared in settings.WORKSPACE.lists.lists.items() if declared.public}
