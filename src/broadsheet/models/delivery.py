"""The ledger, and what the world answered."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from broadsheet.models.content import Edition, Variant
from broadsheet.models.people import Subscriber


class DeliveryState(models.TextChoices):
    """Where one reader's copy stands."""

    #: waits for a sender, or is in the hand of one (:class:`Claim`)
    QUEUED = "queued", "Queued"
    #: refused for now; goes again at ``at``
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
        return (cls.QUEUED, cls.DEFERRED)


#: The states of a delivery whose articles its reader has had, may have had, or is about to get.
HAD = (
    DeliveryState.QUEUED,
    DeliveryState.DEFERRED,
    DeliveryState.SENT,
    DeliveryState.UNKNOWN,
)


class ByState(models.Index):
    """SQLite asks this index alone for the readers of an edition; PostgreSQL never does, and without its last field
    keeps an edition's equal entries once: 45 bytes a delivery less.
    """

    def create_sql(self, model: type[models.Model], schema_editor: Any, using: str = "", **kwargs: Any) -> Any:
        """The statement that makes it."""
        if schema_editor.connection.vendor != "postgresql":
            return super().create_sql(model, schema_editor, using, **kwargs)
        return models.Index(fields=self.fields[:-1], name=self.name).create_sql(model, schema_editor, using, **kwargs)


if TYPE_CHECKING:
    _OfMoments = models.Field[datetime | None, datetime | None]
else:
    _OfMoments = models.Field


class RareMoment(_OfMoments):
    """A moment that hardly any row has, kept as ISO 8601; empty: none.

    PostgreSQL keeps a bit for each column of a row in which one has no value, and with a ninth these take 8 bytes.
    An empty text takes one.
    """

    def get_internal_type(self) -> str:
        """A text, to the database."""
        return "TextField"

    def from_db_value(self, value: str, *_: object) -> datetime | None:
        """The moment of a row."""
        return moment_of(value)

    def get_prep_value(self, value: Any) -> Any:
        """What a row keeps of it."""
        return value if isinstance(value, str) else text_of(value)


def moment_of(text: str) -> datetime | None:
    """The moment that a :class:`RareMoment` keeps."""
    return datetime.fromisoformat(text) if text else None


def text_of(moment: datetime | None) -> str:
    """How a :class:`RareMoment` is kept."""
    return moment.isoformat() if moment else ""


class Delivery(models.Model):
    """One reader's copy of an edition.

    Rows are written in the order of subscribers, so that the two indexes by subscriber grow page by page, and
    claimed in the order of variants, so that a sender holds few compiled messages at a time. What a row refers to is
    kept by the one statement that writes it: a constraint's check of each of three keys costs as much as the rest.
    """

    edition = models.ForeignKey(
        Edition, on_delete=models.CASCADE, related_name="deliveries", db_index=False, db_constraint=False
    )
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, related_name="deliveries", db_index=False, db_constraint=False
    )
    variant = models.ForeignKey(
        Variant, on_delete=models.CASCADE, related_name="deliveries", null=True, db_index=False, db_constraint=False
    )
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.QUEUED)
    reason = models.CharField(max_length=300, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0)
    #: queued, deferred: not before this. sent, failed: when.
    at = models.DateTimeField(null=True)
    #: when it was first refused for now
    deferred_since = RareMoment(default=None, db_default=models.Value(""), blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "edition"], name="delivery_once_per_reader"),
        ]
        indexes = [
            ByState(fields=["edition", "state", "subscriber"], name="delivery_by_state"),
            models.Index(
                fields=["edition", "variant", "id"],
                name="delivery_open",
                condition=Q(state__in=["queued", "deferred"]),
            ),
            models.Index(
                fields=["subscriber", "variant"], name="delivery_had", condition=Q(state__in=HAD, variant__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}: {self.state}"


class Claim(models.Model):
    """A stretch of an edition's copies that one sender has in hand.

    The stretch goes from ``first`` to ``last`` in the order of variant and id; it means the copies in it that were
    due at ``taken_at``. The rows themselves stay as they are until their outcome is known: each is written once.
    Stretches of an edition never overlap; taking one is done under a lock on the edition's row.
    """

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="claims")
    #: the name of its journal as well
    sender = models.CharField(max_length=120)
    first_variant = models.BigIntegerField()
    first_id = models.BigIntegerField()
    last_variant = models.BigIntegerField()
    last_id = models.BigIntegerField()
    taken_at = models.DateTimeField()
    #: a sender on another machine is taken for dead after this
    lease_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"claim {self.pk} of {self.sender}"

    def stretch(self) -> Q:
        """The deliveries from first to last, whatever their state."""
        edges = Q(variant_id=self.first_variant, pk__lt=self.first_id)
        edges |= Q(variant_id=self.last_variant, pk__gt=self.last_id)
        between = Q(variant_id__gte=self.first_variant, variant_id__lte=self.last_variant)
        return Q(edition_id=self.edition_id) & between & ~edges

    def held(self) -> Q:
        """The deliveries that the claim means."""
        due = Q(at__isnull=True) | Q(at__lte=self.taken_at)
        return self.stretch() & Q(state__in=DeliveryState.open()) & due


class Repeat(models.Model):
    """A call to a provider that may have taken its mails or not, and that its idempotency key lets us make again.

    Its copies are ``unknown`` in the ledger until an answer, or the end of the key, settles them.
    """

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="repeats")
    #: the ids of its deliveries
    deliveries = models.JSONField()
    #: whether one call held them all, so that its key is good for all of them and for nothing else
    together = models.BooleanField()
    #: when it is made again; nobody else does it before
    again_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    #: until when its key lasts
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"call {self.pk} again, until {self.until}"


class Missing(models.Model):
    """What a sender on another machine had in hand when its lease ran out; it can tell more when it is back."""

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="+")
    sender = models.CharField(max_length=120)
    #: the id of its claim, which is gone
    claim = models.BigIntegerField()
    #: the ids of the deliveries that it meant
    deliveries = models.JSONField()

    class Meta:
        indexes = [models.Index(fields=["sender"], name="missing_of_sender")]

    def __str__(self) -> str:
        return f"what {self.sender} had in hand"


class PaceBucket(models.Model):
    """How far an adapter's timeline is reserved, or that of one recipient domain of it (``default/mail.example``)."""

    key = models.CharField(max_length=400, unique=True)
    #: the first moment that nobody has reserved, in seconds since 1970
    next_at = models.FloatField(default=0.0)
    #: messages by cell of time, as far as a cap counts them
    counts = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.key


class EventKind(models.TextChoices):
    """What came back about a delivery."""

    #: refused for good, by the next server or by one behind it; ``Event.cause`` says why
    BOUNCED = "bounced", "Bounced"
    #: a provider says that the reader's own server took it
    DELIVERED = "delivered", "Delivered"
    #: the reader reported it as spam
    COMPLAINED = "complained", "Reported as spam"
    #: its invisible picture was fetched: approximate, as mail programs fetch it or don't as they like
    OPENED = "opened", "Opened"
    #: the reader followed a link
    CLICKED = "clicked", "Clicked"
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
    #: why it bounced; empty for other kinds
    cause = models.CharField(max_length=9, choices=BounceClass, blank=True, default="")
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
            models.Index(fields=["kind", "automatic", "at", "edition", "subscriber"], name="event_by_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.delivery_id})"

    @classmethod
    def once(cls, delivery: Delivery, kind: EventKind, at: datetime, **more: Any) -> tuple["Event", bool]:
        """What happened to that delivery, saved unless it is known already; and whether it is new."""
        of = {"edition_id": delivery.edition_id, "subscriber_id": delivery.subscriber_id}
        return cls.objects.get_or_create(delivery=delivery, kind=kind, link=None, defaults={**of, "at": at, **more})

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
