"""The same main job with PostgreSQL holding the rows."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
INITDB = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


def as_owner(command: list[str], folder: Path) -> None:
    """Run a PostgreSQL program; it refuses to be run by root, so root lends it another user."""
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The address of an empty database of a server of the test's own."""
    if not INITDB:
        pytest.skip("PostgreSQL is not installed")
    programs = INITDB[-1].parent
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
        yield f"postgresql://broadsheet@127.0.0.1:{port}/postgres"
    finally:
        as_owner([str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop"], folder)
        shutil.rmtree(folder)


def test_the_main_job_runs_on_postgresql_and_mails_nobody_twice(database: str, tmp_path: Path) -> None:
    target = tmp_path / "workspace"
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("BROADSHEET", "DJANGO"))}
    environment["BROADSHEET_DATABASE"] = database

    def broadsheet(*arguments: str, folder: Path = target) -> str:
        command = [sys.executable, "-m", "broadsheet", *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    broadsheet("init", str(target), folder=tmp_path)
    assert json.loads(broadsheet("sync", "--json"))["added"] == 14
    assert json.loads(broadsheet("subscribers", "import", "subscribers/people.csv", "--json"))["added"] == 400
    plan = json.loads(broadsheet("plan", "weekly-digest", "--at", "2026-11-24T09:00", "--json"))
    first = json.loads(broadsheet("send", "weekly-digest", "--at", "2026-11-24T09:00", "--yes", "--json"))
    assert first["sent"] == plan["readers"] > 200
    again = json.loads(broadsheet("send", "weekly-digest", "--at", "2026-11-24T09:00", "--yes", "--json"))
    assert (again["edition"], again["sent"]) == (first["edition"], first["sent"])
    mails = list((target / ".broadsheet" / "inbox").glob("*.eml"))
    assert len(mails) == first["sent"]

    later = json.loads(broadsheet("plan", "weekly-digest", "--at", "2026-12-01T09:00", "--json"))
    had = {slug for variant in plan["variants"][:1] for slug in variant["articles"]}
    assert later["readers"] < plan["readers"]
    assert later["excluded"]["had the articles already"] > 0
    assert all(had != set(variant["articles"]) for variant in later["variants"])
