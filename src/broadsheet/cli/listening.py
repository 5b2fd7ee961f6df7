"""Commands that go on until they are stopped: their log, their end, and the listener for reports."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

from broadsheet.cli.output import ERR
from broadsheet.workspace import Workspace


def wait_until_stopped() -> None:
    """Returns after Ctrl-C or SIGTERM."""
    stopped = Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    stopped.wait()
    for number, handler in before.items():
        signal.signal(number, handler)


@contextmanager
def listening_for_reports(workspace: Workspace, place: str) -> Iterator[None]:
    """A listener for reports while the block runs; none if ``place`` is empty."""
    from broadsheet import events, pipeline  # Django must be set up first

    if not place:
        yield
        return
    settings, recorder = workspace.config.bounces, pipeline.recorder(workspace)
    lmtp = settings.protocol == "lmtp"
    with events.Listener(place, recorder, lmtp=lmtp, addresses=settings.addresses) as listener:
        ERR.print(
            f"Taking reports on {settings.protocol}://{listener.host}:{listener.port} (Ctrl-C stops it)",
            soft_wrap=True,
            markup=False,
        )
        yield
