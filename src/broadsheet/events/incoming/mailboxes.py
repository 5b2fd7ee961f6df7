"""The mailboxes that reports arrive in, each read from where it was left. Nothing is deleted before it is recorded."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from django.utils import timezone

from broadsheet.conf import BounceMailbox, ImapMailbox, Pop3Mailbox
from broadsheet.errors import MailboxFailed, UnknownName
from broadsheet.events.incoming.imap import read_imap
from broadsheet.events.incoming.pop3 import read_pop3
from broadsheet.events.incoming.recording import Recorder
from broadsheet.events.incoming.storing import Came, keep, record
from broadsheet.models import MailboxState
from broadsheet.workspace import Workspace

log = logging.getLogger(__name__)

#: Stores messages and records them.
Take = Callable[[Sequence[bytes]], None]
_READERS: Final[dict[type, Callable[[Any, MailboxState, Take], int]]] = {
    ImapMailbox: read_imap,
    Pop3Mailbox: read_pop3,
}


def read_mailboxes(workspace: Workspace, recorder: Recorder, only: str | None = None) -> dict[str, int | MailboxFailed]:
    """For each mailbox, or the one named, how many new messages it had, or why it can't be read.

    Raises UnknownName for a name that no mailbox has.
    """
    boxes = workspace.config.bounces.mailboxes
    if only is not None and only not in boxes:
        raise UnknownName("mailbox", only, list(boxes))
    found: dict[str, int | MailboxFailed] = {}
    for name, settings in boxes.items():
        if only in (None, name):
            try:
                found[name] = _read(name, settings, recorder)
            except MailboxFailed as error:
                found[name] = error
    return found


def _read(name: str, settings: BounceMailbox, recorder: Recorder) -> int:
    state, _ = MailboxState.objects.get_or_create(name=name)
    place = f"{settings.user}@{settings.host} {getattr(settings, 'folder', '')}".strip()
    if state.place != place:
        state.place, state.uid_validity, state.last_uid, state.seen = place, None, 0, []

    def take(raws: Sequence[bytes]) -> None:
        record(keep([Came(raw, f"mailbox {name}") for raw in raws]), recorder)

    try:
        read = _READERS[type(settings)](settings, state, take)
    except OSError as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        failed = MailboxFailed(f"The mailbox “{name}” at {settings.host} can't be read: {reason}")
        state.error = str(failed)[:300]
        raise failed from error
    else:
        state.error = ""
        return read
    finally:
        state.looked_at = timezone.now()
        state.save()
