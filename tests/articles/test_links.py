import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from broadsheet.articles import links
from broadsheet.articles.links import Answer, try_links


class Site(BaseHTTPRequestHandler):
    """Answers as its path says, and notes what it was asked."""

    asked: list[tuple[str, str, str]] = []
    busy = 0
    busiest = 0
    lock = threading.Lock()

    def do_HEAD(self):
        self.note()
        kind, _, rest = self.path.lstrip("/").partition("/")
        if kind == "to":
            self.answer(302, location=rest)
        elif kind == "only-get":
            self.answer(405)
        elif kind == "status":
            self.answer(int(rest))
        elif kind == "slow":
            time.sleep(0.05)
            self.answer(200)
        else:
            self.answer(200, length=1234)
        with self.lock:
            Site.busy -= 1

    def do_GET(self):
        self.note()
        self.answer(404 if "status/404" in self.path else 200, length=10_000_000)
        with self.lock:
            Site.busy -= 1

    def note(self):
        with self.lock:
            Site.asked.append((self.command, self.path, self.headers["User-Agent"]))
            Site.busy += 1
            Site.busiest = max(Site.busiest, Site.busy)

    def answer(self, status, length=0, location=None):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        if location:
            self.send_header("Location", location)
        with suppress(ConnectionError):
            self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setattr(links, "PAUSE", 0.0)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    Site.asked, Site.busy, Site.busiest = [], 0, 0
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def one(address):
    return try_links([address], allow_private=True)[address]


def test_a_good_link_is_asked_for_once_with_head_and_a_name(site):
    assert one(f"{site}/a") == Answer("answered", 200, size=1234)
    assert Site.asked == [("HEAD", "/a", "Broadsheet link check")]


def test_each_address_is_tried_once_however_often_it_is_given(site):
    try_links([f"{site}/a", f"{site}/a", "mailto:a@b.example", "/relative"], allow_private=True)
    assert len(Site.asked) == 1


def test_a_server_that_refuses_head_is_asked_with_get_and_its_body_is_not_read(site):
    assert one(f"{site}/only-get") == Answer("answered", 200, size=10_000_000)
    assert [method for method, _, _ in Site.asked] == ["HEAD", "GET"]


def test_a_missing_page_is_missing_by_get_too(site):
    assert one(f"{site}/status/404").status == 404
    assert [method for method, _, _ in Site.asked] == ["HEAD", "GET"]


def test_redirects_are_followed_to_the_answer_at_their_end(site):
    assert one(f"{site}/to/{site}/status/503").status == 503
    assert one(f"{site}/to/{site}/to/{site}/a").status == 200


def test_endless_redirects_are_given_up(site):
    address = f"{site}/a"
    for _ in range(7):
        address = f"{site}/to/{address}"
    assert one(address).reason == "it is redirected more than 5 times"


def test_private_addresses_are_not_asked(site):
    assert try_links([f"{site}/a"])[f"{site}/a"].kind == "private"
    assert Site.asked == []


def test_a_redirect_to_a_private_address_is_not_followed(site, monkeypatch):
    checked = links.checked_address
    monkeypatch.setattr(
        links,
        "checked_address",
        lambda parts, *, allow_private: checked(parts, allow_private=parts.path.startswith("/to/")),
    )
    address = f"{site}/to/{site}/a"
    assert try_links([address])[address].kind == "private"
    assert [path for _, path, _ in Site.asked] == [address.removeprefix(site)]


def test_a_redirect_away_from_the_web_is_not_followed(site):
    assert one(f"{site}/to/file:///etc/passwd") == Answer(
        "unreachable", reason="it is redirected to what is no web address"
    )


def test_one_host_is_asked_by_two_connections_at_most(site):
    answers = try_links([f"{site}/slow/{n}" for n in range(12)], allow_private=True)
    assert {answer.status for answer in answers.values()} == {200}
    assert Site.busiest == 2


def test_a_host_that_does_not_answer_is_not_asked_again(monkeypatch):
    asked = []

    def refuse(parts, *, allow_private):
        asked.append(parts.path)
        raise ConnectionRefusedError

    monkeypatch.setattr(links, "checked_address", refuse)
    answers = try_links([f"https://gone.example/{n}" for n in range(10)])
    assert {answer.reason for answer in answers.values()} == {"no connection"}
    assert len(asked) == links.PER_HOST


@pytest.mark.parametrize(("errno", "kind"), [(socket.EAI_NONAME, "no-host"), (socket.EAI_AGAIN, "unreachable")])
def test_a_host_that_does_not_exist_is_told_from_one_that_can_not_be_looked_up_now(errno, kind, monkeypatch):
    def fail(*_, **__):
        raise socket.gaierror(errno, "no")

    monkeypatch.setattr(links, "checked_address", fail)
    assert one("https://gone.example/").kind == kind
