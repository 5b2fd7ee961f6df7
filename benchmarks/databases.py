"""A workspace on each database there is, measured in processes of its own, as memory is measured by process."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

VENDORS = ("sqlite", "postgresql")
STEPS = ("load", "measure")


def measured_in(
    vendor: str, folder: Path, files: Mapping[str, str], command: Sequence[str], steps: Sequence[str] = STEPS
) -> dict[str, float]:
    """What the command measured in its steps, each in a process of its own; empty without that database here."""
    if vendor == "sqlite":
        return _in_processes(folder, files, command, steps, None)
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        return {}
    with server(programs[-1], folder) as address:
        return _in_processes(folder, files, command, steps, address)


def _in_processes(
    folder: Path, files: Mapping[str, str], command: Sequence[str], steps: Sequence[str], database: str | None
) -> dict[str, float]:
    workspace = folder / "workspace"
    for path, text in files.items():
        (workspace / path).parent.mkdir(parents=True, exist_ok=True)
        (workspace / path).write_text(text)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET", "DJANGO"))}
    environment = kept | {"BROADSHEET_WORKSPACE": str(workspace), "DJANGO_SETTINGS_MODULE": "broadsheet.settings"}
    if database:
        environment["BROADSHEET_DATABASE"] = database
    found: dict[str, float] = {}
    for step in steps:
        ran = subprocess.run(
            [sys.executable, *command, step], env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
        found |= json.loads(ran.stdout)
    return found


@contextmanager
def server(programs: Path, folder: Path) -> Iterator[str]:
    """A PostgreSQL server of the benchmark's own; it refuses to be run by root, so root lends it another user."""
    lent = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    home = folder / "postgresql"
    home.mkdir()
    if lent:
        folder.chmod(0o755)
        shutil.chown(home, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = str(home / "data")

    def run(name: str, *arguments: str) -> None:
        subprocess.run([*lent, str(programs / name), *arguments], check=True, cwd=home, stdout=subprocess.DEVNULL)

    run("initdb", "--pgdata", data, "--auth=trust", "--username=broadsheet", "-N")
    options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c max_wal_size=4GB"
    run("pg_ctl", "-D", data, "-w", "-l", str(home / "log"), "-o", options, "start")
    try:
        yield f"postgresql://broadsheet@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "stop")
