"""A PostgreSQL server of the tests' own, and an empty database on it for each test."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

PROGRAMS = sorted(path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb"))
_numbers = count(1)


def as_owner(command: list[str], folder: Path) -> None:
    """Run a PostgreSQL program; it refuses to be run by root, so root lends it another user."""
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)


class Server:
    """A PostgreSQL server on the loopback address, in a folder of its own, until it is stopped."""

    def __init__(self) -> None:
        self.programs = PROGRAMS[-1]
        self.folder = Path(tempfile.mkdtemp(prefix="broadsheet-postgresql-"))
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._run("initdb", "--auth=trust", "--username=broadsheet", "-N")
        self._settings = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        as_owner([str(self.programs / program), "-D", str(self.folder / "data"), *arguments], self.folder)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", self._settings, "start")

    def restart(self) -> None:
        """Cut every connection off, as a crash would, and start again."""
        self._run("pg_ctl", "-m", "immediate", "stop")
        self.start()

    def stop(self) -> None:
        """Stop it, and remove its folder."""
        self._run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(self.folder)

    def database(self) -> str:
        """The address of a new, empty database."""
        name = f"test_{next(_numbers)}"
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "broadsheet"]
        subprocess.run([str(self.programs / "createdb"), *where, name], check=True)
        return f"postgresql://broadsheet@127.0.0.1:{self.port}/{name}"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A server for all tests."""
    if not PROGRAMS:
        pytest.skip("PostgreSQL is not installed")
    server = Server()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def database(postgresql: Server) -> str:
    """The address of an empty database."""
    return postgresql.database()
