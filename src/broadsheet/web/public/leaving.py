"""Leaving a list, or all: by the mail program's own button (RFC 8058), or by the link in a mail and a page."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from broadsheet import events
from broadsheet.audience import FREQUENCIES, kept_network, set_wishes
from broadsheet.drafts import NO_EDITION
from broadsheet.models import Edition, Subscriber, Subscription, SubscriptionState
from broadsheet.notices.links import LEAVE_LIST, UNSUBSCRIBE
from broadsheet.pipeline import signer
from broadsheet.web.public.pages import form_of, kept_out, one_line, page, page_methods, speak_to, title_of

PAUSE = timedelta(days=30)


@dataclass(frozen=True)
class Whose:
    """What a link to leave is about."""

    subscriber_id: int
    list_name: str | None
    """None: the edition it came with is gone, so it stands for every list."""
    edition_id: int | None = None
    network: str = ""
    """Where whoever opened it is, as that is kept."""


@csrf_exempt
@page_methods
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """The page to leave the list an edition went to. A POST leaves, whatever its body says (RFC 8058).

    The answer is 200 without a redirect, however often it comes, and also for somebody who was erased since.
    """
    whose = _whose(token)
    if whose is None:
        return page(request, "test_copy")
    subscriber = Subscriber.objects.filter(pk=whose.subscriber_id).first()
    if subscriber is None:
        return page(request, "unsubscribe", title=_title(whose), is_gone=True)
    speak_to(subscriber)
    whose = replace(whose, network=kept_network(settings.WORKSPACE, request.META.get("REMOTE_ADDR", "")))
    did = _act(form_of(request), whose) if request.method == "POST" else ""
    rows = list(subscriber.subscriptions.values_list("list_name", "state"))
    on = [name for name, state in rows if state == SubscriptionState.SUBSCRIBED]
    if whose.list_name is None:
        is_on, others = bool(on), 0
    else:
        is_on, others = whose.list_name in on, len(set(on) - {whose.list_name})
    return page(
        request,
        "unsubscribe",
        title=_title(whose),
        is_on=is_on,
        others=others,
        can_undo=(whose.list_name or "", SubscriptionState.UNSUBSCRIBED) in rows or whose.list_name is None,
        did="" if is_on and did == "why" else did,
        **kept_out(subscriber),
    )


def _whose(token: str) -> Whose | None:
    """What the link is about; None for a test copy's. Raises Http404 for a word that was not signed here for this."""
    if found := signer().read(UNSUBSCRIBE, token):
        edition_id, subscriber_id = found
        if edition_id == NO_EDITION:
            return None
        list_name = Edition.objects.filter(pk=edition_id).values_list("list_name", flat=True).first()
        return Whose(subscriber_id, list_name, edition_id if list_name else None)
    if found := signer().read(LEAVE_LIST, token):
        subscription_id, subscriber_id = found
        names = Subscription.objects.filter(pk=subscription_id, subscriber_id=subscriber_id)
        return Whose(subscriber_id, names.values_list("list_name", flat=True).first())
    raise Http404


def _act(form: QueryDict, whose: Whose) -> str:
    """Do what the form asks for; what was done. A form that asks for nothing known means to leave."""
    asked = next((name for name in _ACTIONS if name in form and "List-Unsubscribe" not in form), "leave")
    _ACTIONS[asked](form, whose)
    return asked


def _leave(form: QueryDict, whose: Whose) -> None:
    by_program = "List-Unsubscribe" in form
    list_name = None if form.get("leave") == "all" and not by_program else whose.list_name
    how = "one-click" if by_program else "page"
    events.unsubscribed(whose.subscriber_id, list_name, how=how, edition_id=whose.edition_id)


def _undo(form: QueryDict, whose: Whose) -> None:
    events.resubscribed(whose.subscriber_id, whose.list_name, whose.network)


def _fewer(form: QueryDict, whose: Whose) -> None:
    """Stay, or come back, with fewer mails."""
    wish = form.get("fewer", "")
    if whose.list_name is None or wish not in ("weekly", "monthly", "pause"):
        return
    events.resubscribed(whose.subscriber_id, whose.list_name, whose.network)
    paused_until = timezone.now() + PAUSE if wish == "pause" else None
    set_wishes(whose.subscriber_id, whose.list_name, FREQUENCIES.get(wish), paused_until)


def _why(form: QueryDict, whose: Whose) -> None:
    said = [one_line(form.get(each, ""), 300) for each in ("why", "words")]
    events.said_why(whose.subscriber_id, whose.list_name, ": ".join(each for each in said if each))


#: What the page's forms ask for, by the field that says so.
_ACTIONS: dict[str, Callable[[QueryDict, Whose], None]] = {
    "leave": _leave,
    "undo": _undo,
    "fewer": _fewer,
    "why": _why,
}


def _title(whose: Whose) -> str:
    return settings.WORKSPACE.config.site.name if whose.list_name is None else title_of(whose.list_name)
