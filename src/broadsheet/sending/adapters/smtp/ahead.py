"""Letters whose RSA signatures are made ahead, by processes of their own.

A signature of RSA-2048 takes OpenSSL 250 to 370 us, three times what all else of a letter does, and a sender runs on
one processor. So once many letters leave, each processor gets a process that signs (:mod:`.signatory`), and letters are
taken before there is a connection for them: as many as keep those processes at work. A process that dies costs nothing
but time: what it had is signed here, as are the first letters and those that have to be rewritten for the wire.
"""

import asyncio
import logging
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from broadsheet.sending.adapters.smtp import signatory
from broadsheet.sending.adapters.smtp.dkim import Signer, Unsigned
from broadsheet.sending.adapters.smtp.envelope import Contents, with_header
from broadsheet.sending.adapters.smtp.letter import Letter

log = logging.getLogger(__name__)

#: Processors from which on it is worth it, processes at most, and letters that each is given in advance: 4 ms of work.
_FEWEST, _MOST, _EACH = 2, 4, 16
#: Seconds that a process has for a signature, its start included, and to end once its input has.
_PATIENCE, _PARTING = 10.0, 1.0


class _Process:
    """One of them, and what it is to sign, in that order; of None nobody wants the signature any more."""

    def __init__(self, key: bytes, processors: set[int]) -> None:
        self._process = subprocess.Popen(  # noqa: S603  our own file in our own interpreter
            [sys.executable, "-P", str(Path(signatory.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        if processors:
            with suppress(OSError):  # it has ended already, or none of them is left
                os.sched_setaffinity(self._process.pid, processors)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self.given: deque[tuple[Letter | None, Unsigned]] = deque()
        #: when it last had nothing to do, or signed something, on the monotonic clock
        self.heard = 0.0
        #: the descriptor that signatures come from, and the part of one that has come
        self.answers, self.rest = self._stdout.fileno(), b""
        self._tell(len(key).to_bytes(4, "big") + key)

    def sign(self, letter: Letter, unsigned: Unsigned) -> None:
        if not self.given:
            self.heard = time.monotonic()
        self.given.append((letter, unsigned))
        self._tell(unsigned.digest)

    def _tell(self, what: bytes) -> None:
        """At most a few hundred bytes wait there, and a pipe holds 64 kB."""
        try:
            os.write(self._stdin.fileno(), what)
        except OSError:  # it is dead: so says its output, and what it was given is taken back then
            log.debug("a process that signs is gone", exc_info=True)

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> None:
        self._stdin.close()
        self._stdout.close()

    def bury(self) -> None:
        try:
            self._process.wait(_PARTING)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()


class Ahead:
    """The processes of one signer, and what they have in hand.

    Everything happens in the event loop's thread. ``ready`` is given each letter that may go to a connection now,
    ``broken`` what it raises.
    """

    def __init__(
        self,
        signer: Signer,
        contents: Contents,
        ready: Callable[[Letter], None],
        broken: Callable[[BaseException], None],
    ) -> None:
        self._signer, self._contents, self._ready, self._broken = signer, contents, ready, broken
        self._processes: list[_Process] = []
        self._tried = False
        # asked now: while letters leave, the thread that starts the processes is kept on one processor
        self._processors = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()

    @property
    def at_work(self) -> bool:
        """Whether there are processes."""
        return bool(self._processes)

    def start(self) -> None:
        """Start the processes, once; none where this process has one processor only, or there is no room for them."""
        if self._tried:
            return
        self._tried = True
        processors = len(self._processors) or os.cpu_count() or 1
        for _ in range(min(processors, _MOST) if processors >= _FEWEST else 0):
            try:
                process = _Process(self._signer.rsa_key, self._processors)
            except OSError as error:
                log.warning("No process that signs can be started (%s): mails are signed one by one.", error.strerror)
                return
            self._processes.append(process)
            asyncio.get_running_loop().add_reader(process.answers, self._answered, process)

    def room(self, waiting: int) -> int:
        """How many more letters are to be signed, with so many waiting that are; 0 until it is worth a look."""
        room = len(self._processes) * _EACH - waiting - self.unsigned()
        return room if room >= _EACH else 0

    def unsigned(self) -> int:
        """How many letters have no signature yet."""
        return sum(len(each.given) for each in self._processes)

    def sign(self, letter: Letter) -> bool:
        """Have the letter signed; False if that has to be done when it goes on the wire."""
        letter.form = self._contents.as_it_is(letter.mail)
        if letter.form is not None:
            least = min(self._processes, key=lambda each: len(each.given))
            least.sign(letter, self._signer.unsigned(letter.form.pieces))
        return letter.form is not None

    def look_at_the_clock(self, now: float) -> None:
        """Do without a process that has been silent for too long: it was stopped, or the machine is out of memory."""
        for process in list(self._processes):
            if process.given and now - process.heard > _PATIENCE:
                process.kill()
                self._lost(process)

    def forget(self) -> None:
        """Nobody waits for what they have in hand any more."""
        for process in self._processes:
            process.given = deque((None, unsigned) for _, unsigned in process.given)

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            asyncio.get_running_loop().remove_reader(process.answers)
            process.end()
        for process in self._processes:
            process.bury()
        self._processes = []

    def _answered(self, process: _Process) -> None:
        try:
            got = os.read(process.answers, 65_536)
        except OSError:
            got = b""
        try:
            if got:
                self._signed(process, process.rest + got)
            else:
                self._lost(process)
        except BaseException as error:  # noqa: BLE001  asyncio would only log it
            self._broken(error)

    def _signed(self, process: _Process, signatures: bytes) -> None:
        size = self._signer.signature_size
        whole = len(signatures) // size * size
        process.rest, process.heard = signatures[whole:], time.monotonic()
        for start in range(0, whole, size):
            letter, unsigned = process.given.popleft()
            if letter is not None and letter.form is not None:
                letter.form = with_header(letter.form, self._signer.line(unsigned, signatures[start : start + size]))
                self._ready(letter)

    def _lost(self, process: _Process) -> None:
        """The process has died: what it had is signed when it goes on the wire."""
        log.warning("A process that signs has ended; mails are signed without it.")
        asyncio.get_running_loop().remove_reader(process.answers)
        self._processes.remove(process)
        process.end()
        process.bury()
        for letter, _ in process.given:
            if letter is not None:
                letter.form = None
                self._ready(letter)
