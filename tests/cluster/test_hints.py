"""Hints: enough of them, again when they are lost, and none that does harm."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from tests.cluster.machines import Cluster

from broadsheet.models import EditionState
from broadsheet.schedule import hints
from broadsheet.schedule.hints import Hints, make_app, queue_of, waiting

QUEUE = queue_of("default")
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


@pytest.fixture
def app(redis):
    """Celery on an empty Redis."""
    made = make_app(redis.address)
    with made.connection_for_write() as connection:
        connection.default_channel.client.flushall()
    yield made
    made.close()


def purged(app):
    """The broker lost what it had; what that was."""
    with app.connection_for_write() as connection:
        client = connection.default_channel.client
        found = client.lrange(QUEUE, 0, -1)
        client.flushall()
    return found


def test_an_edition_with_work_gets_a_hint_and_no_more_while_that_waits(app, workspace, cast, freeze):
    edition, given = freeze(), Hints(app)
    for second in (0, 10, 20, 59):
        given.look(workspace, NOW + timedelta(seconds=second))
    (message,) = purged(app)
    assert len(message) < 1500
    envelope = json.loads(message)
    assert envelope["headers"]["task"] == "broadsheet.drain"
    assert json.loads(envelope["headers"]["kwargsrepr"].replace("'", '"')) == {"edition": edition.pk, "share": 0}
    assert b"reader.example" not in message


def test_lost_hints_are_given_again_at_the_next_look(app, workspace, cast, freeze):
    freeze()
    given = Hints(app)
    for second in (0, 10, 20):
        given.look(workspace, NOW + timedelta(seconds=second))
        assert len(purged(app)) == 1


def test_an_edition_whose_hints_wait_among_others_gets_new_ones_after_a_minute(app, workspace, cast, freeze):
    freeze()
    given = Hints(app)
    for second in (0, 61, 62, 120):
        given.look(workspace, NOW + timedelta(seconds=second))
    assert waiting(app, QUEUE) == 2


def test_there_are_more_hints_for_more_copies(app, workspace, cast, freeze, monkeypatch):
    freeze()
    monkeypatch.setattr(hints, "SHARE", 1)
    Hints(app).look(workspace, NOW)
    assert waiting(app, QUEUE) == 3
    monkeypatch.setattr(hints, "MOST", 2)
    purged(app)
    Hints(app).look(workspace, NOW)
    assert waiting(app, QUEUE) == 2


def test_what_has_no_work_gets_none(app, workspace, cast, freeze, send, memory):
    edition = freeze()
    send(edition, memory)
    assert edition.state == EditionState.SENT
    Hints(app).look(workspace, NOW)
    assert waiting(app, QUEUE) == 0


def test_a_broker_that_is_away_is_said_once_and_its_return_too(redis, workspace, cast, freeze, caplog):
    caplog.set_level("INFO")
    freeze()
    app = make_app(redis.address)
    given = Hints(app)
    redis.kill()
    for second in (0, 10):
        given.look(workspace, NOW + timedelta(seconds=second))
    assert caplog.text.count("The broker can't be reached") == 1
    redis.start()
    given.look(workspace, NOW + timedelta(seconds=30))
    assert caplog.text.count("The broker can be reached again") == 1
    assert waiting(app, QUEUE) == 1
    assert given.stop(0)


TURNS = """
from datetime import UTC, datetime
from broadsheet import celery as worker, pipeline, reports
from broadsheet.schedule import hints
pipeline.collect(worker.WORKSPACE)
edition = pipeline.prepare(worker.WORKSPACE, "first", datetime(2026, 3, 3, 9, tzinfo=UTC), who="test")
waits = lambda: hints.waiting(worker.app, hints.queue_of("default"))
for worker.TURN in (0.5, 60.0, 60.0):
    worker.drain(edition.pk, 7)
    print(reports.numbers(edition).sent, waits(), flush=True)
worker.drain(edition.pk + 1, 7)
print(reports.numbers(edition).sent, waits())
"""


@pytest.mark.clock
def test_a_turn_ends_with_the_hint_at_the_queue_s_end_and_late_hints_do_nothing(tmp_path, postgresql, redis, sink, app):
    here = Cluster(tmp_path, postgresql, redis, sink)
    here.readers(400)
    here.campaign("first")
    sink.delay = 0.02
    command = [sys.executable, "-c", TURNS]
    done = subprocess.run(
        command, cwd=here.workspace, env=here.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    first, *others = (tuple(int(number) for number in line.split()) for line in done.stdout.splitlines())
    assert 0 < first[0] < 400
    assert first[1] == 1, "the rest is another turn's"
    assert others == [(400, 1)] * 3
    assert set(sink.copies.values()) == {1}
