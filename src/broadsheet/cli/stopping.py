"""SIGTERM and Ctrl-C as a wish to stop: what is on the wire is still answered and recorded."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final

from broadsheet.cli.output import ERR

#: Seconds after which a command that was told to stop ends, whatever it waits for.
PATIENCE: Final = 9.0
_WISHES: Final = {signal.SIGTERM, signal.SIGINT}


@contextmanager
def stopping() -> Iterator[Event]:
    """An event that the first SIGTERM or Ctrl-C sets; a second Ctrl-C ends the process at once.

    A thread of its own sets it, as Python runs its handlers in the main one, which may wait half a minute for a
    database that is locked. If the block has not ended 9 s later, the process does, as with ``kill -9``: what was
    answered stands in its journal, and what a mail server has not answered by then is unknown.
    """
    wished, over, asked = Event(), Event(), False

    def stop(number: int, _: object) -> None:
        nonlocal asked
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked = True
        wished.set()

    before = {number: signal.signal(number, stop) for number in _WISHES}
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    told_before = signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    watch = Thread(target=_watch, args=(told, wished, over), name="stopping", daemon=True)
    watch.start()
    try:
        yield wished
    finally:
        over.set()
        signal.set_wakeup_fd(told_before)
        os.close(tell)
        watch.join()
        os.close(told)
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(told: int, wished: Event, over: Event) -> None:
    """Set ``wished`` with the first wish that the signals' numbers tell of, and end the process if nobody minds it."""
    while numbers := os.read(told, 64):
        if _WISHES.isdisjoint(numbers):
            continue
        wished.set()
        if not over.wait(PATIENCE):
            try:
                words = f"Ended after {PATIENCE:g} s: the database or the mail server did not answer."
                ERR.print(words, "What was answered stands in the journal; whoever sends next records it.",
                          style="red", markup=False, soft_wrap=True)  # fmt: skip
                ERR.file.flush()
            finally:
                os._exit(1)
        return
