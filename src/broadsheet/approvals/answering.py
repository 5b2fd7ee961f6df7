"""Yes and no. Everybody who approves comes through here: the console, the command, the link in a mail."""

import re
from datetime import datetime

from django.db import transaction

from broadsheet import editions, pipeline, reports
from broadsheet.errors import WrongState
from broadsheet.models import Comment, CommentKind, Edition, EditionState
from broadsheet.workspace import Workspace

_GAPS = re.compile(r"[\s.,'’_]")


def approve_by_link(workspace: Workspace, edition: Edition, *, content_hash: str | None) -> None:
    """Approve for whoever holds the link of an approver's mail. Raises WrongState where four eyes are wanted, too."""
    if workspace.config.approval.four_eyes:
        raise WrongState("Here nobody approves without their name. Sign in, then approve.")
    editions.approve(edition, who="an approver, by mail", content_hash=content_hash)


def send_back(edition: Edition, *, who: str, why: str) -> None:
    """Say no, with the reason. Raises WrongState without one, or for an edition that has begun."""
    why = " ".join(why.split())
    if not why:
        raise WrongState("Say what should be different, so that somebody can mend it.")
    with transaction.atomic():
        editions.send_back(edition, who=who, why=f"sent back by {who}: {why}")
        Comment.objects.create(edition=edition, kind=CommentKind.SENT_BACK, who=who[:200], text=why)


def take_back(edition: Edition, *, who: str) -> None:
    """Take a yes back before anything has left. Raises WrongState for an edition that is not approved, or has begun."""
    if edition.state != EditionState.APPROVED:
        raise WrongState(
            f"Edition {edition.pk} is {edition.state}; only one that is approved and has not begun can be taken back."
        )
    editions.send_back(edition, who=who, why=f"approval taken back by {who}")


def send_now(workspace: Workspace, edition: Edition, now: datetime, *, who: str, content_hash: str, typed: str) -> None:
    """Approve and let every copy leave at once, whatever its time was.

    Raises WrongState unless ``typed`` is how many copies wait, and as :func:`broadsheet.pipeline.approve` does.
    """
    refuse_miscounted(edition, typed)
    with transaction.atomic():
        if edition.state != EditionState.APPROVED:
            pipeline.approve(workspace, edition, who=who, content_hash=content_hash)
        elif edition.content_hash != content_hash:
            raise WrongState(f"Edition {edition.pk} has changed since you looked at it; look again.")
        if edition.scheduled_for > now:
            moment = now.replace(second=0, microsecond=0)
            editions.reschedule(edition, moment, who=who, local=lambda _zone: moment)


def refuse_miscounted(edition: Edition, typed: str) -> None:
    """Raise WrongState unless ``typed`` is how many copies of the edition wait."""
    waiting = reports.waiting(edition)
    if _GAPS.sub("", typed) != str(waiting):
        raise WrongState(f"That is not the number of readers; nothing was sent. It is {waiting:,}.")
