"""The evidence of consent: replaced as a whole, by what its person does; what stood there stays in their history."""

from dataclasses import dataclass

from django.utils import timezone

from broadsheet.audience.suppression import note
from broadsheet.models import Subscription, SubscriptionState


@dataclass(frozen=True)
class Evidence:
    """How somebody agreed to a list, beside when: that is the moment in which it is kept."""

    how: str
    detail: str
    network: str
    """As it is kept: see :func:`~broadsheet.audience.networks.kept_network`."""
    wording: str


def agreed(row: Subscription, evidence: Evidence, who: str) -> None:
    """Puts the person on the list, now, with all of the evidence; ``who`` says in their history whose doing it was."""
    _keep_in_history(row, who)
    row.state = SubscriptionState.SUBSCRIBED
    row.consent_at = timezone.now()
    row.consent_how, row.consent_detail = evidence.how, evidence.detail[:300]
    row.consent_network, row.consent_wording = evidence.network, evidence.wording
    row.left_at, row.left_reason = None, ""
    row.asked_times = 0
    row.save()


def undone(row: Subscription, who: str) -> None:
    """Puts the person back where they were before they left: on the list with the consent they had, or still asked."""
    note(row.subscriber.email_key, who, f"undid leaving {row.list_name}, {_how_they_left(row)}")
    row.state = SubscriptionState.SUBSCRIBED if row.consent_at else SubscriptionState.PENDING
    row.left_at, row.left_reason = None, ""
    row.save(update_fields=["state", "left_at", "left_reason"])


def reader_from(network: str) -> str:
    """Whose doing it was, if it was the person's own."""
    return f"the reader, from {network}" if network else "the reader"


def _keep_in_history(row: Subscription, who: str) -> None:
    if row.consent_at:
        how = "; ".join(filter(None, (row.consent_how, row.consent_detail, row.consent_network)))
        wording = f", to the words “{row.consent_wording}”" if row.consent_wording else ""
        _note_earlier(row, who, f"agreed at {row.consent_at.isoformat()} ({how or 'unknown'}){wording}")
    if row.left_at:
        _note_earlier(row, who, _how_they_left(row))


def _how_they_left(row: Subscription) -> str:
    said = f" ({row.left_reason})" if row.left_reason else ""
    return f"left at {row.left_at.isoformat()}{said}" if row.left_at else ""


def _note_earlier(row: Subscription, who: str, what: str) -> None:
    note(row.subscriber.email_key, who, f"came back to {row.list_name}; before that, {what}")
