"""A burst of webhook calls on the server of ``broadsheet serve``: 1,000 a second for 10 s, on SQLite and PostgreSQL."""

import base64
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.databases import server
from benchmarks.figures import Figure

RATE, SECONDS, CLIENTS = 1_000, 10, 20
_PASSWORD = "hooks:of-the-benchmark"
_TOML = '[adapters.default]\nkind = "postmark"\n'
_HEADERS = {
    "Authorization": "Basic " + base64.b64encode(_PASSWORD.encode()).decode(),
    "Content-Type": "application/json",
}


def figures() -> list[Figure]:
    """Calls kept a second at the rate that is wanted, and how many at the most, on both databases."""
    found = _on("SQLite", {})
    if programs := sorted(Path("/usr/lib/postgresql").glob("*/bin")):
        with (
            tempfile.TemporaryDirectory(prefix="broadsheet-hooks-") as folder,
            server(programs[-1], Path(folder)) as address,
        ):
            found += _on("PostgreSQL", {"BROADSHEET_DATABASE": address})
    return found


def _on(name: str, database: dict[str, str]) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="broadsheet-hooks-") as folder:
        (Path(folder) / "broadsheet.toml").write_text(_TOML, encoding="utf-8")
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("BROADSHEET", "DJANGO"))}
        environment |= {"BROADSHEET_ADAPTERS_DEFAULT_WEBHOOK_SECRET": _PASSWORD, **database}
        command = [sys.executable, "-m", "broadsheet", "serve", "--port", "0"]
        process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        said = process.stderr.readline()
        try:
            port = int(re.findall(r":(\d+)/", said)[0])
            kept, seconds = _burst(port, RATE)
            most, took = _burst(port, None)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    return [
        Figure(f"webhook calls lost of {RATE * SECONDS:,}, {name}", RATE * SECONDS - kept, "calls", 0),
        Figure(f"webhook calls sent in {SECONDS} s are kept in, {name}", seconds, "s", SECONDS * 1.05),
        Figure(f"webhook calls kept as fast as it goes, {name}", most / took, "calls/s"),
    ]


def _burst(port: int, rate: int | None) -> tuple[int, float]:
    """How many calls were answered with 200, and in how many seconds; ``rate`` a second, or as fast as it goes."""
    kept, begun = [0] * CLIENTS, time.perf_counter()
    share = RATE * SECONDS // CLIENTS

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for each in range(share):
            if rate:
                time.sleep(max(0.0, begun + each * CLIENTS / rate - time.perf_counter()))
            event = {"RecordType": "Delivery", "Recipient": f"r{each}@reader.example", "MessageID": f"{number}-{each}"}
            connection.request("POST", "/hooks/default", json.dumps(event), _HEADERS)
            answer = connection.getresponse()
            answer.read()
            kept[number] += answer.status == 200

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(kept), time.perf_counter() - begun
