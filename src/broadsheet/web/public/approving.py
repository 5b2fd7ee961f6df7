"""The page behind the link that approvers are mailed."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt

from broadsheet import approvals
from broadsheet.errors import WrongState
from broadsheet.web.public.pages import form_of, page, page_methods


@csrf_exempt
@page_methods
def approve(request: HttpRequest, token: str) -> HttpResponse:
    """An approver's page: what the edition is, and a button. Only a POST approves, and only what the page showed."""
    edition = approvals.edition_of(token)
    if edition is None:
        raise Http404
    translation.activate("en")  # staff read English
    said, workspace = "", settings.WORKSPACE
    if request.method == "POST":
        try:
            approvals.approve_by_link(workspace, edition, content_hash=form_of(request).get("hash"))
            said = "Approved. It goes out at its time."
        except WrongState as error:
            said = str(error)
        edition.refresh_from_db()
    return page(request, "approve", said=said, **approvals.facts(workspace, edition, timezone.now()))
