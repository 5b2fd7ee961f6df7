"""Finding the reader whose mail is shown, and saying why somebody would get none."""

from dataclasses import dataclass
from functools import reduce
from operator import and_, or_

from django.db.models import Q

from broadsheet.audience import LESS_OFTEN, PAUSED, known_address, may_receive
from broadsheet.editions import target_of
from broadsheet.models import Subscriber, Subscription, SubscriptionState
from broadsheet.web.preview.desk import TOO_FEW, Desk, Draft

MOST_HITS = 20
#: Why a list does not reach somebody, by what they said to it; empty for nothing.
_NOT_ON = {
    "": "they are not on the list “{}”",
    SubscriptionState.PENDING: "they have not confirmed “{}” yet",
    SubscriptionState.UNSUBSCRIBED: "they have left “{}”",
}
_REFUSED = {
    "suppressed": "their address must not be mailed",
    PAUSED: "they have paused its mails",
    LESS_OFTEN: "they want its mails less often, and had one lately",
}
_FIELDS = ("email", "first_name", "last_name", "interests__key")


@dataclass(frozen=True)
class Hit:
    """Somebody the search found."""

    email: str
    name: str
    interests: tuple[str, ...]
    gets: str
    """``4 articles``, or ``no mail``."""


def search(draft: Draft, words: str) -> list[Hit]:
    """At most :data:`MOST_HITS` people with every word somewhere in their name, address or interests."""
    if not words.split():
        return []
    found = Subscriber.objects.filter(reduce(and_, (_holds(word) for word in words.split()[:10])))
    rows = found.select_related("interests").order_by("first_name", "last_name", "email")[:MOST_HITS]
    return [Hit(row.email, full_name(row), tuple(row.interests.tags), _gets(draft, row.pk)) for row in rows]


def named(address: str) -> Subscriber | None:
    """The subscriber of exactly that address."""
    try:
        key = known_address(address)[1]
    except ValueError:
        return None
    return Subscriber.objects.select_related("interests").filter(email_key=key).first()


def full_name(row: Subscriber) -> str:
    """First and last name; empty if neither is known."""
    return f"{row.first_name} {row.last_name}".strip()


def why_nothing(desk: Desk, draft: Draft, row: Subscriber) -> str:
    """Why this subscriber would get no mail, as the end of a sentence that begins with who they are."""
    campaign = draft.campaign
    title = desk.workspace.lists.lists[campaign.list].title
    if draft.variant(row.pk) == TOO_FEW:
        least = max(campaign.articles.minimum, 1)
        kind = "new article" if campaign.articles.repeat != "allow" else "article"
        of_theirs = " about their interests" if campaign.articles.match_interests else ""
        return f"there is no {kind}{of_theirs}" if least == 1 else f"there are fewer than {least} {kind}s{of_theirs}"
    refused = may_receive([row.pk], target_of(desk.workspace, campaign, draft.at)).get(row.pk)
    if refused in _REFUSED:
        return _REFUSED[refused]
    known = Subscription.objects.filter(subscriber=row, list_name=campaign.list).values_list("state", flat=True)
    for state, reason in _NOT_ON.items():
        if state in known or (not state and not known):
            return reason.format(title)
    return f"they are outside the {'segments' if len(campaign.segment) > 1 else 'segment'} it goes to"


def _holds(word: str) -> Q:
    # SQLite folds the case of ASCII letters only, so other alphabets are asked for as people write them.
    spellings = {word} if word.isascii() else {word, word.lower(), word.upper(), word.capitalize()}
    return reduce(or_, (Q(**{f"{name}__icontains": each}) for name in _FIELDS for each in spellings))


def _gets(draft: Draft, pk: int) -> str:
    index = draft.variant(pk)
    if index is None or index == TOO_FEW:
        return "no mail"
    count = len(draft.planned.variants[index].slugs)
    return f"{count} article{'' if count == 1 else 's'}"
