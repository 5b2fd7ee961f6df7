"""A mailbox of reports, read by POP3: by unique id (RFC 1939 section 7), each once."""

import poplib
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from broadsheet.conf import Pop3Mailbox
from broadsheet.errors import MailboxFailed
from broadsheet.events.incoming.guarding import refuse_plain_text
from broadsheet.events.incoming.storing import in_groups
from broadsheet.models import MailboxState

#: Of a larger message, the first lines are asked for.
MOST_BYTES: Final = 2_000_000
_MOST_LINES: Final = 20_000
#: Servers send lines as they got them; the library's limit of 2,048 would end the session in the middle of a message.
poplib._MAXLINE = MOST_BYTES  # type: ignore[attr-defined]


def read_pop3(settings: Pop3Mailbox, state: MailboxState, take: Callable[[Sequence[bytes]], None]) -> int:
    """How many messages ``take`` got that it had not before; ``state.seen`` has the ids of all that are there.

    Messages are deleted at the end, when all that was taken is recorded. Raises OSError, saying why, when the server
    can't be used.
    """
    with _connected(settings) as client:
        listed = [(int(number), uid.decode("ascii", "replace")) for number, uid in map(bytes.split, client.uidl()[1])]
        sizes = {int(line.split()[0]): int(line.split()[1]) for line in client.list()[1]}
        seen, new = set(state.seen), 0
        try:
            sized = ((each, min(sizes.get(each[0], 0), MOST_BYTES)) for each in listed if each[1] not in seen)
            for group in in_groups(sized):
                take([_content(client, number, sizes) for number, _ in group])
                seen.update(uid for _, uid in group)
                new += len(group)
        finally:
            state.seen = [uid for _, uid in listed if uid in seen]
        if settings.after == "delete":
            for number, _ in listed:
                client.dele(number)
        client.quit()  # only now does the server delete (RFC 1939 section 6); what was cut off deletes nothing
        return new


def _content(client: poplib.POP3, number: int, sizes: Mapping[int, int]) -> bytes:
    large = sizes.get(number, 0) > MOST_BYTES
    lines = (client.top(number, _MOST_LINES) if large else client.retr(number))[1]
    return b"\r\n".join(lines) + b"\r\n"


@contextmanager
def _connected(settings: Pop3Mailbox) -> Iterator[poplib.POP3]:
    """A client that is logged in."""
    refuse_plain_text(settings)
    context = ssl.create_default_context()
    client: poplib.POP3 | None = None
    try:
        if settings.security == "tls":
            client = poplib.POP3_SSL(settings.host, settings.port, timeout=settings.timeout, context=context)
        else:
            client = poplib.POP3(settings.host, settings.port, timeout=settings.timeout)
        if settings.security == "starttls":
            client.stls(context)
        client.user(settings.user)
        client.pass_(settings.password.get_secret_value() if settings.password else "")
        yield client
    except poplib.error_proto as error:
        raise MailboxFailed(f"the server refused ({error}); check `user` and the password") from error
    finally:
        if client is not None:
            with suppress(OSError):  # a refused certificate has closed it half
                client.close()
