"""A quick SMTP server that takes everything and may answer late: ``python -m benchmarks._sink --delay 0.02``.

It prints its port for each way of handing over: steps, groups, chunks. Late replies keep their order, and nothing else
is slow, so what is measured is the round trip.
"""

import argparse
import asyncio

OFFERS = {"steps": (), "groups": (b"PIPELINING",), "chunks": (b"PIPELINING", b"CHUNKING")}


class Sink(asyncio.BufferedProtocol):
    """One session; content is looked at for its end only."""

    def __init__(self, offers: tuple[bytes, ...], delay: float) -> None:
        self._offers, self._delay = offers, delay
        self._loop = asyncio.get_running_loop()
        self._room = bytearray(262_144)
        self._data = b""
        self._to_skip = 0
        self._content = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._say(b"220 sink\r\n")

    def get_buffer(self, _sizehint: int) -> bytearray:
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        skipped = min(self._to_skip - 1, nbytes) if self._to_skip > len(self._data) == 0 else 0  # not even copied
        self._to_skip -= skipped
        self._data += memoryview(self._room)[skipped:nbytes]
        replies: list[bytes] = []
        while self._step(replies):
            pass
        if replies:
            self._say(b"".join(replies))

    def _say(self, replies: bytes) -> None:
        if self._delay:
            self._loop.call_later(self._delay, self._transport.write, replies)  # type: ignore[attr-defined]
        else:
            self._transport.write(replies)  # type: ignore[attr-defined]

    def _step(self, replies: list[bytes]) -> bool:
        """Whether one more command, or the end of a content, was there; its reply is in ``replies``."""
        if self._to_skip:
            skipped = min(self._to_skip, len(self._data))
            self._data, self._to_skip = self._data[skipped:], self._to_skip - skipped
            if not self._to_skip:
                replies.append(b"250 2.0.0 taken\r\n")
            return not self._to_skip
        if self._content:
            end = self._data.find(b"\r\n.\r\n")
            if end < 0:
                self._data = self._data[-4:]
                return False
            self._data, self._content = self._data[end + 5 :], False
            replies.append(b"250 2.0.0 taken\r\n")
            return True
        line, found, rest = self._data.partition(b"\r\n")
        if not found:
            return False
        self._data = rest
        replies.append(self._reply(line))
        return True

    def _reply(self, line: bytes) -> bytes:
        verb = line[:4]
        if verb == b"EHLO":
            return b"250-sink\r\n" + b"".join(b"250-%b\r\n" % each for each in self._offers) + b"250 8BITMIME\r\n"
        if verb == b"BDAT":
            self._to_skip = int(line.split(b" ")[1])
            return b""
        if verb == b"DATA":
            self._content = True
            return b"354 go on\r\n"
        return b"250 2.0.0 ok\r\n"


async def serve(delay: float) -> None:
    loop = asyncio.get_running_loop()
    for name, offers in OFFERS.items():
        server = await loop.create_server(lambda offers=offers: Sink(offers, delay), "127.0.0.1", 0)  # type: ignore[misc]
        print(name, server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each reply")
    asyncio.run(serve(parser.parse_args().delay))
