"""The ledger, and what the world answered."""

from datetime import datetime
from typing import Any

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
    #: the reader reported it as spam
    COMPLAINED = "complained", "Complained"
    #: its invisible picture was fetched: approximate, as mail programs fetch it or don't as they like
    OPENED = "opened", "Opened"
    #: the reader followed a link
    CLICKED = "clicked", "Clicked"
    #: the reader left the list
    UNSUBSCRIBED = "unsubscribed", "Unsubscribed"


#: What counts as engagement; segments ask for these by reader and time, so they carry both.
ENGAGED = (EventKind.OPENED, EventKind.CLICKED)


class Link(models.Model):
    """One address that an edition's mails lead to. Redirects lead to these and nowhere else."""

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="links")
    url = models.TextField()
    #: the slug of the article it belongs to; empty for any other link
    article = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return self.url


class Event(models.Model):
    """One thing that the world answered; a repeated one changes nothing."""

    kind = models.CharField(max_length=12, choices=EventKind)
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="events")
    #: the delivery's own, again: neither a segment of a million readers nor a report can join ten million deliveries
    #: within a second. They go with the delivery, so the database need not check them.
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    edition = models.ForeignKey(
        Edition, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    #: what was clicked
    link = models.ForeignKey(Link, on_delete=models.CASCADE, related_name="events", null=True, db_index=False)
    #: a robot's or a mail gateway's: kept, and left out of the numbers that people read
    automatic = models.BooleanField(default=False)
    #: of a bounce: `dead`, `temporary`, `policy`, `full` or `unknown`
    bounce_class = models.CharField(max_length=10, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "kind"], name="event_once_per_delivery", condition=Q(link__isnull=True)
            ),
            models.UniqueConstraint(
                fields=["delivery", "kind", "link"], name="event_once_per_link", condition=Q(link__isnull=False)
            ),
        ]
        indexes = [
            models.Index(fields=["edition", "kind", "automatic", "at"], name="event_of_edition"),
            models.Index(
                fields=["kind", "at", "edition", "subscriber"],
                name="event_engaged",
                condition=Q(kind__in=ENGAGED, automatic=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.delivery_id})"

    @classmethod
    def of(cls, delivery: Delivery, kind: EventKind, at: datetime, **more: Any) -> "Event":
        """What happened to that delivery; not saved."""
        return cls(
            delivery=delivery,
            edition_id=delivery.edition_id,
            subscriber_id=delivery.subscriber_id,
            kind=kind,
            at=at,
            **more,
        )
