"""Who schedules: one process of all that could. Its lock ends with it, so that another takes over by itself.

PostgreSQL: a session's advisory lock, on a connection of its own. SQLite: a lock on a file in the state folder.
"""

import fcntl
import os
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Protocol

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import Error

from broadsheet.workspace import Workspace

#: Seconds between two tries of one that waits, and between two looks of the one that leads.
EVERY = 3.0
#: The advisory lock's number in the database: “Broadsheet scheduler”, by no rule but that nobody else takes it.
LOCK = 0x0B20AD5C4ED
#: A leader whose machine is gone closes no connection: PostgreSQL finds out by these probes, within 5 + 3 x 2 s.
_SERVER_PROBES = {"tcp_keepalives_idle": 5, "tcp_keepalives_interval": 2, "tcp_keepalives_count": 3}


class Lock(Protocol):
    """One that at most one process holds."""

    def take(self) -> bool:
        """Whether it is held now, by this process."""

    def held(self) -> bool:
        """Whether it is still held; a lost connection or a removed file loses it."""

    def release(self) -> None:
        """Let go; harmless if it isn't held."""


class Leadership:
    """A context in which this process may come to lead. Waits for the lock, and notices when it is lost."""

    def __init__(self, workspace: Workspace, stopping: Event) -> None:
        self._lock = make_lock(workspace)
        self._stopping = stopping

    def __enter__(self) -> "Leadership":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        self._lock.release()

    def won(self) -> bool:
        """Waits until this process leads: True; or until it is to stop: False."""
        while not self._stopping.is_set():
            if self._lock.take():
                return True
            self._stopping.wait(EVERY)
        return False

    def leads(self) -> bool:
        """Waits a moment; whether this process leads still, and is to go on."""
        if self._stopping.wait(EVERY):
            return False
        if self._lock.held():
            return True
        self._lock.release()
        return False


def make_lock(workspace: Workspace) -> Lock:
    """The lock that fits the database."""
    return AdvisoryLock() if connection.vendor == "postgresql" else FileLock(workspace.state / "scheduler.lock")


class AdvisoryLock:
    """``pg_try_advisory_lock`` on a session of its own; the server ends both together."""

    def __init__(self) -> None:
        self._session: BaseDatabaseWrapper | None = None

    def take(self) -> bool:
        """Whether it is held now; also False while the database can't be reached."""
        if self._session is None:
            self._session = connection.copy()
            self._session.settings_dict["OPTIONS"].pop("pool", None)  # which would keep the session, and its lock
        try:
            with self._session.cursor() as cursor:
                for name, value in _SERVER_PROBES.items():
                    cursor.execute("SELECT set_config(%s, %s, false)", [name, str(value)])
                cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
                return bool(cursor.fetchone()[0])
        except Error:
            self.release()
            return False

    def held(self) -> bool:
        """Whether the session still lives; its lock lives as long."""
        if self._session is None:
            return False
        try:
            with self._session.cursor() as cursor:
                cursor.execute("SELECT 1")
        except Error:
            return False
        return True

    def release(self) -> None:
        """Close the session."""
        if self._session is not None:
            self._session.close()
            self._session = None


class FileLock:
    """``flock`` on a file, which the kernel frees when its process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self) -> bool:
        """Whether it is held now."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())  # for people who look
        self._file = file
        return self.held()

    def held(self) -> bool:
        """Whether the locked file is still the one at that path."""
        try:
            return self._file is not None and os.path.samestat(os.fstat(self._file), self._path.stat())
        except OSError:
            return False

    def release(self) -> None:
        """Close the file, and with it the lock."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
