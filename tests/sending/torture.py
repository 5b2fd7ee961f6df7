"""Senders are killed, connections cut, replies delayed, the database locked or restarted; then everything is counted.

``make torture`` is the long form: editions of 20,000 readers. The suite runs a short one.
"""

import argparse
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ROOT = Path(__file__).resolve().parents[2]
AT = "2026-03-03T09:00"
CAMPAIGN = """\
---
name: Torture
list: news
template: plain
subject: "{{{{ articles[0].title }}}}"
approval: automatic
schedule: {{at: "2026-03-03T09:00", grace: 5000w}}
on_unknown: {on_unknown}
---
Hello {{{{ subscriber.first_name | default("there") }}}}.
"""
FILES = {
    "subscribers/lists.yaml": "lists: {news: {title: News}}\n",
    "templates/plain/template.html": "<p>{% for each in articles %}{{ each.title }}{% endfor %}</p>",
    "articles/a.md": "---\ntitle: A\ndate: 2026-03-01\n---\n" + "There is no need to read everything at once.\n" * 40,
}
SETTINGS = """\
[site]
url = "https://news.example"
[sending]
retry_first = "1m"
retries_a_day = 100
pause_after = 0
pause_share = 0
[adapters.default]
kind = "smtp"
host = "127.0.0.1"
port = {port}
security = "none"
connections = 4
in_flight = 8
"""
#: With it, letters are taken and signed ahead, by processes of their own.
SIGNING = """\
dkim_domain = "news.example"
dkim_selector = "s"
dkim_key_file = "dkim.pem"
"""
#: Mails that four connections have on the way at the most.
IN_FLIGHT = 4 * 8


@dataclass
class Told:
    """What happened, and what became of everybody."""

    database: str
    on_unknown: str
    signed: str
    readers: int
    kills: int = 0
    terms: int = 0
    cuts: int = 0
    database_troubles: int = 0
    in_flight_at_kills: int = 0
    taken: int = 0
    twice: int = 0
    sent: int = 0
    failed: int = 0
    unknown: int = 0
    unknown_by_kills: int = 0
    sent_without_a_copy: int = 0
    copies_of_failed: int = 0
    slowest_stop: float = 0.0
    seconds: float = 0.0


def key():
    """A key that signs, RSA-2048, PEM."""
    made = rsa.generate_private_key(65537, 2048)
    plain = serialization.NoEncryption()
    return made.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()


class Torture:
    """One edition under torture."""

    def __init__(self, folder, readers, *, database="", on_unknown="hold", gentle=False, signed=False, seed=1):
        self.folder, self.gentle, self.chance = folder, gentle, random.Random(seed)
        self.told = Told("PostgreSQL" if database else "SQLite", on_unknown, "RSA" if signed else "no", readers)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET", "DJANGO"))}
        self.environment = kept | ({"BROADSHEET_DATABASE": database} if database else {})
        self.running, self.exits = [], ExitStack()
        self.took = folder / "took"
        self.took.touch()
        cuts = "gentle" if gentle else "cuts"
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.sending.chaos", "0", str(self.took), str(seed), cuts],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.exits.callback(self._end, server)
        self._write(int(server.stdout.readline()), readers, on_unknown)

    def _write(self, port, readers, on_unknown):
        here = self.folder / "workspace"
        files = FILES | {
            "broadsheet.toml": SETTINGS.format(port=port) + (SIGNING if self.told.signed == "RSA" else ""),
            "dkim.pem": key(),
            "campaigns/torture.md": CAMPAIGN.format(on_unknown=on_unknown),
            "people.csv": "email,first_name\n" + "".join(f"r{n}@reader.example,R{n}\n" for n in range(readers)),
        }
        for path, text in files.items():
            (here / path).parent.mkdir(parents=True, exist_ok=True)
            (here / path).write_text(text)
        self.here = here
        self.command("subscribers", "import", "people.csv", "--list", "news")
        self.command("sync")

    @staticmethod
    def _end(process):
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()

    def command(self, *arguments):
        done = subprocess.run(
            [sys.executable, "-m", "broadsheet", *arguments],
            cwd=self.here, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode in (0, 1), done.stderr
        return done.stdout

    def start(self, number):
        """The scheduler if it is the first, else a command that sends."""
        arguments = ["scheduler"] if number == 0 else ["send", "torture", "--at", AT, "--yes"]
        with (self.folder / f"{number}.log").open("a") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "broadsheet", *arguments],
                cwd=self.here, env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip

    def run(self, senders, seconds):
        """Until everybody is in a final state; at most so many seconds of torture, then the rest in peace."""
        begun = time.monotonic()
        with self.exits:
            running = {number: self.start(number) for number in range(senders)}
            next_kill, next_trouble = self._soon(1.5), self._soon(2.0)
            while not (peace := time.monotonic() - begun > seconds) or not self._over():
                time.sleep(0.1)
                for number, process in running.items():
                    if process.poll() is not None:
                        if number == 0 and not peace and self._over():
                            break
                        running[number] = self.start(number)
                if not peace and time.monotonic() > next_kill and (victims := self._victims(running)):
                    self._kill(self.chance.choice(victims))
                    next_kill = self._soon(1.5)
                if not peace and not self.gentle and time.monotonic() > next_trouble:
                    self._trouble()
                    next_trouble = self._soon(5.0)
                if self._every(1.0):
                    self._time_passes()
                    if self._over():
                        break
            for process in running.values():
                if process.poll() is None:
                    self._term(process)
            self.told.seconds = round(time.monotonic() - begun, 1)
            self._count()
        return self.told

    def _soon(self, mean):
        return time.monotonic() + self.chance.uniform(0.3, 1.7) * mean

    def _every(self, seconds):
        now = time.monotonic()
        if now - getattr(self, "_last", 0.0) < seconds:
            return False
        self._last = now
        return True

    def _victims(self, running):
        """Those who are sending; now and then anybody."""
        sending = [each for each in running.values() if self._journals(each)]
        return list(running.values()) if self.chance.random() < 0.1 else sending

    def _journals(self, process):
        return list((self.here / ".broadsheet" / "senders").glob(f"*-{process.pid}-*.journal"))

    def _kill(self, process):
        if process.poll() is not None:
            return
        if self.gentle:
            self._term(process)
            return
        process.kill()
        process.wait()
        self.told.kills += 1
        from broadsheet.sending import journal

        for path in self._journals(process):
            found = journal.read(path)
            self.told.in_flight_at_kills += len(found.attempted - found.answered.keys())

    def _term(self, process):
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        self.told.terms += 1
        self.told.slowest_stop = round(max(self.told.slowest_stop, time.monotonic() - begun), 2)

    def _trouble(self):
        self.told.database_troubles += 1
        if self.told.database == "SQLite":
            with sqlite3.connect(self.here / ".broadsheet" / "broadsheet.sqlite3", timeout=60) as held:
                held.execute("BEGIN EXCLUSIVE")
                time.sleep(self.chance.uniform(0.5, 2.0))
                held.rollback()
        else:
            self.restart()

    def restart(self):
        raise NotImplementedError

    def _sql(self, statement):
        """A statement of the harness's own, in whichever database."""
        if self.told.database == "SQLite":
            connection = sqlite3.connect(self.here / ".broadsheet" / "broadsheet.sqlite3", timeout=60)
        else:
            import psycopg

            connection = psycopg.connect(self.environment["BROADSHEET_DATABASE"])
        try:
            cursor = connection.execute(statement)
            found = cursor.fetchall() if cursor.description else []
            connection.commit()
        finally:
            connection.close()
        return found

    def _time_passes(self):
        """What was refused for now is due at once: nobody waits five minutes here."""
        self._sql("UPDATE broadsheet_delivery SET at = '2026-03-03 00:00:00+00' WHERE state = 'deferred'"
                  if self.told.database == "PostgreSQL" else
                  "UPDATE broadsheet_delivery SET at = '2026-03-03 00:00:00' WHERE state = 'deferred'")  # fmt: skip

    def _over(self):
        return self._sql("SELECT count(*) FROM broadsheet_edition WHERE state = 'sent'") == [(1,)]

    def _count(self):
        told, copies = self.told, Counter()
        lines = self.took.read_text().splitlines()
        told.cuts = lines.count("cut")
        ids = {}
        for line in lines:
            if line.startswith("took "):
                _, message_id, to = line.split(" ")
                copies[to] += 1
                assert ids.setdefault(to, message_id) == message_id, "a retry had another Message-ID"
        told.taken, told.twice = sum(copies.values()), sum(1 for number in copies.values() if number > 1)
        rows = self._sql(
            "SELECT s.email, d.state, d.reason, d.attempts FROM broadsheet_delivery d JOIN broadsheet_subscriber s"
            " ON s.id = d.subscriber_id"
        )
        states = Counter(state for _, state, _, _ in rows)
        assert len(rows) == told.readers == len({email for email, *_ in rows})
        assert set(states) <= {"sent", "failed", "unknown"}, states
        told.sent, told.failed, told.unknown = states["sent"], states["failed"], states["unknown"]
        told.unknown_by_kills = sum(1 for _, state, why, _ in rows if state == "unknown" and "mid-send" in why)
        told.sent_without_a_copy = sum(
            1
            for email, state, why, _ in rows
            if state == "sent" and not why.startswith("assumed") and not copies[email]
        )
        # who is refused when they are sent to again may have the first copy, of which nobody could say
        again = told.on_unknown == "resend"
        told.copies_of_failed = sum(
            copies[email] for email, state, _, tries in rows if state == "failed" and not (again and tries > 1)
        )
        assert self._sql("SELECT count(*) FROM broadsheet_claim") == [(0,)]


def verify(told):
    """What must hold whatever happened."""
    assert told.sent + told.failed + told.unknown == told.readers
    assert told.sent_without_a_copy == 0
    assert told.copies_of_failed == 0
    if told.on_unknown != "resend":
        assert told.twice == 0
    assert told.unknown_by_kills <= told.in_flight_at_kills <= told.kills * 2 * IN_FLIGHT
    assert told.unknown - told.unknown_by_kills <= told.cuts * IN_FLIGHT
    if told.on_unknown != "hold" or not (told.kills or told.cuts):
        assert told.unknown == 0
    assert told.slowest_stop < 10


def main():
    """The long form; a line of figures for each edition."""
    import django
    from tests.postgresql import PROGRAMS, Server

    os.environ["BROADSHEET_WORKSPACE"], os.environ["DJANGO_SETTINGS_MODULE"] = str(ROOT), "broadsheet.settings"
    django.setup()
    parser = argparse.ArgumentParser(prog="python -m tests.sending.torture", description=__doc__)
    parser.add_argument("--readers", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=90)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=["SQLite", "PostgreSQL"], help="only this one")
    chosen = parser.parse_args()
    shown = False
    vendors = ("SQLite", *(["PostgreSQL"] if PROGRAMS else []))
    for vendor in [chosen.database] if chosen.database else vendors:
        for on_unknown, gentle in (("hold", False), ("assume-sent", False), ("resend", False), ("hold", True)):
            server = Server() if vendor == "PostgreSQL" else None
            with tempfile.TemporaryDirectory(prefix="broadsheet-torture-") as folder:
                torture = Torture(
                    Path(folder), chosen.readers, database=server.database() if server else "",
                    on_unknown=on_unknown, gentle=gentle, signed=gentle or on_unknown == "hold", seed=chosen.seed,
                )  # fmt: skip
                torture.restart = server.restart if server else None
                told = torture.run(senders=4, seconds=chosen.seconds)
            if server:
                server.stop()
            if not shown:
                print(*(name.replace("_", " ") for name in asdict(told)), sep=" | ")
                shown = True
            print(*asdict(told).values(), sep=" | ", flush=True)
            verify(told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
