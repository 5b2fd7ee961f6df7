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
from broadsheet.models.delivery import BounceClass, Delivery, DeliveryState, Event, EventKind
from broadsheet.models.hooks import HookCall, HookRefusals
from broadsheet.models.people import (
    InterestSet,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    SuppressionReason,
)
from broadsheet.models.returned import MailboxState, ReturnedMail

__all__ = [
    "Article",
    "BounceClass",
    "Campaign",
    "Delivery",
    "DeliveryState",
    "Edition",
    "EditionMove",
    "EditionState",
    "Event",
    "EventKind",
    "HookCall",
    "HookRefusals",
    "InterestSet",
    "MailboxState",
    "ReturnedMail",
    "SourceState",
    "Subscriber",
    "Subscription",
    "SubscriptionState",
    "Suppression",
    "SuppressionReason",
    "Tag",
    "Variant",
]
