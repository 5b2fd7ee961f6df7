"""What comes back by mail: messages a second, parsed and recorded; time and memory for one of 5 MB."""

import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from contextlib import nullcontext
from pathlib import Path

from benchmarks.figures import Figure, median_seconds

SAMPLES = Path(__file__).resolve().parents[1] / "tests" / "events" / "samples"
LARGE = 5_000_000
#: milliseconds a message: 200 messages a second
TARGET = 5.0
ROUNDS = 5


def figures() -> list[Figure]:
    """Milliseconds a message, and megabytes."""
    from broadsheet.events.bounces import parse

    raws = [path.read_bytes() for path in sorted(SAMPLES.glob("*.eml"))]
    each = median_seconds(lambda: [parse(raw) for raw in raws]) / len(raws) * 1000
    large = _large()
    return [
        Figure("bounces: parsing a message", each, "ms", TARGET),
        Figure("bounces: a message of a folder recorded, processor time", _recorded("folder"), "ms", TARGET),
        Figure("bounces: a message stored and recorded by itself", _recorded("mailbox"), "ms"),
        Figure("bounces: parsing a message of 5 MB", median_seconds(lambda: parse(large)) * 1000, "ms", 1000),
        Figure("bounces: memory for a message of 5 MB, beside itself", _memory(), "MB", 10),
    ]


def _large() -> bytes:
    """A report that returns a mail of 5 MB whole."""
    report = (SAMPLES / "postfix-dead.eml").read_bytes()
    end = report.rindex(b"\n--postfix-dead.b--")
    return report[:end] + b"A line of the mail that is returned.\n" * (LARGE // 37) + report[end:]


def _memory() -> float:
    from broadsheet.events.bounces import parse

    large = _large()
    tracemalloc.start()
    parse(large)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def _recorded(what: str) -> float:
    """In a process with a database of its own."""
    with tempfile.TemporaryDirectory(prefix="broadsheet-bounces-") as state:
        environment = os.environ | {"BROADSHEET_STATE": state, "DJANGO_SETTINGS_MODULE": "broadsheet.settings"}
        command = [sys.executable, "-m", "benchmarks.bounces", what]
        return float(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout)


def _measure(what: str) -> float:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import transaction

    from broadsheet import events, pipeline
    from broadsheet.events.bounces import parse

    raws = [path.read_bytes() for path in sorted(SAMPLES.glob("*.eml"))]
    call_command("migrate", verbosity=0)
    recorder = events.Recorder(pipeline.signer(), suppress_after=5)
    parse(raws[0])
    clock = time.process_time if what == "folder" else time.perf_counter
    start = clock()
    for round_ in range(ROUNDS):
        with transaction.atomic() if what == "folder" else nullcontext():
            for raw in raws:
                events.record(events.keep(raw + b" " * round_, "benchmark"), recorder)
    return (clock() - start) / (ROUNDS * len(raws)) * 1000


if __name__ == "__main__":
    print(_measure(sys.argv[1]))
