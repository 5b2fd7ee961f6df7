"""Brokers, a mail server that counts, and clusters of processes; all end with the tests."""

import pytest
from tests.cluster.brokers import RabbitMq, Redis
from tests.cluster.sink import Sink
from tests.installed import needs


@pytest.fixture(scope="session")
def rabbitmq():
    """A RabbitMQ; it takes some 4 s to start, so there is one for all tests."""
    needs("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")
    broker = RabbitMq()
    broker.begin()  # who uses it waits for it, as workers do
    yield broker
    broker.remove()


@pytest.fixture(scope="session")
def redis():
    """A Redis."""
    needs("redis-server", "redis-server")
    broker = Redis()
    broker.start()
    yield broker
    broker.remove()


@pytest.fixture(scope="module")
def sink():
    """A mail server that counts copies."""
    server = Sink()
    yield server
    server.close()
