"""Work that may take long, waited for no longer than somebody in front of a page would."""

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookLonger
from threading import Thread
from typing import TypeVar

from django.db import connections

from broadsheet.errors import TooSlow

T = TypeVar("T")


def within(seconds: float, work: Callable[[], T]) -> T:
    """What ``work`` gives or raises; it goes on by itself, unheard, when that takes longer. Raises TooSlow."""
    told: Future[T] = Future()

    def run() -> None:
        try:
            told.set_result(work())
        except BaseException as error:  # noqa: BLE001  handed on, and raised where it is waited for
            told.set_exception(error)
        finally:
            connections.close_all()

    Thread(target=run, name="waited for", daemon=True).start()
    try:
        return told.result(timeout=seconds)
    except TookLonger:
        raise TooSlow(f"There was no answer within {seconds:g} seconds.") from None
