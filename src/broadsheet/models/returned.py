"""What came back by mail: kept before anything is done with it, and how far each mailbox is read."""

from django.db import models


class ReturnedMail(models.Model):
    """A message that came back. It is stored first, and worked on after; a second copy of it is not stored."""

    #: of the message and whom it was handed over for
    digest = models.CharField(max_length=64, unique=True)
    #: how it came: a mailbox's name, the listener, a file's name
    source = models.CharField(max_length=200)
    #: whom it was handed over for, where that is known
    envelope_to = models.CharField(max_length=320, blank=True)
    #: the message, the first 64 kB of each part; empty once its time is over
    content = models.BinaryField()
    received_at = models.DateTimeField()
    #: when what it says was recorded; None while that is still to be done
    recorded_at = models.DateTimeField(null=True)
    #: what it is: bounce, complaint, auto-reply, delivered, other, unsubscribe
    kind = models.CharField(max_length=12, blank=True)
    #: what was done about it, in words
    outcome = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="returned_to_record", condition=models.Q(recorded_at__isnull=True)),
            models.Index(fields=["received_at"], name="returned_by_time"),
        ]

    def __str__(self) -> str:
        return f"message {self.pk} that came back"


class MailboxState(models.Model):
    """How far a mailbox is read. What it says of a server's numbers is forgotten when the server renumbers."""

    name = models.CharField(max_length=100, unique=True)
    #: server, user and folder: another place begins anew
    place = models.CharField(max_length=500, blank=True)
    #: IMAP: the folder's UIDVALIDITY, and the last UID that was recorded
    uid_validity = models.BigIntegerField(null=True)
    last_uid = models.BigIntegerField(default=0)
    #: POP3: the unique ids that were recorded and are still there
    seen = models.JSONField(default=list)
    looked_at = models.DateTimeField(null=True)
    #: why it could not be read the last time; empty if it could
    error = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"mailbox {self.name}"
