"""A server for reports, complaints and people who leave by mail: SMTP, or LMTP behind a mail server.

It takes what is for an address that holds a word signed here, or for one that the settings name, and nothing else. A
message is answered for once it is stored; what it says is recorded after.
"""

import asyncio
import logging
import re
from collections import deque
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Final

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.db import DatabaseError, connections

from broadsheet.errors import BroadsheetError
from broadsheet.events.incoming.recording import Recorder
from broadsheet.events.incoming.storing import AT_ONCE, Came, keep, record_waiting
from broadsheet.sending.listening import MailServer

log = logging.getLogger(__name__)

_MOST_BYTES: Final = 10_485_760
_OURS: Final = re.compile(r"(b|unsub)\+([A-Za-z0-9_-]{16,60})@")
_PURPOSES: Final = {"b": "b", "unsub": "u"}
_PLACE: Final = re.compile(r"(?P<host>\[[0-9a-fA-F:]+\]|[^:\s]+):(?P<port>\d{1,5})")


class _Smtp(SMTP):
    """Reports return what was sent, with lines of any length (aiosmtpd's limit is RFC 5321's, 1,000)."""

    line_length_limit = 1_000_000


class _Lmtp(LMTP):
    line_length_limit = _Smtp.line_length_limit


class Listener(MailServer):
    """Takes mail while it is entered."""

    name = "The listener for reports"
    option = "`bounces.listen` or --listen"

    def __init__(self, place: str, recorder: Recorder, *, lmtp: bool = False, addresses: Collection[str] = ()) -> None:
        super().__init__(*_parted(place))
        self._recorder = recorder
        self._kind = _Lmtp if lmtp else _Smtp
        self._addresses = {address.casefold() for address in addresses}
        self._came: deque[tuple[Came, Future[None]]] = deque()
        #: one thread, and so one connection to the database, for all that is stored and recorded
        self._work = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reports")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._work.submit(connections.close_all)
        self._work.shutdown()

    def protocol(self, loop: asyncio.AbstractEventLoop) -> SMTP:
        """One connection's session."""
        return self._kind(
            self,
            loop=loop,
            hostname="localhost",  # else it asks the network what this machine is called
            ident="Broadsheet reports",
            enable_SMTPUTF8=True,
            data_size_limit=_MOST_BYTES,
        )

    async def handle_RCPT(  # noqa: N802 does not count what aiosmtpd hands over
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Whether that address is one of ours; one for each message, so that each gets its own reply (RFC 2033)."""
        if not self._is_ours(address):
            return "550 5.1.1 This server takes reports on mail that it sent, and nothing else"
        if envelope.rcpt_tos:
            return "452 4.5.3 One recipient for each message; try the others again"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """The reply to a message: stored, or try again later."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        stored: Future[None] = Future()
        self._came.append((Came(content, "listener", envelope.rcpt_tos[0]), stored))
        self._work.submit(self._store)
        try:
            await asyncio.shield(asyncio.wrap_future(stored))  # who hangs up before the answer disturbs nobody
        except DatabaseError:
            log.exception("A message can't be stored")
            return "451 4.3.0 It can't be stored now; try again later"
        return "250 2.0.0 Stored"

    def _store(self) -> None:
        """Store what came meanwhile on all connections in one transaction."""
        batch = [self._came.popleft() for _ in range(min(len(self._came), AT_ONCE))]
        if not batch:
            return
        try:
            keep([came for came, _ in batch])
        except DatabaseError as error:
            connections.close_all()  # the next batch tries with a new one
            for _, stored in batch:
                stored.set_exception(error)
        else:
            for _, stored in batch:
                stored.set_result(None)
            self._work.submit(self._record)

    def _record(self) -> None:
        """Record some of what waits; what comes meanwhile is stored before the rest is."""
        try:
            if record_waiting(self._recorder, AT_ONCE) == AT_ONCE:
                self._work.submit(self._record)
        except DatabaseError:
            connections.close_all()
            log.exception("A message was stored and can't be recorded now; it will be tried again")

    def _is_ours(self, address: str) -> bool:
        found = _OURS.match(address)
        if found and self._recorder.signer.read(_PURPOSES[found[1]], found[2]):
            return True
        return address.casefold() in self._addresses


def _parted(place: str) -> tuple[str, int]:
    found = _PLACE.fullmatch(place)
    if found is None or int(found["port"]) > 65535:
        raise BroadsheetError(f"“{place}” is no place to listen at; write one like 127.0.0.1:2424.")
    return found["host"].strip("[]"), int(found["port"])
