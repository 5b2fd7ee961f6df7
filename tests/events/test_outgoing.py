"""Other programs are told, signed, once for each event, and again until they take it."""

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from broadsheet import events, notices
from broadsheet.events.outgoing import RETRIES, forget
from broadsheet.models import Outgoing, Subscription
from broadsheet.notices import Wish
from broadsheet.notices.joining import join
from broadsheet.notices.links import Asked
from broadsheet.workspace import Workspace

pytestmark = pytest.mark.django_db
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Program(ThreadingHTTPServer):
    """A program on loopback that answers as it is told, and keeps what it is posted."""

    def __init__(self):
        self.answer, self.posts = 200, []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append((dict(self.headers), body))
        self.send_response(self.server.answer)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def program():
    running = Program()
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join(5)


@pytest.fixture
def webhook(workspace, settings, program, monkeypatch):
    """Adds a webhook to the workspace; its secret is in the environment."""

    def added(name="crm", kinds="[]", secret=SECRET, port=None):
        file = workspace.root / "broadsheet.toml"
        url = f"http://127.0.0.1:{port or program.server_port}/hook"
        file.write_text(file.read_text() + f'\n[webhooks.{name}]\nurl = "{url}"\nevents = {kinds}\n')
        if secret:
            monkeypatch.setenv(f"BROADSHEET_WEBHOOKS_{name.upper()}_SECRET", secret)
        settings.WORKSPACE = Workspace(workspace.root)

    return added


def now(**later):
    return datetime.now(UTC) + timedelta(**later)


def test_without_webhooks_nothing_is_written(workspace):
    assert events.announce("edition.sent", {"edition": 1}) == 0
    assert not Outgoing.objects.exists()


def test_what_is_posted_can_be_verified_with_the_secret(webhook, program):
    webhook()
    events.announce("subscriber.unsubscribed", {"email": "ada@reader.example", "list": "newsletter"})
    assert events.deliver_due(now(seconds=1)) == 1
    headers, body = program.posts[0]
    payload = Webhook(SECRET).verify(body, headers)
    assert payload["type"] == "subscriber.unsubscribed"
    assert payload["data"] == {"email": "ada@reader.example", "list": "newsletter"}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace(b"ada", b"eve"), headers)


def test_it_is_told_once(webhook, program):
    webhook()
    events.announce("edition.sent", {"edition": 1})
    assert [events.deliver_due(now(seconds=each)) for each in (1, 2, 9999)] == [1, 0, 0]
    assert len(program.posts) == 1


def test_a_webhook_hears_only_what_it_asked_for(webhook, program):
    webhook(kinds='["edition.sent"]')
    assert events.announce("subscriber.bounced", {}) == 0
    assert events.announce("edition.sent", {}) == 1


@pytest.mark.parametrize("answer", [302, 400, 429, 500])
def test_what_is_not_taken_is_tried_again_under_the_same_id(webhook, program, answer):
    webhook()
    program.answer = answer
    events.announce("edition.sent", {})
    at = now(seconds=1)
    assert events.deliver_due(at) == 0
    row = Outgoing.objects.get()
    assert (row.next_at - at, row.reason) == (RETRIES[0], f"answered {answer}")
    program.answer = 204
    assert events.deliver_due(row.next_at) == 1
    assert len({headers["webhook-id"] for headers, _ in program.posts}) == 1


def test_after_the_last_try_it_is_given_up_and_says_why(webhook, program):
    webhook()
    program.answer = 500
    events.announce("edition.sent", {})
    at = now(seconds=1)
    while (row := Outgoing.objects.get()).next_at is not None:
        events.deliver_due(max(at, row.next_at))
    assert (len(program.posts), row.reason, row.taken_at) == (len(RETRIES) + 1, "answered 500", None)


def test_a_program_that_is_gone_for_good_is_not_asked_again(webhook, program):
    webhook()
    program.answer = 410
    events.announce("edition.sent", {})
    events.deliver_due(now(seconds=1))
    assert Outgoing.objects.get().next_at is None


def test_one_that_does_not_answer_holds_up_nobody_else(webhook, program):
    webhook("dead", port=1)
    webhook("alive")
    for each in range(5):
        events.announce("edition.sent", {"edition": each})
    assert events.deliver_due(now(seconds=1)) == 5
    tried = Outgoing.objects.filter(endpoint="dead", attempts=1)
    assert tried.count() == 1, "after the first failure the others of that round wait"


@pytest.mark.parametrize(("secret", "reason"), [("", "its secret is not set"), ("whsec_", "its secret is none")])
def test_a_missing_or_broken_secret_is_said_and_nothing_leaves(webhook, program, secret, reason):
    webhook(secret=secret)
    events.announce("edition.sent", {})
    events.deliver_due(now(seconds=1))
    assert reason in Outgoing.objects.get().reason
    assert program.posts == []


def test_leaving_a_list_and_an_edition_that_is_sent_are_told(webhook, program, freeze, cast, send, memory):
    webhook()
    edition = freeze("weekly")
    send(edition, memory)
    events.left_its_list(edition.pk, cast.ada.pk, how="page")
    events.left_its_list(edition.pk, cast.ada.pk, how="page")
    events.deliver_due(now(seconds=1))
    told = [json.loads(body) for _, body in program.posts]
    assert [each["type"] for each in told] == ["edition.sent", "subscriber.unsubscribed"]
    assert told[0]["data"]["sent"] == 3
    assert told[1]["data"]["email"] == "ada@reader.example"


def test_joining_confirming_leaving_and_coming_back_are_told(webhook, program, workspace):
    webhook()
    made = Wish(email="zoe@reader.example", lists=["newsletter"], wording="Yes.", network="192.0.2.1")
    for _ in range(2):
        join(workspace, made)  # the second is a second click
    row = Subscription.objects.get(subscriber__email_key="zoe@reader.example")
    for _ in range(2):
        notices.confirm(workspace, Asked(row.pk, now()))
    join(workspace, replace(made, wording="Again."))  # a reader already: nothing has happened
    events.unsubscribed(row.subscriber_id, "newsletter", how="page")
    events.resubscribed(row.subscriber_id, "newsletter")
    events.deliver_due(now(seconds=1))
    told = [json.loads(body) for _, body in program.posts]
    whose = {"email": "zoe@reader.example", "list": "newsletter"}
    assert [(each["type"], each["data"]) for each in told] == [
        ("subscriber.subscribed", {**whose, "confirmed": False}),
        ("subscriber.confirmed", whose),
        ("subscriber.unsubscribed", {**whose, "how": "page"}),
        ("subscriber.subscribed", {**whose, "confirmed": True}),
    ]


def test_what_was_told_is_forgotten_and_what_waits_is_not(webhook, program):
    webhook()
    events.announce("edition.sent", {"edition": 1})
    events.deliver_due(now(seconds=1))
    events.announce("edition.sent", {"edition": 2})
    assert forget(now(days=31)) == 1
    assert Outgoing.objects.get().payload["data"] == {"edition": 2}
