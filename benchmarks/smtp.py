"""The wire: mails that are ready, over SMTP, in every way that servers offer, and what signing adds.

The ledger has no part in it; :mod:`benchmarks.sending` measures from frozen edition to recorded outcome.
"""

import asyncio
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from aiosmtplib import SMTP
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from benchmarks.figures import Figure
from broadsheet.conf import SmtpAdapter
from broadsheet.sending import Outcome, Result
from broadsheet.sending.adapters.smtp import Smtp
from broadsheet.stamping import Mail

CONNECTIONS = 10
ROUND_TRIP = 0.02
#: Eight static pieces with a reader's own value before each: 38 kB in all.
STATIC = tuple(
    b"There is no need to read everything at once; a story  keeps %d, and so=\r\n" % number * 66 for number in range(8)
)
HEAD = (
    b"From: News <news@news.example>\r\nDate: Tue, 03 Mar 2026 08:00:00 +0000\r\nSubject: Hello\r\n"
    b"List-Unsubscribe: <https://news.example/u/x>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
)


def stamped(number: int) -> Mail:
    """A mail as a stamp gives it."""
    pieces = [HEAD + b"Message-ID: <%d@news.example>\r\nTo: <r%d@reader.example>\r\n\r\n" % (number, number)]
    for static in STATIC:
        pieces += (b"Ada%d=\r\n" % number, static)
    address = f"r{number}@reader.example"
    return Mail(number, "news@news.example", address, f"<{number}@news.example>", pieces)


class Supply:
    """A tray that stamps as it is asked."""

    def __init__(self, count: int) -> None:
        self._left = count
        self.refused: list[Outcome] = []

    def take(self, limit: int) -> Sequence[Mail]:
        """The next ones."""
        count = min(limit, self._left)
        self._left -= count
        return [stamped(self._left + number) for number in range(count)]

    def ended(self) -> bool:
        """Whether there are no more."""
        return not self._left

    def wait(self, seconds: float) -> None:
        """Never needed."""

    def stopped(self) -> bool:
        """Never."""
        return False

    def may_leave(self, mail: Mail) -> bool:
        """They are nobody's."""
        return True

    def attempt_together(self, mails: Sequence[Mail]) -> None:
        """Nothing is kept."""

    def attempt(self, mail: Mail) -> None:
        """Kept nowhere."""

    def answer(self, outcome: Outcome) -> None:
        """Refusals are kept: there should be none."""
        if outcome.result is not Result.SENT:
            self.refused.append(outcome)


def figures() -> list[Figure]:
    """Mails a second by round trip and by way, and the price of a mail."""
    with sink(ROUND_TRIP) as ports:
        late = {way: median_rate(lambda way=way: ours(ports[way], 200 if way == "steps" else 1500)) for way in ports}  # type: ignore[misc]
    with server() as port:
        rows = in_turn(port)
    return [
        Figure("20 ms round trip, plain dialogue, 10 connections", late["steps"], "mails/s"),
        Figure("  the same with PIPELINING", late["groups"] / late["steps"], "times", 3, least=True),
        Figure("  the same with CHUNKING", late["chunks"] / late["steps"], "times", 12, least=True),
        *rows,
    ]


def in_turn(port: int) -> list[Figure]:
    """Every way of sending to the same server, one after the other, five times over; medians."""
    with TemporaryDirectory() as folder:
        keys = keys_in(Path(folder))
        ways: dict[str, Callable[[], float]] = {
            "ours": lambda: ours(port, 6_000),
            "aiosmtplib": lambda: theirs(port, 1500),
            **{name: lambda key=key: ours(port, 6_000, dkim_key_file=str(key)) for name, key in keys.items()},  # type: ignore[misc]
        }
        if shutil.which("smtp-source"):
            ways["smtp-source"] = lambda: c_generator(port, 6_000)
        rates: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(5):
            for way, measure in ways.items():
                rates[way].append(measure())
        started = time.process_time()
        ours(port, 6_000)
        each = (time.process_time() - started) / 6_000
    rate = {way: statistics.median(found) for way, found in rates.items()}
    rows = [
        Figure("no round trip, 38 kB, 10 connections", rate["ours"], "mails/s"),
        Figure("  processor time of the sender", each * 1e6, "us a mail"),
        Figure("  against aiosmtplib with ready bytes", rate["ours"] / rate["aiosmtplib"], "times", 3, least=True),
    ]
    if base := rate.get("smtp-source"):
        rows += [
            Figure("  against smtp-source -d", rate["ours"] / base, "times", 1, least=True),
            Figure("  signed with Ed25519, against smtp-source -d", rate["Ed25519"] / base, "times", 0.95, least=True),
            Figure(
                "  signed with RSA-2048, against smtp-source -d", rate["RSA-2048"] / base, "times", 0.45, least=True
            ),
        ]
    return rows


def median_rate(measure: Callable[[], float], times: int = 5) -> float:
    return statistics.median(measure() for _ in range(times))


def ours(port: int, count: int, **given: str) -> float:
    """Mails a second by the adapter, logins not counted, nor the start of what signs."""
    signing = {"dkim_domain": "news.example", "dkim_selector": "s", **given} if given else {}
    settings = SmtpAdapter(
        kind="smtp", port=port, security="none", hello="bench.example", connections=CONNECTIONS,
        messages_per_connection=1_000_000, **signing,  # type: ignore[arg-type]
    )  # fmt: skip
    adapter = Smtp(settings)
    adapter.open()
    adapter.deliver(Supply(1_000 if given else CONNECTIONS * 5))
    supply = Supply(count)
    start = time.perf_counter()
    adapter.deliver(supply)
    taken = time.perf_counter() - start
    adapter.close()
    assert not supply.refused, supply.refused[0]
    return count / taken


def theirs(port: int, count: int) -> float:
    """Mails a second by aiosmtplib, as many connections, bytes ready before."""
    ready = [stamped(number) for number in range(count)]

    async def work() -> float:
        clients = [
            SMTP(hostname="127.0.0.1", port=port, start_tls=False, local_hostname="bench.example")
            for _ in range(CONNECTIONS)
        ]
        await asyncio.gather(*(client.connect() for client in clients))
        start = time.perf_counter()
        await asyncio.gather(*(one(client) for client in clients))
        taken = time.perf_counter() - start
        await asyncio.gather(*(client.quit() for client in clients))
        return count / taken

    async def one(client: SMTP) -> None:
        while ready:
            mail = ready.pop()
            await client.sendmail(mail.mail_from, [mail.rcpt_to], mail.content)

    return asyncio.run(work())


def c_generator(port: int, count: int) -> float:
    """Mails a second by Postfix's load generator, its start and its logins counted as they can't be left out."""
    start = time.perf_counter()
    subprocess.run(
        ["smtp-source", "-d", "-s", str(CONNECTIONS), "-m", str(count), "-l", "38000", f"127.0.0.1:{port}"], check=True
    )
    return count / (time.perf_counter() - start)


def keys_in(folder: Path) -> dict[str, Path]:
    """A key of each kind."""
    keys = {"Ed25519": ed25519.Ed25519PrivateKey.generate(), "RSA-2048": rsa.generate_private_key(65537, 2048)}
    plain = serialization.NoEncryption()
    for name, key in keys.items():
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)  # type: ignore[attr-defined]
        (folder / name).write_bytes(pem)
    return {name: folder / name for name in keys}


@contextmanager
def sink(delay: float) -> Iterator[dict[str, int]]:
    """Our own server in a process of its own: way to port."""
    command = [sys.executable, "-m", "benchmarks._sink", "--delay", str(delay)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline().split() for _ in range(3)]
        yield {way: int(port) for way, port in lines}
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def server() -> Iterator[int]:
    """Postfix's ``smtp-sink`` where it is, else our own: its port."""
    if not shutil.which("smtp-sink"):
        with sink(0) as ports:
            yield ports["groups"]
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    owner = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen(["smtp-sink", *owner, f"127.0.0.1:{port}", "1000"])
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait()
