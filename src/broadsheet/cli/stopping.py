"""SIGTERM and Ctrl-C as a wish to stop: what is on the wire is still answered and recorded."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event


@contextmanager
def stopping() -> Iterator[Event]:
    """An event that the first SIGTERM or Ctrl-C sets; a second Ctrl-C ends the process at once."""
    wished = Event()

    def stop(number: int, _: object) -> None:
        if wished.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        wished.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield wished
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
