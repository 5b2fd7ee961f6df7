"""What machines ask: up, ready, and how the sending goes."""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest
from django.db import connections
from prometheus_client.parser import text_string_to_metric_families

from broadsheet.models import Campaign, DeliveryState, Edition, EditionState
from broadsheet.sending import Outcome, Result
from broadsheet.sending.adapters.memory import MemoryOutbox
from broadsheet.web.health import figures, readiness

ROOT = Path(__file__).resolve().parents[2]
PROXIES = [
    {"HTTP_X_FORWARDED_FOR": "198.51.100.7"},
    {"HTTP_VIA": "1.1 front"},
    {"REMOTE_ADDR": "198.51.100.7"},
    {"HTTP_HOST": "news.stillwater.example"},
    {"HTTP_HOST": "[::1"},
    {"HTTP_HOST": ""},
]


@pytest.fixture(autouse=True)
def afresh(monkeypatch, workspace):
    """Nothing is known from earlier looks."""
    monkeypatch.setattr(figures, "_LEDGER", figures._Ledger())
    monkeypatch.setattr(readiness, "_found", {})


@pytest.fixture
def scraped(client):
    """The figures: name and labels to value."""

    def scrape():
        figures._LEDGER.kept = 0.0
        answer = client.get("/metrics", HTTP_HOST="localhost")
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("text/plain; version=")
        families = text_string_to_metric_families(answer.content.decode())
        return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}

    return scrape


def test_a_process_that_answers_is_up_whatever_the_host_name(client):
    answer = client.get("/healthz", headers={"host": "10.0.0.7:8000"})
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert client.get("/", headers={"host": "10.0.0.7:8000"}).status_code == 400
    assert client.post("/healthz").status_code == 405
    assert answer["Cache-Control"] == "no-store"


def test_a_process_with_all_it_needs_is_ready(client, db):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (
        200,
        {"ready": True, "checks": {"database": "ok", "migrations": "ok", "broker": "ok"}},
    )


def test_a_database_older_than_the_program_is_not_ready(client, db):
    with connections["default"].cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'broadsheet'")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"] == "the database is older than this program"


def test_a_broker_that_is_away_is_not_ready_unless_it_is_left_out(client, db, monkeypatch, caplog):
    monkeypatch.setenv("BROADSHEET_BROKER", "amqp://guest:hunter2@127.0.0.1:1//")
    monkeypatch.setenv("BROADSHEET_DATABASE", "postgresql://db.example/news")
    monkeypatch.setenv("BROADSHEET_SECRET_KEY", "one")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "ok", "migrations": "ok", "broker": "can't be reached"}
    assert "127.0.0.1" not in answer.content.decode()
    assert "hunter2" not in caplog.text
    assert client.get("/readyz?exclude=broker").status_code == 200


ASK = """
import sys
from broadsheet.cli.setup import django, os
os.environ["DJANGO_SETTINGS_MODULE"] = "broadsheet.settings"
django.setup()
from django.test import Client
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(len(sys.argv)) as threads:
    for answer in threads.map(lambda path: Client().get(path, HTTP_HOST="localhost"), sys.argv[1:]):
        print(answer.status_code, answer.content.decode().strip())
"""


def test_a_database_that_is_away_is_not_ready_and_has_no_figures(workspace):
    environment = {**os.environ, "BROADSHEET_WORKSPACE": str(workspace.root)}
    environment["BROADSHEET_DATABASE"] = "postgresql://user:hunter2@127.0.0.1:1/news"
    command = [sys.executable, "-c", ASK, "/healthz", "/readyz?exclude=broker", "/metrics"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    up, ready, figures_ = done.stdout.splitlines()
    assert up == "200 ok"
    assert ready.startswith("503 ")
    assert json.loads(ready[4:])["checks"] == {"database": "can't be used", "migrations": "can't be known"}
    assert figures_ == "503 The database can't be used."
    assert "hunter2" not in done.stdout + done.stderr


# -- who may read the figures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", PROXIES)
def test_without_a_token_only_this_machine_reads_the_figures(client, db, request_):
    assert client.get("/metrics", HTTP_HOST="localhost:8000").status_code == 200
    assert client.get("/metrics", **{"HTTP_HOST": "localhost", **request_}).status_code == 403
    assert client.get("/metrics", REMOTE_ADDR="::1", HTTP_HOST="[::1]:8000").status_code == 200


def test_what_a_proxy_on_this_machine_passes_on_is_refused_by_the_real_server(workspace):
    environment = {**os.environ, "BROADSHEET_WORKSPACE": str(workspace.root)}
    command = [sys.executable, "-m", "broadsheet", "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as server:
        try:
            port = int(re.search(r":(\d+)/", server.stderr.readline())[1])
            for headers, status in (
                ({}, 200),
                ({"X-Forwarded-For": "198.51.100.7"}, 403),
                ({"Host": "a.example"}, 403),
            ):
                connection = HTTPConnection("127.0.0.1", port, timeout=10)
                connection.request("GET", "/metrics", headers=headers)
                assert connection.getresponse().status == status
                connection.close()
        finally:
            server.terminate()


def test_with_a_token_whoever_has_it_reads_the_figures_and_nobody_else(client, db, monkeypatch):
    monkeypatch.setenv("BROADSHEET_METRICS_TOKEN", "hunter2")
    for wrong in ({}, {"authorization": "Bearer hunter3"}, {"authorization": "hunter2"}, {"authorization": "Bearer é"}):
        assert client.get("/metrics", headers=wrong).status_code == 401
    right = {"authorization": "Bearer hunter2"}
    assert client.get("/metrics", headers=right, REMOTE_ADDR="198.51.100.7").status_code == 200


# -- the figures -------------------------------------------------------------------------------------------------


def test_the_figures_are_the_ledger_s(scraped, cast, freeze, send, at):
    empty = scraped()
    assert empty["broadsheet_queue_depth", "default", "queued"] == 0
    assert empty["broadsheet_unknown", "default"] == 0
    edition = freeze()
    waits = scraped()
    assert waits["broadsheet_queue_depth", "default", "queued"] == 3
    assert waits["broadsheet_editions", "approved"] == 1
    late = (datetime.now(UTC) - at).total_seconds()
    assert waits["broadsheet_delivery_lag_seconds", "default"] == pytest.approx(late, abs=60)

    replies = {
        "ada@reader.example": Outcome(0, Result.FAILED, "550 5.1.1 no such user", dead=True),
        "ben@reader.example": Outcome(0, Result.UNKNOWN, "no reply to the data"),
    }
    send(edition, MemoryOutbox(replies))
    over = scraped()
    assert over["broadsheet_copies", "default", "address", "failed"] == 1
    assert over["broadsheet_copies", "default", "", "sent"] == 1
    assert over["broadsheet_unknown", "default"] == 1
    assert over["broadsheet_queue_depth", "default", "queued"] == 0
    assert ("broadsheet_delivery_lag_seconds", "default") not in over
    assert over["broadsheet_rate_per_second", "default", "sent"] > 0
    assert ("broadsheet_broker_up",) not in over
    assert not any(each.email in repr(over) for each in vars(cast).values())


def test_what_came_to_an_end_long_ago_still_counts(scraped, cast, freeze, send, memory):
    edition = freeze()
    send(edition, memory)
    assert edition.state == EditionState.SENT
    first = scraped()
    second = scraped()
    assert first["broadsheet_copies", "default", "", "sent"] == second["broadsheet_copies", "default", "", "sent"] == 3


def test_an_edition_that_is_over_is_counted_from_time_to_time_only(scraped, cast, freeze, send, memory):
    send(freeze(), memory)
    scraped()
    rows = Edition.objects.get().deliveries
    rows.filter(subscriber=cast.ada).update(state=DeliveryState.UNKNOWN)
    assert scraped()["broadsheet_unknown", "default"] == 0
    ((pk, (_, counts)),) = figures._LEDGER.settled.items()
    figures._LEDGER.settled[pk] = (float("-inf"), counts)
    assert scraped()["broadsheet_unknown", "default"] == 1


def test_asking_often_costs_the_ledger_one_look(client, cast, freeze, monkeypatch):
    looks = []
    monkeypatch.setattr(
        figures, "_counted", lambda adapters: looks.append(1) or {pk: figures.Counter() for pk in adapters}
    )
    freeze()
    for _ in range(3):
        assert client.get("/metrics", HTTP_HOST="localhost").status_code == 200
    assert looks == [1]


def test_a_scheduler_that_is_behind_shows(scraped, db):
    Campaign.objects.create(slug="weekly", watched_since=datetime.now(UTC) - timedelta(hours=3))
    Campaign.objects.create(slug="by-hand")
    found = scraped()
    assert found["broadsheet_schedule_lag_seconds", "weekly"] == pytest.approx(3 * 3600, abs=60)
    assert ("broadsheet_schedule_lag_seconds", "by-hand") not in found


def test_a_broker_that_is_away_is_a_figure(scraped, db, monkeypatch):
    monkeypatch.setenv("BROADSHEET_BROKER", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("BROADSHEET_DATABASE", "postgresql://db.example/news")
    monkeypatch.setenv("BROADSHEET_SECRET_KEY", "one")
    assert scraped()["broadsheet_broker_up",] == 0


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("550 5.1.1 no such user", "address"),
        ("552-5.2.2 full", "mailbox"),
        ("554 5.7.1 spam", "policy"),
        ("451 4.3.0 try later", "system"),
        ("550 no such user", "other"),
        ("connection lost", "other"),
        ("", "other"),
    ],
)
def test_a_refusal_s_class_is_what_its_status_is_about(reply, kind):
    assert figures.class_of(reply[:9]) == kind


def test_the_figures_are_documented():
    page = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    text = (ROOT / "src/broadsheet/web/health/figures.py").read_text(encoding="utf-8")
    names = set(re.findall(r'"(broadsheet_\w+)"', text))
    assert len(names) > 8
    assert not [name for name in names if f"`{name}`" not in page]
