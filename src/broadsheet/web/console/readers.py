"""Readers: found by name, address or interest; one person's page; suppressing, letting in again, erasing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render

from broadsheet import audience
from broadsheet.models import (
    Role,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    SuppressionReason,
    Tag,
)
from broadsheet.web.console.access import audit, who
from broadsheet.web.console.people import Agreement
from broadsheet.workspace import current

#: How much of a person's history is shown at first, and how many people on a page.
LINES, PAGE = 50, 50
#: Interests that are suggested.
SUGGESTED = 300
FILTERS = ("q", "list", "state", "segment", "language", "interest")
STATES = ((audience.SUPPRESSED, "Suppressed"), *SubscriptionState.choices)


def listing(request: HttpRequest) -> HttpResponse:
    """People, a page at a time by key: the newest, or those that are looked for."""
    workspace = current(settings.WORKSPACE)
    lists, segments = audience.list_titles(workspace), audience.segment_titles(workspace)
    given = {name: request.GET.get(name, "").strip()[:100] for name in FILTERS}
    for name, known in (("list", lists), ("state", dict(STATES)), ("segment", segments)):
        given[name] = given[name] if given[name] in known else ""
    segment = workspace.segment(given["segment"]) if given["segment"] else None
    wanted = audience.Wanted(given["q"], given["list"], given["state"], given["language"], given["interest"], segment)
    page = audience.find(wanted, request.GET.get("after", ""), size=PAGE)
    asked = {name: each for name, each in given.items() if each}
    context = {
        "here": "readers",
        "given": given,
        "rows": _rows(page.readers, lists),
        "more": urlencode({**asked, "after": page.after}),
        "asked": urlencode(asked),
        "page": page,
        "is_short": len(page.readers) < PAGE,
        "lists": lists,
        "states": STATES,
        "segments": segments,
        "tags": Tag.objects.values_list("name", flat=True)[:SUGGESTED],
        "languages": settings.LANGUAGES,
        "is_filtered": bool(asked),
        "is_narrowed": any(given[name] for name in ("segment", "language", "interest")),
        "kept_out": "" if page.readers else _kept_out(given["q"]),
        "may_change": _may_change(request),
    }
    return render(request, "console/readers.html", context)


def _may_change(request: HttpRequest) -> bool:
    return Role(request.member.role).may(Role.PUBLISHER)  # type: ignore[attr-defined]


def _rows(found: list[Subscriber], lists: Mapping[str, str]) -> list[dict[str, Any]]:
    """Each person with what they said to each list, and why they are not mailed."""
    said: dict[int, list[tuple[str, Subscription]]] = {}
    for each in Subscription.objects.filter(subscriber__in=found).order_by("list_name"):
        said.setdefault(each.subscriber_id, []).append((lists.get(each.list_name, each.list_name), each))
    keys = [row.email_key for row in found]
    suppressed = {each.email_key: each for each in Suppression.objects.filter(email_key__in=keys)}
    return [
        {"reader": row, "lists": said.get(row.pk, []), "suppressed": suppressed.get(row.email_key)} for row in found
    ]


def _kept_out(words: str) -> str:
    """Why an address that nobody here has must not be mailed; empty if it is none, or may."""
    try:
        return audience.is_suppressed(words)
    except ValueError:
        return ""


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One person: what they agreed to, what they got, why they are not mailed."""
    reader = _reader(pk)
    lists = audience.list_titles(current(settings.WORKSPACE))
    history = [{**line, "at": datetime.fromisoformat(line["at"])} for line in audience.everything(reader)["history"]]
    history.reverse()
    shown = history if "all" in request.GET else history[:LINES]
    said = reader.subscriptions.order_by("list_name")
    context = {
        "here": "readers",
        "reader": reader,
        "name": f"{reader.first_name} {reader.last_name}".strip(),
        "said": [(lists.get(each.list_name, each.list_name), each) for each in said],
        "suppressed": Suppression.objects.filter(email_key=reader.email_key).first(),
        "may_change": _may_change(request),
        "agreement": Agreement(),
        "history": shown,
        "left_out": len(history) - len(shown),
    }
    return render(request, "console/reader.html", context)


def suppress(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Never mail this person, whatever list they are on."""
    reader, why = _reader(pk), _why(request)
    if not why:
        messages.error(request, "Say why; it is kept in their history. Nothing was changed.")
    elif audience.suppress(reader.email_key, SuppressionReason.BY_HAND, why, who=who(request)):
        audit(request, "reader-suppress", f"reader {pk}", "may be mailed", "suppressed")
        messages.success(request, f"{reader.email} is not mailed any more.")
    else:
        messages.error(request, f"{reader.email} was suppressed before; its first reason stays.")
    return redirect("console-reader", pk=pk)


def unsuppress(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Let this person be mailed again, on the lists they are on."""
    reader, why = _reader(pk), _why(request)
    if not why:
        messages.error(request, "Say why they may be mailed again; it is kept. Nothing was changed.")
    elif audience.unsuppress(reader.email_key, why, who=who(request)):
        audit(request, "reader-unsuppress", f"reader {pk}", "suppressed", "may be mailed")
        messages.success(request, f"{reader.email} may be mailed again, on the lists they are on.")
    else:
        messages.error(request, f"{reader.email} was not suppressed.")
    return redirect("console-reader", pk=pk)


def erase(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Take this person out of the database, once their address was typed. The audit does not keep it."""
    reader = _reader(pk)
    if request.POST.get("typed", "").strip().casefold() != reader.email.casefold():
        messages.error(request, "That is not their address. Nothing was erased.")
        return redirect("console-reader", pk=pk)
    audience.erase(reader)
    audit(request, "reader-erase", f"reader {pk}", "", "erased")
    messages.success(request, f"Reader {pk} is erased. A keyed hash stays, so that no import brings them back.")
    return redirect("console-readers")


def _reader(pk: int) -> Subscriber:
    return get_object_or_404(Subscriber.objects.select_related("interests"), pk=pk)


def _why(request: HttpRequest) -> str:
    return " ".join(request.POST.get("why", "").split())[:300]
