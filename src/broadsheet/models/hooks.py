"""What providers' webhooks brought, until it is worked on."""

from django.db import models


class HookCall(models.Model):
    """One call of a webhook whose signature was good, as it came. Once its events are recorded, the row goes."""

    adapter = models.CharField(max_length=100)
    content_type = models.CharField(max_length=200)
    #: headers that say which call this is
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    received_at = models.DateTimeField()
    #: why it could not be worked on; such a row is kept for a while, to be looked at
    reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["id"], name="hook_call_waiting", condition=models.Q(reason=""))]

    def __str__(self) -> str:
        return f"call {self.pk} of {self.adapter}"


class HookRefusals(models.Model):
    """How many calls of an adapter's webhook were refused for a wrong signature or password."""

    adapter = models.CharField(max_length=100, unique=True)
    times = models.PositiveBigIntegerField(default=0)
    last_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.adapter}: {self.times}"
