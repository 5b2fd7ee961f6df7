"""A PostgreSQL server of the tests' own, and an empty database on it for each test."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest

PROGRAMS = sorted(path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb"))
_numbers = count(1)


class Server:
    """A server with a folder and a port of its own; ``within`` is what its programs are run by, such as a namespace."""

    def __init__(self, address: str = "127.0.0.1", within: Sequence[str] = ()) -> None:
        self.address, self._within = address, tuple(within)
        self.folder = Path(tempfile.mkdtemp(prefix="broadsheet-postgresql-"))
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._data = str(self.folder / "data")
        self._run("initdb", "--pgdata", self._data, "--auth=trust", "--username=broadsheet", "-N")
        with (self.folder / "data" / "pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet trust\n")

    def _run(self, program: str, *arguments: str) -> None:
        """Run a PostgreSQL program; it refuses to be run by root, so root lends it another user."""
        command = [str(PROGRAMS[-1] / program), *arguments]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        subprocess.run([*self._within, *command], check=True, cwd=self.folder, stdout=subprocess.DEVNULL)

    def start(self) -> None:
        """Returns when it takes connections."""
        settings = f"-p {self.port} -k {self.folder} -c listen_addresses={self.address} -c fsync=off"
        self._run("pg_ctl", "-D", self._data, "-w", "-l", str(self.folder / "log"), "-o", settings, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Ends every connection; ``immediate`` is as if the machine had lost power."""
        self._run("pg_ctl", "-D", self._data, "-m", mode, "stop")

    def create(self) -> str:
        """The address of a new, empty database."""
        name = f"test_{next(_numbers)}"
        self._run("createdb", "-h", str(self.folder), "-p", str(self.port), "-U", "broadsheet", name)
        return f"postgresql://broadsheet@{self.address}:{self.port}/{name}"

    def nearby(self, database: str) -> str:
        """The same database by way of a file, wherever the server's network is."""
        return f"postgresql://broadsheet@/{database.rpartition('/')[2]}?host={self.folder}&port={self.port}"

    def remove(self) -> None:
        """Stop it, and all it kept is gone."""
        self.stop()
        shutil.rmtree(self.folder)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """A server on the loopback address."""
    if not PROGRAMS:
        pytest.skip("PostgreSQL is not installed")
    server = Server()
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def postgresql(postgresql_server: Server) -> int:
    """Its port."""
    return postgresql_server.port


@pytest.fixture
def database(postgresql_server: Server) -> str:
    """The address of an empty database."""
    return postgresql_server.create()
