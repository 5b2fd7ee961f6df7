"""Imports and exports on PostgreSQL: rows that somebody else writes meanwhile, Ctrl-C while it reads ahead, and back."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

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
from broadsheet.models import InterestSet, Subscriber, Subscription, Suppression
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
report = import_people(workspace, Path("people.csv"), "news")
waited = not thread.is_alive()
thread.join()
import json
print(json.dumps({
    "waited": waited,
    "fell_back": sorted(set(fell_back)),
    "people": Subscriber.objects.count(),
    "suppressed": dict(Suppression.objects.values_list("email_key", "reason")),
    "kept": Subscriber.objects.get(email_key="r7@reader.example").first_name,
    "subscribed": Subscription.objects.filter(state="subscribed", subscriber__first_name="Ada").count(),
    "on the list": sorted(Subscription.objects.values_list("subscriber__email_key", flat=True)),
}))
"""


ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(database, tmp_path):
    """Runs Python with a workspace on PostgreSQL; its database's address is ``run.database``."""
    folder = tmp_path / "workspace"
    (folder / "subscribers").mkdir(parents=True)
    (folder / "broadsheet.toml").write_text("")
    (folder / "subscribers/lists.yaml").write_text(LISTS)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET", "DJANGO"))}
    environment = kept | {"BROADSHEET_DATABASE": database, "PYTHONPATH": str(ROOT)}

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
    assert found["fell_back"] == ["broadsheet_subscriber", "broadsheet_suppression"]
    assert found["on the list"] == sorted(f"r{number}@reader.example" for number in range(40))
    assert found["subscribed"] == 30
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
    assert header.endswith(",subscriptions,age,plan"), "the attributes that anybody has, those that are declared first"
    assert lines[0].startswith("ada@reader.example,'=Ada,")
    (run.folder / "again.csv").write_text(exported)
    again = json.loads(run("-m", "broadsheet", "subscribers", "import", "again.csv", "--json"))
    assert (again["added"], again["updated"], again["unchanged"]) == (0, 0, 3)
    assert run("-m", "broadsheet", "subscribers", "export", "--list", "news").count("\n") == 4


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_every_field_of_everybody_comes_back_as_it_was(run, form):
    found = json.loads(run("-m", "tests.audience.kept", form))
    assert found["rejected"] == []
    assert found["after"] == found["before"]
    assert found["again"][:2] == [0, 0]
    assert found["again"][3]


def test_signs_that_a_copy_reads_as_its_own_are_kept_as_they_are(run):
    odd = {
        "a": "back\\slash \\N \\. \\t",
        "b": "tab\there",
        "c": "line\nbreak",
        "d": "\\.",
        "e": "\\",
        "f": "ü\x0b😀",
    }
    with (run.folder / "people.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["email", "consent_wording", "last_name", "plan"])
        table.writerows([f"{key}@reader.example", text, text, text] for key, text in odd.items())
    run("-m", "broadsheet", "subscribers", "import", "people.csv", "--list", "news")
    with psycopg.connect(run.database) as connection:
        rows = connection.execute(
            "SELECT email, last_name, attributes->>'plan', consent_wording FROM broadsheet_subscriber"
            " JOIN broadsheet_subscription ON subscriber_id = broadsheet_subscriber.id"
        ).fetchall()
    assert {row[0][0]: row[3] for row in rows} == odd
    assert {row[0][0]: row[1] for row in rows} == {key: " ".join(text.split()) for key, text in odd.items()}
    printable = {
        key: "".join(each for each in text if each.isspace() or each.isprintable()) for key, text in odd.items()
    }
    assert {row[0][0]: row[2].strip() for row in rows} == {key: text.strip() for key, text in printable.items()}
