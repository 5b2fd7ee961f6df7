"""Articles, and the campaigns' editions made from them."""

from django.db import models
from django.utils import timezone


class Tag(models.Model):
    """A word articles are filed under and readers are interested in; lower case."""

    name = models.CharField(max_length=100, unique=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class SourceState(models.Model):
    """What syncs have learnt of one article source; its settings are in ``broadsheet.toml``."""

    #: the folder or the feed's address
    place = models.CharField(max_length=1000, unique=True)
    name = models.CharField(max_length=100)
    etag = models.CharField(max_length=500, blank=True)
    last_modified = models.CharField(max_length=500, blank=True)
    #: of the settings its articles were last read with; others make it be read anew
    fingerprint = models.CharField(max_length=64, blank=True)
    first_synced_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    #: empty while all is well; its articles stay as they are while it fails
    reason = models.CharField(max_length=500, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("name", "place")

    def __str__(self) -> str:
        return self.name


class Article(models.Model):
    """One piece of content from a source, as the last sync read it.

    It is the same article while its slug is: a source that renames, moves or dates it anew changes the row,
    and the slug stays.
    """

    slug = models.CharField(max_length=200, unique=True)
    source = models.CharField(max_length=100)
    #: the folder or feed of :class:`SourceState`
    place = models.CharField(max_length=1000, blank=True)
    #: the id that the source gives it: a feed's GUID, a file's ``id``
    identity = models.CharField(max_length=200, blank=True)
    path = models.CharField(max_length=500)
    content_hash = models.CharField(max_length=64)
    #: of a file: what it is known by without being read
    file_stamp = models.CharField(max_length=80, blank=True)
    title = models.CharField(max_length=500)
    excerpt = models.TextField(blank=True)
    author = models.CharField(max_length=200, blank=True)
    category = models.CharField(max_length=100, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    url = models.CharField(max_length=1000)
    image_url = models.CharField(max_length=1000, blank=True)
    image_alt = models.CharField(max_length=500, blank=True)
    language = models.CharField(max_length=35)
    html = models.TextField(blank=True)
    draft = models.BooleanField(default=False)
    tags = models.ManyToManyField(Tag, related_name="articles", blank=True)
    #: older than the source's ``max_age`` when the source was new: for the archive, not for the next edition
    seen_before = models.BooleanField(default=False)
    #: advice: a list of ``{code, message}``
    findings = models.JSONField(default=list, blank=True)
    #: when a sync first saw what readers see of it now
    changed_at = models.DateTimeField(default=timezone.now)
    synced_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-published_at", "slug")
        indexes = [models.Index(fields=["-published_at"], name="article_published")]

    def __str__(self) -> str:
        return self.slug


class Campaign(models.Model):
    """The row behind a campaign's file, so that editions outlive the file."""

    slug = models.CharField(max_length=100, unique=True)
    #: the scheduler looks after times later than this; none while the campaign has no schedule
    watched_since = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.slug


class Deviation(models.Model):
    """One time of a campaign's schedule that a person skipped or moved. Where it stands, the scheduler obeys it."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="deviations", db_index=False)
    #: the time that the schedule names
    scheduled_for = models.DateTimeField()
    #: none: nothing comes out
    moved_to = models.DateTimeField(null=True, blank=True)
    who = models.CharField(max_length=200)
    why = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("scheduled_for",)
        constraints = [
            models.UniqueConstraint(fields=["campaign", "scheduled_for"], name="deviation_once_per_time"),
            models.UniqueConstraint(fields=["campaign", "moved_to"], name="deviation_once_per_new_time"),
        ]

    def __str__(self) -> str:
        return f"{self.said} of {self.campaign_id}"

    @property
    def said(self) -> str:
        """What was done, by whom and why: the reason on the row of an edition that did not come out."""
        done = "moved" if self.moved_to else "skipped"
        return f"{done} by {self.who}{f': {self.why}' if self.why else ''}"[:300]


class EditionState(models.TextChoices):
    """Where an edition stands. Which moves are allowed: :data:`broadsheet.editions.MOVES`."""

    #: frozen; wants a look
    DRAFT = "draft", "Draft"
    #: frozen; its proof is with the approvers
    PROOFED = "proofed", "Proofed"
    #: may be sent at its time
    APPROVED = "approved", "Approved"
    #: copies are going out, or were when the sender stopped
    SENDING = "sending", "Sending"
    #: held by a person, or because too much failed
    PAUSED = "paused", "Paused"
    #: every copy is in a final state
    SENT = "sent", "Sent"
    #: nothing went out, for the reason that is kept
    SKIPPED = "skipped", "Skipped"
    #: called off by a person
    CANCELLED = "cancelled", "Cancelled"
    #: could not go on; the reason is kept
    FAILED = "failed", "Failed"


class OnUnknown(models.TextChoices):
    """What is done with a copy of which nobody can say whether it was taken."""

    #: it stays unknown until a person settles it; nobody is mailed twice
    HOLD = "hold", "Hold"
    #: it goes again; some readers may get two
    RESEND = "resend", "Resend"
    #: it counts as sent; some readers may get none
    ASSUME_SENT = "assume-sent", "Assume sent"


class Edition(models.Model):
    """One dated issue of a campaign, frozen: its articles, its audience, its text."""

    # Four bytes: with eight, PostgreSQL's ledger and its indexes would be a third larger.
    id = models.AutoField(primary_key=True)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="editions")
    scheduled_for = models.DateTimeField()
    state = models.CharField(max_length=10, choices=EditionState, default=EditionState.DRAFT)
    reason = models.CharField(max_length=300, blank=True)
    list_name = models.CharField(max_length=100)
    adapter = models.CharField(max_length=100)
    #: what becomes of copies that were in flight when their sender died, or whose connection broke before the reply
    on_unknown = models.CharField(max_length=11, choices=OnUnknown, default=OnUnknown.HOLD)
    mail_from = models.CharField(max_length=320)
    mail_domain = models.CharField(max_length=255)
    public_url = models.CharField(max_length=300)
    #: `none`, `aggregate` or `individual`: what is counted of clicks and opens
    tracking = models.CharField(max_length=10, default="none")
    #: the same for readers who did not agree to be counted one by one
    without_consent = models.CharField(max_length=10, default="none")
    #: the time it was made for, if it was moved to another
    moved_from = models.DateTimeField(null=True, blank=True)
    #: when its approvers were last asked
    asked_at = models.DateTimeField(null=True, blank=True)
    audience = models.PositiveIntegerField(default=0)
    excluded = models.JSONField(default=dict)
    content_hash = models.CharField(max_length=64)
    #: the hash that somebody approved; another one needs a new approval
    approved_hash = models.CharField(max_length=64, blank=True)
    frozen_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-scheduled_for", "-id")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "scheduled_for"], name="edition_once_per_time"),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def key(self) -> str:
        """Its stable name in headers and reports, such as ``weekly-digest-20261124T0800``."""
        return f"{self.campaign.slug}-{self.scheduled_for:%Y%m%dT%H%M}"


class EditionMove(models.Model):
    """One change of an edition's state: who, when and why."""

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="moves")
    before = models.CharField(max_length=10, blank=True)
    after = models.CharField(max_length=10, choices=EditionState)
    who = models.CharField(max_length=200)
    why = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.before or '–'} → {self.after} by {self.who}"


class Variant(models.Model):
    """One distinct set of articles in an edition, compiled once for all readers who share it."""

    # Four bytes: with eight, PostgreSQL's ledger and its indexes would be a third larger.
    id = models.AutoField(primary_key=True)
    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="variants")
    key = models.CharField(max_length=64)
    articles = models.JSONField(default=list)
    subject = models.TextField(blank=True)
    message = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["edition", "key"], name="variant_once_per_edition")]

    def __str__(self) -> str:
        return f"{self.edition_id}/{self.key[:8]}"
