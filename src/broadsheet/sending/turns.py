"""A sender's two threads take turns, as the interpreter runs one at a time: what it and the kernel are told of that."""

import gc
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from django.db import connection

T = TypeVar("T")

#: Objects made before the collector looks for cycles. A sender keeps a thousand copies at hand and makes no cycles.
_RARELY: Final = 20_000
#: Of the fields of /proc/PID/stat that follow the name, the one that says on which processor it was last (proc(5)).
_PROCESSOR: Final = 36
#: How many rows the ledger's thread works on at a stretch, some third of a millisecond, and the seconds it rests then.
TURN: Final = 64
_REST: Final = 0.0002
#: The same where a server does the work: it plans each question anew, which takes it half a millisecond.
_TURN_OF_SERVERS: Final = 512


def in_turns(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """The items in slices, with a rest after each."""
    size = turn()
    for start in range(0, len(items), size):
        yield items[start : start + size]
        rest()


def turn() -> int:
    """How many rows to work on at a stretch."""
    return TURN if connection.vendor == "sqlite" else _TURN_OF_SERVERS


def rest() -> None:
    """Let the other thread run: a mail server with an answer for it waits, and soon has nothing to do."""
    time.sleep(_REST)


class Companion:
    """Keeps the calling thread on the processor of another one, and that one there while the caller works, on Linux.

    Beside it, one of the two would always wait; elsewhere it takes time from somebody who runs, such as the mail server
    on the same machine: with two processors a fifth of the rate. A thread that a server's answer wakes is moved to the
    server's processor; if it were while the caller works here, the server would share that with one of the two.
    """

    def __init__(self, thread: int) -> None:
        """``thread``: the other one, by its native id."""
        self._thread = thread
        self._stat = Path(f"/proc/self/task/{thread}/stat")
        self._allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()

    def follow(self) -> None:
        """Go to where the other one is now, and keep it there. Costs some 20 us."""
        if len(self._allowed) < 2:
            return
        try:
            processor = int(self._stat.read_text().rpartition(")")[2].split()[_PROCESSOR])
            os.sched_setaffinity(self._thread, {processor})
            os.sched_setaffinity(0, {processor})
        except (OSError, ValueError, IndexError):  # it has ended, or this /proc tells less
            self.part()

    def let_go(self) -> None:
        """Let the other one go anywhere again, while the caller rests."""
        if self._stat.exists():  # else its number may be somebody else's by now
            self._free(self._thread)

    def part(self) -> None:
        """Let both go anywhere again."""
        self.let_go()
        self._free(0)

    def _free(self, thread: int) -> None:
        if len(self._allowed) > 1:
            with suppress(OSError):  # none of them is left to this process
                os.sched_setaffinity(thread, self._allowed)


def collect_rarely() -> None:
    """Let the collector of cycles look seldom from now on: it took a twentieth of a sender's time and found nothing."""
    youngest, *older = gc.get_threshold()
    if 0 < youngest < _RARELY:
        gc.set_threshold(_RARELY, *older)
