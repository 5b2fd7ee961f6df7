"""One-click unsubscribes coming in at a steady rate while an edition is being sent, on SQLite, in real processes.

The pages are `broadsheet serve`; the sender is a process of its own, which sends the edition again and again, so that
the database is written to all the time. Requests keep to their times whether earlier ones are answered or not.
"""

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure

RATE = 50
#: Connections at once; enough to keep the rate at a second for each answer.
AT_ONCE = 64
BODIES = (
    ("List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
    (
        '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
        "multipart/form-data; boundary=b",
    ),
    ("", "application/x-www-form-urlencoded"),
)

#: Makes the workspace's people and an edition that all of them get; prints each one's path to leave.
_PREPARE = """
import sys
from broadsheet.cli.setup import ready
workspace = ready()
from datetime import UTC, datetime
from broadsheet import editions, pipeline
from broadsheet.audience import interest_set
from broadsheet.models import Subscriber, Subscription
now, interests = datetime.now(UTC), interest_set(["sleep"])
Subscriber.objects.bulk_create(
    Subscriber(email=f"n{n}@reader.example", email_key=f"n{n}@reader.example", interests=interests, created_at=now)
    for n in range(int(sys.argv[1]))
)
Subscription.objects.bulk_create(
    Subscription(subscriber_id=pk, list_name="newsletter", state="subscribed", consent_at=now)
    for pk in Subscriber.objects.values_list("pk", flat=True)
)
pipeline.collect(workspace)
edition = pipeline.prepare(workspace, "weekly", datetime(2026, 3, 3, 9, tzinfo=UTC), who="benchmark")
signer = pipeline.signer()
for pk in Subscriber.objects.order_by("pk").values_list("pk", flat=True):
    print(f"/u/{signer.make('u', edition.pk, pk)}")
"""

#: Sends the edition over and over until it is told to stop; prints how many copies it sent.
_SEND = """
import signal
from broadsheet.cli.setup import ready
workspace = ready()
from broadsheet import pipeline
from broadsheet.models import Edition
from broadsheet.sending.adapters.memory import MemoryOutbox
stopped, sent = [], 0
signal.signal(signal.SIGTERM, lambda *_: stopped.append(1))
edition = Edition.objects.get()
print("sending", flush=True)
while not stopped:
    outbox = MemoryOutbox()
    pipeline.send(workspace, edition, outbox, stop=lambda: bool(stopped))
    sent += len(outbox.mails)
    edition.deliveries.filter(state="sent").update(state="queued", at=None)
    Edition.objects.update(state="sending")
    edition.refresh_from_db()
print(sent, flush=True)
"""

#: Prints how many have left, and how many events say so.
_COUNT = """
from broadsheet.cli.setup import ready
ready()
from broadsheet.models import Event, Subscription
print(Subscription.objects.filter(state="unsubscribed").count(), Event.objects.filter(kind="unsubscribed").count())
"""

_FILES = {
    "broadsheet.toml": '[site]\nname = "Stillwater"\npostal_address = "12 Harbour Lane"\n',
    "subscribers/lists.yaml": "lists:\n  newsletter: {title: Stillwater Weekly}\n",
    "campaigns/weekly.md": "---\nname: Weekly\nlist: newsletter\narticles: {newest: 1}\ntemplate: plain\n"
    "subject: News\napproval: automatic\n---\nHello.\n",
    "templates/plain/template.html": "<!doctype html><html><body>{{ intro }}"
    '<p>{{ site.postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>',
    "articles/night.md": "---\ntitle: Night\ndate: 2026-03-01\ntags: [sleep]\n---\nOnce upon a time.\n",
}


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    asked: int
    answered: int
    """How many got 200."""
    left: int
    """How many the database says have left."""
    events: int
    sent: int
    """How many copies were sent meanwhile."""
    median: float
    slowest: float
    """Seconds until an answer, from the time at which the request was due."""


def measured(folder: Path, seconds: int, readers: int = 5_000, clicks: int = 1) -> Outcome:
    """:data:`RATE` readers a second leave for so long, each by so many clicks at once, while an edition is sent."""
    for name, text in _FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    paths = _run(folder, _PREPARE, str(readers)).split()
    asked = [path for path in paths[: seconds * RATE] for _ in range(clicks)]
    with _process(folder, "-c", _SEND) as sender, _process(folder, "-m", "broadsheet", "serve", "--port", "0") as serve:
        assert sender.stdout is not None
        assert serve.stderr is not None
        sender.stdout.readline()
        port = int(re.findall(r":(\d+)/", serve.stderr.readline())[0])
        start = time.monotonic() + 0.2
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(
                pool.map(lambda turn: _ask(port, turn, asked[turn], start + turn // clicks / RATE), range(len(asked)))
            )
        sender.send_signal(signal.SIGTERM)
        sent = int(sender.stdout.readline())
    left, events = map(int, _run(folder, _COUNT).split())
    waits = sorted(wait for _, wait in answers)
    ok = sum(status == 200 for status, _ in answers)
    return Outcome(len(asked), ok, left, events, sent, waits[len(waits) // 2], waits[-1])


def _ask(port: int, turn: int, path: str, due: float) -> tuple[int, float]:
    time.sleep(max(0.0, due - time.monotonic()))
    body, content_type = BODIES[turn % len(BODIES)]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", path, body, {"Content-Type": content_type})
        answer = connection.getresponse()
        answer.read()
        return answer.status, time.monotonic() - due
    except OSError:
        return 0, time.monotonic() - due
    finally:
        connection.close()


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET_", "DJANGO_"))}
    return {**kept, "BROADSHEET_WORKSPACE": str(folder)}


def _run(folder: Path, code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, env=_environment(folder), check=True, capture_output=True, text=True)
    return done.stdout


@contextmanager
def _process(folder: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env=_environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def figures() -> list[Figure]:
    """The median and the slowest answer in milliseconds, and how many were not answered 200 or got lost: none."""
    seconds = 60 if os.environ.get("BROADSHEET_BENCH_FULL") else 10
    with TemporaryDirectory() as folder:
        found = measured(Path(folder), seconds)
    what = f"{RATE} unsubscribes/s for {seconds} s while {found.sent:,} mails are sent"
    return [
        Figure(f"{what}: median answer", found.median * 1e3, "ms", 250),
        Figure("the same: slowest answer", found.slowest * 1e3, "ms"),
        Figure("the same: not answered 200", found.asked - found.answered, "requests", 0),
        Figure("the same: lost", seconds * RATE - found.left, "readers", 0),
    ]
