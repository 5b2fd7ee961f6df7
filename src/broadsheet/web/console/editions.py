"""Editions: all of them, and one, live and after; what staff do to one."""

import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.clickjacking import xframe_options_sameorigin

from broadsheet import editions, pipeline, reports
from broadsheet.errors import BroadsheetError
from broadsheet.models import Edition, EditionState, Role
from broadsheet.timing import span_in_words
from broadsheet.web.console import review
from broadsheet.web.console.access import who
from broadsheet.web.console.acting import act, edition_or_404
from broadsheet.web.console.heat import with_clicks
from broadsheet.web.console.speed import Speed
from broadsheet.web.headers import MAIL_POLICY
from broadsheet.web.images import locally

PAGE = 50
MINUTE = timedelta(minutes=1)
#: Variants that are listed; most readers' first.
VARIANTS = 50


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
    """One edition: what there is to say yes to, where it stands, what came of it."""
    edition = edition_or_404(pk)
    role = Role(request.member.role)  # type: ignore[attr-defined]
    waits = edition.state in review.WAITS
    context: dict[str, Any] = {
        "here": "editions",
        "name": settings.WORKSPACE.name_of(edition.campaign.slug),
        "moves": edition.moves.all(),
        "may_edit": role.may(Role.EDITOR),
        "may_publish": role.may(Role.PUBLISHER),
        "comments": edition.comments.all(),
        "variants": edition.variants.order_by("-readers", "pk").values("pk", "subject", "articles", "readers")[
            :VARIANTS
        ],
        "others": max(0, edition.variants.count() - 5),
        "more_variants": max(0, edition.variants.count() - VARIANTS),
        **_facts(request, edition),
    }
    if waits:
        return render(request, "console/review.html", context | review.facts(request, edition))
    if edition.state != EditionState.SKIPPED:
        context["report"] = reports.report(settings.WORKSPACE, edition, wait=False)
    return render(request, "console/edition.html", context)


def live(request: HttpRequest, pk: int) -> HttpResponse:
    """The part that changes by itself; once the edition is in another state, the whole page is read anew."""
    facts = _facts(request, edition_or_404(pk))
    response = render(request, "console/parts/progress.html", facts)
    if facts["edition"].state != request.GET.get("state", EditionState.SENDING):
        response.headers["HX-Refresh"] = "true"
    return response


@xframe_options_sameorigin
def mail(request: HttpRequest, pk: int) -> HttpResponse:
    """The mail with nobody's name and nobody's links in it, for a sandboxed frame; ``clicks`` lays them over it."""
    edition = edition_or_404(pk)
    variant = request.GET.get("variant", "")
    found = pipeline.as_nobody_got_it(edition.pk, edition.mail_from, int(variant) if variant.isdecimal() else None)
    if found is None:
        raise Http404
    html = locally(found[2], edition.public_url)
    if "clicks" in request.GET:
        html = with_clicks(html, reports.clicks_by_address(edition))
    policy = f"{MAIL_POLICY}; frame-ancestors 'self'; sandbox"
    return HttpResponse(html, headers={"Content-Security-Policy": policy})


def pause(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Hold it where it is."""
    why = request.POST.get("why", "")
    return act(
        request, pk, "pause", lambda edition: editions.move(edition, EditionState.PAUSED, who=who(request), why=why)
    )


def resume(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Go on where it was."""
    return act(request, pk, "resume", lambda edition: editions.resume(edition, who=who(request)))


def cancel(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Call it off."""
    why = request.POST.get("why", "")

    def does(edition: Edition) -> None:
        editions.cancel(edition, who=who(request), why=why)

    return act(request, pk, "cancel", does)


def resend(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Queue what failed again."""

    def does(edition: Edition) -> str:
        again = editions.resend_failed(edition, who=who(request))
        return f"{again:,} failed {'copy goes' if again == 1 else 'copies go'} again"

    return act(request, pk, "resend", does)


def resolve(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Say what the unknown copies were."""
    as_ = request.POST.get("as", "")

    def does(edition: Edition) -> str:
        if as_ not in ("sent", "queued"):
            raise BroadsheetError("Say whether the unknown copies were sent.")
        settled = editions.settle_unknown(edition, as_, who=who(request))
        copies = f"{settled:,} unknown {'copy' if settled == 1 else 'copies'}"
        return f"{copies} counted as sent" if as_ == "sent" else f"{copies} to be sent again"

    return act(request, pk, "resolve", does)


def _facts(request: HttpRequest, edition: Edition) -> dict[str, Any]:
    is_late = timezone.now() >= edition.scheduled_for
    facts = {
        "edition": edition,
        "is_live": edition.state == EditionState.SENDING or (edition.state == EditionState.APPROVED and is_late),
        "is_late": is_late,
        "allowed": editions.MOVES[edition.state],
    }
    if (
        edition.state in review.WAITS and not facts["is_live"]
    ):  # nothing has moved, so nothing is counted but its copies
        return facts | {"waiting": reports.waiting(edition)}
    return facts | _progress(request, edition)


def _progress(request: HttpRequest, edition: Edition) -> dict[str, Any]:
    """Where the copies stand, and how fast they go."""
    numbers = reports.numbers(edition, when=False)
    waiting = numbers.waiting + numbers.deferred
    done = numbers.readers - waiting
    speed = Speed.of(request.GET, done, time.time())
    facts: dict[str, Any] = {
        "numbers": numbers,
        "waiting": numbers.waiting,
        "done": done,
        "percent": 100 * done // numbers.readers if numbers.readers else 0,
        "speed": speed,
    }
    if edition.state == EditionState.SENDING:
        facts |= {"rate": f"{speed.rate:,.{0 if speed.rate >= 10 else 1}f}", "left": _left(speed.left(waiting))}
        stands = waiting and not speed.rate and "had" in request.GET  # since the last look
        if stands and (then := reports.next_leaving(edition)) and then > timezone.now():
            facts["next_at"] = then
    return facts


def _left(needed: timedelta | None) -> str:
    if needed is None:
        return ""
    return f"about {span_in_words(needed)} left" if needed >= MINUTE else "less than a minute left"
