"""A server that takes mail, in a thread of its own."""

import asyncio
import threading
from abc import ABC, abstractmethod
from concurrent.futures import Future
from types import TracebackType
from typing import ClassVar, Self

from aiosmtpd.smtp import SMTP

from broadsheet.errors import BroadsheetError


class MailServer(ABC):
    """Takes mail while it is entered; what is under way at its end is cut off.

    ``port`` is the real one once it is entered (0 asks for any free one). Raises BroadsheetError if it can't listen.
    """

    #: how it is called when it can't listen, and what names another port
    name: ClassVar[str]
    option: ClassVar[str]

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._listening: Future[int] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="mail-server", daemon=True)

    @abstractmethod
    def protocol(self, loop: asyncio.AbstractEventLoop) -> SMTP:
        """One connection's session."""

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self.port = self._listening.result()
        except OSError as error:
            raise BroadsheetError(
                f"{self.name} can't take mail on {self.host}:{self.port} ({error.strerror or error}). "
                f"Stop what uses that port, or name another with {self.option}."
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        try:
            server = await self._loop.create_server(lambda: self.protocol(self._loop), self.host, self.port)
        except OSError as error:
            self._listening.set_exception(error)
            return
        self._listening.set_result(server.sockets[0].getsockname()[1])
        await self._stopping.wait()
        server.close()
