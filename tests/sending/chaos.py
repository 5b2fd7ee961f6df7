"""An SMTP server in a process of its own that does what servers do on their worst days, and counts what it took.

``python -m tests.sending.chaos PORT FILE SEED CUTS`` writes a line for each mail it accepts, before it answers: Message-ID
and recipient. It answers late, refuses some mails for now and some for good, says 421 and hangs up, and cuts
connections at random bytes, of mails and of its own replies.
"""

import asyncio
import random
import sys
from pathlib import Path

#: Chances, of a recipient, a mail, a connection.
LATER, NEVER, GO_AWAY = 0.03, 0.01, 0.001
#: Connections are cut after so many bytes, on average …
CUT_AFTER = 150_000
#: … and a reply takes so long, rarely the second.
SLOW, SLOWER = 0.002, 0.4


class Cut(Exception):
    """The connection was cut."""


class Connection:
    """One client."""

    def __init__(self, server, reader, writer):
        self.server, self.reader, self.writer, self.chance = server, reader, writer, server.chance
        self.buffer = b""
        self.left = self.chance.expovariate(1 / CUT_AFTER) if server.cuts else 1e18

    async def fill(self):
        data = await self.reader.read(65_536)
        self.left -= len(data)
        if self.left <= 0:
            self.cut()
        if not data:
            raise Cut
        self.buffer += data

    def cut(self):
        self.server.note("cut")
        self.writer.transport.abort()
        raise Cut

    async def line(self):
        while b"\r\n" not in self.buffer:
            await self.fill()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line

    async def exactly(self, number):
        while len(self.buffer) < number:
            await self.fill()
        data, self.buffer = self.buffer[:number], self.buffer[number:]
        return data

    async def reply(self, text):
        await asyncio.sleep(self.chance.expovariate(1 / (SLOWER if self.chance.random() < 0.003 else SLOW)))
        raw = text.encode() + b"\r\n"
        self.left -= len(raw)
        if self.left <= 0:
            self.writer.write(raw[: self.chance.randrange(len(raw))])
            self.cut()
        self.writer.write(raw)
        await self.writer.drain()

    async def serve(self):
        offers = self.chance.choice((["SMTPUTF8"], ["PIPELINING"], ["PIPELINING", "CHUNKING"]))
        await self.reply("220 chaos")
        to = data = b""
        while True:
            verb, _, rest = (await self.line()).partition(b" ")
            verb = verb.upper()
            if self.chance.random() < GO_AWAY and verb in (b"MAIL", b"RCPT"):
                await self.reply("421 4.3.2 going down")
                self.writer.close()
                return
            if verb == b"EHLO":
                await self.reply("\r\n".join(f"250-{each}" for each in offers) + "\r\n250 8BITMIME")
            elif verb == b"MAIL":
                to = data = b""
                await self.reply("250 2.1.0 fine")
            elif verb == b"RCPT":
                to = await self.recipient(rest)
            elif verb == b"DATA":
                await self.reply("354 go ahead" if to else "503 5.5.1 nobody to send it to")
                if to or b"PIPELINING" in " ".join(offers).encode():
                    while True:
                        line = await self.line()
                        if line == b".":
                            break
                        data += line + b"\r\n"
                    await self.take(to, data) if to else await self.reply("503 5.5.1 nobody to send it to")
            elif verb == b"BDAT":
                size, _, last = rest.partition(b" ")
                data += await self.exactly(int(size))
                if not to:
                    await self.reply("503 5.5.1 nobody to send it to")
                elif last:
                    await self.take(to, data)
                else:
                    await self.reply("250 2.0.0 more")
            elif verb == b"QUIT":
                await self.reply("221 bye")
                self.writer.close()
                return
            else:
                to = b""
                await self.reply("250 2.0.0 ok")

    async def recipient(self, rest):
        dice = self.chance.random()
        if dice < NEVER:
            await self.reply("550 5.7.1 not here")
        elif dice < NEVER + LATER:
            await self.reply("450 4.2.0 later")
        else:
            await self.reply("250 2.1.5 fine")
            return rest[rest.index(b"<") + 1 : rest.index(b">")]
        return b""

    async def take(self, to, data):
        if self.chance.random() < LATER:
            await self.reply("451 4.3.0 later")
            return
        head = data.partition(b"\r\n\r\n")[0]
        ids = [
            line.partition(b":")[2].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"message-id:")
        ]
        self.server.note(f"took {ids[0].decode()} {to.decode()}")
        await self.reply("250 2.0.0 taken")


class Server:
    """Writes down what it took, and how many connections it cut."""

    def __init__(self, file, seed, cuts):
        self.file, self.chance, self.cuts = file.open("a", buffering=1), random.Random(seed), cuts

    def note(self, line):
        self.file.write(line + "\n")

    async def serve(self, reader, writer):
        try:
            await Connection(self, reader, writer).serve()
        except (Cut, ConnectionError):
            pass
        finally:
            writer.close()


async def main(port, file, seed, cuts):
    server = await asyncio.start_server(Server(Path(file), int(seed), cuts == "cuts").serve, "127.0.0.1", int(port))
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
