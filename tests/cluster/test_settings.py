"""What machines must share, and addresses that are none: one clear sentence, and no password in it."""

import os
import subprocess
import sys

import pytest
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.utils import ConnectionHandler
from tests.conftest import fill

from broadsheet.conf.cluster import broker
from broadsheet.errors import BroadsheetError
from broadsheet.settings import _database

ALL = {
    "BROADSHEET_BROKER": "amqp://user:hunter2@broker.example//",
    "BROADSHEET_DATABASE": "postgresql://user:hunter2@db.example/news",
    "BROADSHEET_SECRET_KEY": "hunter2",
}


def test_without_a_broker_a_machine_works_by_itself():
    assert broker({}) is None


@pytest.mark.parametrize("address", ["amqp://u@b//", "amqps://b:5671/v", "redis://b:6379/0", "rediss://b/1"])
def test_rabbitmq_and_redis_are_brokers(address):
    assert broker({**ALL, "BROADSHEET_BROKER": address}) == address


@pytest.mark.parametrize("address", ["localhost:5672", "sqs://u:hunter2@x", "amqp:///", "redis://[hunter2", "hunter2"])
def test_what_is_no_broker_is_one_sentence_without_what_was_given(address):
    with pytest.raises(BroadsheetError, match="BROADSHEET_BROKER names no broker; write amqp://") as caught:
        broker({**ALL, "BROADSHEET_BROKER": address})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["BROADSHEET_DATABASE", "BROADSHEET_SECRET_KEY"])
def test_a_broker_wants_what_all_machines_share(name, tmp_path):
    missing = {key: value for key, value in ALL.items() if key != name}
    with pytest.raises(BroadsheetError, match=f"so {name} .or {name}_FILE. must be set as well"):
        broker(missing)
    (tmp_path / "value").write_text("kept in a file")
    assert broker({**missing, f"{name}_FILE": str(tmp_path / "value")})


@pytest.fixture
def said(tmp_path):
    """What a program says that can't start with such settings, and with which code it ends."""
    workspace = fill(tmp_path / "workspace").root
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET_", "DJANGO_"))}

    def started(*command, folder=workspace, **settings):
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=kept | settings,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert "hunter2" not in done.stdout + done.stderr
        return done.returncode, done.stderr.strip()

    return started


WORKER = ("celery", "-A", "broadsheet.celery", "worker")


def test_a_worker_that_lacks_something_says_what_in_one_sentence(said, tmp_path):
    assert said(*WORKER) == (1, "A worker needs BROADSHEET_BROKER, the broker that it gets its work from.")
    code, words = said(*WORKER, folder=tmp_path, **ALL)
    assert (code, words.count("\n")) == (1, 0)
    assert "No broadsheet.toml here" in words


def test_a_command_with_a_wrong_address_is_one_sentence(said):
    code, text = said("broadsheet", "editions", BROADSHEET_DATABASE="mysql://user:hunter2@db.example/news")
    assert (code, text.count("\n")) == (1, 0)
    assert text.startswith("BROADSHEET_DATABASE is not the address of a PostgreSQL database; write postgresql://")


@pytest.mark.parametrize(
    "address", ["//user:hun%ter2@db.example/news", "//user:hunter2@db.example/", "//db/news?colour=red"]
)
def test_an_address_that_is_none_is_refused_without_what_was_given(address):
    with pytest.raises(BroadsheetError, match="BROADSHEET_DATABASE is not the address") as caught:
        _database(f"postgresql:{address}")
    assert "hun" not in str(caught.value)


@pytest.mark.parametrize("size", ["many", "1", "-3", "²", "1001"])
def test_a_pool_has_a_sensible_size(size, monkeypatch):
    monkeypatch.setenv("BROADSHEET_DATABASE_POOL", size)
    with pytest.raises(BroadsheetError, match="must be a whole number from 2 to 1000"):
        _database(ALL["BROADSHEET_DATABASE"])


def test_what_libpq_knows_may_stand_in_the_address():
    made = _database("postgresql://us%40er:p%3Aw@a.example,b.example:5433/news?sslmode=require&tcp_user_timeout=3000")
    assert (made["NAME"], made["USER"], made["PASSWORD"], made["HOST"]) == (
        "news",
        "us@er",
        "p:w",
        "a.example,b.example",
    )
    assert made["OPTIONS"]["sslmode"] == "require"
    assert made["OPTIONS"]["tcp_user_timeout"] == "3000", "what is given wins over ours"
    assert made["OPTIONS"]["keepalives_idle"] == 5


def test_a_plan_s_tables_do_not_outlive_its_turn_on_a_pooled_connection(database, django_db_blocker):
    DatabaseWrapper._connection_pools.pop("default", None)
    wrapper = ConnectionHandler({"default": _database(database)})["default"]
    backends = []
    with django_db_blocker.unblock():
        for _ in range(2):
            with wrapper.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                backends.append(cursor.fetchone()[0])
                cursor.execute("CREATE TEMPORARY TABLE plan_once (id int)")
            wrapper.close()
        wrapper.close_pool()
    assert backends[0] == backends[1], "one connection served both"
