"""Files of people that staff uploaded, and how far each import is."""

from django.db import models


class UploadState(models.TextChoices):
    """Where an uploaded file of people stands."""

    #: a process is reading its first lines
    LOOKING = "looking", "Being read"
    #: its columns are known; somebody says what they are
    READY = "ready", "To be tried"
    #: a process goes through it and writes nothing
    TRYING = "trying", "Being tried"
    #: a dry run went to its end
    TRIED = "tried", "Tried"
    #: a process takes its people
    TAKING = "taking", "Being imported"
    #: its people are in
    DONE = "done", "Imported"
    #: it was stopped; whole batches are in
    STOPPED = "stopped", "Stopped"
    #: it can't be read as a file of people
    FAILED = "failed", "Can't be read"


#: A process is at work.
AT_WORK = (UploadState.LOOKING, UploadState.TRYING, UploadState.TAKING)


class Upload(models.Model):
    """One file of people, from its upload to its end. The file is in the state folder, and goes when it is done."""

    name = models.CharField(max_length=150)
    size = models.PositiveBigIntegerField()
    who = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(max_length=10, choices=UploadState, default=UploadState.LOOKING)
    #: why it failed or was stopped
    reason = models.CharField(max_length=500, blank=True)
    #: its format, the columns' names and what is in the first lines of each; goes with the file
    glance = models.JSONField(default=dict)
    #: the list, what columns and words mean, what may change: as the command's options
    choices = models.JSONField(default=dict)
    #: what the last try or import came to, as ``subscribers import --json`` gives it
    report = models.JSONField(default=dict)
    #: units of work done, and in all
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0)
    began_at = models.DateTimeField(null=True, blank=True)
    #: when the process that is at it last said so
    beat_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    #: somebody asked it to stop
    stopping = models.BooleanField(default=False)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"upload {self.pk}: {self.state}"
