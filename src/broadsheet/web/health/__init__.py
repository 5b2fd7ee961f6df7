"""What machines ask: is the process up, may it be given work, how is the sending going.

These answer under any host name, as load balancers ask by address; so they come before Django looks at that.
"""

import ipaddress
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.db.utils import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.utils.crypto import constant_time_compare
from prometheus_client.exposition import choose_encoder

from broadsheet import conf
from broadsheet.web.health import figures, readiness

_TEXT = "text/plain; charset=utf-8"
#: What a proxy adds; who is behind it is not on this machine, whatever the connection says.
_PASSED_ON = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via")


def healthz(_request: HttpRequest) -> HttpResponse:
    """200 while the process answers."""
    return HttpResponse("ok\n", content_type=_TEXT)


def readyz(request: HttpRequest) -> HttpResponse:
    """200 if everything this process needs is there, else 503 and what is wrong. ``exclude=broker`` leaves that out."""
    found = readiness.checked(exclude=request.GET.getlist("exclude"))
    ready = all(words == readiness.OK for words in found.values())
    return JsonResponse({"ready": ready, "checks": found}, status=200 if ready else 503)


def metrics(request: HttpRequest) -> HttpResponse:
    """The figures, for Prometheus: with the token, or without one from this machine itself."""
    token = conf.from_environment("BROADSHEET_METRICS_TOKEN")
    if token is None and not _from_this_machine(request):
        words = "Only this machine may read this; others with BROADSHEET_METRICS_TOKEN, once it is set.\n"
        return HttpResponse(words, content_type=_TEXT, status=403)
    if token is not None and not constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {token}"):
        answer = HttpResponse("Send Authorization: Bearer TOKEN.\n", content_type=_TEXT, status=401)
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    try:
        return HttpResponse(encode(figures.registry(settings.WORKSPACE)), content_type=content_type)
    except (DatabaseError, InterfaceError):
        return HttpResponse("The database can't be used.\n", content_type=_TEXT, status=503)


def _from_this_machine(request: HttpRequest) -> bool:
    """Whether it came over loopback, asked for a loopback name, and was passed on by no proxy that says so."""
    try:
        asked = urlsplit(f"//{request.headers.get('Host', '')}").hostname or ""
        near = _is_loopback(request.META.get("REMOTE_ADDR", "")) and (asked == "localhost" or _is_loopback(asked))
    except ValueError:  # no address, or one that is broken
        return False
    return near and not any(name in request.headers for name in _PASSED_ON)


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


_ANSWERS: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "/healthz": healthz,
    "/readyz": readyz,
    "/metrics": metrics,
}


def health(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: the three addresses are answered here, all others further on."""

    def answer(request: HttpRequest) -> HttpResponse:
        found = _ANSWERS.get(request.path_info)
        if found is None:
            return get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return found(request)

    return answer
