"""A strict SMTP server as a machine without sockets, and the same on loopback, which does what no server should."""

import asyncio
import contextlib
import re
import ssl
import threading
from collections import Counter
from dataclasses import dataclass, field

PIPELINED = ("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "SIZE 1000000", "ENHANCEDSTATUSCODES")
CHUNKED = (*PIPELINED, "CHUNKING")
PLAIN = ("8BITMIME", "SIZE")
PLAIN_CHUNKED = ("8BITMIME", "CHUNKING")


@dataclass
class Books:
    """What all sessions of a server know together."""

    offers: tuple[str, ...] = CHUNKED
    #: (stage, address) to a reply; stages are MAIL (by sender), RCPT, DATA, END
    replies: dict[tuple[str, str], str] = field(default_factory=dict)
    #: whether DATA is answered 354 although no recipient was taken (RFC 2920 section 3.1)
    lenient: bool = False
    #: every reply in three lines
    verbose: bool = False
    mails: list[tuple[str, str, bytes]] = field(default_factory=list)
    tries: Counter = field(default_factory=Counter)
    #: what a client must not do
    violations: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    mail_parameters: list[str] = field(default_factory=list)

    @property
    def taken(self) -> Counter:
        return Counter(re.search(rb"Message-ID: <([^>]*)>", content)[1].decode() for _, _, content in self.mails)


class Session:
    """One session: bytes in, replies out. Strict about order and about what may be pipelined."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.buffer = b""
        self.sender = self.recipient = None
        self.refused = False
        self.mode = "command"
        self.chunk = b""
        self.left = 0
        self.over = False
        self.declared = None

    def greeting(self) -> bytes:
        return b"220 machine.example ESMTP\r\n"

    def feed(self, data: bytes) -> bytes:
        self.buffer += data
        replies = []
        while not self.over and (reply := self._step()) is not None:
            if reply:
                replies.append(self._written(reply))
        return b"".join(replies)

    def _written(self, reply: str) -> bytes:
        if self.books.verbose and "\n" not in reply:
            code, words = reply[:3], reply[4:]
            reply = f"{code}-{words}\n{code}-listen:\n{code} {words}"
        return reply.replace("\n", "\r\n").encode() + b"\r\n"

    def _step(self) -> str | None:
        if self.mode == "data":
            return self._data()
        if self.mode == "chunk":
            return self._chunk()
        line, found, rest = self.buffer.partition(b"\r\n")
        if not found:
            return None
        self.buffer = rest
        if b"\n" in line or b"\r" in line:
            self.books.violations.append(f"bare line end in {line!r}")
        verb, _, argument = line.decode().partition(" ")
        self.books.commands.append(verb)
        if self.buffer and "PIPELINING" not in self.books.offers and verb not in ("BDAT",):
            self.books.violations.append(f"did not wait for the reply to {verb}")
        return getattr(self, f"_{verb.lower()}", self._unknown)(argument)

    def _unknown(self, argument: str) -> str:
        self.books.violations.append(f"unknown command {argument!r}")
        return "500 5.5.2 what?"

    def _ehlo(self, argument: str) -> str:
        lines = ["machine.example", *self.books.offers]
        return "\n".join([*(f"250-{each}" for each in lines[:-1]), f"250 {lines[-1]}"])

    def _rset(self, argument: str) -> str:
        self._forget()
        return "250 2.0.0 reset"

    def _quit(self, argument: str) -> str:
        self.over = True
        return "221 2.0.0 bye"

    def _forget(self) -> None:
        self.sender = self.recipient = None
        self.refused = False
        self.chunk = b""

    def _mail(self, argument: str) -> str:
        found = re.fullmatch(r"FROM:<([^>]*)>(.*)", argument)
        if self.sender is not None:
            self.books.violations.append("nested MAIL")
            return "503 5.5.1 nested MAIL"
        self.books.mail_parameters.append(found[2])
        size = re.search(r"SIZE=(\d+)", found[2])
        self.declared = int(size[1]) if size else None
        self.body_8bit = "BODY=8BITMIME" in found[2]
        if reply := self.books.replies.get(("MAIL", found[1])):
            return reply
        self.sender = found[1]
        return "250 2.1.0 sender"

    def _rcpt(self, argument: str) -> str:
        address = re.fullmatch(r"TO:<([^>]*)>(.*)", argument)[1]
        self.books.tries[address] += 1
        if self.sender is None:
            return "503 5.5.1 MAIL first"
        if reply := self.books.replies.get(("RCPT", address)):
            self.refused = True
            return reply
        self.recipient = address
        return "250 2.1.5 recipient"

    def _data(self, argument: str | None = None) -> str | None:
        if argument is not None:
            if self.buffer:
                self.books.violations.append("did not wait for the reply to DATA")
            if self.recipient is None and not (self.books.lenient and self.refused):
                return "503 5.5.1 RCPT first" if self.sender is None else "554 5.5.1 no valid recipients"
            if reply := self.books.replies.get(("DATA", self.recipient)):
                return reply
            self.mode = "data"
            return "354 go on"
        whole = b"\r\n" + self.buffer  # a lone dot is the end too
        content, found, rest = whole.partition(b"\r\n.\r\n")
        if not found:
            return None
        self.buffer, self.mode = rest, "command"
        return self._end((content + b"\r\n")[2:].replace(b"\r\n..", b"\r\n.").removeprefix(b".") if content else b"")

    def _bdat(self, argument: str) -> str | None:
        size, _, last = argument.partition(" ")
        if "CHUNKING" not in self.books.offers:
            self.books.violations.append("BDAT")
        assert last == "LAST"
        self.left, self.mode = int(size), "chunk"
        return ""

    def _chunk(self) -> str | None:
        if len(self.buffer) < self.left:
            return None
        content, self.buffer, self.mode = self.buffer[: self.left], self.buffer[self.left :], "command"
        if self.recipient is None:
            return "503 5.5.1 RCPT first"  # the transaction stays open, as in RFC 3030 nothing ends it
        return self._end(content)

    def _end(self, content: bytes) -> str:
        sender, recipient = self.sender, self.recipient
        self._forget()
        if recipient is None:
            return "554 5.5.1 no valid recipients"
        if re.search(rb"(?<!\r)\n|\r(?!\n)", content) or not content.endswith(b"\r\n"):
            self.books.violations.append("bare line end")
        if self.declared is not None and len(content) > self.declared:
            self.books.violations.append("longer than declared")
        if not content.isascii() and not self.body_8bit:
            self.books.violations.append("8-bit content")
        if reply := self.books.replies.get(("END", recipient)):
            return reply
        self.books.mails.append((sender, recipient, content))
        return "250 2.0.0 taken"


@dataclass
class Mood:
    """How the server on loopback behaves."""

    #: seconds before each reply, in order
    delay: float = 0.0
    #: replies a byte at a time
    dribble: bool = False
    #: bytes from the client after which its first connection is cut; replies to them are sent
    cut_in: int | None = None
    #: bytes of replies after which the first connection is cut
    cut_out: int | None = None
    #: answers nothing any more after so many replies' bytes
    mute_after: int | None = None
    #: replies to say first, whatever was asked
    banner: bytes | None = None
    #: replaces what is sent after so many bytes of replies
    lie_after: tuple[int, bytes] | None = None
    #: connections on which the mood holds; the later ones are well-behaved
    connections: int = 1


class HostileServer:
    """The machine on a loopback port, in a thread, in any mood."""

    def __init__(self, books: Books | None = None, mood: Mood | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.books, self.mood, self.tls = books or Books(), mood or Mood(), tls
        self.sessions = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> "HostileServer":
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(5)

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._session, "127.0.0.1", 0, ssl=self.tls)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        server.close()

    async def _session(self, reader, writer) -> None:
        self.sessions += 1
        mood = self.mood if self.sessions <= self.mood.connections else Mood(delay=self.mood.delay)
        session = Session(self.books)
        seen = said = 0
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            writer.write(mood.banner or session.greeting())
            while not session.over:
                data = await reader.read(65536 if mood.cut_in is None else max(1, min(65536, mood.cut_in - seen)))
                if not data:
                    break
                seen += len(data)
                replies = session.feed(data)
                if mood.delay:
                    await asyncio.sleep(mood.delay)
                if mood.lie_after and said + len(replies) > mood.lie_after[0]:
                    replies = mood.lie_after[1]
                if mood.mute_after is not None:
                    replies = replies[: max(0, mood.mute_after - said)]
                if mood.cut_out is not None and said + len(replies) >= mood.cut_out:
                    writer.write(replies[: mood.cut_out - said])
                    break
                said += len(replies)
                if mood.dribble:
                    for position in range(len(replies)):
                        writer.write(replies[position : position + 1])
                        await asyncio.sleep(0)
                else:
                    writer.write(replies)
                if mood.cut_in is not None and seen >= mood.cut_in:
                    break
        with contextlib.suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()
