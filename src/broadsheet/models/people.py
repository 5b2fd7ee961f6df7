"""Who may be mailed, what they agreed to, and who must not be."""

from django.db import models
from django.db.models import Value
from django.db.models.functions import StrIndex, Substr


class InterestSet(models.Model):
    """One distinct set of interests; readers who share it share their picks.

    Picking costs grow with these rows, not with readers.
    """

    key = models.CharField(max_length=2000, unique=True)
    tags = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.key


class Subscriber(models.Model):
    """One person. ``email`` is as they wrote it, ``email_key`` the form by which they are known."""

    # Four bytes: with eight, PostgreSQL's ledger and its indexes would be a third larger.
    id = models.AutoField(primary_key=True)
    email = models.CharField(max_length=320)
    email_key = models.CharField(max_length=320)
    #: what follows the @; a local part with an @ of its own is no address here
    domain = models.GeneratedField(
        expression=Substr("email_key", StrIndex("email_key", Value("@")) + 1),
        output_field=models.CharField(max_length=320),
        db_persist=True,
    )
    #: the local part is not ASCII, so only servers with SMTPUTF8 (RFC 6531) take their mail
    needs_smtputf8 = models.BooleanField(default=False, db_default=False)
    first_name = models.CharField(max_length=200, blank=True)
    last_name = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=35, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    attributes = models.JSONField(default=dict)
    # Without an index: its entries would go all over it, an eighth of an import's time; segments read the rows anyway.
    # Nor does the database check it, a quarter of PostgreSQL's time for a row: no set is ever deleted.
    interests = models.ForeignKey(
        InterestSet, on_delete=models.PROTECT, related_name="subscribers", db_index=False, db_constraint=False
    )
    source = models.CharField(max_length=200, blank=True)
    #: when they agreed to their clicks and opens being counted by name, and in which words; none: they did not
    tracking_consent_at = models.DateTimeField(null=True, blank=True)
    tracking_consent_wording = models.TextField(blank=True, db_default="")
    created_at = models.DateTimeField()

    class Meta:
        # One index for whole addresses and for their beginnings, which staff look for; of a field that is ``unique``
        # PostgreSQL would need a second one.
        constraints = (
            models.UniqueConstraint(
                fields=["email_key"], name="subscriber_once_per_address", opclasses=["varchar_pattern_ops"]
            ),
        )
        indexes = [
            # For staff who look for somebody by the beginning of a name; PostgreSQL needs to be told that of an index.
            models.Index(
                fields=["last_name", "id"], name="subscriber_last_name", opclasses=["varchar_pattern_ops", "int4_ops"]
            ),
            models.Index(
                fields=["first_name", "id"], name="subscriber_first_name", opclasses=["varchar_pattern_ops", "int4_ops"]
            ),
        ]

    def __str__(self) -> str:
        return f"subscriber {self.pk}"


class SubscriptionState(models.TextChoices):
    """What a person said to one list."""

    #: asked to join, has not confirmed
    PENDING = "pending", "Pending"
    #: wants the mail
    SUBSCRIBED = "subscribed", "Subscribed"
    #: has left
    UNSUBSCRIBED = "unsubscribed", "Unsubscribed"


class Frequency(models.IntegerChoices):
    """How far apart the mails of a list shall be at least, in days; none of these is every edition."""

    WEEKLY = 7, "Weekly"
    #: four weeks, so that the first Tuesday of every month is one of them
    MONTHLY = 28, "Monthly"


class ConsentHow(models.TextChoices):
    """How a person came to agree to a list."""

    #: they filled in a form, or a page of ours
    FORM = "form", "A form"
    #: a file of people was imported
    IMPORT = "import", "An import"
    #: another program said so
    API = "api", "The API"
    #: staff entered it
    STAFF = "staff", "Staff"


class Subscription(models.Model):
    """One person's consent to one list, with its evidence: when, how, from where, to which words."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="subscriptions", db_index=False)
    list_name = models.CharField(max_length=100)
    state = models.CharField(max_length=12, choices=SubscriptionState)
    consent_at = models.DateTimeField(null=True, blank=True)
    consent_how = models.CharField(max_length=10, choices=ConsentHow, blank=True, default="", db_default="")
    #: which form, which file, who
    consent_detail = models.CharField(max_length=300, blank=True, default="", db_default="")
    #: the network address it came from, shortened if ``privacy.truncate_networks`` says so
    consent_network = models.CharField(max_length=45, blank=True, default="", db_default="")
    #: the text they agreed to
    consent_wording = models.TextField(blank=True, default="", db_default="")
    left_at = models.DateTimeField(null=True, blank=True)
    #: what they said when they left, if anything
    left_reason = models.CharField(max_length=300, blank=True, default="", db_default="")
    frequency = models.PositiveSmallIntegerField(null=True, blank=True, choices=Frequency)
    paused_until = models.DateTimeField(null=True, blank=True)
    #: when the mail that asks for confirmation last went out, and how often it did
    asked_at = models.DateTimeField(null=True, blank=True)
    asked_times = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "list_name"], name="subscription_once_per_list"),
        ]
        indexes = [
            # All that a plan asks of a subscription: it reads no row of the table.
            models.Index(
                fields=["list_name", "state", "subscriber", "frequency", "paused_until"], name="subscription_by_state"
            ),
            # Few rows of many: a list whose readers all want every edition costs a plan nothing.
            models.Index(
                fields=["list_name", "frequency", "subscriber"],
                name="subscription_less_often",
                condition=models.Q(frequency__isnull=False),
            ),
            models.Index(
                fields=["list_name", "paused_until", "subscriber"],
                name="subscription_paused",
                condition=models.Q(paused_until__isnull=False),
            ),
            models.Index(
                fields=["asked_at"],
                name="subscription_asked",
                condition=models.Q(state="pending", asked_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.list_name}: {self.state}"


class SuppressionReason(models.TextChoices):
    """Why an address must not be mailed."""

    #: the address does not exist
    DEAD = "dead", "The address does not exist"
    #: mail to it was returned too often in a row
    BOUNCING = "bouncing", "Mail kept coming back"
    #: its owner reported mail as spam
    COMPLAINED = "complained", "Reported as spam"
    #: staff said so, or an import brought it
    BY_HAND = "by-hand", "Suppressed by hand"


class Suppression(models.Model):
    """An address that must not be mailed, whatever list it is on."""

    email_key = models.CharField(max_length=320, unique=True)
    reason = models.CharField(max_length=12, choices=SuppressionReason)
    detail = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"suppression {self.pk}: {self.reason}"


class Erased(models.Model):
    """All that stays of a person who was erased: a keyed hash, by which they are known again and left alone."""

    key_hash = models.CharField(max_length=64, unique=True)
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"erased {self.pk}"


class PersonNote(models.Model):
    """What was done about one address, by staff or its owner, and why; it goes when the person is erased."""

    email_key = models.CharField(max_length=320, db_index=True)
    at = models.DateTimeField(auto_now_add=True)
    who = models.CharField(max_length=200)
    what = models.TextField()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"note {self.pk}"
