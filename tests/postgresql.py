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


@pytest.fixture(scope="session")
def postgresql() -> Iterator[int]:
    """The port of a server on the loopback address."""
    if not PROGRAMS:
        pytest.skip("PostgreSQL is not installed")
    yield from running()


def running() -> Iterator[int]:
    """The port of a server that runs until the end of the iteration."""
    programs = PROGRAMS[-1]
    folder = Path(tempfile.mkdtemp(prefix="broadsheet-postgresql-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = str(folder / "data")
    as_owner([str(programs / "initdb"), "--pgdata", data, "--auth=trust", "--username=broadsheet", "-N"], folder)
    settings = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    as_owner([str(programs / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log"), "-o", settings, "start"], folder)
    try:
        yield port
    finally:
        as_owner([str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop"], folder)
        shutil.rmtree(folder)


@pytest.fixture
def database(postgresql: int) -> str:
    """The address of an empty database."""
    name = f"test_{next(_numbers)}"
    where = ["-h", "127.0.0.1", "-p", str(postgresql), "-U", "broadsheet"]
    subprocess.run([str(PROGRAMS[-1] / "createdb"), *where, name], check=True)
    return f"postgresql://broadsheet@127.0.0.1:{postgresql}/{name}"
