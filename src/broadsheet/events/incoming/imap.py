"""A folder of reports, read by IMAP: by UID, from the last that was recorded on."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError

from broadsheet.conf import ImapMailbox
from broadsheet.errors import MailboxFailed
from broadsheet.events.incoming.guarding import refuse_plain_text
from broadsheet.models import MailboxState

#: A message's first bytes are asked for, and no more: reports return what they are about.
MOST_BYTES: Final = 2_000_000


def read_imap(settings: ImapMailbox, state: MailboxState, take: Callable[[bytes], None]) -> int:
    """How many messages ``take`` got that it had not before; ``state`` says afterwards up to where that is.

    A message is marked, moved or deleted after ``take`` returned, so that a crash at any moment loses none.
    Raises OSError, saying why, when the server can't be used.
    """
    with _connected(settings) as client:
        selected = client.select_folder(settings.folder, readonly=settings.after == "keep")
        if state.uid_validity != (validity := int(selected[b"UIDVALIDITY"])):
            state.uid_validity, state.last_uid = validity, 0
        # where messages go once they are recorded, all that is there is looked at: a crash may have left some
        first = state.last_uid + 1 if settings.after == "keep" else 1
        new = 0
        for uid in sorted(uid for uid in client.search(["UID", f"{first}:*"]) if uid >= first):
            fetched: dict[int, Any] = client.fetch([uid], [f"BODY.PEEK[]<0.{MOST_BYTES}>"])
            raw = next((value for key, value in fetched.get(uid, {}).items() if key.startswith(b"BODY[")), None)
            if raw is not None:  # None: somebody else deleted it meanwhile
                take(raw)
                new += uid > state.last_uid
                _put_away(client, settings, uid)
            state.last_uid = max(state.last_uid, uid)
            state.save(update_fields=["uid_validity", "last_uid", "place"])
        return new


def _put_away(client: Any, settings: ImapMailbox, uid: int) -> None:
    if settings.after == "move":
        if not client.folder_exists(settings.move_to):
            client.create_folder(settings.move_to)
        if client.has_capability("MOVE"):
            client.move([uid], settings.move_to)
            return
        client.copy([uid], settings.move_to)
    if settings.after != "keep":
        client.delete_messages([uid], silent=True)
        if client.has_capability("UIDPLUS"):
            client.uid_expunge([uid])
        else:
            client.expunge()


@contextmanager
def _connected(settings: ImapMailbox) -> Iterator[Any]:
    """A client that is logged in."""
    refuse_plain_text(settings)
    context = ssl.create_default_context()
    client = None
    try:
        client = IMAPClient(
            settings.host,
            settings.port,
            ssl=settings.security == "tls",
            ssl_context=context if settings.security == "tls" else None,
            timeout=settings.timeout,
        )
        if settings.security == "starttls":
            client.starttls(context)
        client.login(settings.user, settings.password.get_secret_value() if settings.password else "")
        yield client
    except LoginError as error:
        raise MailboxFailed(f"the login was refused ({error}); check `user` and the password") from error
    except IMAPClientError as error:
        raise MailboxFailed(f"the server refused ({error}); check `folder` and what this user may do") from error
    finally:
        if client is not None:
            with suppress(IMAPClientError, OSError):
                client.logout()
