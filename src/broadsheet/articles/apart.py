"""Work on what a stranger wrote, in a process of its own that is ended when it takes too long, or too much memory.

Parsers have inputs that they are slow at: elements in elements a hundred thousand deep, brackets, tables. What is small
is read at once, since the worst of 100 kB takes a few seconds; starting a process for it takes half of one.
"""

import os
import pickle
import resource
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Final, TypeVar

from broadsheet.errors import BroadsheetError, TooSlow

T = TypeVar("T")

#: What is larger, or has more brackets, is read apart: 8,000 brackets in brackets cost a YAML parser half a second.
LARGE: Final = 100_000
BRACKETS: Final = 4_000
#: Seconds of processor time, and of waiting for it on a busy machine.
SECONDS, PATIENCE = 10, 30.0
MEMORY: Final = 2_000_000_000
_CHILD: Final = """
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["broadsheet.apps.BroadsheetConfig"], USE_TZ=True)
django.setup()
from broadsheet.articles.apart import answer
answer()
"""


def in_time(work: Callable[..., T], text: str | bytes, *more: Any, seconds: int = SECONDS) -> T:
    """What ``work`` makes of a text and whatever else it needs; all of it must be fit to be pickled.

    Raises what ``work`` raises of ours, TooSlow, and BroadsheetError when the process ends in any other way.
    """
    return apart(work, text, *more, seconds=seconds) if is_large(text) else work(text, *more)


def apart(work: Callable[..., T], *given: Any, seconds: int = SECONDS, memory: int = MEMORY) -> T:
    """What ``work`` makes of what it is given, in a process of its own, however small it is.

    Raises what :func:`in_time` raises.
    """
    try:
        done = subprocess.run(  # noqa: S603  our own code in our own interpreter
            [sys.executable, "-c", _CHILD],
            input=pickle.dumps((work, given, seconds, memory)),
            capture_output=True,
            timeout=seconds + PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TooSlow(f"takes longer than {seconds} seconds to read") from error
    if done.returncode < 0:  # a signal: its processor time was up, or the parser crashed
        raise TooSlow(f"takes longer than {seconds} seconds to read, or can't be read at all")
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise BroadsheetError(f"can't be read ({last[:100]})")
    value, fault = pickle.loads(done.stdout)  # noqa: S301  from our own process
    if fault is not None:
        raise fault
    return value  # type: ignore[no-any-return]


def is_large(text: str | bytes) -> bool:
    """Whether the text is to be read apart."""
    if len(text) > LARGE:
        return True
    brackets = text.count(b"[") + text.count(b"{") if isinstance(text, bytes) else text.count("[") + text.count("{")
    return brackets > BRACKETS


def answer() -> None:
    """The other side: take the work from standard input, and put what came of it on standard output."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    work, arguments, seconds, memory = pickle.load(sys.stdin.buffer)  # noqa: S301  from our own process
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    outcome: tuple[Any, BroadsheetError | None]
    try:
        outcome = (work(*arguments), None)
    except BroadsheetError as error:
        outcome = (None, error)
    with out:
        pickle.dump(outcome, out)
