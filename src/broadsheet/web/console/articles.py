"""Articles: all of them by source, what is wrong with them, where they went; one with its text; syncing now."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.clickjacking import xframe_options_sameorigin

from broadsheet import pipeline
from broadsheet.articles import (
    Sought,
    SyncReport,
    article_page,
    article_row,
    direction,
    failing_sources,
    reading_minutes,
    source_rows,
)
from broadsheet.articles.listing import STATES
from broadsheet.errors import BroadsheetError
from broadsheet.models import Article, Tag
from broadsheet.reports import editions_with
from broadsheet.web.console.access import audit
from broadsheet.web.headers import MAIL_POLICY
from broadsheet.workspace import current

PAGE = 50
#: Advice and rejected files of a sync that are shown; ``broadsheet sync --json`` has them all.
SHOWN = 20
SUGGESTED = 300


def listing(request: HttpRequest) -> HttpResponse:
    """The articles, newest first; a POST reads the sources and says what that brought."""
    return _page(request, _synced(request) if request.method == "POST" else None)


def _synced(request: HttpRequest) -> SyncReport | None:
    try:
        report = pipeline.collect(current(settings.WORKSPACE))
    except BroadsheetError as error:
        messages.error(request, str(error))
        return None
    said = f"{report.added} added, {report.changed} changed, {report.removed} removed, {len(report.rejected)} rejected"
    audit(request, "articles", "sources", "", f"{said}, {len(report.failed)} failed")
    return report


def _page(request: HttpRequest, report: SyncReport | None) -> HttpResponse:
    workspace = current(settings.WORKSPACE)
    given = {name: request.GET.get(name, "").strip()[:200] for name in ("words", "source", "tag", "state")}
    found, more = article_page(Sought(**given), after=request.GET.get("after", ""), size=PAGE)
    used = editions_with([each["slug"] for each in found])
    failing = failing_sources(workspace)
    asked = {name: each for name, each in given.items() if each}
    context: dict[str, Any] = {
        "here": "articles",
        "report": report,
        "shown": SHOWN,
        "given": given,
        "sources": source_rows(workspace),
        "states": {name: label for name, (label, _) in STATES.items()},
        "tags": Tag.objects.values_list("name", flat=True)[:SUGGESTED],
        "failing": failing,
        "broken": {each.path for each in failing},
        "used": used,
        "articles": [(each, used.by_slug.get(each["slug"], [])) for each in found],
        "is_filtered": bool(asked),
        "more": more and urlencode({**asked, "after": more}),
    }
    return render(request, "console/articles.html", context)


def show(request: HttpRequest, slug: str) -> HttpResponse:
    """One article: all that is known of it, the editions it was in, and its text."""
    article = get_object_or_404(Article.objects.prefetch_related("tags"), slug=slug)
    used = editions_with([slug])
    context = {
        "here": "articles",
        "article": article,
        "row": article_row(article),
        "editions": used.by_slug.get(slug, []),
        "used": used,
        "minutes": reading_minutes(article.html),
    }
    return render(request, "console/article.html", context)


@xframe_options_sameorigin
def text(request: HttpRequest, slug: str) -> HttpResponse:
    """The article's text as it is in a mail, in plain clothes, for a sandboxed frame."""
    article = get_object_or_404(Article, slug=slug)
    context = {"article": article, "dir": direction(article.language)}
    answer = render(request, "console/article_text.html", context)
    answer.headers["Content-Security-Policy"] = f"{MAIL_POLICY}; frame-ancestors 'self'; sandbox"
    return answer
