"""What a sender was about to do, kept where ``kill -9`` can't lose it: a file that is mapped into memory.

An attempt is noted before its data goes on the wire, the answer after. Both are plain stores into pages that belong to
the kernel: they cost no system call and outlive the process, however it ends. They do not outlive the machine's power,
so the file carries the name of the boot it was written in.

A slot is used for one copy at a time and free again once the database has its outcome, so the file never grows::

    header   magic, boot
    slot     attempt: delivery, call, their checksum    answer: delivery, result, dead, reply, their checksum

A slot that was cut off while it was written fails its checksum. For an attempt that means that no data was sent; for
an answer, that there was none.
"""

import fcntl
import mmap
import os
import struct
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

from broadsheet.sending.outcome import Outcome, Result

SLOTS = 8192
_MAGIC = b"broadsheet journal 1"
_HEADER = 64
_SLOT = 128
_ATTEMPT = struct.Struct("<QII")
_ANSWER = struct.Struct("<QBBH84s")
_ATTEMPT_SUM = 12
_ANSWER_AT = 16
_SUM = struct.Struct("<I")
_SUM_AT = _ANSWER_AT + _ANSWER.size
_NOTHING = bytes(_SLOT)
_RESULTS = tuple(Result)
_CODES = {result: code for code, result in enumerate(_RESULTS)}
_ENDING = ".journal"


def boot() -> bytes:
    """The name of this machine's present boot: pages of another one are lost."""
    return Path("/proc/sys/kernel/random/boot_id").read_bytes()[:36]


class Journal:
    """The journal of one living sender; its file is locked until the process ends or closes it."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{name}{_ENDING}"
        unfinished = folder / f".{name}"  # locked before it has its name: unlocked, it is a dead sender's
        self._file = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        unfinished.replace(self.path)
        os.ftruncate(self._file, _HEADER + SLOTS * _SLOT)
        self._map = mmap.mmap(self._file, _HEADER + SLOTS * _SLOT)
        self._map[: len(_MAGIC) + 36] = _MAGIC + boot()
        self._free = deque(range(_HEADER, _HEADER + SLOTS * _SLOT, _SLOT))

    @property
    def free(self) -> int:
        """How many more copies it can hold."""
        return len(self._free)

    def attempt(self, delivery_id: int, call: int = 0) -> int:
        """Note that this copy's data is about to be sent, in that :func:`call_of`; its slot."""
        slot = self._free.popleft()
        number = (delivery_id | call << 64).to_bytes(12, "little")
        self._map[slot : slot + 16] = number + crc32(number).to_bytes(4, "little")
        return slot

    def answer(self, slot: int, outcome: Outcome) -> None:
        """Note what was answered."""
        reply = outcome.reply.encode()[:84]
        content = _ANSWER.pack(outcome.delivery_id, _CODES[outcome.result], outcome.dead, len(reply), reply)
        start = slot + _ANSWER_AT
        self._map[start : start + _ANSWER.size + 4] = content + crc32(content).to_bytes(4, "little")

    def done(self, slots: list[int]) -> None:
        """The database has what these hold."""
        for slot in slots:
            self._map[slot : slot + _SLOT] = _NOTHING
        self._free.extend(slots)

    def close(self, *, keep: bool) -> None:
        """Let go of it; unless it holds what the database does not have, ``keep``, it is removed."""
        self._map.close()
        if not keep:
            self.path.unlink(missing_ok=True)
        os.close(self._file)


@dataclass(frozen=True)
class Found:
    """What a dead sender's journal says. ``whole``: whatever is not in it was never attempted."""

    whole: bool
    attempted: frozenset[int] = frozenset()
    answered: dict[int, Outcome] = field(default_factory=dict)
    together: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """The deliveries of the call that a delivery went out in, where the journal has all of them."""


def call_of(delivery_ids: Iterable[int]) -> int:
    """What the journal calls the call that held these; 0 for one of a single mail."""
    ids = sorted(delivery_ids)
    return 0 if len(ids) == 1 else crc32(b"".join(each.to_bytes(8, "little") for each in ids)) or 1


def read(path: Path) -> Found:
    """What the journal of that path says."""
    raw = path.read_bytes()
    if raw[: len(_MAGIC)] != _MAGIC or raw[len(_MAGIC) : len(_MAGIC) + 36] != boot():
        return Found(whole=False)
    answered: dict[int, Outcome] = {}
    calls: dict[int, list[int]] = {}
    alone: list[int] = []
    for slot in range(_HEADER, len(raw) - _SLOT + 1, _SLOT):
        delivery_id, mark, checksum = _ATTEMPT.unpack_from(raw, slot)
        if not delivery_id or checksum != crc32(raw[slot : slot + _ATTEMPT_SUM]):
            continue
        (calls.setdefault(mark, []) if mark else alone).append(delivery_id)
        content = raw[slot + _ANSWER_AT : slot + _SUM_AT]
        owner, code, dead, length, reply = _ANSWER.unpack(content)
        if owner == delivery_id and _SUM.unpack_from(raw, slot + _SUM_AT)[0] == crc32(content):
            words = reply[:length].decode("utf-8", "ignore")
            answered[delivery_id] = Outcome(delivery_id, _RESULTS[code], words, bool(dead))
    attempted = frozenset(alone).union(*calls.values())
    whole = [tuple(sorted(ids)) for mark, ids in calls.items() if call_of(ids) == mark] + [(each,) for each in alone]
    return Found(True, attempted, answered, {each: ids for ids in whole for each in ids})


class Sealed:
    """A journal of a sender that is dead, held so that one process at a time reads it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"{name}{_ENDING}"
        self._file = -1

    def seize(self) -> str:
        """``dead`` and held now, ``alive``, or ``elsewhere``: there is no such file on this machine."""
        try:
            self._file = os.open(self.path, os.O_RDWR)
        except FileNotFoundError:
            return "elsewhere"
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            return "alive"
        return "dead"

    def release(self, *, remove: bool = False) -> None:
        """Let go of it, and remove it if the database has all of it."""
        if self._file >= 0:
            if remove:
                self.path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = -1


def senders_of(folder: Path) -> list[str]:
    """The names of the journals in that folder."""
    return sorted(path.name[: -len(_ENDING)] for path in folder.glob(f"*{_ENDING}"))
