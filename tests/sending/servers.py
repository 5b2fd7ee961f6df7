"""Servers of the tests' own: an SMTP server that answers as it is told."""

import asyncio
import threading
from collections import Counter

from aiosmtpd.smtp import SMTP

#: what a test tells the server to do about an address, beside a reply such as ``550 5.1.1 no such user``
DROP_AT_RCPT, DROP_AT_DATA, DROP_AFTER_DATA, HANG_AFTER_DATA = "drop rcpt", "drop data", "drop after data", "hang"


class _Session(SMTP):
    """A session that can be cut at the DATA command, before any content."""

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        if self.event_handler.what(self.envelope) == DROP_AT_DATA:
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


class MailServer:
    """An SMTP server on loopback that records every mail it took, and every try, by address."""

    def __init__(self) -> None:
        #: address to the reply it gets, or to what happens to the connection
        self.replies: dict[str, str] = {}
        #: replies to content, by address
        self.data_replies: dict[str, str] = {}
        self.mails: dict[str, list[bytes]] = {}
        self.tries: Counter[str] = Counter()
        self.senders: set[str] = set()
        self.pause = 0.0
        self.smtputf8 = True
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    @property
    def taken(self) -> dict[str, int]:
        """How many mails each address got."""
        return {address: len(mails) for address, mails in self.mails.items()}

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(60)

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(5)

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(self._session, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        server.close()

    def _session(self) -> SMTP:
        return _Session(self, loop=self._loop, hostname="localhost", enable_SMTPUTF8=self.smtputf8)

    def what(self, envelope) -> str:
        return self.replies.get(envelope.rcpt_tos[0], "") if envelope.rcpt_tos else ""

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        self.tries[address] += 1
        reply = self.replies.get(address, "")
        if reply == DROP_AT_RCPT:
            server.transport.abort()
        if reply[:1].isdigit():
            return reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        assert len(envelope.rcpt_tos) == 1, "one reader a mail"
        address = envelope.rcpt_tos[0]
        if address in self.data_replies:
            return self.data_replies[address]
        if self.pause:
            await asyncio.sleep(self.pause)
        self.senders.add(envelope.mail_from)
        self.mails.setdefault(address, []).append(envelope.content)
        if self.what(envelope) == DROP_AFTER_DATA:
            server.transport.abort()
        if self.what(envelope) == HANG_AFTER_DATA:
            await asyncio.sleep(60)
        return "250 2.0.0 OK"
