"""Imports and exports on PostgreSQL: rows that somebody else writes meanwhile, Ctrl-C while it reads ahead, and back."""

import json
import os
import signal
import subprocess
import sys
import time

import psycopg
import pytest

LISTS = "lists: {news: {title: News}}\nattributes: {age: {type: number}}\n"
LINES = 60_000

#: Somebody else has written two of the rows and not committed when the import copies its own; then they commit.
_MEANWHILE = """
import sys, threading, time
from pathlib import Path
from broadsheet.cli.setup import ready
workspace = ready()
from django.db import connections, transaction
from django.utils import timezone
from broadsheet.audience import import_people
from broadsheet.models import InterestSet, Subscriber, Suppression
from broadsheet.audience import bulk

fell_back = []
compared = bulk._compared
bulk._compared = lambda cursor, table, *more: (fell_back.append(table), compared(cursor, table, *more))
interests, _ = InterestSet.objects.get_or_create(tags=[])
written = threading.Event()

def somebody_else():
    with transaction.atomic():
        Suppression.objects.create(email_key="r5@reader.example", reason="complained", detail="by mail")
        Subscriber.objects.create(email="R7@reader.example", email_key="r7@reader.example", first_name="Kept",
                                  interests=interests, created_at=timezone.now())
        written.set()
        time.sleep(3)
    connections.close_all()

thread = threading.Thread(target=somebody_else)
thread.start()
written.wait()
report = import_people(workspace, Path("people.csv"))
waited = not thread.is_alive()
thread.join()
import json
print(json.dumps({
    "waited": waited,
    "fell_back": sorted(set(fell_back)),
    "people": Subscriber.objects.count(),
    "suppressed": dict(Suppression.objects.values_list("email_key", "reason")),
    "kept": Subscriber.objects.get(email_key="r7@reader.example").first_name,
}))
"""


@pytest.fixture
def run(database, tmp_path):
    """Runs Python with a workspace on PostgreSQL; its database's address is ``run.database``."""
    folder = tmp_path / "workspace"
    (folder / "subscribers").mkdir(parents=True)
    (folder / "broadsheet.toml").write_text("")
    (folder / "subscribers/lists.yaml").write_text(LISTS)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET", "DJANGO"))}
    environment = kept | {"BROADSHEET_DATABASE": database}

    def ran(*arguments, wait=True):
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        if not wait:
            return process
        out, errors = process.communicate()
        assert process.returncode == 0, errors
        return out

    ran.database, ran.folder = database, folder
    return ran


def test_rows_that_somebody_else_writes_meanwhile_are_left_as_they_are(run):
    lines = [f"r{number}@reader.example,{'cleaned' if number < 10 else 'subscribed'},Ada" for number in range(40)]
    (run.folder / "people.csv").write_text("\n".join(["email,status,first_name", *lines, ""]))
    found = json.loads(run("-c", _MEANWHILE))
    assert found["waited"], "the copy waits for who wrote the same row first"
    assert "broadsheet_suppression" in found["fell_back"]
    assert found["people"] == 40
    assert found["suppressed"].pop("r5@reader.example") == "complained"
    assert len(found["suppressed"]) == 9
    assert found["kept"] == "Kept"


def _count(database):
    with psycopg.connect(database) as connection:
        try:
            return connection.execute("SELECT count(*) FROM broadsheet_subscriber").fetchone()[0]
        except psycopg.errors.UndefinedTable:
            return 0


def test_ctrl_c_while_it_reads_ahead_leaves_whole_batches_and_a_second_run_brings_the_rest(run):
    from broadsheet.audience.importing import BATCH

    with (run.folder / "people.csv").open("w") as file:
        file.write("email,age,lists\n")
        file.writelines(f"r{number}@reader.example,{number % 90},news\n" for number in range(LINES))
    run("-m", "broadsheet", "subscribers", "export")  # makes the tables
    process = run("-m", "broadsheet", "subscribers", "import", "people.csv", "--json", wait=False)
    until = time.monotonic() + 120
    while not _count(run.database) > 0 and process.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=120)
    assert "Traceback" not in errors
    there = _count(run.database)
    assert 0 < there < LINES
    assert there % BATCH == 0
    assert json.loads(out)["added"] == there
    again = json.loads(run("-m", "broadsheet", "subscribers", "import", "people.csv", "--json"))
    assert (again["added"], again["unchanged"], _count(run.database)) == (LINES - there, there, LINES)


def test_an_export_gives_the_same_people_back(run):
    (run.folder / "people.csv").write_text(
        "email,first_name,age,plan,interests,lists,status\n"
        "ada@reader.example,=Ada,36,pro,sleep;movement,news,subscribed\n"
        "ben@reader.example,Ben,,,,news,unsubscribed\n"
        "cleo@reader.example,Cléo,7,free,sleep,news,cleaned\n"
    )
    run("-m", "broadsheet", "subscribers", "import", "people.csv")
    exported = run("-m", "broadsheet", "subscribers", "export")
    header, *lines = exported.splitlines()
    assert header.endswith(",age,plan"), "the attributes that anybody has, those that are declared first"
    assert lines[0].startswith("ada@reader.example,'=Ada,")
    (run.folder / "again.csv").write_text(exported)
    again = json.loads(run("-m", "broadsheet", "subscribers", "import", "again.csv", "--json"))
    assert (again["added"], again["updated"], again["unchanged"]) == (0, 0, 3)
    assert run("-m", "broadsheet", "subscribers", "export", "--list", "news").count("\n") == 4
