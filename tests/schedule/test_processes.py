"""Schedulers as processes of their own, with the real clock, on SQLite and on PostgreSQL."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from email import message_from_bytes

import pytest
from tests import commands
from tests.conftest import fill

from broadsheet.cli.inbox import PAGE

PEOPLE = "email,first_name,interests,lists\n" + "".join(
    f"reader{number}@reader.example,Reader {number},sleep,newsletter\n" for number in range(40)
)
CAMPAIGN = """\
---
name: {name}
list: newsletter
articles: {{newest: 2, repeat: allow}}
template: plain
subject: "{{{{ articles[0].title }}}}"
schedule: {{at: "{at}", time_zone: UTC}}
approval: automatic
---
Hello.
"""


class Place:
    """A workspace with forty readers, and the processes that work on it."""

    def __init__(self, root, database):
        self.root, self.running = fill(root).root, []
        (self.root / "campaigns" / "weekly.md").unlink()
        self.environment = commands.environment(**({"BROADSHEET_DATABASE": database} if database else {}))
        (self.root / "people.csv").write_text(PEOPLE)
        self.command("subscribers", "import", "people.csv", "--list", "newsletter")
        self.command("sync")

    def start(self, *arguments):
        path = self.root / f"{len(self.running)}.log"
        command = [sys.executable, "-m", "broadsheet", *arguments]
        with path.open("w") as log:
            process = subprocess.Popen(command, cwd=self.root, env=self.environment, stderr=log, stdout=log)
        process.log = path.read_text
        self.running.append(process)
        return process

    def command(self, *arguments):
        done = commands.run(*arguments, cwd=self.root, environ=self.environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def campaign(self, name, seconds):
        """A campaign that comes out so many seconds from now; its moment."""
        moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds + 1)
        text = CAMPAIGN.format(name=name, at=f"{moment:%Y-%m-%dT%H:%M:%S}")
        unfinished = self.root / f"{name}.unfinished"
        unfinished.write_text(text)
        unfinished.rename(self.root / "campaigns" / f"{name}.md")
        return moment

    def copies(self):
        """How many mails each reader has, by edition."""
        found = Counter()
        for path in (self.root / ".broadsheet" / "inbox").glob("*.eml"):
            mail = message_from_bytes(path.read_bytes())
            found[mail["To"], mail["Feedback-ID"] or mail["Message-ID"]] += 1
        return found

    def editions(self):
        """Campaign and state of each edition, latest first."""
        return [(each["campaign"], each["state"]) for each in json.loads(self.command("editions", "--json"))]

    def wait_for(self, what, seconds=90.0):
        """Wait until it is true; how long that took."""
        start = time.monotonic()
        while not what():
            alive = any(process.poll() is None for process in self.running)
            assert alive and time.monotonic() - start < seconds, "\n".join(each.log() for each in self.running)
            time.sleep(0.1)
        return time.monotonic() - start

    def leader(self):
        """The scheduler that leads."""
        leading = [each for each in self.running if each.poll() is None and "leads\n" in each.log()]
        return leading[0] if leading else None


@pytest.fixture
def here(tmp_path):
    """A place for one test; its processes end with it."""
    places = []

    def made(database=None):
        places.append(Place(tmp_path / "workspace", database))
        return places[0]

    yield made
    for process in (process for place in places for process in place.running):
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, here):
    """A place whose rows are in SQLite, and one whose rows are in PostgreSQL."""
    return here(request.getfixturevalue("database") if request.param == "postgresql" else None)


def test_two_schedulers_bring_out_one_edition_and_when_one_is_killed_the_other_takes_over(place):
    schedulers = [place.start("scheduler"), place.start("scheduler")]
    place.wait_for(place.leader)
    place.campaign("first", 4)
    place.wait_for(lambda: len(place.copies()) == 40)
    assert set(place.copies().values()) == {1}

    killed = place.leader()
    killed.kill()
    killed.wait()
    took = place.wait_for(place.leader)
    assert took < 15
    place.campaign("second", 2)
    place.wait_for(lambda: len(place.copies()) == 80)
    assert set(place.copies().values()) == {1}
    (left,) = (each for each in schedulers if each is not killed)
    left.send_signal(signal.SIGTERM)
    assert left.wait(60) == 0
    assert place.editions() == [("second", "sent"), ("first", "sent")], left.log()


TICK = """
import sys, time
from datetime import datetime
from threading import Thread
from broadsheet.cli.setup import ready
workspace = ready()
from broadsheet.schedule.senders import Senders
from broadsheet.schedule.ticking import tick
now = datetime.fromisoformat(sys.argv[1])
tick(workspace, datetime.fromisoformat(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
tick(workspace, now)
senders = Senders()
senders.look(workspace, now)
while senders._busy:
    time.sleep(0.05)
tick(workspace, now)
"""


def test_schedulers_without_a_leader_at_the_very_second_still_bring_out_one(place):
    (place.root / "campaigns" / "letter.md").unlink()
    moment = place.campaign("first", 0)
    command = [sys.executable, "-c", TICK, moment.isoformat(), (moment - timedelta(hours=1)).isoformat()]
    ticking = [
        subprocess.Popen(
            command, cwd=place.root, env=place.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in ticking:
        assert process.stdout.readline() == "ready\n"
    for process in ticking:
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.wait(60) for process in ticking] == [0, 0, 0]
    for process in ticking:
        process.stdin.close()
        process.stdout.close()
    assert place.editions() == [("first", "sent")]
    assert (len(place.copies()), set(place.copies().values())) == (40, {1})


def test_run_serves_follows_files_and_ends_cleanly(here):
    place = here()
    with ExitStack() as others:
        with suppress(OSError):  # somebody else has the port: as good for this test
            others.enter_context(socket.create_server(("127.0.0.1", PAGE)))
        everything = place.start("run", "--port", "0")
        place.wait_for(lambda: "read it at" in everything.log() and place.leader())
    address, page = re.findall(r"http://\S+", everything.log())
    broken = place.root / "campaigns" / "broken.md"
    broken.write_text("---\nname: Broken\nlist: nobody\n---\n")
    place.campaign("first", 4)
    place.wait_for(lambda: len(place.copies()) == 40)
    with urllib.request.urlopen(address) as answer:
        assert answer.status == 200
    with urllib.request.urlopen(f"{page}inbox.json") as answer:
        assert len(json.load(answer)["mails"]) == 40
    assert everything.log().count("there is no list “nobody”") == 1

    place.campaign("later", 3600)
    place.wait_for(lambda: "campaigns/later.md is new" in everything.log())
    place.campaign("later", 2)  # changed: comes out now
    place.wait_for(lambda: len(place.copies()) == 80)
    assert set(place.copies().values()) == {1}

    everything.send_signal(signal.SIGTERM)
    assert everything.wait(60) == 0
    assert "Traceback" not in everything.log()
    assert everything.log().endswith("Stopped.\n")


def test_both_signals_stop_it_within_seconds_whether_it_leads_or_waits(here):
    place = here()
    leads = place.start("scheduler")
    place.wait_for(place.leader)
    waits = place.start("run", "--port", "0")
    place.wait_for(lambda: "Running" in waits.log())
    waits.send_signal(signal.SIGINT)
    leads.send_signal(signal.SIGTERM)
    assert [process.wait(10) for process in (waits, leads)] == [0, 0]
    assert "Traceback" not in leads.log() + waits.log()
