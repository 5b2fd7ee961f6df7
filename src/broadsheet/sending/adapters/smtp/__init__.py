"""Any mail server, by SMTP (RFC 5321), as fast as it can be done in Python.

``login`` connects and hands the connection over, ``connection`` carries bytes, ``wire`` is the dialogue itself (no
socket) about ``letter`` after letter, ``pool`` shares them out among connections and ``servers`` among servers,
``envelope`` makes the commands and looks at the content, ``replies`` says what an answer means, ``dkim`` signs, and
``ahead`` has it done by processes that each run ``signatory``.
"""

import asyncio
from pathlib import Path

from broadsheet.conf import SmtpAdapter
from broadsheet.sending.adapters.smtp.pool import Pool
from broadsheet.sending.adapters.smtp.replies import DEAD, refused
from broadsheet.sending.tray import Tray

__all__ = ["DEAD", "Smtp", "refused"]


class Smtp:
    """The adapter: several connections kept open, mails shared out among them."""

    def __init__(self, settings: SmtpAdapter, root: Path = Path()) -> None:
        """``root`` is the folder that the settings' files are relative to."""
        self._pool = Pool(settings, root)
        self._runner = asyncio.Runner()

    def open(self) -> None:
        """Connect once, so that a wrong host or password shows before anything is claimed."""
        self._runner.run(self._pool.open_one())

    def deliver(self, tray: Tray) -> None:
        """Every connection takes from the tray until it has ended."""
        self._runner.run(self._pool.deliver(tray))

    def close(self) -> None:
        """Say goodbye on every connection."""
        self._runner.run(self._pool.close())
        self._runner.close()
