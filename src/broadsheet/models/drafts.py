"""What staff are writing, before it is a file."""

from django.db import models


class CampaignDraft(models.Model):
    """A campaign's file as it would be: at most one for each campaign, seen by everybody who works here.

    It is kept until somebody publishes it or throws it away.
    """

    slug = models.CharField(max_length=255, unique=True)
    #: the whole file, front matter and intro
    text = models.TextField()
    #: the file as it was when the draft was begun …
    base = models.TextField()
    #: … and what it is known by: another one on the disk is another version
    base_digest = models.CharField(max_length=64)
    #: a whole file as somebody typed it, while it can't be read
    unread = models.TextField(blank=True)
    #: grows with every change
    number = models.PositiveIntegerField(default=1)
    begun_by = models.CharField(max_length=200)
    begun_at = models.DateTimeField(auto_now_add=True)
    saved_by = models.CharField(max_length=200)
    saved_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"draft {self.number} of {self.slug}"
