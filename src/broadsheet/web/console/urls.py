"""Every address of the console, with who may read it and who may post to it."""

from django.urls import include, path

from broadsheet.models import Role
from broadsheet.web.console import account, articles, editions, readers, reports, segments, today
from broadsheet.web.console.access import Route, in_english
from broadsheet.web.console.settings import views as settings
from broadsheet.web.console.templates import views as templates

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
    Route("articles", articles.listing, "articles", posts=Role.EDITOR),
    Route("readers", readers.listing, "readers"),
    Route("readers/<int:pk>", readers.show, "reader"),
    Route("readers/<int:pk>/suppress", readers.suppress, "reader-suppress", None, Role.PUBLISHER),
    Route("readers/<int:pk>/unsuppress", readers.unsuppress, "reader-unsuppress", None, Role.PUBLISHER),
    Route("readers/<int:pk>/erase", readers.erase, "reader-erase", None, Role.PUBLISHER),
    Route("segments", segments.listing, "segments"),
    Route("segments/<str:name>/count", segments.count, "segment-count", None, Role.VIEWER),
    Route("templates", templates.listing, "templates"),
    Route("templates/<str:name>", templates.show, "template"),
    Route("templates/<str:name>/mail", templates.mail, "template-mail"),
    Route("templates/<str:name>/findings", templates.findings, "template-findings"),
    Route("templates/<str:name>/look", templates.look, "template-look", posts=Role.PUBLISHER),
    Route("templates/<str:name>/contrast", templates.contrast, "template-contrast"),
    Route("templates/<str:name>/files/<str:file>", templates.edit, "template-file", posts=Role.PUBLISHER),
    Route("settings", settings.senders, "settings"),
    Route("settings/adapters", settings.adapter_page, "settings-adapters"),
    Route("settings/adapters/<str:name>/login", settings.try_adapter, "settings-login", None, Role.PUBLISHER),
    Route("settings/adapters/<str:name>/mail", settings.mail_myself, "settings-mail", None, Role.EDITOR),
    Route("settings/doctor", settings.doctor_page, "settings-doctor", posts=Role.PUBLISHER),
    Route("settings/doctor/now", settings.doctor_now, "settings-doctor-now"),
    Route("settings/webhooks", settings.webhooks, "settings-webhooks"),
    Route("settings/all", settings.everything, "settings-all"),
    Route("settings/running", settings.what_runs, "settings-running"),
    Route("settings/audit", settings.audit_log, "settings-audit", Role.ADMIN),
    Route("team", account.team, "team", Role.ADMIN, Role.ADMIN),
)

urlpatterns = [
    *(route.pattern for route in ROUTES),
    path(
        "welcome/<str:uid>/<str:token>", in_english(account.welcome), name="console-welcome"
    ),  # the signed word is the key
    path("account/", include("broadsheet.web.console.signing")),
]
