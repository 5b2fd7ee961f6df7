"""A folder of reports, read by IMAP: by UID, from the last that was recorded on."""

import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError

from broadsheet.conf import ImapMailbox
from broadsheet.errors import MailboxFailed
from broadsheet.events.incoming.guarding import refuse_plain_text
from broadsheet.events.incoming.storing import in_groups
from broadsheet.models import MailboxState

#: A message's first bytes are asked for, and no more: reports return what they are about.
MOST_BYTES: Final = 2_000_000
#: The sizes of so many are asked for at once.
_ASKED_SIZES: Final = 500


def read_imap(settings: ImapMailbox, state: MailboxState, take: Callable[[Sequence[bytes]], None]) -> int:
    """How many messages ``take`` got that it had not before; ``state`` says afterwards up to where that is.

    Messages are moved or deleted after ``take`` returned, so that a crash at any moment loses none.
    Raises OSError, saying why, when the server can't be used.
    """
    with _connected(settings) as client:
        selected = client.select_folder(settings.folder, readonly=settings.after == "keep")
        if state.uid_validity != (validity := int(selected[b"UIDVALIDITY"])):
            state.uid_validity, state.last_uid = validity, 0
        # where messages go once they are recorded, all that is there is looked at: a crash may have left some
        first = state.last_uid + 1 if settings.after == "keep" else 1
        new = 0
        listed = sorted(uid for uid in client.search(["UID", f"{first}:*"]) if uid >= first)
        for uids in in_groups(_sized(client, listed)):
            fetched: dict[int, Any] = client.fetch(uids, [f"BODY.PEEK[]<0.{MOST_BYTES}>"])
            raws = {uid: _body(fetched.get(uid, {})) for uid in uids}
            there = {uid: raw for uid, raw in raws.items() if raw is not None}  # else somebody deleted it meanwhile
            if there:
                take(list(there.values()))
                new += sum(uid > state.last_uid for uid in there)
                _put_away(client, settings, list(there))
            state.last_uid = max(state.last_uid, *uids)
            state.save(update_fields=["uid_validity", "last_uid", "place"])
        return new


def _sized(client: Any, uids: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Each message with what will be fetched of it."""
    for start in range(0, len(uids), _ASKED_SIZES):
        asked = uids[start : start + _ASKED_SIZES]
        sizes = client.fetch(asked, ["RFC822.SIZE"])
        yield from ((uid, min(int(sizes.get(uid, {}).get(b"RFC822.SIZE", 0)), MOST_BYTES)) for uid in asked)


def _body(parts: Mapping[bytes, Any]) -> bytes | None:
    return next((value for key, value in parts.items() if key.startswith(b"BODY[")), None)


def _put_away(client: Any, settings: ImapMailbox, uids: Sequence[int]) -> None:
    if settings.after == "move":
        if not client.folder_exists(settings.move_to):
            client.create_folder(settings.move_to)
        if client.has_capability("MOVE"):
            client.move(uids, settings.move_to)
            return
        client.copy(uids, settings.move_to)
    if settings.after != "keep":
        client.delete_messages(uids, silent=True)
        if client.has_capability("UIDPLUS"):
            client.uid_expunge(uids)
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
