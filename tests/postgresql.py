"""A PostgreSQL server of the tests' own, and an empty database on it for each test."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest
from tests.ports import free_port

PROGRAMS = sorted(path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb"))
_numbers = count(1)


class Server:
    """A PostgreSQL server in a folder of its own, until it is stopped.

    ``within`` is what its programs are run by, such as a network namespace, in which it has that ``address``.
    """

    def __init__(self, address: str = "127.0.0.1", within: Sequence[str] = ()) -> None:
        self.address, self._within = address, tuple(within)
        self.folder = Path(tempfile.mkdtemp(prefix="broadsheet-postgresql-"))
        self._migrated = ""
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        self.port = free_port()
        data = self.folder / "data"
        self._run("initdb", "--pgdata", str(data), "--auth=trust", "--username=broadsheet", "-N")
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet trust\n")
        self._settings = f"-p {self.port} -k {self.folder} -c listen_addresses={address} -c fsync=off"
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        """Run a PostgreSQL program; it refuses to be run by root, so root lends it another user."""
        command = [str(PROGRAMS[-1] / program), *arguments]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        subprocess.run([*self._within, *command], check=True, cwd=self.folder, stdout=subprocess.DEVNULL)

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), *arguments)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._control("-w", "-l", str(self.folder / "log"), "-o", self._settings, "start")

    def crash(self) -> None:
        """Cut every connection off and end, as if the machine had lost power."""
        self._control("-m", "immediate", "stop")

    def restart(self) -> None:
        """Crash, and start again."""
        self.crash()
        self.start()

    def stop(self) -> None:
        """Stop it, and remove its folder."""
        self.crash()
        shutil.rmtree(self.folder)

    def empty_database(self) -> str:
        """The address of a new database without a table."""
        return self._made()

    def database(self) -> str:
        """The address of a new database with all tables and no row: a copy of one that was migrated once."""
        if not self._migrated:
            address = self._made()
            _migrate(self.nearby(address), self.folder / "migrating")
            self._migrated = address.rpartition("/")[2]
        return self._made("--template", self._migrated)

    def _made(self, *options: str) -> str:
        name = f"test_{next(_numbers)}"
        self._run("createdb", "-h", str(self.folder), "-p", str(self.port), "-U", "broadsheet", *options, name)
        return f"postgresql://broadsheet@{self.address}:{self.port}/{name}"

    def nearby(self, database: str) -> str:
        """The same database by way of a file, wherever the server's network is."""
        return f"postgresql://broadsheet@/{database.rpartition('/')[2]}?host={self.folder}&port={self.port}"


def _migrate(database: str, workspace: Path) -> None:
    workspace.mkdir()
    (workspace / "broadsheet.toml").touch()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET", "DJANGO"))}
    here = {"BROADSHEET_DATABASE": database, "BROADSHEET_WORKSPACE": str(workspace)}
    done = subprocess.run(
        [sys.executable, "-m", "broadsheet", "editions", "--json"],
        env=kept | here, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


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
    """The address of a database with all tables and no row."""
    return postgresql.database()


@pytest.fixture
def empty_database(postgresql: Server) -> str:
    """The address of a database without a table, for those who see to their first command."""
    return postgresql.empty_database()
