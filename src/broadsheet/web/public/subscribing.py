"""Joining a list: a page for each public list, a form to paste into one's own site, JSON for scripts, and the yes.

Whether an address is known makes no difference to any answer, nor to how long it takes: a request is kept as one
row, and looked at after the answer (:mod:`broadsheet.notices`).
"""

import json
from dataclasses import asdict, replace
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from broadsheet import notices
from broadsheet.audience import FREQUENCIES, known_address
from broadsheet.models import ConsentHow, ErrandKind, Subscription
from broadsheet.notices import Confirmed, Wish
from broadsheet.notices.joining import ask_again, standing
from broadsheet.notices.links import read_confirmation
from broadsheet.web.methods import read_only
from broadsheet.web.public.allowance import may_join
from broadsheet.web.public.interests import known_tags
from broadsheet.web.public.pages import (
    expired,
    for_everybody,
    form_of,
    kept_out,
    one_line,
    page,
    page_methods,
    public_lists,
    speak_to,
    title_of,
)
from broadsheet.workspace.people_files import ListFile

#: A field that people don't see and don't fill in; programs that fill in everything do.
HONEYPOT = "subject"
MOST_JSON = 20_000
WAIT = 3600


class Refused(Exception):
    """A request that can't be taken, with the field it is about and what to do; not an error of ours."""

    def __init__(self, field: str, reason: str, status: int = 400) -> None:
        self.field, self.reason, self.status = field, reason, status
        super().__init__(reason)


@csrf_exempt
@page_methods
def subscribe(request: HttpRequest, list_name: str) -> HttpResponse:
    """The page of a public list; a POST asks to join, and says to look into the mailbox."""
    declared = _public(list_name)
    if request.method != "POST":
        return for_everybody(_form_page(request, list_name, declared))
    form = form_of(request)
    given = {
        "email": form.get("email", ""),
        "first_name": form.get("first_name", ""),
        "interests": form.getlist("interest"),
        "frequency": form.get("frequency", "every"),
        "lists": [list_name],
    }
    try:
        wish = _wish(given, request)
        if not form.get(HONEYPOT):
            _leave_to_do(wish, request)
    except Refused as refused:
        response = _form_page(request, list_name, declared, given=given, refused=refused)
        response.status_code = refused.status
        return _with_wait(response)
    return page(request, "asked", title=declared.title, email=wish.email, double=declared.opt_in == "double")


def _form_page(request: HttpRequest, list_name: str, declared: ListFile, **context: object) -> HttpResponse:
    context = {
        "list_name": list_name,
        "list": declared,
        "interests": known_tags(),
        "frequencies": FREQUENCIES,
        "honeypot": HONEYPOT,
        "wording": wording(declared.title),
        "given": {"interests": [], "frequency": "every"},
        "archive": settings.WORKSPACE.config.public.archive == "public",
    } | context
    return page(request, "subscribe", **context)


@read_only
def form_to_paste(request: HttpRequest, list_name: str) -> HttpResponse:
    """A page with the plain HTML of a form, for somebody who wants it on their own website."""
    public = settings.WORKSPACE.config.public
    context = {
        "list": _public(list_name),
        "action": f"{public.url}/subscribe/{list_name}",
        "language": translation.get_language(),
        "honeypot": HONEYPOT,
    }
    return page(request, "form_to_paste", list_name=list_name, origins=public.origins, **context)


@csrf_exempt
def subscribe_json(request: HttpRequest) -> HttpResponse:
    """The same for scripts: ``{"email": …, "lists": […]}`` gets 202, or 400, 403, 415 or 429 with ``error``."""
    allowed = settings.WORKSPACE.config.public.origins
    origin = request.headers.get("Origin", "")
    may = not origin or origin in allowed or "*" in allowed
    if request.method == "OPTIONS":
        response = HttpResponse(status=204 if may else 403)
    elif request.method != "POST":
        response = JsonResponse({"error": _("Only POST is answered here.")}, status=405)
        response.headers["Allow"] = "OPTIONS, POST"
    elif not may:
        response = JsonResponse({"error": _("This website may not use this address.")}, status=403)
    else:
        response = _json_answer(request)
    if origin and may:
        response.headers["Access-Control-Allow-Origin"] = "*" if "*" in allowed else origin
        response.headers["Access-Control-Allow-Methods"] = "POST"
        response.headers["Access-Control-Allow-Headers"] = "Content-Type"
        response.headers["Access-Control-Max-Age"] = "86400"
    response.headers["Vary"] = "Origin"
    return response


def _json_answer(request: HttpRequest) -> HttpResponse:
    try:
        given = _json_of(request)
        wish = replace(_wish(given, request), how=ConsentHow.API, source="subscribe.json")
        if not given.get(HONEYPOT):
            _leave_to_do(wish, request)
    except Refused as refused:
        response = JsonResponse({"error": refused.reason, "field": refused.field}, status=refused.status)
        return _with_wait(response)
    message = _("Thank you. If this address can get mail from us, a mail is on its way to it: please look into it.")
    return JsonResponse({"message": message}, status=202)


def _with_wait(response: HttpResponse) -> HttpResponse:
    """The answer, which says when to come back if it came too often."""
    if response.status_code == 429:
        response.headers["Retry-After"] = str(WAIT)
    return response


def _json_of(request: HttpRequest) -> dict[str, Any]:
    if request.content_type != "application/json":  # any other type a strange website could post without being asked
        raise Refused("", _("Send application/json."), 415)
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_JSON:
        raise Refused("", _("That is too long."), 413)
    try:
        given = json.loads(request.body)
    except (ValueError, RecursionError):
        raise Refused("", _("That is not JSON.")) from None
    if not isinstance(given, dict):
        raise Refused("", _("Send an object with “email” and “lists”."))
    return given


def _wish(given: dict[str, Any], request: HttpRequest) -> Wish:
    """What is asked for. Raises Refused."""
    lists = _texts(given, "lists")
    if not lists or any(name not in public_lists() for name in lists):
        raise Refused("lists", _("Name lists that there are: %(lists)s.") % {"lists": ", ".join(public_lists())})
    written = given.get("email")
    try:
        email, _key = known_address(written if isinstance(written, str) else "")
    except ValueError:
        reason = _("That does not look like an email address. Please write it like name@provider.example.")
        raise Refused("email", reason) from None
    frequency = given.get("frequency", "every")
    if not isinstance(frequency, str) or frequency not in FREQUENCIES:
        raise Refused("frequency", _("Frequencies are: %(names)s.") % {"names": ", ".join(FREQUENCIES)})
    first_name = given.get("first_name", "")
    return Wish(
        email=email,
        lists=lists,
        wording=wording(", ".join(title_of(name) for name in lists)),
        network=request.META.get("REMOTE_ADDR", ""),
        first_name=one_line(first_name) if isinstance(first_name, str) else "",
        interests=sorted(set(_texts(given, "interests")) & set(known_tags())),
        frequency=FREQUENCIES[frequency],
        language=translation.get_language(),
    )


def _texts(given: dict[str, Any], field: str) -> list[str]:
    value = given.get(field, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Refused(field, _("“%(field)s” must be a list of texts.") % {"field": field})
    return list(dict.fromkeys(value))


def wording(title: str) -> str:
    """What somebody agrees to who presses the button; kept with their consent."""
    return _("I want to get %(list)s by email. I can leave at any time, by the link in every mail.") % {"list": title}


def _leave_to_do(wish: Wish, request: HttpRequest) -> None:
    if not may_join(known_address(wish.email)[1], request.META.get("REMOTE_ADDR", "")):
        raise Refused("", _("That was asked for too often. Please try again in an hour."), 429)
    notices.add(ErrandKind.JOIN, asdict(wish))


def _public(list_name: str) -> ListFile:
    declared = public_lists().get(list_name)
    if declared is None:
        raise Http404
    return declared


# The yes


@csrf_exempt
@page_methods
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """A page with a button; a POST puts the reader on the list. Scanners that open links confirm nothing."""
    asked = read_confirmation(token)
    if asked is None:
        raise Http404
    row = Subscription.objects.select_related("subscriber").filter(pk=asked.subscription_id).first()
    if row is None:
        raise Http404
    speak_to(row.subscriber)
    title = title_of(row.list_name)
    context = {"title": title, "list_name": row.list_name, "wording": wording(title)}
    if request.method != "POST":
        found = standing(row, asked.at)
        if found is None and not asked.is_valid:
            return expired(request, "confirm", **context)
        return page(request, "confirm", found=found, **context, **kept_out(row.subscriber))
    if asked.is_valid:
        network = request.META.get("REMOTE_ADDR", "")
        found = notices.confirm(settings.WORKSPACE, asked, network=network, wording=context["wording"])
        return page(
            request, "confirm", found=found, is_done=found != Confirmed.LEFT, **context, **kept_out(row.subscriber)
        )
    ask_again(settings.WORKSPACE, asked, timezone.now())
    return page(request, "asked", email=row.subscriber.email, double=True, **context)
