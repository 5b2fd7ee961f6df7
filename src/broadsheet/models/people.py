"""Who may be mailed, what they agreed to, and who must not be."""

from django.db import models


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
    email_key = models.CharField(max_length=320, unique=True)
    first_name = models.CharField(max_length=200, blank=True)
    last_name = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=35, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    attributes = models.JSONField(default=dict)
    interests = models.ForeignKey(InterestSet, on_delete=models.PROTECT, related_name="subscribers")
    source = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()

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


class Subscription(models.Model):
    """One person's consent to one list, with its evidence."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="subscriptions")
    list_name = models.CharField(max_length=100)
    state = models.CharField(max_length=12, choices=SubscriptionState)
    consent_at = models.DateTimeField(null=True, blank=True)
    consent_how = models.CharField(max_length=200, blank=True)
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["list_name", "subscriber"], name="subscription_once_per_list"),
        ]
        indexes = [models.Index(fields=["list_name", "state", "subscriber"], name="subscription_by_state")]

    def __str__(self) -> str:
        return f"{self.list_name}: {self.state}"


class SuppressionReason(models.TextChoices):
    """Why an address must not be mailed."""

    #: the address does not exist
    DEAD = "dead", "The address does not exist"
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
