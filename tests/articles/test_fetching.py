import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from broadsheet.articles import fetching
from broadsheet.articles.fetching import fetch, is_public
from broadsheet.errors import BroadsheetError


class Site(BaseHTTPRequestHandler):
    """Answers as its path says, and notes what it was asked."""

    asked: list[tuple[str, str]] = []

    def do_GET(self):
        self.asked.append((self.path, self.headers["Host"]))
        kind, _, rest = self.path.lstrip("/").partition("/")
        if kind == "hops" and int(rest):
            self.answer(302, location=f"/hops/{int(rest) - 1}")
        elif kind == "to":
            self.answer(301, location=rest)
        elif kind == "status":
            self.answer(int(rest))
        elif kind == "large":
            self.answer(200, b"x" * int(rest))
        else:
            self.answer(200, b"an image")

    def answer(self, status, body=b"", location=None):
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    Site.asked = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def refusal(address, **options):
    with pytest.raises(BroadsheetError) as caught:
        fetch(address, **options)
    return str(caught.value)


def test_a_file_is_fetched_by_the_name_of_its_host(site):
    assert fetch(f"{site}/a.png?b=1", allow_private=True) == b"an image"
    assert Site.asked == [("/a.png?b=1", site.removeprefix("http://"))]


def test_private_addresses_are_refused_before_anything_is_asked(site):
    assert refusal(f"{site}/a.png") == "is at a private address; only public ones are fetched"
    assert Site.asked == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "2130706433",
        "127.1",
    ],
)
def test_private_hosts_are_refused_in_every_spelling(host):
    assert refusal(f"http://{host}/a.png") == "is at a private address; only public ones are fetched"


def test_a_redirect_to_a_private_address_is_refused(site, monkeypatch):
    checked = fetching.checked_address
    monkeypatch.setattr(
        fetching,
        "checked_address",
        lambda parts, *, allow_private: checked(parts, allow_private=parts.hostname == "localhost"),
    )
    assert refusal(f"{site}/to/http://127.0.0.1:1/a") == "is at a private address; only public ones are fetched"


def test_the_connection_goes_to_the_address_that_was_checked(site, monkeypatch):
    """A name that would lead elsewhere when asked again is not asked again."""
    monkeypatch.setattr(fetching, "checked_address", lambda parts, *, allow_private: "127.0.0.1")
    port = site.rpartition(":")[2]
    assert fetch(f"http://no-such-host.invalid:{port}/a.png") == b"an image"
    assert Site.asked == [("/a.png", f"no-such-host.invalid:{port}")]


def test_five_redirects_are_followed_and_six_are_not(site):
    assert fetch(f"{site}/hops/5", allow_private=True) == b"an image"
    assert refusal(f"{site}/hops/6", allow_private=True) == "is redirected more than 5 times"


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://x.example/a", "gopher://x.example"])
def test_only_the_web_is_fetched(site, target):
    assert refusal(target, allow_private=True) == "is neither an http nor an https address"
    assert refusal(f"{site}/to/{target}", allow_private=True) == "is neither an http nor an https address"


def test_what_is_too_large_is_not_read_to_its_end(site):
    assert len(fetch(f"{site}/large/{fetching.MAX_BYTES}", allow_private=True)) == fetching.MAX_BYTES
    assert refusal(f"{site}/large/{fetching.MAX_BYTES + 1}", allow_private=True) == "is larger than 8 MB"


def test_what_takes_too_long_is_given_up(site, monkeypatch):
    monkeypatch.setattr(fetching, "DEADLINE", 0.0)
    assert refusal(f"{site}/a.png", allow_private=True) == "took longer than 0 seconds to fetch"


def test_an_error_of_the_server_is_named(site):
    assert refusal(f"{site}/status/404", allow_private=True) == "can't be fetched (the server answered 404)"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://localhost:1/a", "can't be fetched (no connection)"),
        ("http://localhost:99999/a", "can't be fetched (the address is not valid)"),
        ("http://[bad/a", "can't be fetched (the address is not valid)"),
        (f"http://{'a' * 70}.example/", "can't be fetched (there is no such host)"),
    ],
)
def test_what_can_not_be_reached_is_one_reason(address, reason):
    assert refusal(address, allow_private=True) == reason


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("198.18.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("::ffff:10.0.0.1", False),
    ],
)
def test_public_addresses_are_told_from_others(address, public):
    assert is_public(address) is public
