"""Articles: all of them by source, what is wrong with them, where they went; syncing now."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from broadsheet import pipeline
from broadsheet.articles import SyncReport, article_page, failing_sources, source_rows
from broadsheet.errors import BroadsheetError
from broadsheet.reports import editions_with
from broadsheet.web.console.access import audit

PAGE = 50
#: Advice and rejected files of a sync that are shown; ``broadsheet sync --json`` has them all.
SHOWN = 20


def listing(request: HttpRequest) -> HttpResponse:
    """The articles, newest first; a POST reads the sources and says what that brought."""
    return _page(request, _synced(request) if request.method == "POST" else None)


def _synced(request: HttpRequest) -> SyncReport | None:
    try:
        report = pipeline.collect(settings.WORKSPACE)
    except BroadsheetError as error:
        messages.error(request, str(error))
        return None
    said = f"{report.added} added, {report.changed} changed, {report.removed} removed, {len(report.rejected)} rejected"
    audit(request, "articles", "sources", "", f"{said}, {len(report.failed)} failed")
    return report


def _page(request: HttpRequest, report: SyncReport | None) -> HttpResponse:
    given = {name: request.GET.get(name, "").strip() for name in ("source", "tag")}
    found, more = article_page(given["source"], given["tag"], after=request.GET.get("after", ""), size=PAGE)
    used = editions_with([each["slug"] for each in found])
    failing = failing_sources(settings.WORKSPACE)
    context: dict[str, Any] = {
        "here": "articles",
        "zone": str(settings.WORKSPACE.config.zone),
        "report": report,
        "shown": SHOWN,
        "given": given,
        "sources": source_rows(settings.WORKSPACE),
        "failing": failing,
        "broken": {each.path for each in failing},
        "used": used,
        "articles": [(each, used.by_slug.get(each["slug"], [])) for each in found],
        "more": more and urlencode({**{name: each for name, each in given.items() if each}, "after": more}),
    }
    return render(request, "console/articles.html", context)
