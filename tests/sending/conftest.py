"""Servers of the tests' own, running, and adapters for them."""

import pytest
from tests.sending.api import Api
from tests.sending.servers import MailServer

from broadsheet.conf import SmtpAdapter
from broadsheet.sending.adapters.providers import adapter
from broadsheet.sending.adapters.smtp import Smtp


@pytest.fixture
def server():
    """An SMTP server, running."""
    running = MailServer()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def smtp():
    """Makes an SMTP adapter for a server; ``connections`` and other settings as given."""

    def made(server, **settings):
        given = {
            "port": server.port,
            "security": "none",
            "timeout": 5.0,
            "content_timeout": 5.0,
            "hello": "tests.example",
        }
        return Smtp(SmtpAdapter(**{"kind": "smtp", **given, **settings}))

    return made


@pytest.fixture
def api():
    """A provider's API on loopback, running."""
    with Api() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_long_pauses(monkeypatch):
    """A call that got no answer is made again at once."""
    monkeypatch.setattr(adapter, "AGAIN", (0.0, 0.0))
