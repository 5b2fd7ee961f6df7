"""Who works here, what they may do, and what they did."""

from django.conf import settings
from django.db import models


class Role(models.TextChoices):
    """What a member of staff may do; each may do what the ones before may."""

    #: looks at everything
    VIEWER = "viewer", "Viewer"
    #: writes drafts: campaigns, segments, templates; proofs
    EDITOR = "editor", "Editor"
    #: approves, sends, pauses, imports people
    PUBLISHER = "publisher", "Publisher"
    #: the team and the settings
    ADMIN = "admin", "Admin"

    def may(self, needed: "Role") -> bool:
        """Whether this role may do what ``needed`` may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class Member(models.Model):
    """A Django account's role here."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="member")
    role = models.CharField(max_length=10, choices=Role, default=Role.VIEWER)
    invited_by = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"{self.user_id}: {self.role}"


class Audit(models.Model):
    """One change that a person made in the console: who, what, before and after."""

    at = models.DateTimeField(auto_now_add=True)
    who = models.CharField(max_length=200)
    #: the name of the address that did it, such as ``edition-approve``
    what = models.CharField(max_length=60)
    #: what it was done to, such as ``edition 12`` or ``campaigns/weekly.md``
    target = models.CharField(max_length=300, blank=True)
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.who}: {self.what} {self.target}"
