"""Totals that name no reader, kept up to date so that a report has nothing to count."""

from django.db import models

from broadsheet.models.content import Edition
from broadsheet.models.delivery import EventKind


class Tally(models.Model):
    """How often something was clicked or opened in an hour; names no reader."""

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="tallies", db_index=False)
    variant_id = models.BigIntegerField()
    #: of :class:`Link`; 0 for opens
    link_id = models.BigIntegerField(default=0)
    kind = models.CharField(max_length=12, choices=EventKind)
    automatic = models.BooleanField(default=False)
    #: the full hour it began
    hour = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["edition", "kind", "automatic", "link_id", "variant_id", "hour"], name="tally_once_per_hour"
            )
        ]

    def __str__(self) -> str:
        return f"{self.count} {self.kind} of edition {self.edition_id}"


class Summary(models.Model):
    """An edition's deliveries broken down, as they were at ``made_at``; see :mod:`broadsheet.reports.summary`."""

    edition = models.OneToOneField(Edition, on_delete=models.CASCADE, related_name="summary")
    data = models.JSONField(default=dict)
    made_at = models.DateTimeField()
    #: whether every copy was in a final state then, so that it is not made again unless one moves
    final = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"summary of edition {self.edition_id}"


class SegmentSize(models.Model):
    """How many people were in a segment when they were last counted, for pages that can't wait for it."""

    name = models.CharField(max_length=100, unique=True)
    #: of the segment's rules; a segment whose rules changed has not been counted
    fingerprint = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    counted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.size} in {self.name}"
