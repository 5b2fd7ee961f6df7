"""The same main job with PostgreSQL holding the rows."""

import json
import subprocess
import sys
from pathlib import Path

from tests import commands


def test_the_main_job_runs_on_postgresql_and_mails_nobody_twice(empty_database: str, tmp_path: Path) -> None:
    target = tmp_path / "workspace"
    environment = commands.environment(BROADSHEET_DATABASE=empty_database)

    def broadsheet(*arguments: str, folder: Path = target) -> str:
        done = commands.run(*arguments, cwd=folder, environ=environment)
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


#: A request, a second one, one too many; the yes; a pause; leaving all and coming back: each as the pages do it.
_PAGES = """
from broadsheet.cli.setup import ready
workspace = ready()
import re
from datetime import timedelta
from django.test import Client
from django.utils import timezone
from broadsheet import notices
from broadsheet.audience import Target, excluded_by_reason, mailable
from broadsheet.models import Subscription
from broadsheet.notices.links import address, minute, CONFIRM, LEAVE_LIST

client = Client(headers={"host": "127.0.0.1"})
form = {"email": "zoe@reader.example", "frequency": "weekly"}
print(*(client.post("/subscribe/newsletter", form).status_code for _ in range(6)))
print(notices.carry_out(workspace), notices.carry_out(workspace))
row = Subscription.objects.get()
path = lambda purpose, *pair: address(workspace, purpose, *pair).removeprefix(workspace.config.public.url)
print(client.post(path(CONFIRM, row.pk, minute(timezone.now()))).status_code, mailable(Target("newsletter")).count())
Subscription.objects.update(paused_until=timezone.now() + timedelta(days=1))
print(excluded_by_reason(Target("newsletter")))
leave = path(LEAVE_LIST, row.pk, row.subscriber_id)
for form in ({"leave": "all"}, {"undo": "1"}, {"List-Unsubscribe": "One-Click"}):
    print(client.post(leave, form).status_code, Subscription.objects.get().state)
"""


def test_the_pages_work_on_postgresql(database: str, tmp_path: Path) -> None:
    environment = commands.environment(BROADSHEET_DATABASE=database, BROADSHEET_WORKSPACE=str(tmp_path / "w"))
    commands.run("init", str(tmp_path / "w"), cwd=tmp_path, environ=commands.environment())
    done = subprocess.run(
        [sys.executable, "-c", _PAGES], env=environment, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.stdout.splitlines() == [
        "200 200 200 200 200 429",
        "1 0",
        "200 1",
        "{'paused': 1}",
        "200 unsubscribed",
        "200 subscribed",
        "200 unsubscribed",
    ], done.stderr


_STORED = """
from broadsheet.cli.setup import ready
workspace = ready()
import json
from django.core.management import call_command
from django.db import connection

call_command("migrate", verbosity=0)
with connection.cursor() as cursor:
    cursor.execute(
        "INSERT INTO broadsheet_delivery (edition_id, subscriber_id, variant_id, state, reason, attempts, at)"
        " VALUES (1, 1, 1, 'sent', '', 1, now())"
    )
    cursor.execute("SELECT pg_column_size(d) FROM broadsheet_delivery d")
    length = cursor.fetchone()[0]
    cursor.execute("SELECT relname, reloptions FROM pg_class WHERE relname LIKE 'broadsheet_delivery%%'", [])
    options = dict(cursor.fetchall())
print(json.dumps([length, options["broadsheet_delivery"], options["broadsheet_delivery_pkey"]]))
"""


def test_a_copy_that_was_sent_takes_64_bytes_of_the_ledger(empty_database: str, tmp_path: Path) -> None:
    environment = commands.environment(BROADSHEET_DATABASE=empty_database)
    assert commands.run("init", str(tmp_path / "workspace"), cwd=tmp_path, environ=environment).returncode == 0
    command = [sys.executable, "-c", _STORED]
    said = subprocess.run(
        command, cwd=tmp_path / "workspace", env=environment, check=True, stdout=subprocess.PIPE
    ).stdout
    length, table, key = json.loads(said)
    assert length <= 64
    assert "autovacuum_vacuum_scale_factor=0.02" in table
    assert key == ["fillfactor=53"]
