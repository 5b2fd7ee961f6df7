"""What comes back by mail: messages a second, parsed and recorded; time and memory for one of 5 MB."""

import contextlib
import io
import os
import smtplib
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from benchmarks.figures import Figure, median_seconds

SAMPLES = Path(__file__).resolve().parents[1] / "tests" / "events" / "samples"
LARGE = 5_000_000
#: messages a second, and milliseconds for each
RATE, TARGET = 200, 5.0
ROUNDS = 10
#: connections that a mail server opens to the listener
CONNECTIONS = 10
WAYS = {"folder": "a folder", "mailbox": "a mailbox", "listener": "the listener"}
#: The workspace that they come back to.
FILES = {"broadsheet.toml": ""}


def figures() -> list[Figure]:
    """Milliseconds a message, and megabytes."""
    from broadsheet.events.bounces import parse

    raws = [path.read_bytes() for path in sorted(SAMPLES.glob("*.eml"))]
    each = median_seconds(lambda: [parse(raw) for raw in raws]) / len(raws) * 1000
    large = _large()
    return [
        Figure("bounces: parsing a message", each, "ms", TARGET),
        *(figure for what, title in WAYS.items() for figure in _recorded(what, title)),
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


def _recorded(what: str, title: str) -> list[Figure]:
    """In a process with a workspace of its own."""
    with tempfile.TemporaryDirectory(prefix="broadsheet-bounces-") as folder:
        for path, text in FILES.items():
            Path(folder, path).write_text(text, encoding="utf-8")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("BROADSHEET", "DJANGO"))}
        environment = kept | {"BROADSHEET_WORKSPACE": folder, "DJANGO_SETTINGS_MODULE": "broadsheet.settings"}
        command = [sys.executable, "-m", "benchmarks.bounces", what, folder]
        said = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    rate, processor = map(float, said.split())
    return [
        Figure(f"bounces: messages of {title} stored and recorded", rate, "messages/s", RATE, least=True),
        Figure(f"bounces: one of {title}, processor time", processor, "ms", TARGET),
    ]


def _measure(what: str, folder: Path) -> tuple[float, float]:
    """Messages a second, until the last is recorded; and milliseconds of this process for each."""
    import django

    django.setup()
    from django.core.management import call_command

    from broadsheet import pipeline
    from broadsheet.models import ReturnedMail
    from broadsheet.workspace import Workspace

    call_command("migrate", verbosity=0)
    raws = [path.read_bytes() for path in sorted(SAMPLES.glob("*.eml")) if path.stat().st_size]
    raws = [raw.rstrip() + b"\r\n" + b"-" * round_ + b"\r\n" for round_ in range(ROUNDS) for raw in raws]
    recorder = pipeline.recorder(Workspace(folder))
    way = {"folder": _of_a_folder, "mailbox": _of_a_mailbox, "listener": _of_the_listener}[what]
    processor = time.process_time()
    seconds = way(raws, folder, recorder)
    processor = time.process_time() - processor
    recorded = ReturnedMail.objects.filter(recorded_at__isnull=False).count()
    assert recorded > 0.95 * len(raws), f"{recorded} of {len(raws)}"
    return recorded / seconds, processor / recorded * 1000


def _of_a_folder(raws: list[bytes], folder: Path, _recorder: object) -> float:
    """As ``broadsheet bounces FOLDER`` does."""
    from broadsheet.cli import app

    inside = folder / "came-back"
    inside.mkdir()
    for number, raw in enumerate(raws):
        (inside / f"{number:05}.eml").write_bytes(raw)
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        app(["bounces", str(inside), "--json"])
    return time.perf_counter() - start


def _of_a_mailbox(raws: list[bytes], folder: Path, recorder: Any) -> float:
    """By IMAP, from a Dovecot on this machine."""
    from tests.events import dovecot

    from broadsheet.conf import ImapMailbox
    from broadsheet.events.incoming import mailboxes

    with tempfile.TemporaryDirectory(prefix="broadsheet-dovecot-") as place, dovecot.running(Path(place)) as server:
        server.put(*raws)
        settings = ImapMailbox(
            kind="imap",
            host="127.0.0.1",
            user=dovecot.USER,
            password=SecretStr(dovecot.PASSWORD),
            port=server.ports["imap"],
            security="none",
        )
        start = time.perf_counter()
        mailboxes._read("benchmark", settings, recorder)
        return time.perf_counter() - start


def _of_the_listener(raws: list[bytes], folder: Path, recorder: Any) -> float:
    """By SMTP, over as many connections as a mail server opens."""
    from broadsheet.events import Listener
    from broadsheet.models import ReturnedMail

    with Listener("127.0.0.1:0", recorder, addresses=["fbl@back.example"]) as listener:

        def hand_over(mine: list[bytes]) -> None:
            with smtplib.SMTP("127.0.0.1", listener.port) as client:
                for raw in mine:
                    client.sendmail("a@b.example", ["fbl@back.example"], raw)

        start = time.perf_counter()
        threads = [
            threading.Thread(target=hand_over, args=(raws[number::CONNECTIONS],)) for number in range(CONNECTIONS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        while ReturnedMail.objects.filter(recorded_at__isnull=True).exists():
            time.sleep(0.02)
        return time.perf_counter() - start


if __name__ == "__main__":
    print(*_measure(sys.argv[1], Path(sys.argv[2])))
