"""Sending, end to end, against Postfix's C load generator to the same sink: a frozen edition to recorded outcomes.

Everything is measured in turn, round after round, so that what else the machine does falls on all of it; ratios are
medians of the rounds' own. ``smtp-source`` and ``smtp-sink`` are Debian's ``postfix``; without them there is nothing to
compare with, and nothing is measured.
"""

import asyncio
import json
import os
import resource
import shutil
import smtplib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from benchmarks.databases import server
from benchmarks.figures import Figure

SINK, SOURCE = shutil.which("smtp-sink", path="/usr/sbin"), shutil.which("smtp-source", path="/usr/sbin")
CONNECTIONS, ROUNDS = 10, 5
#: messages of one round: ours and the C generator's, aiosmtplib's, the usual script's
MANY, FEW, FEWER = 20_000, 2_000, 60
#: what a ledger holds when its size is taken: what only its newest edition takes is a small part of it by then
EDITIONS = 20
CAMPAIGN = """\
---
name: Weekly
list: news
template: big
subject: Weekly
articles: {repeat: allow}
approval: automatic
---
Hello.
"""
SETTINGS = """\
[site]
url = "https://news.example"
[adapters.default]
kind = "smtp"
port = {port}
security = "none"
connections = {connections}
"""


#: what a newsletter's style sheet is like; premailer's time is in its rules
STYLE = "".join(
    f".c{number}, td.c{number} > p {{ color: #12{number:02}56; margin: 0 0 {number}px; font: 16px Georgia, serif }}\n"
    f"@media (max-width: 600px) {{ .c{number} {{ padding: {number}px }} }}\n"
    for number in range(40)
)


def figures() -> list[Figure]:
    """Ratios to ``smtp-source``, processor time a message, memory, and disk a delivery."""
    if not (SINK and SOURCE):
        print("sending: smtp-sink and smtp-source are not installed (Debian: postfix)", file=sys.stderr)
        return []
    full = bool(os.environ.get("BROADSHEET_BENCH_FULL"))
    readers = 100_000 if full else MANY
    rates: dict[str, list[float]] = defaultdict(list)
    facts: dict[str, dict[str, float]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="broadsheet-sending-")))
        port = stack.enter_context(_sink())
        places, address = {"SQLite": _place(folder / "sqlite", port, None)}, None
        if programs := sorted(Path("/usr/lib/postgresql").glob("*/bin")):
            address = stack.enter_context(server(programs[-1], folder))
            places["PostgreSQL"] = _place(folder / "on-postgresql", port, address)
        for environment in places.values():
            _step(environment, "load", readers)
        mail = _step(places["SQLite"], "sample", 1)["mail"]
        for _ in range(ROUNDS):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            rates["smtp-source"].append(_smtp_source(port, readers, len(mail)))
            rates["smtp-source cpu"].append(_cpu(before, resource.getrusage(resource.RUSAGE_CHILDREN)) / readers)
            for vendor, environment in places.items():
                facts[vendor] = _step(environment, "send", readers)
                rates[vendor].append(facts[vendor]["rate"])
                rates[f"{vendor} cpu"].append(facts[vendor]["cpu"])
            rates["aiosmtplib"].append(asyncio.run(_aiosmtplib(port, mail.encode())))
            rates["script"].append(_script(places["SQLite"], port))
        for vendor in places:
            facts[vendor] |= _grown(folder, vendor, port, address)
    return _shown(rates, facts)


def _grown(folder: Path, vendor: str, port: int, address: str | None) -> dict[str, float]:
    """How large a ledger of its own is after many editions."""
    database = None
    if vendor == "PostgreSQL" and address:
        import psycopg

        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("CREATE DATABASE grown")
        database = address.rpartition("/")[0] + "/grown"
    environment = _place(folder / f"grown-{vendor}", port, database)
    _step(environment, "load", MANY)
    return _step(environment, "grow", MANY)


def _shown(rates: dict[str, list[float]], facts: dict[str, dict[str, float]]) -> list[Figure]:
    def ratio(one: str, other: str) -> float:
        return statistics.median(a / b for a, b in zip(rates[one], rates[other], strict=True))

    rows = [
        Figure("sending: smtp-source -d", statistics.median(rates["smtp-source"]), "messages/s"),
        Figure("sending: processor time, smtp-source", statistics.median(rates["smtp-source cpu"]), "us/message"),
    ]
    for vendor, least in (("SQLite", 1.00), ("PostgreSQL", 0.90)):
        if vendor in facts:
            rows += [
                Figure(f"sending: end to end, {vendor}", statistics.median(rates[vendor]), "messages/s"),
                Figure(
                    f"sending: {vendor} against smtp-source", ratio(vendor, "smtp-source"), "times", least, least=True
                ),
                Figure(
                    f"sending: processor time, {vendor}", statistics.median(rates[f"{vendor} cpu"]), "us/message", 120
                ),
                Figure(f"sending: memory, {vendor}", facts[vendor]["memory"], "MB", 100),
                Figure(
                    f"sending: ledger of {EDITIONS} editions, disk a delivery, {vendor}",
                    facts[vendor]["disk"],
                    "bytes",
                    200,
                ),
            ]
    rows.append(Figure("sending: SQLite against the usual script", ratio("SQLite", "script"), "times", 70, least=True))
    rows.append(Figure("sending: SQLite against aiosmtplib", ratio("SQLite", "aiosmtplib"), "times", 3, least=True))
    return rows


@contextmanager
def _sink() -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    lent = ["-u", "postfix"] if os.geteuid() == 0 else []
    sink = subprocess.Popen([str(SINK), *lent, f"127.0.0.1:{port}", "200"], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        sink.kill()
        sink.wait()


def _place(root: Path, port: int, database: str | None) -> dict[str, str]:
    """A workspace, as the environment of the processes that work on it."""
    from benchmarks.press import FILLER, FILLERS, HTML, TEXT

    files = {
        "broadsheet.toml": SETTINGS.format(port=port, connections=CONNECTIONS),
        "subscribers/lists.yaml": "lists: {news: {title: News}}\n",
        "articles/a.md": "---\ntitle: A\ndate: 2026-11-01\n---\nOnce.\n",
        "campaigns/weekly.md": CAMPAIGN,
        "templates/big/template.html": HTML.format(FILLER * (FILLERS - 14)).replace("<style>", f"<style>{STYLE}"),
        "templates/big/text.txt": TEXT,
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET", "DJANGO"))}
    here = kept | {"BROADSHEET_WORKSPACE": str(root), "DJANGO_SETTINGS_MODULE": "broadsheet.settings"}
    return here | ({"BROADSHEET_DATABASE": database} if database else {})


def _step(environment: dict[str, str], step: str, readers: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.sending", step, str(readers)]
    if step == "send":  # frozen by another process, as its memory is not the sender's
        subprocess.run([*command[:-2], "freeze", str(readers)], env=environment, check=True, stdout=subprocess.PIPE)
    ran = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def _smtp_source(port: int, messages: int, size: int) -> float:
    """Messages a second. ``size`` is without the header of four lines that it writes itself."""
    command = [str(SOURCE), "-d", "-s", str(CONNECTIONS), "-l", str(size), "-m", str(messages)]
    start = time.perf_counter()
    subprocess.run([*command, "-f", "a@news.example", "-t", "b@reader.example", f"127.0.0.1:{port}"], check=True)
    return messages / (time.perf_counter() - start)


async def _aiosmtplib(port: int, mail: bytes) -> float:
    from aiosmtplib import SMTP

    async def work() -> None:
        async with SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
            for _ in range(FEW // CONNECTIONS):
                await client.sendmail("a@news.example", "b@reader.example", mail)

    start = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return FEW / (time.perf_counter() - start)


def _script(environment: dict[str, str], port: int) -> float:
    """What most people write first: render, inline, build and connect for each reader."""
    from jinja2 import Template
    from premailer import transform

    root = Path(environment["BROADSHEET_WORKSPACE"])
    template = Template((root / "templates/big/template.html").read_text(encoding="utf-8"))
    start = time.perf_counter()
    for number in range(FEWER):
        values = {"first_name": f"Ada{number}", "email": f"p{number}@reader.example", "interests": ["sleep"]}
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "a@news.example", values["email"], "Weekly"
        message.set_content(f"Hello {values['first_name']}!")
        html = template.render(subscriber=values, unsubscribe_url="https://x.example/u", view_url="https://x.example/v")
        message.add_alternative(transform(html), subtype="html")
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.send_message(message)
    return FEWER / (time.perf_counter() - start)


# In processes of their own


def _load(readers: int) -> dict[str, Any]:
    """So many people, every third without a name, every fifth with one that is not ASCII."""
    from django.core.management import call_command
    from django.db import connection, transaction

    from broadsheet.audience import interest_set

    call_command("migrate", verbosity=0)
    both, one = interest_set(["sleep", "mind"]).pk, interest_set(["sleep"]).pk
    numbers = (
        f"WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < {readers})"
        if connection.vendor == "sqlite"
        else f"WITH g AS (SELECT generate_series(1, {readers}) i)"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO broadsheet_subscriber (id, email, email_key, first_name, last_name, language, time_zone,"
            f" attributes, interests_id, source, created_at) {numbers} SELECT i, 'p' || i || '@reader.example',"
            " 'p' || i || '@reader.example', CASE WHEN i %% 3 = 0 THEN '' WHEN i %% 5 = 0 THEN 'Jürgen' ELSE 'Ada' END,"
            f" '', 'de', '', '{{}}', CASE WHEN i %% 2 = 0 THEN {both} ELSE {one} END, '', '2026-01-01' FROM g",
            [],
        )
        cursor.execute(
            "INSERT INTO broadsheet_subscription (subscriber_id, list_name, state, consent_how)"
            " SELECT id, 'news', 'subscribed', '' FROM broadsheet_subscriber"
        )
    with connection.cursor() as cursor:  # as an import does at its end
        cursor.execute("PRAGMA optimize" if connection.vendor == "sqlite" else "ANALYZE")
    return {}


def _edition(*, make: bool) -> Any:
    from django.utils import timezone

    from broadsheet import pipeline
    from broadsheet.models import Edition
    from broadsheet.workspace import Workspace

    workspace = Workspace(Path(os.environ["BROADSHEET_WORKSPACE"]))
    if make:
        pipeline.collect(workspace)
        pipeline.prepare(workspace, "weekly", timezone.now(), who="benchmark")
    return workspace, Edition.objects.order_by("pk").last()


def _freeze(_: int) -> dict[str, Any]:
    from django.db import connection

    _edition(make=True)
    if connection.vendor == "postgresql":  # as autovacuum would have, between two editions
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE broadsheet_delivery")
    return {}


def _sample(_: int) -> dict[str, Any]:
    """A stamped copy, for who sends ready bytes."""
    from broadsheet import editions, pipeline
    from broadsheet.sending import Outcome, Result

    workspace, edition = _edition(make=True)
    kept: list[bytes] = []

    class One:
        def open(self) -> None: ...
        def close(self) -> None: ...
        def deliver(self, tray: Any) -> None:
            for mail in tray.take(1):
                kept.append(mail.content)
                tray.answer(Outcome(mail.delivery_id, Result.FAILED, "sample"))

    pipeline.send(workspace, edition, One())
    editions.cancel(edition, who="benchmark")
    return {"mail": kept[0].decode("ascii")}


def _grow(_: int) -> dict[str, Any]:
    """More editions, sent by an adapter that takes everything at once; then how large the ledger is."""
    from broadsheet import pipeline
    from broadsheet.models import Edition
    from broadsheet.sending import Outcome, Result

    class All:
        def open(self) -> None: ...
        def close(self) -> None: ...
        def deliver(self, tray: Any) -> None:
            while not tray.ended():
                for mail in tray.take(500):
                    tray.answer(Outcome(mail.delivery_id, Result.SENT))
                tray.wait(0.05)

    while Edition.objects.count() < EDITIONS:
        _freeze(0)
        workspace, edition = _edition(make=False)
        pipeline.send(workspace, edition, All())
    return {"disk": _disk()}


def _send(readers: int) -> dict[str, Any]:
    from broadsheet import pipeline

    workspace, edition = _edition(make=False)
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    sent = pipeline.send(workspace, edition).sent
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    if sent != readers:
        raise RuntimeError(f"{sent} of {readers} were sent")
    return {
        "rate": sent / seconds,
        "cpu": _cpu(before, after) / sent,
        "memory": after.ru_maxrss / 1024,
    }


def _cpu(before: resource.struct_rusage, after: resource.struct_rusage) -> float:
    """Microseconds of user and system time between the two."""
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e6


def _disk() -> float:
    """Bytes of the ledger's table and indexes, by rows in it."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_total_relation_size('broadsheet_delivery')")
        else:
            cursor.execute(
                "SELECT sum(pgsize) FROM dbstat WHERE name IN"
                " (SELECT name FROM sqlite_master WHERE tbl_name = 'broadsheet_delivery')"
            )
        size = cursor.fetchone()[0]
        cursor.execute("SELECT count(*) FROM broadsheet_delivery")
        return float(size / cursor.fetchone()[0])


def main(step: str, readers: int) -> None:
    """One step in this process; what it measured, as JSON on standard output."""
    import django

    django.setup()
    steps = {"load": _load, "freeze": _freeze, "sample": _sample, "send": _send, "grow": _grow}
    json.dump(steps[step](readers), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
