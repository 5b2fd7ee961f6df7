"""All that is kept about one reader: theirs to take along, and theirs to have erased. Both by a mailed link."""

import json

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from broadsheet import audience
from broadsheet.models import Subscriber
from broadsheet.notices.links import DOWNLOAD, ERASE, read_timed
from broadsheet.web.public.pages import expired, page, page_methods, speak_to


@csrf_exempt
@page_methods
def download(request: HttpRequest, token: str) -> HttpResponse:
    """A page with a button; a POST gives the reader's data as a JSON file."""
    subscriber, is_valid = _meant(DOWNLOAD, token)
    if subscriber is None:
        raise Http404
    speak_to(subscriber)
    if not is_valid:
        return expired(request, "data")
    if request.method != "POST":
        return page(request, "download")
    held = audience.everything(subscriber)
    response = HttpResponse(
        json.dumps(held, indent=2, ensure_ascii=False, default=str), content_type="application/json"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="my-data-{timezone.now():%Y-%m-%d}.json"'
    return response


@csrf_exempt
@page_methods
def erase(request: HttpRequest, token: str) -> HttpResponse:
    """A page with a button; a POST erases the reader. A second time finds nobody, and says that nothing is kept."""
    subscriber, is_valid = _meant(ERASE, token)
    if subscriber is None:
        return page(request, "erased") if is_valid else expired(request, "data")
    speak_to(subscriber)
    if not is_valid:
        return expired(request, "data")
    if request.method != "POST":
        return page(request, "erase")
    audience.erase(subscriber)
    return page(request, "erased")


def _meant(purpose: str, token: str) -> tuple[Subscriber | None, bool]:
    """The subscriber that the link names, if they are still here, and whether it is still good. Raises Http404."""
    meant = read_timed(purpose, token)
    if meant is None:
        raise Http404
    subscriber_id, _made, is_valid = meant
    return Subscriber.objects.filter(pk=subscriber_id).first(), is_valid
