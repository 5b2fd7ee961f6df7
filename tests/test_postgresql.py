"""The same main job with PostgreSQL holding the rows."""

import json
import os
import subprocess
import sys
from pathlib import Path


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
