"""The rows: what happens. What people write is a file (:mod:`broadsheet.workspace`)."""

from broadsheet.models.among import Among
from broadsheet.models.content import (
    Article,
    Campaign,
    Edition,
    EditionMove,
    EditionState,
    OnUnknown,
    SourceState,
    Tag,
    Variant,
)
from broadsheet.models.delivery import Claim, Delivery, DeliveryState, Event, EventKind, PaceBucket
from broadsheet.models.people import (
    InterestSet,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    SuppressionReason,
)

__all__ = [
    "Among",
    "Article",
    "Campaign",
    "Claim",
    "Delivery",
    "DeliveryState",
    "Edition",
    "EditionMove",
    "EditionState",
    "Event",
    "EventKind",
    "InterestSet",
    "OnUnknown",
    "PaceBucket",
    "SourceState",
    "Subscriber",
    "Subscription",
    "SubscriptionState",
    "Suppression",
    "SuppressionReason",
    "Tag",
    "Variant",
]
