"""What other programs are still to be told."""

from django.db import models


class Outgoing(models.Model):
    """One event for one webhook; it stays until it was taken, or given up."""

    endpoint = models.CharField(max_length=100)
    kind = models.CharField(max_length=40)
    #: the message's own id, the same on every try
    message_id = models.CharField(max_length=40, unique=True)
    payload = models.JSONField()
    attempts = models.PositiveSmallIntegerField(default=0)
    #: when it is tried next; none: taken, or given up
    next_at = models.DateTimeField(null=True)
    taken_at = models.DateTimeField(null=True)
    #: why the last try failed
    reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["next_at"], name="outgoing_due", condition=models.Q(next_at__isnull=False)),
            models.Index(fields=["created_at"], name="outgoing_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.endpoint}"
