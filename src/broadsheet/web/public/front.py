"""The first page, and what robots are told."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from broadsheet.web.methods import read_only
from broadsheet.web.public.pages import for_everybody, page, public_lists

_ROBOTS = {
    "none": "User-agent: *\nDisallow: /\n",
    "archive": "User-agent: *\n"
    "Allow: /$\nAllow: /archive/\nAllow: /subscribe/\nAllow: /static/\nAllow: /i/\nDisallow: /\n",
}


@read_only
def home(request: HttpRequest) -> HttpResponse:
    """A page that says what this server is, with the lists that anyone may join."""
    archive = settings.WORKSPACE.config.public.archive == "public"
    return for_everybody(page(request, "home", lists=public_lists(), archive=archive))


@read_only
def robots(_request: HttpRequest) -> HttpResponse:
    """``/robots.txt``, as ``public.robots`` says."""
    return HttpResponse(_ROBOTS[settings.WORKSPACE.config.public.robots], content_type="text/plain; charset=utf-8")
