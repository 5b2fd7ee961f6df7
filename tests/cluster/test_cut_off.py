"""A worker whose cable to the database and the broker is pulled in mid-send, and put in again."""

import time

import pytest
from tests.cluster.brokers import Redis
from tests.cluster.machines import LONG, Cluster
from tests.cluster.networks import Network
from tests.postgresql import Server

pytestmark = pytest.mark.clock
READERS = 1500
#: A connection whose words nobody acknowledges counts as gone after 3 s here; after 10 s if nothing else is said.
OPTIONS = "?tcp_user_timeout=3000"
#: Seconds without a cable: long enough to notice, or to be taken for dead.
CUT = 75.0 if LONG else 6.0


@pytest.fixture
def network():
    made = Network()
    yield made
    made.remove()


@pytest.fixture
def server(network):
    """A PostgreSQL on the near machine."""
    made = Server(network.NEAR, network.within(network.near))
    yield made
    made.stop()


@pytest.fixture
def redis_there(network):
    """A Redis on the near machine."""
    made = Redis(network.NEAR, network.within(network.near))
    made.start()
    yield made
    made.remove()


@pytest.fixture
def here(network, server, redis_there, sink, tmp_path):
    """A scheduler and a worker on the near machine, a worker on the far one; each has the mail server beside it."""
    for machine in (network.near, network.far):
        sink.listen(network.listener(machine, sink.port))
    near, far = network.within(network.near), network.within(network.far)
    made = Cluster(tmp_path, server, redis_there, sink, within=near, options=OPTIONS)
    try:
        made.readers(READERS)
        made.scheduler()
        made.near, made.far = (*made.workers(1, near), *made.workers(1, far))
        made.ready([made.near, made.far])
        yield made
    finally:
        made.end()


def test_a_worker_that_is_cut_off_in_mid_send_stops_and_goes_on_when_it_is_back(here, sink, network):
    sink.delay = 0.02
    here.campaign("cut")
    here.wait_for(lambda: len(sink.copies) > READERS / 10)
    network.cut()
    began = time.monotonic()
    here.wait_for(lambda: here.far.has_said("database:"), 20)
    noticed = time.monotonic() - began
    time.sleep(max(0.0, CUT - noticed))
    still = here.edition("cut")["state"]
    network.mend()
    here.wait_for(lambda: here.edition("cut")["sent"] == len(sink.copies), 120)
    edition = here.over("cut")
    shares = here.sent_by([here.near, here.far], edition["edition"])
    print(
        f"noticed after {noticed:.1f} s, back after {CUT:.0f} s; shares: {shares}; copies: {len(sink.copies)}; {edition}"
    )
    assert set(sink.copies.values()) == {1}
    assert min(shares) > 0
    assert (edition["sent"], edition["unknown"], len(sink.copies)) == (READERS, 0, READERS)
    if not LONG:  # else its lease was over, others ended the edition, and it goes on with what had not left
        assert still == "sending", "what the far worker has in hand is nobody else's"
