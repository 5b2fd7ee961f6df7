"""Send now: who would get it is counted, and whoever sends types that number."""

from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone

from broadsheet import editions, pipeline, reports
from broadsheet.errors import BroadsheetError, WrongState
from broadsheet.models import EditionState
from broadsheet.web.console.access import audit, who
from broadsheet.web.console.calendar import file_zone, meant_campaign
from broadsheet.workspace import CampaignFile, current

_NOT_BEGUN = (EditionState.DRAFT, EditionState.PROOFED, EditionState.APPROVED)


def send_now(request: HttpRequest) -> HttpResponseBase:
    """Ask for the number of readers; a POST with the right one sends."""
    file, time = meant_campaign(request)
    if request.method == "POST":
        return _sent(request, file, time)
    return _page(request, file, time)


def readers(request: HttpRequest) -> HttpResponse:
    """How many would get it, worked out while the page is there already."""
    file, time = meant_campaign(request)
    return render(request, "console/parts/would_get.html", _counted(file, time))


def _page(request: HttpRequest, file: CampaignFile, time: datetime | None) -> HttpResponse:
    edition = editions.edition_of(file.slug, time) if time else None
    context = {
        "here": "calendar" if time else "campaigns",
        "file": file,
        "time": time.isoformat() if time else "",
        "at": time and time.astimezone(file_zone(file)),
        "campaign_zone": str(file_zone(file)),
        "edition": edition,
        "can_be": edition is None or edition.state in _NOT_BEGUN,
        "counted": _counted(file, time) if request.GET.get("count") else None,
    }
    return render(request, "console/send_now.html", context)


def _counted(file: CampaignFile, time: datetime | None) -> dict[str, object]:
    """The number of readers, and who gets nothing and why; or why that can't be said."""
    edition = editions.edition_of(file.slug, time) if time else None
    if edition is not None:
        return {"readers": reports.numbers(edition).waiting, "excluded": edition.excluded}
    try:
        planned = pipeline.select(current(settings.WORKSPACE), file, timezone.now().replace(microsecond=0))
    except BroadsheetError as error:
        return {"wrong": str(error)}
    return {"readers": planned.readers, "excluded": planned.excluded}


def _sent(request: HttpRequest, file: CampaignFile, time: datetime | None) -> HttpResponseBase:
    typed = request.POST.get("readers", "").replace(",", "").replace(".", "").replace(" ", "").strip()
    try:
        if not typed.isdecimal() or int(typed) == 0:
            raise WrongState("Type the number of readers to send. Nothing was sent.")
        edition = pipeline.send_now(current(settings.WORKSPACE), file, time, int(typed), who=who(request))
    except BroadsheetError as error:
        messages.error(request, str(error))
        return _page(request, file, time)
    audit(
        request,
        "calendar-send",
        f"edition {edition.pk}",
        f"due {time:%Y-%m-%d %H:%M} UTC" if time else "",
        f"sent now to {typed}",
    )
    messages.success(request, "It goes out now: a running scheduler begins within ten seconds.")
    return redirect("console-edition", pk=edition.pk)
