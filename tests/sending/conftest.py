"""Servers of the tests' own, running, and adapters for them."""

import threading

import pytest
from tests.sending.servers import Api, MailServer

from broadsheet.conf import PostmarkAdapter, SmtpAdapter
from broadsheet.sending.adapters.postmark import Postmark
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
    """Postmark's API on loopback, running."""
    running = Api()
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join(5)


@pytest.fixture
def postmark(api):
    """Makes a Postmark adapter for the API here."""

    def made(**settings):
        given = {"kind": "postmark", "server_token": "the-token", "api_url": api.url, "timeout": 5.0, **settings}
        return Postmark(PostmarkAdapter(**given))

    return made
