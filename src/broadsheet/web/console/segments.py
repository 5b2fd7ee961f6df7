"""Segments: each read aloud, with how many people it is and when they were counted."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone

from broadsheet import audience
from broadsheet.errors import BroadsheetError, UnknownName
from broadsheet.models import Role, SegmentSize
from broadsheet.workspace import current

#: A number older than this is counted anew when somebody looks.
FRESH = timedelta(hours=1)


def listing(request: HttpRequest) -> HttpResponse:
    """All of them. Nothing is counted here: the page asks for each number that is old."""
    workspace = current(settings.WORKSPACE)
    try:
        segments, titles, wrong = workspace.segments, audience.list_titles(workspace), ""
    except BroadsheetError as error:
        segments, titles, wrong = {}, {}, str(error)
    kept, old = audience.kept_sizes(segments), timezone.now() - FRESH
    rows = [
        {
            "name": name,
            "title": segment.title or name,
            "sentence": audience.segment_sentence(segment, titles),
            "is_old": name not in kept or kept[name].counted_at < old,
            **_said(kept.get(name)),
        }
        for name, segment in segments.items()
    ]
    may_write = Role(request.member.role).may(Role.EDITOR)  # type: ignore[attr-defined]
    context = {"here": "segments", "rows": rows, "wrong": wrong, "may_write": may_write}
    return render(request, "console/segments.html", context)


def _said(kept: SegmentSize | None) -> dict[str, Any]:
    return {"size": f"{kept.size:,}", "people": kept.size, "at": kept.counted_at} if kept else {}


def count(request: HttpRequest, name: str) -> HttpResponseBase:
    """Count one now; the number is kept, so whoever looks next need not wait."""
    try:
        kept = audience.count_segment(name, current(settings.WORKSPACE).segment(name))
    except UnknownName:
        raise Http404 from None
    except BroadsheetError:
        return redirect("console-segments")  # which says what is wrong with the file
    if request.headers.get("HX-Request"):
        return render(request, "console/parts/size.html", {"row": {"name": name, **_said(kept)}})
    return redirect("console-segments")
