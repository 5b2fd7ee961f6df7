"""Requests to join a list, and their confirmation.

Whoever knows an address can type it into a form, so a request changes nothing about somebody who is a reader already:
they are written to, and what they do with that mail counts. Only a row that the request itself makes keeps its words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.utils import timezone

from broadsheet import events
from broadsheet.audience import (
    Evidence,
    agreed,
    interest_set,
    is_suppressed,
    kept_network,
    known_address,
    reader_from,
)
from broadsheet.models import ConsentHow, Subscriber, Subscription, SubscriptionState
from broadsheet.notices.errands import post
from broadsheet.notices.links import OWN_PREFERENCES, Asked, address, confirmation
from broadsheet.workspace import Workspace

#: How often one address is asked about one list …
ASKS = 2
#: … until so long has passed since the last time, …
FORGET_ASKS = timedelta(days=30)
#: … and what comes sooner after the last is the same request again: a second click.
SAME_ASK = timedelta(minutes=2)


@dataclass(frozen=True)
class Wish:
    """What somebody asked for on a page or by a script."""

    email: str
    lists: Sequence[str]
    wording: str
    network: str
    first_name: str = ""
    last_name: str = ""
    interests: Sequence[str] = ()
    frequency: int | None = None
    language: str = ""
    how: str = ConsentHow.FORM
    source: str = "subscribe page"


def join(workspace: Workspace, wish: Wish) -> None:
    """Makes the rows of a request, and writes to whoever is at that address. To a suppressed one nobody writes."""
    email, key = known_address(wish.email)
    if is_suppressed(email):
        return
    wanted = {name: declared for name in wish.lists if (declared := workspace.lists.lists.get(name))}
    with transaction.atomic():
        subscriber = _subscriber(email, key, wish)
        for name, declared in wanted.items():
            if declared.public:
                _ask(workspace, subscriber, name, wish, at_once=declared.opt_in == "single")


class Entered(StrEnum):
    """What came of putting somebody on a list by hand."""

    #: they are on it now
    NOW = "now"
    #: they were already
    BEFORE = "before"
    #: they have left it, and only they can come back
    LEFT = "left"
    #: the address is suppressed, or its person was erased
    KEPT_OUT = "kept-out"


def enter(workspace: Workspace, wish: Wish) -> dict[str, Entered]:
    """Puts somebody on lists because they said so to staff, as ``wish.source`` tells; what came of each list.

    Nobody who has left comes back by this, and no suppression is lifted. Raises ValueError for what is no address.
    """
    email, key = known_address(wish.email)
    if is_suppressed(email):
        return dict.fromkeys(wish.lists, Entered.KEPT_OUT)
    with transaction.atomic():
        subscriber = _subscriber(email, key, wish)
        return {name: _enter(workspace, subscriber, name, wish) for name in wish.lists}


def _enter(workspace: Workspace, subscriber: Subscriber, name: str, wish: Wish) -> Entered:
    row, _ = Subscription.objects.select_for_update().get_or_create(
        subscriber=subscriber, list_name=name, defaults={"state": SubscriptionState.PENDING}
    )
    if row.state != SubscriptionState.PENDING:
        return Entered.LEFT if row.state == SubscriptionState.UNSUBSCRIBED else Entered.BEFORE
    _subscribe(workspace, row, Evidence(wish.how, wish.source, "", wish.wording), wish.source)
    events.announce("subscriber.subscribed", {"email": subscriber.email, "list": name, "confirmed": True})
    return Entered.NOW


def _subscriber(email: str, key: str, wish: Wish) -> Subscriber:
    """The person of that address. What is said of them counts while nobody has confirmed that they are that person."""
    subscriber, made = Subscriber.objects.get_or_create(
        email_key=key,
        defaults={
            "email": email,
            "interests": interest_set(()),
            "created_at": timezone.now(),
            "source": wish.source,
        },
    )
    known = not made and subscriber.subscriptions.exclude(state=SubscriptionState.PENDING).exists()
    if not known:
        subscriber.first_name, subscriber.last_name = wish.first_name[:200], wish.last_name[:200]
        subscriber.language = wish.language
        subscriber.interests = interest_set(wish.interests)
        subscriber.save(update_fields=["first_name", "last_name", "language", "interests"])
    return subscriber


def _ask(workspace: Workspace, subscriber: Subscriber, name: str, wish: Wish, *, at_once: bool) -> None:
    row, made = Subscription.objects.select_for_update().get_or_create(
        subscriber=subscriber, list_name=name, defaults={"state": SubscriptionState.PENDING}
    )
    now = timezone.now()
    if not may_ask(row, now):
        return
    if row.state == SubscriptionState.SUBSCRIBED:
        _note_ask(row, now)
        post("already", subscriber, list=name, url=address(workspace, OWN_PREFERENCES, row.pk, subscriber.pk))
        return
    evidence = Evidence(wish.how, wish.source, kept_network(workspace, wish.network), wish.wording)
    if made:
        row.frequency = wish.frequency
        # What was asked for; that nobody agreed to it yet, the state says, and that there is no ``consent_at``.
        row.consent_how, row.consent_detail = evidence.how, evidence.detail[:300]
        row.consent_network, row.consent_wording = evidence.network, evidence.wording
        row.save()
    events.announce("subscriber.subscribed", {"email": subscriber.email, "list": name, "confirmed": at_once and made})
    if at_once and made:
        _subscribe(workspace, row, evidence, wish.source)
        return
    _note_ask(row, now)
    post("confirm", subscriber, list=name, url=confirmation(workspace, Asked(row.pk, now, wish.frequency)))


def ask_again(workspace: Workspace, asked: Asked, now: datetime) -> bool:
    """A new confirmation mail for a link that has run out, if one may still be sent; whether it was."""
    with transaction.atomic():
        row = Subscription.objects.select_for_update().select_related("subscriber").get(pk=asked.subscription_id)
        if not may_ask(row, now):
            return False
        _note_ask(row, now)
        post("confirm", row.subscriber, list=row.list_name, url=confirmation(workspace, asked._replace(at=now)))
    return True


def _note_ask(row: Subscription, now: datetime) -> None:
    row.asked_times = row.asked_times + 1 if row.asked_at and now - row.asked_at <= FORGET_ASKS else 1
    row.asked_at = now
    row.save(update_fields=["asked_at", "asked_times"])


def may_ask(row: Subscription, now: datetime) -> bool:
    """Whether the person may be written to about this list once more."""
    if row.asked_at is None or now - row.asked_at > FORGET_ASKS:
        return True
    return row.asked_times < ASKS and now - row.asked_at > SAME_ASK


class Confirmed(StrEnum):
    """What came of pressing the button behind a confirmation's link."""

    #: they are on the list now
    NOW = "now"
    #: they were already
    BEFORE = "before"
    #: they left after that mail was written
    LEFT = "left"


def standing(row: Subscription, asked: datetime) -> Confirmed | None:
    """What keeps a confirmation asked for at that time from being one; None if nothing does."""
    if row.state == SubscriptionState.SUBSCRIBED:
        return Confirmed.BEFORE
    if row.state == SubscriptionState.UNSUBSCRIBED and row.left_at and row.left_at > asked + timedelta(minutes=1):
        return Confirmed.LEFT
    return None


def confirm(workspace: Workspace, asked: Asked, *, network: str = "", wording: str = "") -> Confirmed:
    """Puts the reader on the list that was asked for. A second time changes nothing.

    Their consent is what they said now: ``network`` is where they are, ``wording`` what the button stood for.
    Raises Subscription.DoesNotExist for one that is gone.
    """
    with transaction.atomic():
        row = Subscription.objects.select_for_update().select_related("subscriber").get(pk=asked.subscription_id)
        if found := standing(row, asked.at):
            return found
        row.frequency = asked.frequency
        kept = kept_network(workspace, network)
        evidence = Evidence(ConsentHow.FORM, _how_it_came(row, asked), kept, wording)
        _subscribe(workspace, row, evidence, reader_from(kept))
        events.announce("subscriber.confirmed", {"email": row.subscriber.email, "list": row.list_name})
    return Confirmed.NOW


def _how_it_came(row: Subscription, asked: Asked) -> str:
    """The form or file that a newcomer was asked through, and that they confirmed."""
    first = () if row.consent_at else (row.consent_detail, row.consent_network and f"from {row.consent_network}")
    return "; ".join(filter(None, (*first, f"confirmed by mail, asked {asked.at:%Y-%m-%d %H:%M} UTC")))


def _subscribe(workspace: Workspace, row: Subscription, evidence: Evidence, who: str) -> None:
    agreed(row, evidence, who)
    declared = workspace.lists.lists.get(row.list_name)
    if declared and declared.welcome:
        url = address(workspace, OWN_PREFERENCES, row.pk, row.subscriber_id)
        post("welcome", row.subscriber, list=row.list_name, url=url, template=declared.welcome)
