"""The ledger, and what the world answered."""

from django.db import models
from django.db.models import Q

from broadsheet.models.content import Edition, Variant
from broadsheet.models.people import Subscriber


class DeliveryState(models.TextChoices):
    """Where one reader's copy stands."""

    #: waits for a sender
    QUEUED = "queued", "Queued"
    #: a sender has claimed it
    CLAIMED = "claimed", "Claimed"
    #: refused for now; goes again at ``not_before``
    DEFERRED = "deferred", "Deferred"
    #: the next server took it
    SENT = "sent", "Sent"
    #: refused for good
    FAILED = "failed", "Failed"
    #: was in flight when its sender died: sent or not, nobody can say
    UNKNOWN = "unknown", "Unknown"
    #: not mailed because the address is suppressed
    SUPPRESSED = "suppressed", "Suppressed"
    #: not mailed for another reason, which is kept
    SKIPPED = "skipped", "Skipped"
    #: its edition was called off before it left
    CANCELLED = "cancelled", "Cancelled"

    @classmethod
    def open(cls) -> tuple[str, ...]:
        """The states that still want a sender."""
        return (cls.QUEUED, cls.CLAIMED, cls.DEFERRED)


#: The states of a delivery whose articles its reader has had, may have had, or is about to get.
HAD = (
    DeliveryState.QUEUED,
    DeliveryState.CLAIMED,
    DeliveryState.DEFERRED,
    DeliveryState.SENT,
    DeliveryState.UNKNOWN,
)


class Delivery(models.Model):
    """One reader's copy of an edition.

    Rows are written in the order of subscribers, so that the two indexes by subscriber grow page by page, and
    claimed in the order of variants, so that a sender holds few compiled messages at a time.
    """

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="deliveries", null=True, db_index=False)
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.QUEUED)
    reason = models.CharField(max_length=300, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_by = models.CharField(max_length=64, blank=True, default="")
    #: queued, deferred: not before this. claimed: the lease's end. sent, failed: when.
    at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "edition"], name="delivery_once_per_reader"),
        ]
        indexes = [
            models.Index(fields=["edition", "state"], name="delivery_by_state"),
            models.Index(
                fields=["edition", "variant", "id"],
                name="delivery_open",
                condition=Q(state__in=["queued", "claimed", "deferred"]),
            ),
            models.Index(
                fields=["subscriber", "variant"], name="delivery_had", condition=Q(state__in=HAD, variant__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}: {self.state}"


class EventKind(models.TextChoices):
    """What came back about a delivery."""

    #: refused for good, by the next server or by one behind it; ``Event.cause`` says why
    BOUNCED = "bounced", "Bounced"
    #: a provider says that the reader's own server took it
    DELIVERED = "delivered", "Delivered"
    #: the reader reported it as spam
    COMPLAINED = "complained", "Reported as spam"
    #: the reader left the list
    UNSUBSCRIBED = "unsubscribed", "Unsubscribed"


class BounceClass(models.TextChoices):
    """Why a copy bounced. Only a dead address is suppressed at once."""

    #: the address does not exist
    DEAD = "dead", "The address does not exist"
    #: given up after a trouble that passes: unreachable, too busy, greylisted
    TEMPORARY = "temporary", "Given up for now"
    #: the mail or its sender was refused: spam, reputation, size, authentication
    POLICY = "policy", "The mail was refused"
    #: the mailbox is full
    FULL = "full", "The mailbox is full"
    #: the report does not say, or says it in words nobody knows
    UNKNOWN = "unknown", "No known reason"


class Event(models.Model):
    """One thing that the world answered; a repeated one changes nothing."""

    kind = models.CharField(max_length=12, choices=EventKind)
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="events")
    #: why it bounced; empty for other kinds
    cause = models.CharField(max_length=9, choices=BounceClass, blank=True, default="")
    detail = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery", "kind"], name="event_once_per_delivery")]

    def __str__(self) -> str:
        return f"{self.kind} ({self.delivery_id})"
