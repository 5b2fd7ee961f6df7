"""Reports: campaigns compared, lists growing, articles that readers liked; an edition's numbers to take away."""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from broadsheet import reports
from broadsheet.models import Campaign, Edition
from broadsheet.web.console.charts import bars, line


def overview(request: HttpRequest) -> HttpResponse:
    """Everything over time."""
    at = timezone.now()
    campaigns = [(each, reports.compared(each)) for each in Campaign.objects.order_by("slug")]
    lists = settings.WORKSPACE.lists.lists
    growth = []
    for name, declared in lists.items():
        days = reports.growth(name, at.date(), days=90)
        growth.append((declared.title, days[-1].size, line([(f"{day.day:%-d %b}", day.size) for day in days])))
    context = {
        "here": "reports",
        "campaigns": [(campaign, rows) for campaign, rows in campaigns if rows],
        "growth": growth,
        "articles": reports.articles_ranked(at - timedelta(days=365)),
    }
    return render(request, "console/reports.html", context)


def as_csv(request: HttpRequest, pk: int) -> HttpResponse:
    """An edition's numbers as CSV."""
    edition = get_object_or_404(Edition.objects.select_related("campaign"), pk=pk)
    found = reports.report(settings.WORKSPACE, edition)
    name = f"attachment; filename={edition.key}.csv"
    return HttpResponse(
        reports.as_csv(found), content_type="text/csv; charset=utf-8", headers={"Content-Disposition": name}
    )


def as_json(request: HttpRequest, pk: int) -> HttpResponse:
    """An edition's numbers as JSON, as ``broadsheet report --json`` gives them."""
    edition = get_object_or_404(Edition.objects.select_related("campaign"), pk=pk)
    workspace = settings.WORKSPACE
    plain = reports.as_plain(reports.report(workspace, edition), workspace.config.zone)
    options = {"indent": 2, "ensure_ascii": False}
    response = JsonResponse(plain, json_dumps_params=options)
    response.headers["Content-Disposition"] = f"attachment; filename={edition.key}.json"
    return response


def chart(request: HttpRequest, pk: int) -> HttpResponse:
    """Clicks and opens by hour, drawn."""
    edition = get_object_or_404(Edition.objects.select_related("campaign"), pk=pk)
    hours = reports.report(settings.WORKSPACE, edition).hours[:72]
    zone = settings.WORKSPACE.config.zone
    drawn = bars(
        [f"{each['hour'].astimezone(zone):%a %H:00}" for each in hours],
        {"clicks": [each["clicked"] for each in hours], "opens": [each["opened"] for each in hours]},
    )
    return HttpResponse(drawn, content_type="image/svg+xml", headers={"Cache-Control": "private, max-age=60"})
