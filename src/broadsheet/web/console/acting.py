"""Doing something to an edition: it is done or refused, written down, and said."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect

from broadsheet.errors import BroadsheetError
from broadsheet.models import Edition
from broadsheet.web.console.access import audit

#: What is said once something was done; else what it says itself.
_SAID = {
    "approve": "Approved. It goes out at its time.",
    "pause": "Paused. What a sender has in hand still ends.",
    "resume": "It goes on where it was.",
    "cancel": "Cancelled. What had not left stays here.",
    "take-back": "Taken back. It waits for a yes again; nothing has left.",
    "send-back": "Sent back, with your reason.",
    "send-now": "It goes out now.",
}


def act(request: HttpRequest, pk: int, what: str, does: Callable[[Edition], str | None]) -> HttpResponseBase:
    """Do it, write it down with what came of it, and go back to the edition's page, which says so."""
    edition = edition_or_404(pk)
    before = edition.state
    try:
        detail = does(edition)
    except BroadsheetError as error:
        messages.error(request, str(error))
    else:
        edition.refresh_from_db()
        after = f"{edition.state}: {detail}" if detail else edition.state
        audit(request, f"edition-{what}", f"edition {pk}", before, after)
        said = detail or ""
        messages.success(request, _SAID.get(what) or f"{said[:1].upper()}{said[1:]}.")
    return redirect("console-edition", pk=pk)


def edition_or_404(pk: int) -> Edition:
    """The edition of that number."""
    return get_object_or_404(Edition.objects.select_related("campaign"), pk=pk)
