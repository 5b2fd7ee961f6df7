"""Past editions of public lists, for anyone: pages, an Atom feed, a JSON Feed. No reader's words are in them."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import translation
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import linebreaks
from django.utils.translation import gettext as _

from broadsheet import pipeline
from broadsheet.models import Edition, EditionState
from broadsheet.web.headers import MAIL_POLICY
from broadsheet.web.images import from_any_port
from broadsheet.web.languages import known_language
from broadsheet.web.methods import read_only
from broadsheet.web.public.pages import for_everybody, page, public_lists
from broadsheet.workspace.people_files import ListFile

ON_A_PAGE, IN_A_FEED = 30, 20


@dataclass(frozen=True)
class Issue:
    """One edition as the archive shows it."""

    number: int
    at: datetime
    title: str
    text: str
    html: str


@read_only
def archive(request: HttpRequest, list_name: str) -> HttpResponse:
    """The list's past editions, newest first."""
    declared = _open(list_name)
    numbers = Paginator(_sent(list_name), ON_A_PAGE).get_page(request.GET.get("page"))
    issues = [issue for edition in numbers if (issue := _issue(edition))]
    return for_everybody(page(request, "archive", list_name=list_name, list=declared, issues=issues, numbers=numbers))


@read_only
def past_edition(_request: HttpRequest, list_name: str, number: int) -> HttpResponse:
    """One edition's mail as it went to most readers, with nothing of theirs in it."""
    _open(list_name)
    edition = _sent(list_name).filter(pk=number).first()
    issue = _issue(edition) if edition else None
    if issue is None:
        raise Http404
    response = for_everybody(HttpResponse(from_any_port(issue.html)))
    response.headers["Content-Security-Policy"] = f"{MAIL_POLICY}; frame-ancestors 'none'"
    return response


@read_only
def atom(_request: HttpRequest, list_name: str) -> HttpResponse:
    """The last editions as an Atom feed (RFC 4287)."""
    declared, base = _open(list_name), settings.WORKSPACE.config.public.url
    feed = Atom1Feed(
        title=declared.title,
        link=base + reverse("archive", args=[list_name]),
        description=declared.description,
        subtitle=declared.description or None,
        language=settings.WORKSPACE.config.site.language,
        author_name=settings.WORKSPACE.config.site.name,
        feed_url=base + reverse("atom", args=[list_name]),
    )
    for issue in _newest(list_name):
        feed.add_item(
            title=issue.title,
            link=_address(list_name, issue),
            description=linebreaks(issue.text, autoescape=True),
            unique_id=_address(list_name, issue),
            pubdate=issue.at,
            updateddate=issue.at,
        )
    response = HttpResponse(content_type="application/atom+xml; charset=utf-8")
    feed.write(response, "utf-8")
    return for_everybody(response)


@read_only
def json_feed(_request: HttpRequest, list_name: str) -> HttpResponse:
    """The last editions as a JSON Feed (version 1.1)."""
    declared, base = _open(list_name), settings.WORKSPACE.config.public.url
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": declared.title,
        "description": declared.description,
        "home_page_url": base + reverse("archive", args=[list_name]),
        "feed_url": base + reverse("json_feed", args=[list_name]),
        "language": settings.WORKSPACE.config.site.language,
        "authors": [{"name": settings.WORKSPACE.config.site.name, "url": settings.WORKSPACE.config.site.url}],
        "items": [
            {
                "id": _address(list_name, issue),
                "url": _address(list_name, issue),
                "title": issue.title,
                "content_text": issue.text,
                "date_published": issue.at.isoformat(),
            }
            for issue in _newest(list_name)
        ],
    }
    return for_everybody(
        JsonResponse(feed, content_type="application/feed+json", json_dumps_params={"ensure_ascii": False})
    )


def _open(list_name: str) -> ListFile:
    declared = public_lists().get(list_name)
    if declared is None or settings.WORKSPACE.config.public.archive != "public":
        raise Http404
    return declared


def _sent(list_name: str) -> QuerySet[Edition]:
    found = Edition.objects.filter(list_name=list_name, state=EditionState.SENT)
    return found.order_by("-scheduled_for", "-pk")


def _newest(list_name: str) -> list[Issue]:
    return [issue for edition in _sent(list_name)[:IN_A_FEED] if (issue := _issue(edition))]


def _address(list_name: str, issue: Issue) -> str:
    public_url: str = settings.WORKSPACE.config.public.url
    return public_url + reverse("past_edition", args=[list_name, issue.number])


def _issue(edition: Edition) -> Issue | None:
    zone = settings.WORKSPACE.config.zone
    made = _printed(edition.pk, edition.content_hash)
    return Issue(edition.pk, edition.scheduled_for.astimezone(zone), *made) if made else None


@lru_cache(maxsize=200)
def _printed(edition_id: int, _content_hash: str) -> tuple[str, str, str] | None:
    """Title, text and HTML of what most readers of an edition got, in the language of mails, whoever asks first.

    An edition never changes, so it is made once.
    """
    with translation.override(known_language(settings.WORKSPACE.config.site.language)):
        return pipeline.as_nobody_got_it(edition_id, _("everyone on this list"))
