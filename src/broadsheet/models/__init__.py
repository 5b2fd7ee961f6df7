"""The rows: what happens. What people write is a file (:mod:`broadsheet.workspace`)."""

from broadsheet.models.content import (
    Article,
    Campaign,
    Edition,
    EditionMove,
    EditionState,
    SourceState,
    Tag,
    Variant,
)
from broadsheet.models.counts import Summary, Tally
from broadsheet.models.delivery import Delivery, DeliveryState, Event, EventKind, Link
from broadsheet.models.outgoing import Outgoing
from broadsheet.models.people import (
    ConsentHow,
    Erased,
    InterestSet,
    PersonNote,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    SuppressionReason,
)
from broadsheet.models.staff import Audit, Member, Role

__all__ = [
    "Article",
    "Audit",
    "Campaign",
    "ConsentHow",
    "Delivery",
    "DeliveryState",
    "Edition",
    "EditionMove",
    "EditionState",
    "Erased",
    "Event",
    "EventKind",
    "InterestSet",
    "Link",
    "Member",
    "Outgoing",
    "PersonNote",
    "Role",
    "SourceState",
    "Subscriber",
    "Subscription",
    "SubscriptionState",
    "Summary",
    "Suppression",
    "SuppressionReason",
    "Tag",
    "Tally",
    "Variant",
]
