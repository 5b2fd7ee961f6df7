"""Four workers on one edition, on real brokers and a real PostgreSQL: evenly, at the pace that is set, in a storm."""

import random
import shutil
import signal
import time

import pytest
from tests.cluster.machines import CONNECTIONS, LONG, PER_SECOND, Cluster

from broadsheet.sending.pace import BURST

pytestmark = pytest.mark.clock  # the pace of all of them, and how evenly they share
READERS, STORMS = (20_000, 12) if LONG else (1200, 1)
#: What does not depend on the broker is tried on one of them.
ON_RABBITMQ = pytest.mark.parametrize("broker", ["rabbitmq"], indirect=True, scope="module")


@pytest.fixture(scope="module", params=["rabbitmq", "redis"])
def broker(request):
    """One kind of broker, and then the other."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def here(tmp_path_factory, postgresql, broker, sink):
    """A scheduler, four workers, and readers; the tests of this module send one edition after the other."""
    made = Cluster(tmp_path_factory.mktemp("cluster"), postgresql, broker, sink)
    try:
        made.readers(READERS)
        made.scheduler()
        made.hands = made.workers(4)
        made.ready(made.hands)
        yield made
    finally:
        made.end()


def test_each_reader_gets_one_mail_and_the_workers_share_evenly(here, sink):
    sink.delay = 0.005
    here.campaign("shared")
    edition = here.over("shared")
    assert (edition["sent"], edition["unknown"]) == (READERS, 0)
    assert (len(sink.copies), set(sink.copies.values())) == (READERS, {1})
    shares = here.sent_by(here.hands, edition["edition"])
    print("shares:", shares)
    assert sum(shares) == READERS
    assert min(shares) > READERS / 4 / 2


def test_a_worker_has_broadsheet_toml_and_nothing_else_of_the_workspace(here):
    for folder in here.root.glob("worker*/"):
        assert {path.name for path in folder.iterdir()} <= {"broadsheet.toml", ".broadsheet"}
        assert {path.name for path in (folder / ".broadsheet").iterdir()} == {"senders"}


@ON_RABBITMQ
def test_all_workers_together_keep_the_pace(here, sink):
    here.campaign("paced", adapter="slow")
    edition = here.over("paced")
    assert (edition["sent"], set(sink.copies.values())) == (READERS, {1})
    assert min(here.sent_by(here.hands, edition["edition"])) > 0, "all took part"
    moments = sorted(sink.moments)
    seconds = moments[-1] - moments[0]
    print(f"pace: {(READERS - 1) / seconds:.1f}/s over {seconds:.1f} s")
    assert PER_SECOND * 0.9 * seconds < READERS < PER_SECOND * 1.02 * (seconds + BURST)
    in_a_second = (sum(first <= each < first + 1 for each in moments[at:]) for at, first in enumerate(moments))
    assert max(in_a_second) <= PER_SECOND * (1.05 + BURST), "one second's copies and one burst"


def test_two_killed_the_broker_and_the_database_restarted_nobody_lost_and_nobody_twice(here, sink, broker, postgresql):
    sink.delay = 0.08 if LONG else 0.02
    here.campaign("storm")
    kills = 0
    for storm in range(1, STORMS + 1):
        here.wait_for(lambda storm=storm: len(sink.copies) > READERS * storm / (STORMS + 2), 120)
        before = len(sink.copies)
        kills += _storm(here, broker, postgresql)
        if LONG:
            time.sleep(random.uniform(2, 8))
    edition = here.over("storm")
    print(f"storms: {STORMS}, kills: {kills}, copies: {len(sink.copies)} of {READERS}, edition: {edition}")
    assert before < READERS, "all of it was in mid-send"
    assert max(sink.copies.values()) == 1
    assert edition["sent"] + edition["unknown"] == READERS
    assert edition["unknown"] <= kills * CONNECTIONS, "what was in flight when they were killed"
    assert edition["sent"] <= len(sink.copies) <= READERS


def _storm(here, broker, postgresql):
    """Kill two workers, the broker and the database; start them again. How many workers were killed."""
    chosen = random.sample(range(len(here.hands)), 2)
    for index in chosen:
        here.hands[index].kill_all()
    broker.kill()
    if broker.address.startswith("redis"):
        for path in broker.folder.iterdir():  # all it knew is lost
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for index in chosen:  # as a service manager would
        here.hands[index] = here.worker(here.hands[index].log.stem)
    postgresql.crash()
    time.sleep(0.5)
    postgresql.start()
    broker.start()
    return len(chosen)


@ON_RABBITMQ
def test_a_worker_that_is_told_to_stop_hands_back(here, sink):
    sink.delay = 0.05
    here.campaign("handed")
    here.wait_for(lambda: len(sink.copies) > READERS / 10)
    leaving, began, then = here.hands[2:], time.monotonic(), len(sink.copies)
    for worker in leaving:
        worker.send_signal(signal.SIGTERM)
    assert [worker.wait(10) for worker in leaving] == [0, 0]
    print(f"told to stop with {then} of {READERS} sent; took {time.monotonic() - began:.1f} s")
    assert then < READERS / 2, "that was in mid-send"
    edition = here.over("handed")
    assert (edition["sent"], edition["unknown"]) == (READERS, 0)
    assert (len(sink.copies), set(sink.copies.values())) == (READERS, {1})
