"""What the pages leave to be done after they have answered, and how often they may be asked."""

from django.db import models

from broadsheet.models.people import Subscriber


class ErrandKind(models.TextChoices):
    """What is to be done."""

    #: somebody asked for a list: look who it is, and write to them
    JOIN = "join", "A request to join"
    #: a mail to one person
    NOTICE = "notice", "A mail to one person"


class Errand(models.Model):
    """One thing to do once; its row goes when it is done. What can't be done is tried again until it is given up."""

    kind = models.CharField(max_length=10, choices=ErrandKind)
    #: whom it is about, if they are known; with them it goes
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, null=True, blank=True, related_name="errands")
    detail = models.JSONField(default=dict)
    attempts = models.PositiveSmallIntegerField(default=0)
    #: not before this; while somebody is at it, the end of their lease; none: given up, for the reason that is kept
    due_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="errand_due")]

    def __str__(self) -> str:
        return f"errand {self.pk}: {self.kind}"


class Allowance(models.Model):
    """How often something was asked within its window; shared by all processes. Addresses are kept as keyed hashes."""

    key = models.CharField(max_length=32, unique=True)
    used = models.PositiveIntegerField(default=0)
    until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.used} until {self.until}"
