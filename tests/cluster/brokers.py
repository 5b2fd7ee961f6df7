"""Brokers of the tests' own, from Debian's packages, on free ports: RabbitMQ and Redis."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.ports import free_port

PATIENCE = 60.0


class Broker:
    """A server process with a folder and a port of its own."""

    address: str

    def __init__(self, name: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"broadsheet-{name}-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return {}

    def answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def begin(self) -> None:
        """Start it."""
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                self.command(),
                env=os.environ | self.environment(),
                cwd=self.folder,
                stdout=output,
                stderr=output,
                start_new_session=True,  # its children go with it
            )

    def start(self) -> None:
        """Start it; returns when it answers."""
        self.begin()
        until = time.monotonic() + PATIENCE
        while not self.answers():
            said = (self.folder / "output").read_text(errors="replace")
            assert self._process and self._process.poll() is None and time.monotonic() < until, said
            time.sleep(0.05)

    def kill(self) -> None:
        """As if its machine had lost power."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class RabbitMq(Broker):
    """RabbitMQ with its own node name, port mapper (epmd) and folders; nothing of a service on this machine is touched."""

    def __init__(self) -> None:
        super().__init__("rabbitmq")
        self.address = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self._mapper = {"ERL_EPMD_PORT": str(free_port()), "ERL_EPMD_ADDRESS": "127.0.0.1"}
        self._distribution = str(free_port())
        (self.folder / "plugins").write_text("[].")

    def command(self) -> list[str]:
        return ["/usr/lib/rabbitmq/bin/rabbitmq-server"]

    def environment(self) -> dict[str, str]:
        return self._mapper | {
            "HOME": str(self.folder),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "rows"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_NODENAME": f"test-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": self._distribution,
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +S 1",  # no busy waiting beside the tests
        }

    def kill(self) -> None:
        super().kill()
        self._end_mapper()

    def _end_mapper(self) -> None:
        """It is a process of its own, and ends only once it has noticed that its node is gone."""
        until = time.monotonic() + 5
        while time.monotonic() < until:
            done = subprocess.run(
                ["epmd", "-kill"], env=os.environ | self._mapper, capture_output=True, text=True, check=False
            )
            said = done.stdout + done.stderr
            if "Killed" in said or "Cannot connect" in said:
                return
            time.sleep(0.05)
        raise AssertionError(f"the port mapper goes on: {said}")


class Redis(Broker):
    """Redis that writes down what it was told before it answers."""

    def __init__(self, bind: str = "127.0.0.1", within: Sequence[str] = ()) -> None:
        super().__init__("redis")
        self._bind, self._within = bind, list(within)
        self.address = f"redis://{bind}:{self.port}/0"

    def command(self) -> list[str]:
        settings = {"port": str(self.port), "bind": self._bind, "dir": str(self.folder), "protected-mode": "no"}
        written = {"save": "", "appendonly": "yes", "appendfsync": "always"}
        return [
            *self._within,
            "redis-server",
            *(word for key, value in (settings | written).items() for word in (f"--{key}", value)),
        ]

    def answers(self) -> bool:
        asked = [*self._within, "redis-cli", "-h", self._bind, "-p", str(self.port), "ping"]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout == "PONG\n"
