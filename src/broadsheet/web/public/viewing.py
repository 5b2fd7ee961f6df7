"""A mail in the browser, as its reader got it."""

from django.http import Http404, HttpRequest, HttpResponse

from broadsheet import pipeline
from broadsheet.drafts import NO_EDITION
from broadsheet.notices.links import VIEW
from broadsheet.web.headers import MAIL_POLICY
from broadsheet.web.images import from_any_port
from broadsheet.web.methods import read_only
from broadsheet.web.public.pages import page


@read_only
def view_in_browser(request: HttpRequest, token: str) -> HttpResponse:
    """The mail's HTML as this reader got it, unable to run anything."""
    meant = pipeline.signer().read(VIEW, token)
    if meant is None:
        raise Http404
    edition_id, subscriber_id = meant
    if edition_id == NO_EDITION:
        return page(request, "test_copy")
    html = pipeline.as_reader_got_it(edition_id, subscriber_id)
    if html is None:
        raise Http404
    response = HttpResponse(from_any_port(html))
    response.headers["Content-Security-Policy"] = f"{MAIL_POLICY}; frame-ancestors 'none'"
    return response
