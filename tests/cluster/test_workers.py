"""Four workers on one edition, on real brokers and a real PostgreSQL: evenly, at the pace that is set, in a storm."""

import shutil
import signal
import time

import pytest
from tests.cluster.machines import CONNECTIONS, PER_SECOND, Cluster

from broadsheet.sending.pace import BURST

READERS = 1200
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
    sink.delay = 0.02
    here.campaign("storm")
    here.wait_for(lambda: len(sink.copies) > READERS / 10)
    for worker in here.hands[:2]:
        worker.kill_all()
    broker.kill()
    if broker.address.startswith("redis"):
        for path in broker.folder.iterdir():  # all it knew is lost
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    here.hands[:2] = [here.worker(worker.log.stem) for worker in here.hands[:2]]  # as a service manager would
    postgresql.crash()
    at_stop = len(sink.copies)
    time.sleep(0.5)
    postgresql.start()
    broker.start()
    edition = here.over("storm", 90)
    print("storm:", edition, "copies:", len(sink.copies), "when the database stopped:", at_stop)
    assert max(sink.copies.values()) == 1
    assert edition["sent"] + edition["unknown"] == READERS
    assert edition["unknown"] <= 2 * CONNECTIONS, "what was in flight when two were killed"
    assert edition["sent"] <= len(sink.copies) <= READERS
    assert at_stop < READERS


@ON_RABBITMQ
def test_a_worker_that_is_told_to_stop_hands_back(here, sink):
    sink.delay = 0.02
    here.campaign("handed")
    here.wait_for(lambda: len(sink.copies) > READERS / 10)
    leaving, began = here.hands[2:], time.monotonic()
    for worker in leaving:
        worker.send_signal(signal.SIGTERM)
    assert [worker.wait(10) for worker in leaving] == [0, 0]
    print(f"stopped in {time.monotonic() - began:.1f} s with {len(sink.copies)} of {READERS} sent")
    assert len(sink.copies) < READERS
    edition = here.over("handed")
    assert (edition["sent"], edition["unknown"]) == (READERS, 0)
    assert (len(sink.copies), set(sink.copies.values())) == (READERS, {1})
