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
            models.Index(fields=["edition", "state", "subscriber"], name="delivery_by_state"),
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

    #: the next server refused it for good
    BOUNCED = "bounced", "Bounced"
    #: the reader left the list
    UNSUBSCRIBED = "unsubscribed", "Unsubscribed"
    #: the reader opened it, as far as their program tells
    OPENED = "opened", "Opened"
    #: the reader followed a link in it
    CLICKED = "clicked", "Clicked"
    #: the reader reported it as spam
    COMPLAINED = "complained", "Complained"


#: What counts as engagement; segments ask for these by reader and time, so they carry both.
ENGAGED = (EventKind.OPENED, EventKind.CLICKED)


class Event(models.Model):
    """One thing that the world answered; a repeated one changes nothing."""

    kind = models.CharField(max_length=12, choices=EventKind)
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="events")
    detail = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()
    #: the delivery's own, again: a segment of a million readers can't join ten million deliveries within a second.
    #: They go with the delivery, so the database need not check them.
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+"
    )
    edition = models.ForeignKey(
        Edition, on_delete=models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["delivery", "kind"], name="event_once_per_delivery"),
            models.CheckConstraint(
                condition=~Q(kind__in=ENGAGED) | Q(subscriber__isnull=False, edition__isnull=False),
                name="event_of_engagement_has_its_reader",
            ),
        ]
        indexes = [models.Index(fields=["kind", "at", "edition", "subscriber"], name="event_by_kind")]

    def __str__(self) -> str:
        return f"{self.kind} ({self.delivery_id})"
