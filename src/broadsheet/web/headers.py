"""The headers that every answer carries, whichever view made it."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

#: Our own pages: one style sheet and one script from here, nothing from anywhere else, no frame round them.
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)

#: The subscribers' pages: as our own, and no script at all.
SCRIPTLESS_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)

#: A mail shown as it is: its own styles and pictures, no script, nothing that can be sent off.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline' https:; img-src https: http: data:; font-src https: data:; "
    "form-action 'none'; base-uri 'none'"
)

#: What an answer carries unless its view said otherwise.
STRICT = {
    "Content-Security-Policy": PAGE_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}

#: What who asked too often is told if the view names no other time, in seconds: the five minutes of ``429.html``.
WAIT = "300"


def strict_headers(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: every answer gets :data:`STRICT`, where its view has set nothing else."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.path.startswith("/console/"):  # a form there is posted with its origin, or Django would refuse it
            response.headers["Referrer-Policy"] = "same-origin"
        elif settings.CSRF_COOKIE_NAME in response.cookies:  # the preview's and the inbox's forms stand at the top
            response.cookies[settings.CSRF_COOKIE_NAME]["path"] = "/"
        if response.status_code == 429:
            response.headers.setdefault("Retry-After", WAIT)
        for name, value in STRICT.items():
            response.headers.setdefault(name, value)
        return response

    return answer
