"""Reports: campaigns compared, lists growing, articles that readers liked; an edition's numbers to take away."""

from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from broadsheet import reports
from broadsheet.models import Campaign, Edition
from broadsheet.web.console import keeping
from broadsheet.web.console.charts import bars, line
from broadsheet.web.console.keeping import Kept


def overview(request: HttpRequest) -> HttpResponse:
    """Everything over time; among many people as it was last counted, and the page asks for it anew if that is old."""
    kept = Kept(_counted(), timezone.now()) if keeping.are_few() else keeping.kept("reports")
    context = {"here": "reports", "kept": kept, "is_old": kept is None or kept.is_old, **(kept.value if kept else {})}
    return render(request, "console/reports.html", context)


def count(request: HttpRequest) -> HttpResponseBase:
    """Count everything over time now; whoever looks next need not wait."""
    keeping.keep("reports", _counted())
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return redirect("console-reports")


def _counted() -> dict[str, Any]:
    at = timezone.now()
    by_name = sorted(Campaign.objects.all(), key=lambda each: settings.WORKSPACE.name_of(each.slug).casefold())
    campaigns = [(each, reports.compared(each)) for each in by_name]
    growth = []
    for name, declared in settings.WORKSPACE.lists.lists.items():
        days = reports.growth(name, at.date(), days=90)
        growth.append((declared.title, days[-1].size, line([(f"{day.day:%-d %b}", day.size) for day in days])))
    return {
        "campaigns": [(campaign, rows) for campaign, rows in campaigns if rows],
        "growth": growth,
        "articles": reports.articles_ranked(at - timedelta(days=365)),
    }


def as_csv(request: HttpRequest, pk: int) -> HttpResponse:
    """An edition's numbers as CSV."""
    edition = _edition(pk)
    found = _numbers(request, edition)
    if found is None:
        return _not_yet(request, edition)
    name = f"attachment; filename={edition.key}.csv"
    return HttpResponse(
        reports.as_csv(found), content_type="text/csv; charset=utf-8", headers={"Content-Disposition": name}
    )


def as_json(request: HttpRequest, pk: int) -> HttpResponse:
    """An edition's numbers as JSON, as ``broadsheet report --json`` gives them."""
    edition = _edition(pk)
    found = _numbers(request, edition)
    if found is None:
        return _not_yet(request, edition)
    plain = reports.as_plain(found, settings.WORKSPACE.config.zone)
    options = {"indent": 2, "ensure_ascii": False}
    response = JsonResponse(plain, json_dumps_params=options)
    response.headers["Content-Disposition"] = f"attachment; filename={edition.key}.json"
    return response


def _edition(pk: int) -> Edition:
    return get_object_or_404(Edition.objects.select_related("campaign"), pk=pk)


def _numbers(request: HttpRequest, edition: Edition) -> reports.Report | None:
    """All there is to say of the edition; None while a large one is being broken down, which this begins."""
    name, workspace = f"numbers-{edition.pk}", settings.WORKSPACE
    if not reports.is_at_hand(edition):
        if "begun" not in request.GET:
            keeping.begin(name, partial(reports.report, workspace, edition))
        if keeping.is_busy(name):
            return None
    return reports.report(workspace, edition, wait=False)


def _not_yet(request: HttpRequest, edition: Edition) -> HttpResponse:
    """A page that asks for the same again by itself."""
    context = {"here": "editions", "edition": edition}
    response = render(request, "console/numbers_not_yet.html", context, status=HTTPStatus.ACCEPTED)
    response.headers["Refresh"] = f"1; url={request.path}?begun=yes"
    return response


def chart(request: HttpRequest, pk: int) -> HttpResponse:
    """Clicks and opens by hour, drawn; for a phone, if the address says ``narrow``."""
    edition = _edition(pk)
    hours = reports.report(settings.WORKSPACE, edition, wait=False).hours[:72]
    zone = settings.WORKSPACE.config.zone
    drawn = bars(
        [f"{each['hour'].astimezone(zone):%a %H:00}" for each in hours],
        {"clicks": [each["clicked"] for each in hours], "opens": [each["opened"] for each in hours]},
        narrow="narrow" in request.GET,
    )
    return HttpResponse(drawn, content_type="image/svg+xml", headers={"Cache-Control": "private, max-age=60"})
