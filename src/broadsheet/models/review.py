"""What staff say of an edition before it goes, and what it was when one of them last said yes."""

from django.db import models

from broadsheet.models.content import Edition


class CommentKind(models.TextChoices):
    """What a comment is."""

    #: a remark
    SAID = "said", "said"
    #: a question whether it may go, mailed to somebody
    ASKED = "asked", "asked"
    #: why it may not go like this
    SENT_BACK = "sent-back", "sent it back"


class Comment(models.Model):
    """What one member of staff said of an edition."""

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="comments")
    kind = models.CharField(max_length=9, choices=CommentKind, default=CommentKind.SAID)
    #: the address they sign in with
    who = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    #: the addresses that were asked, with commas between
    asked = models.TextField(blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.who} {self.get_kind_display()}: {self.text[:60]}"


class ApprovedText(models.Model):
    """An edition as it was when somebody last approved it; written when it is frozen anew after that."""

    edition = models.OneToOneField(Edition, on_delete=models.CASCADE, related_name="approved_text")
    who = models.CharField(max_length=200)
    at = models.DateTimeField()
    #: as :class:`broadsheet.editions.Snapshot` writes itself
    content = models.JSONField()

    def __str__(self) -> str:
        return f"edition {self.edition_id} as {self.who} approved it"
