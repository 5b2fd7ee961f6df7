"""Every address of the console, with who may read it and who may post to it."""

from django.urls import include, path

from broadsheet.models import Role
from broadsheet.web.console import (
    account,
    articles,
    calendar,
    campaigns,
    editions,
    readers,
    reports,
    segments,
    sending_now,
    today,
)
from broadsheet.web.console.access import Route, in_english
from broadsheet.web.console.compose import views as compose

ROUTES: tuple[Route, ...] = (
    Route("", today.today, "today"),
    Route("now", today.now, "now"),
    Route("calendar", calendar.calendar, "calendar"),
    Route("calendar/skip", calendar.skip, "calendar-skip", None, Role.PUBLISHER),
    Route("calendar/move", calendar.shift, "calendar-move", None, Role.PUBLISHER),
    Route("calendar/undo", calendar.undo, "calendar-undo", None, Role.PUBLISHER),
    Route("calendar/forget", calendar.forget, "calendar-forget", None, Role.PUBLISHER),
    Route("calendar/send", sending_now.send_now, "calendar-send", Role.PUBLISHER, Role.PUBLISHER),
    Route("calendar/readers", sending_now.readers, "calendar-readers", Role.PUBLISHER),
    Route("campaigns", campaigns.listing, "campaigns"),
    Route("campaigns/new", campaigns.new, "campaign-new", Role.EDITOR, Role.EDITOR),
    Route("campaigns/<str:slug>/count", campaigns.count, "campaign-count", None, Role.VIEWER),
    Route("campaigns/<str:slug>/state", campaigns.state, "campaign-state", None, Role.PUBLISHER),
    Route("editions", editions.listing, "editions"),
    Route("editions/<int:pk>", editions.show, "edition"),
    Route("editions/<int:pk>/live", editions.live, "edition-live"),
    Route("editions/<int:pk>/mail", editions.mail, "edition-mail"),
    Route("editions/<int:pk>/approve", editions.approve, "edition-approve", None, Role.PUBLISHER),
    Route("editions/<int:pk>/pause", editions.pause, "edition-pause", None, Role.PUBLISHER),
    Route("editions/<int:pk>/resume", editions.resume, "edition-resume", None, Role.PUBLISHER),
    Route("editions/<int:pk>/cancel", editions.cancel, "edition-cancel", None, Role.PUBLISHER),
    Route("editions/<int:pk>/resend", editions.resend, "edition-resend", None, Role.PUBLISHER),
    Route("editions/<int:pk>/resolve", editions.resolve, "edition-resolve", None, Role.PUBLISHER),
    Route("editions/<int:pk>/report.csv", reports.as_csv, "edition-csv"),
    Route("editions/<int:pk>/chart.svg", reports.chart, "edition-chart"),
    Route("reports", reports.overview, "reports"),
    Route("articles", articles.listing, "articles", posts=Role.EDITOR),
    Route("readers", readers.listing, "readers"),
    Route("readers/<int:pk>", readers.show, "reader"),
    Route("readers/<int:pk>/suppress", readers.suppress, "reader-suppress", None, Role.PUBLISHER),
    Route("readers/<int:pk>/unsuppress", readers.unsuppress, "reader-unsuppress", None, Role.PUBLISHER),
    Route("readers/<int:pk>/erase", readers.erase, "reader-erase", None, Role.PUBLISHER),
    Route("segments", segments.listing, "segments"),
    Route("segments/<str:name>/count", segments.count, "segment-count", None, Role.VIEWER),
    Route("campaigns/<str:slug>/compose", compose.show, "campaign-compose"),
    Route("campaigns/<str:slug>/compose/beside", compose.beside, "campaign-beside"),
    Route("campaigns/<str:slug>/compose/mail", compose.mail, "campaign-mail"),
    Route("campaigns/<str:slug>/compose/readers", compose.readers, "campaign-readers"),
    Route("campaigns/<str:slug>/compose/reach", compose.reach, "campaign-reach"),
    Route("campaigns/<str:slug>/compose/publish", compose.publish, "campaign-publish", None, Role.PUBLISHER),
    Route("campaigns/<str:slug>/compose/discard", compose.discard, "campaign-discard", None, Role.EDITOR),
    Route("campaigns/<str:slug>/compose/compare", compose.compare, "campaign-compare", posts=Role.EDITOR),
    Route("campaigns/<str:slug>/compose/keep/<str:section>", compose.save, "campaign-save", None, Role.EDITOR),
    Route("team", account.team, "team", Role.ADMIN, Role.ADMIN),
)

urlpatterns = [
    *(route.pattern for route in ROUTES),
    path(
        "welcome/<str:uid>/<str:token>", in_english(account.welcome), name="console-welcome"
    ),  # the signed word is the key
    path("account/", include("broadsheet.web.console.signing")),
]
