"""Machines of a cluster as processes: one has the workspace, the others only ``broadsheet.toml``."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from tests.cluster.brokers import Broker
from tests.cluster.sink import Sink
from tests.conftest import SETTINGS, fill
from tests.postgresql import Server

#: `make torture` sets it: more readers, storm after storm, cables out for longer than a lease.
LONG = bool(os.environ.get("LONG"))
CAMPAIGN = """\
---
name: {name}
list: newsletter
articles: {{newest: 2, repeat: allow}}
template: plain
subject: "{{{{ articles[0].title }}}}"
schedule: {{at: "{at}", time_zone: UTC}}
approval: automatic
adapter: {adapter}
---
Hello {{{{ subscriber.first_name | default("there") }}}}.
"""
ADAPTERS = """
[adapters.default]
kind = "smtp"
host = "127.0.0.1"
port = {port}
security = "none"
connections = {connections}
[adapters.slow]
kind = "smtp"
host = "127.0.0.1"
port = {port}
security = "none"
[pace.slow]
per_second = {per_second}

[logging]
format = "json"
level = "debug"
"""
#: Connections of one worker, each with one mail in flight, and the pace of all workers together through the slow adapter.
CONNECTIONS, PER_SECOND = 4, 300


_EDITION = (
    "SELECT e.id, e.state FROM broadsheet_edition e JOIN broadsheet_campaign c ON c.id = e.campaign_id WHERE slug = %s"
)
_COPIES = "SELECT state, count(*) FROM broadsheet_delivery WHERE edition_id = %s GROUP BY state"


class Process(subprocess.Popen[bytes]):
    """A process, those it forks, and what they say."""

    def __init__(self, command: Sequence[str], folder: Path, environment: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as output:
            super().__init__(command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True)

    def said(self) -> list[dict[str, Any]]:
        """Its log's records."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def has_said(self, words: str) -> bool:
        """Whether its log holds these words."""
        return words in self.log.read_text(errors="replace")

    def kill_all(self) -> None:
        """``kill -9`` for it and those it forked."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()


class Cluster:
    """A scheduler's machine, and as many workers' machines as wanted, on one database and one broker."""

    def __init__(
        self, root: Path, server: Server, broker: Broker, sink: Sink, *, within: Sequence[str] = (), options: str = ""
    ) -> None:
        self.root, self.sink, self._within = root, sink, list(within)
        database = server.database()
        self._nearby = server.nearby(database)
        self.workspace = fill(root / "desk").root
        adapters = ADAPTERS.format(port=sink.port, connections=CONNECTIONS, per_second=PER_SECOND)
        (self.workspace / "broadsheet.toml").write_text(SETTINGS + adapters)
        for name in ("weekly", "letter"):
            (self.workspace / "campaigns" / f"{name}.md").unlink()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET_", "DJANGO_"))}
        self.environment = kept | {
            "BROADSHEET_DATABASE": database + options,
            "BROADSHEET_BROKER": broker.address,
            "BROADSHEET_SECRET_KEY": "the same on all machines",
        }
        self.processes: list[Process] = []

    def readers(self, number: int) -> None:
        """So many people."""
        rows = (f"reader{each}@reader.example,Reader {each},newsletter" for each in range(number))
        (self.workspace / "people.csv").write_text("email,first_name,lists\n" + "\n".join(rows) + "\n")
        self.command("subscribers", "import", "people.csv", "--list", "newsletter")

    def command(self, *arguments: str) -> str:
        """What a command on the scheduler's machine prints."""
        done = subprocess.run(
            [*self._within, sys.executable, "-m", "broadsheet", *arguments],
            cwd=self.workspace,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def campaign(self, name: str, adapter: str = "default") -> None:
        """A campaign that comes out within some seconds, to be counted from nothing."""
        self.sink.forget()
        moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
        unfinished = self.workspace / f"{name}.unfinished"
        unfinished.write_text(CAMPAIGN.format(name=name, adapter=adapter, at=f"{moment:%Y-%m-%dT%H:%M:%S}"))
        unfinished.rename(self.workspace / "campaigns" / f"{name}.md")

    def scheduler(self) -> Process:
        """A scheduler; it leads soon."""
        return self._start(
            [*self._within, sys.executable, "-m", "broadsheet", "scheduler"], self.workspace, "scheduler"
        )

    def workers(self, number: int, within: Sequence[str] = ()) -> list[Process]:
        """So many workers, each in a folder of its own with ``broadsheet.toml`` and nothing else."""
        names = [f"worker{len(self.processes) + each}" for each in range(number)]
        for name in names:
            (self.root / name).mkdir()
            settings = (self.workspace / "broadsheet.toml").read_bytes()
            (self.root / name / "broadsheet.toml").write_bytes(settings)
        return [self.worker(name, within) for name in names]

    def ready(self, workers: Sequence[Process]) -> None:
        """Wait until these take work."""
        self.wait_for(lambda: all(each.has_said("@test ready") for each in workers))

    def worker(self, name: str, within: Sequence[str] = ()) -> Process:
        """The worker of that name, started or, after its death, started again."""
        command = [*within, sys.executable, "-m", "celery", "-A", "broadsheet.celery", "worker"]
        options = ["--concurrency", "1", "--without-mingle", "--without-gossip", "--hostname", f"{name}@test"]
        return self._start([*command, *options], self.root / name, name)

    def _start(self, command: Sequence[str], folder: Path, name: str) -> Process:
        process = Process(command, folder, self.environment, self.root / f"{name}.log")
        self.processes.append(process)
        return process

    def wait_for(self, what: Callable[[], bool], seconds: float = 40.0) -> float:
        """Wait until it is true; how long that took."""
        start = time.monotonic()
        while not what():
            assert time.monotonic() - start < seconds, self.tail()
            time.sleep(0.05)
        return time.monotonic() - start

    def tail(self) -> str:
        """The last of what each process said."""
        return "\n\n".join(
            f"{each.log.name}:\n{each.log.read_text(errors='replace')[-2500:]}" for each in self.processes
        )

    def edition(self, name: str) -> dict[str, Any]:
        """The campaign's edition: its number, its state, and how many copies are in which state; empty without one."""
        with suppress(psycopg.OperationalError), psycopg.connect(self._nearby) as connection:
            found = connection.execute(_EDITION, [name]).fetchone()
            if found:
                copies = dict(connection.execute(_COPIES, [found[0]]).fetchall())
                return {"sent": 0, "unknown": 0, **copies, "edition": found[0], "state": found[1]}
        return {}

    def sent_by(self, workers: Sequence[Process], edition: int) -> list[int]:
        """How many copies of an edition each worker says that it sent."""
        counts = [Counter((each.get("edition"), each.get("result")) for each in one.said()) for one in workers]
        return [each[edition, "sent"] for each in counts]

    def over(self, name: str, seconds: float = 600.0 if LONG else 60.0) -> dict[str, Any]:
        """The campaign's edition, once it is sent."""
        self.wait_for(lambda: self.edition(name).get("state") == "sent", seconds)
        return self.edition(name)

    def end(self) -> None:
        """All processes are gone."""
        for process in self.processes:
            process.kill_all()
