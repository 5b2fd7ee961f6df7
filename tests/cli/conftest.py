"""The command as people run it: a process of its own, in a folder of its own."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests import commands


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """Its standard output, which must be one JSON document and nothing else."""
        return json.loads(self.out)

    @property
    def sentence(self):
        """Its standard error, which must be one sentence: no traceback, nothing on standard output."""
        assert "Traceback" not in self.err, self.err
        assert self.out == ""
        lines = [line for line in self.err.strip().splitlines() if line.strip()]
        assert len(lines) == 1, self.err
        return lines[0]


def start(*arguments, cwd, **env):
    """Starts the command and does not wait for it."""
    return subprocess.Popen(
        [sys.executable, "-m", "broadsheet", *arguments],
        cwd=cwd,
        env=commands.environment(**env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="session")
def starts():
    """Starts ``broadsheet`` without waiting for it."""
    return start


@pytest.fixture(scope="session")
def run():
    """Runs ``broadsheet`` with these arguments in a folder, to its end."""

    def ran(*arguments, cwd: Path, **env):
        done = commands.run(*arguments, cwd=cwd, environ=commands.environment(**env))
        return Ran(done.returncode, done.stdout, done.stderr)

    return ran


@pytest.fixture(scope="session")
def together(run):
    """Runs several ``broadsheet`` commands in a folder side by side; what each did, in order."""

    def ran(commands, cwd: Path):
        with ThreadPoolExecutor(max_workers=3) as pool:
            return list(pool.map(lambda arguments: run(*arguments, cwd=cwd), commands))

    return ran
