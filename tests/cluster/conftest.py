"""Brokers, a mail server that counts, and clusters of processes; all end with the tests."""

import pytest
from tests.cluster.brokers import RabbitMq, Redis
from tests.cluster.machines import Cluster
from tests.cluster.sink import Sink


@pytest.fixture(scope="session")
def rabbitmq():
    """A RabbitMQ; it takes some 4 s to start, so there is one for all tests."""
    broker = RabbitMq()
    broker.start()
    yield broker
    broker.remove()


@pytest.fixture(scope="session")
def redis():
    """A Redis."""
    broker = Redis()
    broker.start()
    yield broker
    broker.remove()


@pytest.fixture(params=["rabbitmq", "redis"])
def broker(request):
    """One kind of broker, and then the other."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def sink():
    """A mail server that counts copies."""
    server = Sink()
    yield server
    server.close()


@pytest.fixture
def cluster(tmp_path, database, sink):
    """Makes a cluster on a broker; its processes end with the test."""
    made = []

    def cluster_on(broker, **settings):
        made.append(Cluster(tmp_path, database, broker.address, sink, **settings))
        return made[0]

    yield cluster_on
    for each in made:
        each.end()
