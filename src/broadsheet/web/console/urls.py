"""Every address of the console, with who may read it and who may post to it."""

from django.urls import include, path

from broadsheet.models import Role
from broadsheet.web.console import account, articles, editions, readers, reports, review, segments, today
from broadsheet.web.console.access import Route, in_english

ROUTES: tuple[Route, ...] = (
    Route("", today.today, "today"),
    Route("now", today.now, "now"),
    Route("editions", editions.listing, "editions"),
    Route("editions/<int:pk>", editions.show, "edition"),
    Route("editions/<int:pk>/live", editions.live, "edition-live"),
    Route("editions/<int:pk>/mail", editions.mail, "edition-mail"),
    Route("editions/<int:pk>/findings", review.findings, "edition-findings"),
    Route("editions/<int:pk>/takes", review.takes, "edition-takes"),
    Route("editions/<int:pk>/changes", review.changes, "edition-changes"),
    Route("editions/<int:pk>/anew", review.anew, "edition-anew", posts=Role.EDITOR),
    Route("editions/<int:pk>/comment", review.comment, "edition-comment", None, Role.EDITOR),
    Route("editions/<int:pk>/ask", review.ask, "edition-ask", None, Role.EDITOR),
    Route("editions/<int:pk>/proof", review.proof, "edition-proof", None, Role.EDITOR),
    Route("editions/<int:pk>/approve", review.approve, "edition-approve", None, Role.PUBLISHER),
    Route("editions/<int:pk>/send-now", review.send_now, "edition-send-now", None, Role.PUBLISHER),
    Route("editions/<int:pk>/send-back", review.send_back, "edition-send-back", None, Role.PUBLISHER),
    Route("editions/<int:pk>/take-back", review.take_back, "edition-take-back", None, Role.PUBLISHER),
    Route("editions/<int:pk>/pause", editions.pause, "edition-pause", None, Role.PUBLISHER),
    Route("editions/<int:pk>/resume", editions.resume, "edition-resume", None, Role.PUBLISHER),
    Route("editions/<int:pk>/cancel", editions.cancel, "edition-cancel", None, Role.PUBLISHER),
    Route("editions/<int:pk>/resend", editions.resend, "edition-resend", None, Role.PUBLISHER),
    Route("editions/<int:pk>/resolve", editions.resolve, "edition-resolve", None, Role.PUBLISHER),
    Route("editions/<int:pk>/report.csv", reports.as_csv, "edition-csv"),
    Route("editions/<int:pk>/report.json", reports.as_json, "edition-json"),
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
    Route("team", account.team, "team", Role.ADMIN, Role.ADMIN),
)

urlpatterns = [
    *(route.pattern for route in ROUTES),
    path(
        "welcome/<str:uid>/<str:token>", in_english(account.welcome), name="console-welcome"
    ),  # the signed word is the key
    path("account/", include("broadsheet.web.console.signing")),
]
