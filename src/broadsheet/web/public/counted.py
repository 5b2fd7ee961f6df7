"""The addresses that count: a link's redirect, an invisible picture, a link that only robots follow.

A redirect leads to an address of the edition's mails and nowhere else: the signed word holds the link's number.
"""

import base64
import time
from dataclasses import replace
from functools import lru_cache

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.views.decorators.http import require_safe

from broadsheet import pipeline
from broadsheet.events.counting import HITS
from broadsheet.events.robots import Hit, known_robot
from broadsheet.models import EventKind, Link, Variant

#: one transparent pixel
_PICTURE = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


class _Redirect(HttpResponseRedirect):
    allowed_schemes = ["http", "https"]


@require_safe
def clicked(request: HttpRequest, token: str) -> HttpResponseBase:
    """To a link of a variant's mail; counts, and knows nobody."""
    link_id, variant_id = _meant("l", token)
    edition_id, url = _link(link_id)
    _count(request, Hit(EventKind.CLICKED, edition_id, time.time(), "", variant_id=variant_id, link_id=link_id))
    return _to(url)


@require_safe
def clicked_by_reader(request: HttpRequest, token: str) -> HttpResponseBase:
    """To a link in the copy of a reader who agreed to be counted."""
    link_id, subscriber_id = _meant("k", token)
    edition_id, url = _link(link_id)
    _count(request, Hit(EventKind.CLICKED, edition_id, time.time(), "", link_id=link_id, subscriber_id=subscriber_id))
    return _to(url)


@require_safe
def opened(request: HttpRequest, token: str) -> HttpResponse:
    """The invisible picture of a variant's mail."""
    _, variant_id = _meant("o", token)
    edition_id = _edition_of(variant_id)
    _count(request, Hit(EventKind.OPENED, edition_id, time.time(), "", variant_id=variant_id))
    return _picture()


@require_safe
def opened_by_reader(request: HttpRequest, token: str) -> HttpResponse:
    """The invisible picture in the copy of a reader who agreed to be counted."""
    edition_id, subscriber_id = _meant("w", token)
    _count(request, Hit(EventKind.OPENED, edition_id, time.time(), "", subscriber_id=subscriber_id))
    return _picture()


@require_safe
def trapped(request: HttpRequest, token: str) -> HttpResponse:
    """Where only a robot gets: its other clicks don't count as a person's."""
    _, variant_id = _meant("t", token)
    hit = Hit(EventKind.CLICKED, _edition_of(variant_id), time.time(), "", variant_id=variant_id, trap=True)
    _count(request, hit)
    return HttpResponse(status=204)


@require_safe
def trapped_by_reader(request: HttpRequest, token: str) -> HttpResponse:
    """The same in the copy of a reader who agreed to be counted."""
    edition_id, subscriber_id = _meant("r", token)
    _count(request, Hit(EventKind.CLICKED, edition_id, time.time(), "", subscriber_id=subscriber_id, trap=True))
    return HttpResponse(status=204)


def _count(request: HttpRequest, hit: Hit) -> None:
    agent = request.headers.get("User-Agent", "")
    who = (
        f"reader {hit.subscriber_id} {hit.edition_id}"
        if hit.subscriber_id
        else HITS.nobody(request.META.get("REMOTE_ADDR", ""), agent, str(hit.edition_id))
    )
    HITS.add(replace(hit, who=who, automatic=request.method == "HEAD" or known_robot(agent)))


def _meant(purpose: str, token: str) -> tuple[int, int]:
    meant = pipeline.signer().read(purpose, token)
    if meant is None:
        raise Http404
    return meant


@lru_cache(maxsize=10_000)
def _link(link_id: int) -> tuple[int, str]:
    row = Link.objects.filter(pk=link_id).values_list("edition_id", "url").first()
    if row is None:
        raise Http404
    return row


@lru_cache(maxsize=10_000)
def _edition_of(variant_id: int) -> int:
    edition_id = Variant.objects.filter(pk=variant_id).values_list("edition_id", flat=True).first()
    if edition_id is None:
        raise Http404
    return edition_id


def _to(url: str) -> HttpResponseBase:
    response = _Redirect(url)
    response.headers["Cache-Control"] = "no-store"
    return response


def _picture() -> HttpResponse:
    return HttpResponse(_PICTURE, content_type="image/gif", headers={"Cache-Control": "no-store"})
