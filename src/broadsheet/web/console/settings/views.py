"""The pages of settings. They show and try out; ``broadsheet.toml`` is edited where it lies."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render

from broadsheet.errors import BroadsheetError, UnknownName
from broadsheet.models import Audit, Role
from broadsheet.web.console.access import audit, who
from broadsheet.web.console.settings import adapters, doctor, hooks
from broadsheet.web.console.settings.running import running
from broadsheet.web.console.settings.values import Value, changed_since_start, sources, values
from broadsheet.workspace import Workspace

PAGE = 50
#: How many changes one page of a search looks through.
STRETCH = 10_000
#: Characters of what an adapter answered that the audit keeps.
LONGEST = 1_000
#: The sender's page shows these of all settings.
SENDING_AS = {
    "sender.name": "From",
    "sender.email": "Address",
    "sender.reply_to": "Answers go to",
    "sender.bounce_domain": "Domain of return paths",
    "site.name": "Publication",
    "site.url": "Website",
    "site.postal_address": "Postal address",
    "site.language": "Language",
    "site.time_zone": "Time zone",
}
#: The pages, in order: address, name, and who may read it.
PAGES = (
    ("console-settings", "Senders", Role.VIEWER),
    ("console-settings-adapters", "Adapters", Role.VIEWER),
    ("console-settings-doctor", "Doctor", Role.VIEWER),
    ("console-settings-webhooks", "Webhooks", Role.VIEWER),
    ("console-settings-all", "All settings", Role.VIEWER),
    ("console-settings-running", "What runs", Role.VIEWER),
    ("console-settings-audit", "Audit log", Role.ADMIN),
    ("console-team", "Team", Role.ADMIN),
)


def senders(request: HttpRequest) -> HttpResponse:
    """Who mail is from: the site, the sender, and what lists say of their own."""
    workspace = _workspace()
    known = {each.name: each for each in values(workspace)}
    lists = [(name, each, workspace.sender_of(name)) for name, each in workspace.lists.lists.items()]
    context = {"shown": [(label, known[name]) for name, label in SENDING_AS.items()], "lists": lists}
    return _page(request, "senders", context)


def adapter_page(request: HttpRequest) -> HttpResponse:
    """What hands mail over."""
    return _page(request, "adapters", {"adapters": adapters.adapter_rows(_workspace()), **_may(request)})


def try_adapter(request: HttpRequest, name: str) -> HttpResponseBase:
    """A login, nothing sent."""
    return _tried(request, name, "login", lambda: f"The login works: {adapters.login(_workspace(), name)}.")


def mail_myself(request: HttpRequest, name: str) -> HttpResponseBase:
    """A mail to whoever asks, and to nobody else."""

    def send() -> str:
        answer = adapters.mail_to(_workspace(), name, who(request))
        return f"A mail to {who(request)} was taken{f': {answer}' if answer else ''}. See whether it arrives."

    return _tried(request, name, "mail", send)


def _tried(request: HttpRequest, name: str, what: str, attempt: Callable[[], str]) -> HttpResponseBase:
    """What came of it, beside its button or, without scripts, on the page; it is in the audit, too."""
    try:
        ok, said = True, attempt()
    except UnknownName:
        raise Http404 from None
    except BroadsheetError as error:
        ok, said = False, str(error)
    audit(request, f"adapter-{what}", f"adapter {name}", "", said[:LONGEST])
    if request.headers.get("HX-Request"):
        return render(request, "console/parts/tried.html", {"ok": ok, "said": said, "what": what})
    (messages.success if ok else messages.error)(request, f"{name}: {said}")
    return redirect("console-settings-adapters")


def doctor_page(request: HttpRequest) -> HttpResponseBase:
    """What the doctor found last; a POST has it look again."""
    if request.method == "POST":
        given = request.POST.get("selectors", "").replace(",", " ").split()
        if not doctor.start(_workspace(), who(request), tuple(each[:63] for each in given[:5])):
            messages.info(request, "It is looking already.")
        return redirect("console-settings-doctor")
    return _page(request, "doctor", {"examined": doctor.last(), **_may(request)})


def doctor_now(request: HttpRequest) -> HttpResponse:
    """The part that grows while it looks."""
    return render(request, "console/parts/examined.html", {"examined": doctor.last()})


def webhooks(request: HttpRequest) -> HttpResponse:
    """What other programs are told, and what providers tell."""
    workspace, posts = _workspace(), hooks.last_posts()
    failing = [each for each in posts if each.reason and each.taken_at is None][: hooks.SHOWN]
    context = {
        "tellers": hooks.tellers(workspace, posts),
        "listeners": hooks.listeners(workspace),
        "posts": posts[: hooks.SHOWN],
        "failing": failing,
        "looked_at": hooks.LOOKED_AT,
        "is_all": len(posts) < hooks.LOOKED_AT,
    }
    return _page(request, "webhooks", context)


def everything(request: HttpRequest) -> HttpResponse:
    """Every setting, where it comes from, and what it is for."""
    groups: dict[str, list[Value]] = {}
    for each in values(_workspace()):
        groups.setdefault(each.name.partition(".")[0], []).append(each)
    context = {
        "groups": [
            (name, [each for each in found if not each.is_default], [each for each in found if each.is_default])
            for name, found in groups.items()
        ],
        "theme": [(key, value, sources(_workspace()).origin(("theme", key))) for key, value in _theme().items()],
    }
    return _page(request, "all", context)


def _theme() -> dict[str, str | int]:
    theme: dict[str, str | int] = _workspace().config.theme
    return theme


def what_runs(request: HttpRequest) -> HttpResponse:
    """Versions and places."""
    return _page(request, "running", {"groups": running(_workspace())})


def audit_log(request: HttpRequest) -> HttpResponse:
    """What was changed, newest first, a page at a time by key; a search looks through a part of it at a time."""
    given = {name: request.GET.get(name, "").replace("\0", "").strip()[:200] for name in ("who", "what")}
    before = request.GET.get("before", "")
    newest = Audit.objects.values_list("pk", flat=True).first() or 0
    top = min(int(before), newest + 1) if before.isdecimal() and len(before) < 19 else newest + 1
    floor = max(top - STRETCH, 0) if any(given.values()) else 0
    rows = Audit.objects.filter(pk__lt=top, pk__gte=floor)
    if given["who"]:
        rows = rows.filter(who__icontains=given["who"])
    if given["what"]:
        rows = rows.filter(what=given["what"])
    found = list(rows[: PAGE + 1])
    further = found[PAGE - 1].pk if found[PAGE:] else floor if floor > 1 else None
    lately = Audit.objects.values_list("what", flat=True)[:STRETCH]
    context = {
        "rows": found[:PAGE],
        "given": given,
        "kinds": sorted({*lately, *filter(None, [given["what"]])}),
        "more": urlencode({**{name: each for name, each in given.items() if each}, "before": further})
        if further
        else "",
        "is_part": not found[PAGE:] and bool(further),
        "is_first": top > newest,
    }
    return _page(request, "audit", context)


def _page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    role = Role(request.member.role)  # type: ignore[attr-defined]
    shared = {
        "here": "settings",
        "page": name,
        "pages": [(address, title) for address, title, needed in PAGES if role.may(needed)],
        "changed": changed_since_start(_workspace()),
    }
    return render(request, f"console/settings/{name}.html", {**shared, **context})


def _may(request: HttpRequest) -> dict[str, bool]:
    role = Role(request.member.role)  # type: ignore[attr-defined]
    return {"may_try": role.may(Role.PUBLISHER), "may_mail": role.may(Role.EDITOR)}


def _workspace() -> Workspace:
    found: Workspace = settings.WORKSPACE
    return found
