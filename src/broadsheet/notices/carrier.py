"""A thread of the web server that carries errands out, so that a mail leaves right after the answer, not before it."""

import logging
from threading import Event, Thread

from django.db import DatabaseError, connections

from broadsheet.errors import BroadsheetError
from broadsheet.notices.carrying import carry_out
from broadsheet.notices.errands import on_waking
from broadsheet.workspace import Workspace

log = logging.getLogger(__name__)

#: Seconds between two looks at what is due, if nothing wakes it; what waits for another attempt comes up then.
LOOK = 15.0
#: Seconds by which the answer is let go first: whether there is somebody to write to must not show in its time.
HEAD_START = 0.2


class Carrier:
    """Runs until it is stopped; ends what is in hand first."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._woken, self._stopping = Event(), Event()
        self._thread = Thread(target=self._run, name="notices", daemon=True)
        self._unsubscribe = on_waking(self._woken.set)

    def start(self) -> None:
        """Begin; what is due already is done at once."""
        self._thread.start()

    def stop(self, seconds: float = 8.0) -> None:
        """Begin nothing more, and wait so long for what is in hand; its lease brings it up again else."""
        self._unsubscribe()
        self._stopping.set()
        self._woken.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                carry_out(self._workspace)
            except (BroadsheetError, DatabaseError) as error:  # the rows stay, and come up again
                log.error("Notices can't be written: %s", error)  # noqa: TRY400  said in full
            finally:
                connections.close_all()
            self._woken.wait(LOOK)
            self._woken.clear()
            self._stopping.wait(HEAD_START)
