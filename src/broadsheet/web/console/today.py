"""Today: what comes next, what waits for somebody, what is going out, what needs a look."""

from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from broadsheet import editions, reports
from broadsheet.models import Comment, Delivery, DeliveryState, Edition, EditionMove, EditionState, SourceState
from broadsheet.schedule.coming import readable
from broadsheet.timing import firings, in_words
from broadsheet.web.console import keeping
from broadsheet.web.console.review import WAITS
from broadsheet.workspace import Workspace

#: How many of each are shown.
SHOWN = 6


def today(request: HttpRequest) -> HttpResponse:
    """The first page."""
    workspace: Workspace = settings.WORKSPACE
    at = timezone.now()
    return render(
        request,
        "console/today.html",
        {
            "here": "today",
            "at": at,
            "coming": coming(workspace, at)[:SHOWN],
            "waiting": _waiting(),
            "unanswered": _unanswered(),
            "attention": _attention(workspace, at),
            "last": reports.side_by_side(_last()),
            **_sending(),
        },
    )


def now(request: HttpRequest) -> HttpResponse:
    """The part of the page that changes by itself: what is being sent. When all has left, the page is read anew."""
    found = _sending()
    response = render(request, "console/parts/sending.html", found)
    if not found["sending"]:
        response.headers["HX-Refresh"] = "true"
    return response


def coming(workspace: Workspace, at: datetime) -> list[dict[str, Any]]:
    """Each scheduled campaign's next edition, soonest first; those that are frozen already with their state."""
    found, changes = [], editions.changes(at)
    for file in readable(workspace)[0]:  # the campaigns' page says what is wrong with the others
        if file.schedule is None or file.resting:
            continue
        zone = file.schedule.zone(workspace.config.zone)
        moment = next(firings(file.schedule, zone, at, changes.get(file.slug, {})), None)
        if moment is None:
            continue
        edition = editions.existing(file.slug, moment)
        found.append(
            {
                "campaign": file.slug,
                "name": file.name,
                "at": moment,
                "zone": str(zone),
                "edition": edition,
                "needs_approval": file.approval == "required",
                "words": in_words(file.schedule, zone),
            }
        )
    return sorted(found, key=lambda each: each["at"])


def _waiting() -> list[Edition]:
    found = Edition.objects.select_related("campaign").annotate(readers=Coalesce(Sum("variants__readers"), 0))
    states = (EditionState.DRAFT, EditionState.PROOFED)
    return list(found.filter(state__in=states).order_by("scheduled_for")[:SHOWN])


def _unanswered() -> list[Comment]:
    """The last remark on each edition that may still be stopped, newest first, if nothing was done about it since.

    Something is: somebody freezes the edition anew or approves it, or says something that is the last remark then.
    """
    last = Comment.objects.filter(edition=OuterRef("edition")).order_by("-pk").values("pk")[:1]
    done = EditionMove.objects.filter(edition=OuterRef("edition"), at__gt=OuterRef("at")).filter(
        Q(why__startswith=editions.ANEW) | Q(after=EditionState.APPROVED)
    )
    found = Comment.objects.filter(edition__state__in=WAITS, pk=Subquery(last)).exclude(Exists(done))
    return list(found.select_related("edition__campaign").order_by("-pk")[:SHOWN])


def _sending() -> dict[str, Any]:
    going = (
        Edition.objects.select_related("campaign")
        .filter(state__in=(EditionState.SENDING, EditionState.PAUSED))
        .order_by("scheduled_for")[:SHOWN]
    )
    return {"sending": [(edition, reports.numbers(edition, when=False)) for edition in going]}


def _last() -> list[Edition]:
    return list(Edition.objects.select_related("campaign").filter(state=EditionState.SENT)[:SHOWN])


def _attention(workspace: Workspace, at: datetime) -> list[tuple[str, str, str]]:
    """What needs a look: how grave, in a sentence, and where to look."""
    found = [
        ("warn", f"{source.name} can't be read: {source.reason}", "")
        for source in SourceState.objects.exclude(reason="")[:SHOWN]
    ]
    found += [
        (
            "block",
            f"{workspace.name_of(edition.campaign.slug)} is held: nobody approved it in time.",
            f"editions/{edition.pk}",
        )
        for edition in editions.unapproved(at)[:SHOWN]
    ]
    # asked by edition, as the ledger has no index of states alone
    copies = Delivery.objects.filter(edition=OuterRef("pk"), state=DeliveryState.UNKNOWN)
    unknown = Edition.objects.filter(Exists(copies)).values_list("pk", flat=True)
    found += [
        ("warn", f"Edition {pk} has copies of which nobody can say whether they arrived.", f"editions/{pk}")
        for pk in unknown[:SHOWN]
    ]
    for health in keeping.soon("health", partial(_health, workspace)):
        found += [("block", f"{health.hold}.", "reports")] if health.hold else []
        found += [("warn", f"{health.warning}.", "reports")] if health.warning else []
    return found


def _health(workspace: Workspace) -> list[reports.Health]:
    return [reports.health_of(name) for name in workspace.lists.lists]
