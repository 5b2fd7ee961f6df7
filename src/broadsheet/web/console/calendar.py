"""The calendar: what comes out and what came out, by month and week; one edition skipped, moved, or put back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from broadsheet import editions, pipeline
from broadsheet.errors import BroadsheetError, WrongState
from broadsheet.models import Deviation, Role
from broadsheet.schedule.coming import outlook, readable
from broadsheet.timing import placed
from broadsheet.web.console.access import audit, who
from broadsheet.web.console.days import days
from broadsheet.workspace import CampaignFile, Workspace, current

_DAY = timedelta(days=1)
#: No page shows days further away than this from today: what lies there is guesswork, or nothing.
FARTHEST = timedelta(days=5 * 366)


@dataclass(frozen=True)
class Span:
    """A month or a week: the days that are shown, and where the pages beside it are."""

    view: str
    on: date
    """A day in it."""

    @property
    def first(self) -> date:
        """The Monday it begins with."""
        start = self.on.replace(day=1) if self.view == "month" else self.on
        return start - timedelta(days=start.weekday())

    @property
    def last(self) -> date:
        """The Sunday it ends with."""
        end = self.after - _DAY
        return end + timedelta(days=6 - end.weekday())

    @property
    def before(self) -> date:
        """A day in the one before."""
        return (self.on.replace(day=1) - _DAY).replace(day=1) if self.view == "month" else self.first - 7 * _DAY

    @property
    def after(self) -> date:
        """The first day of the one after."""
        return (self.on.replace(day=1) + 31 * _DAY).replace(day=1) if self.view == "month" else self.first + 7 * _DAY

    @property
    def query(self) -> str:
        """Its address, after the question mark."""
        return urlencode({"view": self.view, "on": self.on.isoformat()})


def span_of(view: str, on: str, today: date) -> Span:
    """The span that was asked for; what is no day, or too far away, is today."""
    try:
        day = date.fromisoformat(on)
    except ValueError:
        day = today
    return Span("week" if view == "week" else "month", day if abs(day - today) <= FARTHEST else today)


def calendar(request: HttpRequest) -> HttpResponse:
    """The page of a month or a week."""
    workspace: Workspace = current(settings.WORKSPACE)
    site, now = workspace.config.zone, timezone.now()
    today = now.astimezone(site).date()
    span = span_of(request.GET.get("view", ""), request.GET.get("on", ""), today)
    files, wrong = readable(workspace)
    found = outlook(workspace, files, span.first, span.last, now)
    shown = days(site, {file.slug: file for file in files}, found, (span.first, span.last), now)
    kept = today if span.first <= today <= span.last else span.on
    context: dict[str, Any] = {
        "here": "calendar",
        "zone": str(site),
        "span": span,
        "today": today,
        "days": shown,
        "nothing": not any(day.entries for day in shown),
        "scheduled": any(file.schedule for file in files),
        "earlier": Span(span.view, span.before).query,
        "later": Span(span.view, span.after).query,
        "present": Span(span.view, today).query,
        "views": [(view, Span(view, kept).query) for view in ("month", "week")],
        "cut": found.cut,
        "lost": [
            (file, at.astimezone(file_zone(file)), at.isoformat(), change.said) for file, at, change in found.lost
        ],
        "wrong": wrong,
        "changed": _changed(request.GET.get("changed", ""), {file.slug: file for file in files}, now),
        "may_publish": Role(request.member.role).may(Role.PUBLISHER),  # type: ignore[attr-defined]
    }
    return render(request, "console/calendar.html", context)


def _changed(given: str, files: dict[str, CampaignFile], now: datetime) -> dict[str, Any] | None:
    """What was done last, so that it can be undone beside what is said of it."""
    row = Deviation.objects.select_related("campaign").filter(pk=int(given[:18])).first() if given.isdecimal() else None
    file = files.get(row.campaign.slug) if row else None
    if row is None or file is None or row.scheduled_for <= now:
        return None
    zone = file_zone(file)
    return {
        "name": file.name,
        "slug": file.slug,
        "time": row.scheduled_for.isoformat(),
        "at": row.scheduled_for.astimezone(zone),
        "to": row.moved_to and row.moved_to.astimezone(zone),
        "zone": str(zone),
    }


def file_zone(file: CampaignFile) -> ZoneInfo:
    """The zone of the campaign's times."""
    site: ZoneInfo = current(settings.WORKSPACE).config.zone
    return file.schedule.zone(site) if file.schedule else site


def meant(request: HttpRequest) -> tuple[CampaignFile, datetime]:
    """The campaign and the time that a form or an address is about."""
    file, time = meant_campaign(request)
    if time is None:
        raise Http404
    return file, time


def meant_campaign(request: HttpRequest) -> tuple[CampaignFile, datetime | None]:
    """As :func:`meant`; None where no time is named."""
    given = request.POST if request.method == "POST" else request.GET
    try:
        file = current(settings.WORKSPACE).campaign(given.get("campaign", ""))
        time = datetime.fromisoformat(given["time"]) if given.get("time") else None
    except (ValueError, LookupError):  # InvalidFile and UnknownName are among them
        raise Http404 from None
    return file, time and (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)


# -- what is done ------------------------------------------------------------------------------------------------

Act = Callable[[Workspace, CampaignFile, datetime], Deviation | str]


def skip(request: HttpRequest) -> HttpResponseBase:
    """Skip one time."""
    why = " ".join(request.POST.get("why", "").split())
    return _do(request, "skip", lambda workspace, *run: editions.leave_out(workspace, *run, who=who(request), why=why))


def shift(request: HttpRequest) -> HttpResponseBase:
    """Move one time to another, which is written on the campaign's clock."""

    def act(workspace: Workspace, file: CampaignFile, time: datetime) -> Deviation:
        try:
            wall = datetime.fromisoformat(request.POST.get("to", "")).replace(tzinfo=None, second=0, microsecond=0)
            to = placed(wall, file_zone(file)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise WrongState("Say when: a day and a time, such as 2026-12-01 09:00. Nothing was moved.") from None
        return editions.put_off(workspace, file, time, to, who=who(request))

    return _do(request, "move", act)


def undo(request: HttpRequest) -> HttpResponseBase:
    """Let one time be as the schedule says."""

    def act(workspace: Workspace, file: CampaignFile, time: datetime) -> str:
        pipeline.reinstate(workspace, file, time, who=who(request))
        when = time.astimezone(file_zone(file))
        return f"{file.name} comes out on {when:%A, %-d %B, at %H:%M} ({file_zone(file)}), as its schedule says."

    return _do(request, "undo", act)


def forget(request: HttpRequest) -> HttpResponseBase:
    """Take away what was said of a time that the schedule does not name any more."""

    def act(_: Workspace, file: CampaignFile, time: datetime) -> str:
        editions.forget(file.slug, time)
        return "Taken off the calendar."

    return _do(request, "forget", act)


def _do(request: HttpRequest, what: str, act: Act) -> HttpResponseBase:
    """Do it, write it down, and go back to the span that was shown."""
    file, time = meant(request)
    before = editions.changes_of(file.slug, time - timedelta(seconds=1)).get(time)
    shown = span_of(request.POST.get("view", ""), request.POST.get("on", ""), timezone.now().date())
    back = f"{reverse('console-calendar')}?{shown.query}"
    try:
        done = act(current(settings.WORKSPACE), file, time)
    except BroadsheetError as error:
        messages.error(request, str(error))
        return redirect(back)
    after = (
        "as scheduled" if isinstance(done, str) else f"{done.said}{f', to {done.moved_to}' if done.moved_to else ''}"
    )
    target = f"campaigns/{file.slug}.md {time:%Y-%m-%d %H:%M} UTC"
    audit(request, f"calendar-{what}", target, before.said if before else "as scheduled", after)
    if isinstance(done, str):
        messages.success(request, done)
        return redirect(back)
    return redirect(f"{back}&changed={done.pk}")
