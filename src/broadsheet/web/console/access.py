"""Who may do what: every address of the console is a row with the role it needs, and nothing is served that is none."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import SimpleTemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone, translation

from broadsheet.errors import InvalidFile
from broadsheet.models import Audit, Member, Role

View = Callable[..., HttpResponseBase]


@dataclass(frozen=True)
class Route:
    """One address: its path under ``/console/``, its view and name, who may read it, and who may post to it."""

    path: str
    view: View
    name: str
    reads: Role | None = Role.VIEWER
    """None: it can't be read, only posted to."""
    posts: Role | None = None
    """None: it can't be posted to."""

    @property
    def pattern(self) -> URLPattern:
        """The route as Django's, guarded."""
        return path(self.path, guarded(self), name=f"console-{self.name}")


def guarded(route: Route) -> View:
    """The view, behind the sign-in page, for the roles and methods of its route only."""

    @wraps(route.view)
    @in_english
    def view(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        needed = route.posts if request.method == "POST" else route.reads
        if request.method not in ("GET", "HEAD", "POST") or needed is None:
            allowed = [*(["GET", "HEAD"] if route.reads else []), *(["POST"] if route.posts else [])]
            return HttpResponseNotAllowed(allowed)
        member = member_of(request)
        if member is None:
            return _sign_in(request)
        if not Role(member.role).may(needed):
            return refused(request, needed)
        request.member = member  # type: ignore[attr-defined]
        request.is_sample = settings.WORKSPACE.sample_note.is_file()  # type: ignore[attr-defined]
        with timezone.override(settings.WORKSPACE.config.zone):
            try:
                return route.view(request, **kwargs)
            except InvalidFile as error:  # somebody is at a file just now; the page works again once it is mended
                return render(request, "console/mistakes.html", {"problems": error.problems}, status=503)

    return view


def in_english(view: View) -> View:
    """The view in the one language that the console is written in, dates and forms included."""

    @wraps(view)
    def english(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        with translation.override("en"):
            response = view(request, **kwargs)
            if isinstance(response, SimpleTemplateResponse):  # allauth's: Django would render them outside of this
                response.render()
            response.headers["Content-Language"] = "en"
            return response

    return english


def member_of(request: HttpRequest) -> Member | None:
    """Whoever is signed in and works here."""
    if not request.user.is_authenticated or not request.user.is_active:
        return None
    return Member.objects.select_related("user").filter(user=request.user).first()


def _sign_in(request: HttpRequest) -> HttpResponseBase:
    address = f"{reverse('account_login')}?next={quote(request.get_full_path())}"
    if request.headers.get("HX-Request"):  # a part of a page can't be the sign-in page: the whole page goes there
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)


def refused(request: HttpRequest, needed: Role) -> HttpResponse:
    """The page that says which role this needs."""
    return render(request, "console/refused.html", {"needed": needed}, status=403)


def who(request: HttpRequest) -> str:
    """The person, for the audit."""
    return str(request.user.email or request.user.get_username())  # type: ignore[union-attr]


def audit(request: HttpRequest, what: str, target: str, before: object = "", after: object = "") -> None:
    """Write down a change."""
    Audit.objects.create(who=who(request)[:200], what=what, target=target[:300], before=str(before), after=str(after))
