"""Every address of the console, with who may read it and who may post to it."""

from django.urls import include, path

from broadsheet.models import Role
from broadsheet.web.console import account, articles, editions, readers, reports, segments, team, today
from broadsheet.web.console.access import Route, in_english

ROUTES: tuple[Route, ...] = (
    Route("", today.today, "today"),
    Route("now", today.now, "now"),
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
    Route("reports/count", reports.count, "reports-count", None, Role.VIEWER),
    Route("articles", articles.listing, "articles", posts=Role.EDITOR),
    Route("readers", readers.listing, "readers"),
    Route("readers/<int:pk>", readers.show, "reader"),
    Route("readers/<int:pk>/suppress", readers.suppress, "reader-suppress", None, Role.PUBLISHER),
    Route("readers/<int:pk>/unsuppress", readers.unsuppress, "reader-unsuppress", None, Role.PUBLISHER),
    Route("readers/<int:pk>/erase", readers.erase, "reader-erase", None, Role.PUBLISHER),
    Route("segments", segments.listing, "segments"),
    Route("segments/<str:name>/count", segments.count, "segment-count", None, Role.VIEWER),
    Route("team", team.team, "team", Role.ADMIN, Role.ADMIN),
)

urlpatterns = [
    *(route.pattern for route in ROUTES),
    path(
        "welcome/<str:uid>/<str:token>", in_english(account.welcome), name="console-welcome"
    ),  # the signed word is the key
    path("account/", include("broadsheet.web.console.signing")),
]
