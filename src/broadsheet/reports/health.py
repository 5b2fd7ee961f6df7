"""Whether a list is in a state to be mailed: complaints and bounces of its last editions."""

from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef

from broadsheet.models import Delivery, DeliveryState, Edition, Event, EventKind
from broadsheet.reports.summary import states_by_edition

#: Shares at which mailbox providers begin to turn mail away (Gmail's and Yahoo's rules for senders): warn, hold.
COMPLAINTS = (0.001, 0.003)
BOUNCES = (0.02, 0.05)
#: Editions looked at, and copies below which a share says nothing.
EDITIONS, ENOUGH = 3, 200


@dataclass(frozen=True)
class Health:
    """What a list's last editions say; both empty while all is well."""

    warning: str = ""
    hold: str = ""
    """Why the next edition waits for a person's yes."""


def health_of(list_name: str) -> Health:
    """The health of a list, by its last editions together."""
    # one that was paused or called off on the way, perhaps for its bounces, says as much as another
    tried = Delivery.objects.filter(edition=OuterRef("pk"), state__in=(DeliveryState.SENT, DeliveryState.FAILED))
    last = Edition.objects.filter(Exists(tried), list_name=list_name)
    editions = list(last.order_by("-scheduled_for")[:EDITIONS])
    states = states_by_edition(editions).values()
    sent = sum(each.get(DeliveryState.SENT, 0) for each in states)
    failed = sum(each.get(DeliveryState.FAILED, 0) for each in states)
    if sent + failed < ENOUGH:
        return Health()
    events = dict(
        Event.objects.filter(edition__in=editions, kind__in=(EventKind.BOUNCED, EventKind.COMPLAINED))
        .values_list("kind")
        .annotate(Count("pk"))
        .order_by()
    )
    found = [
        ("complaints", events.get(EventKind.COMPLAINED, 0), sent, COMPLAINTS),
        ("bounces", events.get(EventKind.BOUNCED, 0), sent + failed, BOUNCES),
    ]
    warnings, holds = [], []
    for what, count, of, (warn, hold) in found:
        share = count / of if of else 0.0
        said = f"{share:.2%} {what} ({count:,} of {of:,}) in the last {len(editions)} editions of {list_name}"
        if share >= hold:
            holds.append(f"{said}; from {hold:.1%} on the next edition waits for your yes")
        elif share >= warn:
            warnings.append(f"{said}; above {warn:.1%} mailbox providers begin to turn mail away")
    return Health("; ".join(warnings), "; ".join(holds))
