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
from broadsheet.models.delivery import Delivery, DeliveryState, Event, EventKind
from broadsheet.models.errands import Allowance, Errand, ErrandKind
from broadsheet.models.people import (
    ConsentHow,
    Erased,
    Frequency,
    InterestSet,
    PersonNote,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    SuppressionReason,
)

__all__ = [
    "Allowance",
    "Article",
    "Campaign",
    "ConsentHow",
    "Delivery",
    "DeliveryState",
    "Edition",
    "EditionMove",
    "EditionState",
    "Erased",
    "Errand",
    "ErrandKind",
    "Event",
    "EventKind",
    "Frequency",
    "InterestSet",
    "PersonNote",
    "SourceState",
    "Subscriber",
    "Subscription",
    "SubscriptionState",
    "Suppression",
    "SuppressionReason",
    "Tag",
    "Variant",
]
