"""A mail server that counts copies, quickly, and in whichever network its sockets were made."""

import asyncio
import socket
import threading
from collections import Counter


class Sink:
    """Takes every mail by the plain dialogue (RFC 5321); a mail counts once its last byte is here."""

    def __init__(self) -> None:
        self.copies: Counter[str] = Counter()
        #: moments (of the loop's clock) at which mails came, for rates
        self.moments: list[float] = []
        #: seconds until the reply to a mail
        self.delay = 0.0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._servers: list[asyncio.Server] = []
        self.port = self.listen(socket.create_server(("127.0.0.1", 0)))

    def forget(self) -> None:
        """Count from nothing."""
        self.copies.clear()
        self.moments.clear()

    def listen(self, listener: socket.socket) -> int:
        """Takes mail at that socket as well; its port."""
        started = asyncio.start_server(self._talk, sock=listener, limit=1 << 20)
        self._servers.append(asyncio.run_coroutine_threadsafe(started, self._loop).result(5))
        return listener.getsockname()[1]

    def close(self) -> None:
        async def ended() -> None:
            for server in self._servers:
                server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(ended(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._dialogue(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    async def _dialogue(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink ESMTP\r\n")
        address = ""
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                writer.write(b"250-sink\r\n250-8BITMIME\r\n250 SIZE 0\r\n")
            elif verb == b"RCPT":
                address = line.partition(b"<")[2].partition(b">")[0].decode()
                writer.write(b"250 2.1.5 ok\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                self.copies[address] += 1
                self.moments.append(self._loop.time())
                if self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(b"250 2.0.0 taken\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                return
            else:
                writer.write(b"250 ok\r\n")
