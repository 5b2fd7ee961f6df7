"""The rows: what happens. What people write is a file (:mod:`broadsheet.workspace`)."""

from broadsheet.models.among import Among
from broadsheet.models.content import (
    Article,
    Campaign,
    Deviation,
    Edition,
    EditionMove,
    EditionState,
    OnUnknown,
    SourceState,
    Tag,
    Variant,
)
from broadsheet.models.counts import SegmentSize, Summary, Tally
from broadsheet.models.delivery import (
    BounceClass,
    Claim,
    Delivery,
    DeliveryState,
    Event,
    EventKind,
    Link,
    Missing,
    PaceBucket,
    Repeat,
)
from broadsheet.models.drafts import CampaignDraft
from broadsheet.models.errands import Allowance, Errand, ErrandKind
from broadsheet.models.hooks import HookCall, HookRefusals
from broadsheet.models.outgoing import Outgoing
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
from broadsheet.models.returned import MailboxState, ReturnedMail
from broadsheet.models.staff import Audit, Member, Role
from broadsheet.models.uploads import AT_WORK, Upload, UploadState

__all__ = [
    "AT_WORK",
    "Allowance",
    "Among",
    "Article",
    "Audit",
    "BounceClass",
    "Campaign",
    "CampaignDraft",
    "Claim",
    "ConsentHow",
    "Delivery",
    "DeliveryState",
    "Deviation",
    "Edition",
    "EditionMove",
    "EditionState",
    "Erased",
    "Errand",
    "ErrandKind",
    "Event",
    "EventKind",
    "Frequency",
    "HookCall",
    "HookRefusals",
    "InterestSet",
    "Link",
    "MailboxState",
    "Member",
    "Missing",
    "OnUnknown",
    "Outgoing",
    "PaceBucket",
    "PersonNote",
    "Repeat",
    "ReturnedMail",
    "Role",
    "SegmentSize",
    "SourceState",
    "Subscriber",
    "Subscription",
    "SubscriptionState",
    "Summary",
    "Suppression",
    "SuppressionReason",
    "Tag",
    "Tally",
    "Upload",
    "UploadState",
    "Variant",
]
