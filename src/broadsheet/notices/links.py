"""The signed words in the links of mails and notices: what each is for, and how long it is good."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlsafe_base64_encode

from broadsheet.models import Frequency, Subscription
from broadsheet.pipeline import signer
from broadsheet.workspace import Workspace

#: purposes of words that name an edition and a subscriber; a word is good for its purpose only
UNSUBSCRIBE, VIEW, PREFERENCES = "u", "v", "p"
#: … that name a subscription and its subscriber, in mails that are of no edition
LEAVE_LIST, OWN_PREFERENCES = "lu", "lp"
#: … that name a subscription or a subscriber, and the minute in which they were made
CONFIRM, DOWNLOAD, ERASE = "c", "d", "e"
#: How long those last ones are good.
VALID: Final = {CONFIRM: timedelta(days=7), DOWNLOAD: timedelta(days=1), ERASE: timedelta(days=1)}
#: The path that a word of the purpose stands behind, where it is not the purpose itself.
_PATHS: Final = {LEAVE_LIST: "u", OWN_PREFERENCES: "p"}


def address(workspace: Workspace, purpose: str, one: int, other: int) -> str:
    """The address of a page with a word of that purpose."""
    path = _PATHS.get(purpose, purpose)
    return f"{workspace.config.public.url}/{path}/{signer().make(purpose, one, other)}"


class Asked(NamedTuple):
    """What the link of a mail that asks for confirmation stands for."""

    subscription_id: int
    at: datetime
    frequency: int | None = None
    """How often they wanted the list's mail who asked; nothing of it counts before the link's reader says yes."""
    is_valid: bool = True


def confirmation(workspace: Workspace, asked: Asked) -> str:
    """The address of the page that asks for the yes."""
    word = signer().make(_confirming(asked.frequency), asked.subscription_id, minute(asked.at))
    return f"{workspace.config.public.url}/{CONFIRM}/{word}"


def read_confirmation(token: str) -> Asked | None:
    """What was asked; None for a word not signed here for a confirmation."""
    for frequency in (None, *Frequency):
        if found := read_timed(_confirming(frequency), token):
            subscription_id, made, is_valid = found
            return Asked(subscription_id, made, frequency, is_valid)
    return None


def _confirming(frequency: int | None) -> str:
    return f"{CONFIRM}{frequency or ''}"


def minute(moment: datetime) -> int:
    """The moment in whole minutes since 1970, as words hold it."""
    return int(moment.timestamp()) // 60


def own_addresses(workspace: Workspace, subscription: Subscription) -> dict[str, str]:
    """The addresses of a mail about a subscription, as templates know them."""
    pair = (subscription.pk, subscription.subscriber_id)
    return {
        "unsubscribe_url": address(workspace, LEAVE_LIST, *pair),
        "preferences_url": address(workspace, OWN_PREFERENCES, *pair),
    }


def welcome_url(workspace: Workspace, user: User, site: str = "") -> str:
    """The address where this account gets its password; it works until it has one, for three days at most.

    ``site`` is where the console is reached, if not at ``public.url``.
    """
    word = urlsafe_base64_encode(str(user.pk).encode())
    way = reverse("console-welcome", args=[word, default_token_generator.make_token(user)])
    return f"{site or workspace.config.public.url}{way}"


def read_timed(purpose: str, token: str) -> tuple[int, datetime, bool] | None:
    """Whom the word names, when it was made, and whether it is still good; None for one not signed here for that."""
    found = signer().read(purpose, token)
    if found is None:
        return None
    made = datetime.fromtimestamp(found[1] * 60, tz=timezone.now().tzinfo)
    return found[0], made, timezone.now() - made <= VALID[purpose[0]]
