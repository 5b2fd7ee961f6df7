"""One connection: carries a conversation's bytes to and from a transport."""

import asyncio
import os
import time
from collections.abc import Sequence
from typing import Final, Protocol

from broadsheet.conf import SmtpAdapter
from broadsheet.sending.adapters.smtp.letter import Letter, Verdict
from broadsheet.sending.adapters.smtp.servers import Server
from broadsheet.sending.adapters.smtp.waiting import KEEPS
from broadsheet.sending.adapters.smtp.wire import REFUSALS, Conversation

#: Seconds without a word after which a server is asked whether it is still there before it gets mail.
_QUIET = 15.0
#: Seconds that a server has to close the connection once it said so, or was told goodbye.
_PARTING = 5.0
#: Seconds before which a connection that ends, nothing taken, says something about its server.
_YOUNG = 5.0
#: Pieces that go to the kernel in one call (IOV_MAX of Linux).
_MOST_PIECES: Final = 1024


class Post(Protocol):
    """Where a connection gets its letters, and gives them back."""

    def letters(self, connection: "Connection", room: int) -> list[Letter]:
        """Up to ``room`` letters that this connection may hand over now."""

    def settled(self, connection: "Connection", letter: Letter, verdict: Verdict) -> None:
        """What became of a letter."""

    def ended(self, connection: "Connection", *, suspect: bool) -> None:
        """The connection is no more; its letters were settled before. ``suspect``: the server may be in trouble."""

    def stopped(self) -> bool:
        """Whether nothing may leave any more, so that what waits need not."""

    def broken(self, error: BaseException) -> None:
        """Something other than the server failed; nothing can go on."""


class Connection(asyncio.BufferedProtocol):
    """Fills its conversation from the post whenever there is room, with one write for all that is due.

    A ``BufferedProtocol``, as ``Protocol`` allocates 256 kB for each read of a few bytes.
    """

    def __init__(self, post: Post, server: Server, conversation: Conversation, settings: SmtpAdapter) -> None:
        self.server = server
        self.conversation = conversation
        #: how many more letters it may carry
        self.left = settings.messages_per_connection
        #: whether it is to end as soon as nothing is in flight
        self.retiring = False
        #: whether it ever had a letter taken
        self.proved = False
        self._post, self._settings = post, settings
        self._buffer = memoryview(bytearray(16_384))
        self._born = self._heard = time.monotonic()
        self._transport: asyncio.Transport | None = None
        self._descriptor = -1  # the socket's, if bytes go into it as they are
        #: why it ended
        self.why = ""
        self._busy_at_the_end = False

    def adopt(self, transport: asyncio.Transport) -> None:
        """Take the transport over from whoever made it."""
        plain = transport.get_extra_info("ssl_object") is None
        # pause_writing tells of bytes that could not leave, so that their letter is known not to be complete: of more
        # than that many or, by asyncio's transport over TLS, of that many or more
        transport.set_write_buffer_limits(high=0 if plain else 1, low=0)
        transport.set_protocol(self)
        self._transport = transport
        if plain:
            self._descriptor = transport.get_extra_info("socket").fileno()

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Where the next bytes go."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """The server said something."""
        self._heard = time.monotonic()
        conversation = self.conversation
        try:
            busy = bool(conversation.flight)
            conversation.received(bytes(self._buffer[:nbytes]))
            if conversation.settled:
                self._give_back()
            if conversation.fault or conversation.closing:
                self._busy_at_the_end |= busy
            if conversation.fault:
                self.cut(conversation.fault)
            else:
                self.fill()
        except BaseException as error:  # noqa: BLE001  asyncio would keep it to itself
            self._post.broken(error)

    def fill(self) -> None:
        """Take as many letters as there is room for, and write what is due."""
        conversation = self.conversation
        if self._transport is None or conversation.held_up or self._transport.is_closing():
            return
        waited = bool(conversation.flight)
        if not waited:
            self._rouse()
        if conversation.refusals >= REFUSALS:
            self.retiring = True
        if not self.retiring and (room := min(conversation.room(), self.left)):
            letters = self._post.letters(self, room)
            if letters and not waited:
                self._heard = time.monotonic()
            for letter in letters:
                conversation.begin(letter)
            self.left -= len(letters)
        pieces, size = conversation.output()
        if size:
            self._write(self._transport, pieces, size)

    def _write(self, transport: asyncio.Transport, pieces: Sequence[bytes], size: int) -> None:
        """Hand the pieces to the kernel where they lie, if nothing waits before them; the transport has the rest."""
        gone = 0
        if self._descriptor >= 0 and len(pieces) <= _MOST_PIECES and not transport.get_write_buffer_size():
            try:
                gone = os.writev(self._descriptor, pieces)
            except OSError:  # none of it: the transport meets the same, and says it
                gone = 0
        if gone < size:
            self.conversation.held_up = 1
            transport.write(b"".join(pieces)[gone:])
            # once it is closing nothing of this leaves; else at least the last byte is there until resume_writing
            waits = int(transport.get_write_buffer_size() > 0)
            self.conversation.held_up = size - gone if transport.is_closing() else waits

    def _rouse(self) -> None:
        """An idle connection that has been quiet for long is asked how it is; one that is not wanted is let go."""
        conversation = self.conversation
        if conversation.closing:
            self.cut(conversation.closing)
        elif conversation.room() and (self.retiring or not self.left):
            self._heard = time.monotonic()
            self.retiring = True
            conversation.leave()
        elif conversation.room() and time.monotonic() - self._heard > _QUIET:
            conversation.probe()

    def pause_writing(self) -> None:
        """Not all of the last write has left."""
        self.conversation.held_up = 1

    def resume_writing(self) -> None:
        """All has left."""
        self.conversation.held_up = 0
        self._heard = time.monotonic()
        try:
            self.fill()
        except BaseException as error:  # noqa: BLE001  asyncio would keep it to itself
            self._post.broken(error)

    def connection_lost(self, error: Exception | None) -> None:
        """The connection has ended, by either side."""
        self._transport = None
        conversation = self.conversation
        busy = self._busy_at_the_end or bool(conversation.flight)
        young = time.monotonic() - self._born < _YOUNG and not self.retiring
        self.why = self.why or conversation.closing or f"connection lost: {error or 'closed by the server'}"
        try:
            conversation.lost()
            self._give_back()
            suspect = (busy and bool(conversation.closing)) or ((busy or young) and not self.proved)
            self._post.ended(self, suspect=suspect)
        except BaseException as problem:  # noqa: BLE001  asyncio would keep it to itself
            self._post.broken(problem)

    def look_at_the_clock(self, now: float) -> None:
        """Cut the connection if a reply is overdue, or if it holds a letter that may not leave after all."""
        if self.conversation.held is not None:
            self._look_at_the_held(now)
            return
        awaited = self.conversation.awaits_content_reply()
        if self.retiring or self.conversation.closing:
            allowed = _PARTING if not self.conversation.flight or self.conversation.closing else self._allowed(awaited)
        elif awaited is None:
            return
        else:
            allowed = self._allowed(awaited)
        if now - self._heard > allowed:
            self.cut(f"no reply within {allowed:g} s")

    def _look_at_the_held(self, now: float) -> None:
        """The server waits for a content; nothing else than the content or an end can be said to it."""
        self.conversation.go_on()
        if self.conversation.held is None:
            self._heard = now
            self.fill()
        elif now - self._heard > KEEPS or self._post.stopped():
            self.cut("a reader left while the server kept their mail waiting")

    def _allowed(self, awaits_content_reply: bool | None) -> float:
        return self._settings.content_timeout if awaits_content_reply else self._settings.timeout

    def cut(self, why: str) -> None:
        """End it at once."""
        self.why = self.why or why
        if self._transport is not None:
            self._transport.abort()

    def _give_back(self) -> None:
        settled, self.conversation.settled = self.conversation.settled, []
        for letter, verdict in settled:
            self._post.settled(self, letter, verdict)
