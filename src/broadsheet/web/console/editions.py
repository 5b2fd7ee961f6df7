"""Editions: all of them, and one, live and after."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.clickjacking import xframe_options_sameorigin

from broadsheet import editions, pipeline, reports, sending
from broadsheet.errors import BroadsheetError
from broadsheet.models import Edition, EditionState, Role
from broadsheet.web.console.access import audit, who
from broadsheet.web.headers import MAIL_POLICY

PAGE = 50


def listing(request: HttpRequest) -> HttpResponse:
    """Editions, newest first, a page at a time by key."""
    rows = Edition.objects.select_related("campaign").order_by("-pk")
    if state := request.GET.get("state"):
        rows = rows.filter(state=state)
    if (before := request.GET.get("before", "")).isdigit():
        rows = rows.filter(pk__lt=int(before))
    found = list(rows[: PAGE + 1])
    more = found[PAGE - 1].pk if len(found) > PAGE else None
    context = {"here": "editions", "editions": found[:PAGE], "more": more, "state": state, "states": EditionState}
    return render(request, "console/editions.html", context)


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One edition: where it stands, what it is, what came of it."""
    edition = _edition(pk)
    context: dict[str, Any] = {
        "here": "editions",
        "moves": edition.moves.all(),
        "may_publish": Role(request.member.role).may(Role.PUBLISHER),  # type: ignore[attr-defined]
        **_facts(edition),
    }
    if edition.state in (EditionState.SENDING, EditionState.PAUSED, EditionState.SENT, EditionState.CANCELLED):
        context["report"] = reports.report(settings.WORKSPACE, edition, wait=False)
    else:
        context["variants"] = edition.variants.values("subject", "articles")[:50]
    return render(request, "console/edition.html", context)


def live(request: HttpRequest, pk: int) -> HttpResponse:
    """The part that changes by itself; once it has come to rest, the whole page is read anew."""
    facts = _facts(_edition(pk))
    response = render(request, "console/parts/progress.html", facts)
    if not facts["is_live"]:
        response.headers["HX-Refresh"] = "true"
    return response


@xframe_options_sameorigin
def mail(request: HttpRequest, pk: int) -> HttpResponse:
    """The mail with nobody's name and nobody's links in it, for a sandboxed frame."""
    edition = _edition(pk)
    found = pipeline.as_nobody_got_it(edition.pk, edition.mail_from)
    if found is None:
        raise Http404
    policy = f"{MAIL_POLICY}; frame-ancestors 'self'; sandbox"
    return HttpResponse(found[2], headers={"Content-Security-Policy": policy})


def approve(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Approve what the page showed, and nothing newer."""
    shown = request.POST.get("hash")
    return _do(request, pk, lambda edition: editions.approve(edition, who=who(request), content_hash=shown), "approve")


def pause(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Hold it where it is."""
    why = request.POST.get("why", "")
    return _do(
        request, pk, lambda edition: editions.move(edition, EditionState.PAUSED, who=who(request), why=why), "pause"
    )


def resume(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Go on where it was."""
    return _do(request, pk, lambda edition: editions.resume(edition, who=who(request)), "resume")


def cancel(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Call it off."""
    why = request.POST.get("why", "")
    return _do(request, pk, lambda edition: editions.cancel(edition, who=who(request), why=why), "cancel")


def resend(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Queue what failed again."""
    return _do(request, pk, lambda edition: editions.resend_failed(edition, who=who(request)), "resend")


def resolve(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Say what the unknown copies were."""
    as_ = "sent" if request.POST.get("as") == "sent" else "queued"
    return _do(request, pk, lambda edition: sending.settle_unknown(edition, as_), "resolve")


_SAID = {
    "approve": "Approved. It goes out at its time.",
    "pause": "Paused. What a sender has in hand still ends.",
    "resume": "It goes on where it was.",
    "cancel": "Cancelled. What had not left stays here.",
    "resend": "What failed goes again.",
    "resolve": "Settled.",
}


def _do(request: HttpRequest, pk: int, act: Callable[[Edition], object], what: str) -> HttpResponseBase:
    edition = _edition(pk)
    before = edition.state
    try:
        act(edition)
    except BroadsheetError as error:
        messages.error(request, str(error))
    else:
        edition.refresh_from_db()
        audit(request, f"edition-{what}", f"edition {pk}", before, edition.state)
        messages.success(request, _SAID[what])
    return redirect("console-edition", pk=pk)


def _edition(pk: int) -> Edition:
    return get_object_or_404(Edition.objects.select_related("campaign"), pk=pk)


def _facts(edition: Edition) -> dict[str, Any]:
    numbers = reports.numbers(edition, when=False)
    done = numbers.readers - numbers.waiting - numbers.deferred
    return {
        "edition": edition,
        "numbers": numbers,
        "done": done,
        "percent": round(100 * done / numbers.readers) if numbers.readers else 0,
        "is_live": edition.state == EditionState.SENDING,
        "is_late": timezone.now() >= edition.scheduled_for,
        "allowed": editions.MOVES[edition.state],
    }
