"""The pages behind the links in a mail: leave, view in browser, preferences.

Reading a page changes nothing (mail scanners open every link); only a POST acts. No page sets a cookie: the
signed word in the address says who is meant, and nobody else has it, so it also stands in for a CSRF token.
"""

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from broadsheet import approvals, audience, editions, events, pipeline
from broadsheet.drafts import NO_EDITION
from broadsheet.errors import WrongState
from broadsheet.models import Edition, Subscriber, Subscription, SubscriptionState, Tag
from broadsheet.web.headers import MAIL_POLICY

#: purposes of signed words
UNSUBSCRIBE, VIEW, PREFERENCES = "u", "v", "p"

page_methods = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """A page that says what this server is."""
    return _page(request, "home")


@csrf_exempt
@page_methods
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """The page to leave the list an edition went to. A POST leaves, whatever its body says (RFC 8058).

    The answer is 200 without a redirect, however often it comes. ``undo=1`` takes it back.
    """
    edition_id, subscriber_id = _meant(UNSUBSCRIBE, token)
    if edition_id == NO_EDITION:
        return _page(request, "test_copy")
    edition = get_object_or_404(Edition, pk=edition_id)
    if request.method == "POST":
        form = _form(request)
        if form.get("undo") == "1":
            subscription = events.resubscribed(edition_id, subscriber_id)
        else:
            how = "one-click" if form.get("List-Unsubscribe") == "One-Click" else "page"
            subscription = events.unsubscribed(edition_id, subscriber_id, how=how)
    else:
        subscription = Subscription.objects.filter(subscriber_id=subscriber_id, list_name=edition.list_name).first()
    if subscription is None:
        raise Http404
    return _page(
        request,
        "unsubscribe",
        list_title=_title(edition.list_name),
        has_left=subscription.state == SubscriptionState.UNSUBSCRIBED,
        is_back=request.method == "POST" and subscription.state == SubscriptionState.SUBSCRIBED,
    )


@require_safe
def view_in_browser(request: HttpRequest, token: str) -> HttpResponse:
    """The mail's HTML as this reader got it, unable to run anything."""
    edition_id, subscriber_id = _meant(VIEW, token)
    if edition_id == NO_EDITION:
        return _page(request, "test_copy")
    html = pipeline.as_reader_got_it(edition_id, subscriber_id)
    if html is None:
        raise Http404
    response = HttpResponse(html)
    response.headers["Content-Security-Policy"] = f"{MAIL_POLICY}; frame-ancestors 'none'"
    return response


@csrf_exempt
@page_methods
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """The reader's lists and interests; a POST leaves a list or saves the interests, and shows the page again."""
    edition_id, subscriber_id = _meant(PREFERENCES, token)
    if edition_id == NO_EDITION:
        return _page(request, "test_copy")
    subscriber = get_object_or_404(Subscriber.objects.select_related("interests"), pk=subscriber_id)
    known_tags = _known_tags(subscriber)
    said = ""
    if request.method == "POST":
        form = _form(request)
        if leaving := form.get("leave"):
            _leave(edition_id, subscriber, leaving)
            said = f"You have left {_title(leaving)}."
        elif "save" in form:
            audience.set_interests(subscriber, set(form.getlist("interest")) & set(known_tags))
            said = "Saved. Your next mail will follow these interests."
    return _page(
        request,
        "preferences",
        name=f"{subscriber.first_name} {subscriber.last_name}".strip(),
        subscriptions=[
            (each.list_name, _title(each.list_name), _description(each.list_name))
            for each in subscriber.subscriptions.filter(state=SubscriptionState.SUBSCRIBED).order_by("list_name")
        ],
        interests=[(tag, tag in subscriber.interests.tags) for tag in known_tags],
        said=said,
    )


@csrf_exempt
@page_methods
def approve(request: HttpRequest, token: str) -> HttpResponse:
    """An approver's page: what the edition is, and a button. Only a POST approves, and only what the page showed."""
    edition = approvals.edition_of(token)
    if edition is None:
        raise Http404
    said = ""
    if request.method == "POST":
        try:
            editions.approve(edition, who="an approver, by mail", content_hash=_form(request).get("hash"))
            said = "Approved. It goes out at its time."
        except WrongState as error:
            said = str(error)
        edition.refresh_from_db()
    return _page(request, "approve", said=said, **approvals.facts(edition, timezone.now()))


def _leave(edition_id: int, subscriber: Subscriber, list_name: str) -> None:
    if Edition.objects.filter(pk=edition_id, list_name=list_name).exists():
        events.unsubscribed(edition_id, subscriber.pk, how="preferences")
    else:
        events.left(subscriber.pk, list_name)


def _meant(purpose: str, token: str) -> tuple[int, int]:
    """Edition and subscriber of a signed word. A changed or foreign one is a 404 like any other."""
    meant = pipeline.signer().read(purpose, token)
    if meant is None:
        raise Http404
    return meant


def _form(request: HttpRequest) -> QueryDict:
    """The form that was posted; an empty one for a body that is none. Providers post all sorts of bodies."""
    try:
        return request.POST
    except (BadRequest, MultiPartParserError, SuspiciousOperation, UnreadablePostError):
        return QueryDict()


def _known_tags(subscriber: Subscriber) -> list[str]:
    """What one may be interested in: the tags of articles, and the reader's own."""
    used = Tag.objects.filter(articles__draft=False).values_list("name", flat=True)
    return sorted({*used, *subscriber.interests.tags})


def _title(list_name: str) -> str:
    known = settings.WORKSPACE.lists.lists.get(list_name)
    return known.title if known else list_name  # the list's file may be gone; leaving it still works


def _description(list_name: str) -> str:
    known = settings.WORKSPACE.lists.lists.get(list_name)
    return known.description if known else ""


def _page(request: HttpRequest, page: str, **context: object) -> HttpResponse:
    return render(request, f"public/{page}.html", {"site": settings.WORKSPACE.config.site, **context})
