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

from tests.cluster.sink import Sink
from tests.conftest import SETTINGS, fill

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
Hello {{{{ subscriber.first_name | default("there") }}}}.
"""
ADAPTER = """
[adapters.default]
kind = "smtp"
host = "127.0.0.1"
port = {port}
security = "none"
connections = 4
{more}
[logging]
format = "json"
level = "debug"
"""


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

    def kill_all(self) -> None:
        """``kill -9`` for it and those it forked."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()


class Cluster:
    """A scheduler's machine, and as many workers' machines as wanted, on one database and one broker."""

    def __init__(self, root: Path, database: str, broker: str, sink: Sink, more: str = "") -> None:
        self.root, self.sink = root, sink
        self.workspace = fill(root / "desk").root
        settings = SETTINGS + ADAPTER.format(port=sink.port, more=more)
        (self.workspace / "broadsheet.toml").write_text(settings)
        for name in ("weekly", "letter"):
            (self.workspace / "campaigns" / f"{name}.md").unlink()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET_", "DJANGO_"))}
        self.environment = kept | {
            "BROADSHEET_DATABASE": database,
            "BROADSHEET_BROKER": broker,
            "BROADSHEET_SECRET_KEY": "the same on all machines",
        }
        self.processes: list[Process] = []

    def readers(self, number: int) -> None:
        """So many people, and the articles they get."""
        rows = (f"reader{each}@reader.example,Reader {each},newsletter" for each in range(number))
        (self.workspace / "people.csv").write_text("email,first_name,lists\n" + "\n".join(rows) + "\n")
        self.command("subscribers", "import", "people.csv", "--list", "newsletter")
        self.command("sync")

    def command(self, *arguments: str) -> str:
        """What a command on the scheduler's machine prints."""
        done = subprocess.run(
            [sys.executable, "-m", "broadsheet", *arguments],
            cwd=self.workspace,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def campaign(self, name: str, seconds: float = 1) -> None:
        """A campaign that comes out so many seconds from now."""
        moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds + 1)
        unfinished = self.workspace / f"{name}.unfinished"
        unfinished.write_text(CAMPAIGN.format(name=name, at=f"{moment:%Y-%m-%dT%H:%M:%S}"))
        unfinished.rename(self.workspace / "campaigns" / f"{name}.md")

    def scheduler(self, within: Sequence[str] = ()) -> Process:
        """A scheduler that leads."""
        process = self._start([*within, sys.executable, "-m", "broadsheet", "scheduler"], self.workspace, "scheduler")
        self.wait_for(lambda: any("leads" in each["message"] for each in process.said()))
        return process

    def workers(self, number: int, within: Sequence[str] = (), **environment: str) -> list[Process]:
        """So many workers that are ready, each in a folder of its own with ``broadsheet.toml`` and nothing else."""
        started = []
        for _ in range(number):
            name = f"worker{len(self.processes)}"
            folder = self.root / name
            folder.mkdir()
            (folder / "broadsheet.toml").write_bytes((self.workspace / "broadsheet.toml").read_bytes())
            command = [*within, sys.executable, "-m", "celery", "-A", "broadsheet.celery", "worker"]
            options = ["--concurrency", "1", "--without-mingle", "--without-gossip", "--hostname", f"{name}@test"]
            started.append(self._start([*command, *options], folder, name, **environment))
        self.wait_for(lambda: all(any("ready" in each["message"] for each in one.said()) for one in started))
        return started

    def _start(self, command: Sequence[str], folder: Path, name: str, **environment: str) -> Process:
        process = Process(command, folder, self.environment | environment, self.root / f"{name}.log")
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

    def editions(self) -> dict[str, dict[str, Any]]:
        """The editions by campaign, with their numbers."""
        return {each["campaign"]: each for each in json.loads(self.command("editions", "--json"))}

    def sent_by(self, workers: Sequence[Process]) -> list[int]:
        """How many copies each worker says that it sent."""
        return [Counter(each.get("result") for each in worker.said())["sent"] for worker in workers]

    def end(self) -> None:
        """All processes are gone."""
        for process in self.processes:
            process.kill_all()
