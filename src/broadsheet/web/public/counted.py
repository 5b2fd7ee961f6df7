"""The addresses that count: a link's redirect, an invisible picture, a link that only robots follow.

A redirect leads to an address of the edition's mails and nowhere else: the signed word holds the link's number.
"""

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect

from broadsheet import pipeline
from broadsheet.events.counting import HITS
from broadsheet.events.robots import Hit, known_robot
from broadsheet.models import EventKind, Link, Variant
from broadsheet.web.methods import read_only

#: one transparent pixel
_PICTURE = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


class _Redirect(HttpResponseRedirect):
    allowed_schemes = ["http", "https"]


def _to(url: str) -> HttpResponseBase:
    return _Redirect(url, headers={"Cache-Control": "no-store"})


def _picture(_url: str) -> HttpResponseBase:
    return HttpResponse(_PICTURE, content_type="image/gif", headers={"Cache-Control": "no-store"})


def _nothing(_url: str) -> HttpResponseBase:
    return HttpResponse(status=204)


@dataclass(frozen=True)
class _Way:
    """What an address counts, what its word's two numbers are, and what it answers."""

    kind: EventKind
    first: str
    """``link``, ``edition``, or empty if it says nothing."""
    second: str
    """``variant`` where nobody is known, or ``subscriber`` of one who agreed to be counted."""
    answer: Callable[[str], HttpResponseBase]
    trap: bool = False
    """Whether only a robot gets there; its other clicks don't count as a person's."""


#: By the purpose of the word, which is the beginning of the address as well.
WAYS: Final[Mapping[str, _Way]] = {
    "l": _Way(EventKind.CLICKED, "link", "variant", _to),
    "k": _Way(EventKind.CLICKED, "link", "subscriber", _to),
    "o": _Way(EventKind.OPENED, "", "variant", _picture),
    "w": _Way(EventKind.OPENED, "edition", "subscriber", _picture),
    "t": _Way(EventKind.CLICKED, "", "variant", _nothing, trap=True),
    "r": _Way(EventKind.CLICKED, "edition", "subscriber", _nothing, trap=True),
}


@read_only
def counted(request: HttpRequest, purpose: str, token: str) -> HttpResponseBase:
    """A link's redirect, an invisible picture, or a trap for robots."""
    way, meant = WAYS[purpose], pipeline.signer().read(purpose, token)
    if meant is None:
        raise Http404
    first, second = meant
    edition_id, url = _link(first) if way.first == "link" else (first, "")
    hit = Hit(
        way.kind,
        edition_id if way.first else _edition_of(second),
        time.time(),
        "",
        link_id=first if way.first == "link" else 0,
        variant_id=second if way.second == "variant" else 0,
        subscriber_id=second if way.second == "subscriber" else 0,
        trap=way.trap,
    )
    _count(request, hit)
    return way.answer(url)


def _count(request: HttpRequest, hit: Hit) -> None:
    agent = request.headers.get("User-Agent", "")
    who = (
        f"reader {hit.subscriber_id} {hit.edition_id}"
        if hit.subscriber_id
        else HITS.nobody(request.META.get("REMOTE_ADDR", ""), agent, str(hit.edition_id))
    )
    HITS.add(replace(hit, who=who, automatic=request.method == "HEAD" or known_robot(agent)))


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
