"""Signatures of Amazon SNS: made with a certificate of the tests' own, fetched from a server of theirs."""

import json
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from tests.events.hook_calls import SNS_PLACE, by_sns, sns_certificate

from broadsheet.articles import fetching
from broadsheet.errors import BroadsheetError, Refused
from broadsheet.events.hooks import sns

NOTE = {
    "Type": "Notification",
    "MessageId": "m-1",
    "TopicArn": "arn:aws:sns:us-east-1:1:ses",
    "Timestamp": "2026-03-03T08:00:00.000Z",
    "Message": '{"eventType": "Bounce", "words": "Grüße\\n"}',
}
CONFIRM = {**NOTE, "Type": "SubscriptionConfirmation", "SubscribeURL": "https://sns.example/?a=b", "Token": "23"}
OTHER = rsa.generate_private_key(65537, 2048)


@pytest.fixture(autouse=True)
def _none_kept():
    sns._kept.clear()
    yield
    sns._kept.clear()


@contextmanager
def a_server(content, *, status=200, to=""):
    """Holds a certificate; its ``asked`` is how often it was."""

    class Holds(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked += 1
            moved = to if self.path != to else ""
            self.send_response(302 if moved else status)
            if moved:
                self.send_header("Location", moved)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            """Nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Holds)
    server.asked = 0
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def amazon(monkeypatch):
    """Lets a server on loopback stand where Amazon's certificates are."""

    def at(server):
        address = f"http://127.0.0.1:{server.server_port}"

        def from_here(place, request):
            host, _, path = place.removeprefix("https://").partition("/")
            answer = fetching.get(f"{address}/{path}", replace(request, allow_private=True))
            return replace(answer, address=answer.address.replace(address, f"https://{host}"))

        monkeypatch.setattr(sns, "get", from_here)

    with a_server(sns_certificate().public_bytes(Encoding.PEM)) as server:
        at(server)
        server.at = at
        yield server


def check(message):
    sns.check(json.dumps(message).encode())


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("message", [NOTE, {**NOTE, "Subject": "An event"}, CONFIRM])
def test_what_amazon_signed_is_let_in(amazon, message, version):
    check(by_sns(message, version))


def test_the_certificate_is_fetched_once(amazon):
    for number in range(20):
        check(by_sns({**NOTE, "MessageId": f"m-{number}"}))
    assert amazon.asked == 1
    check(by_sns(NOTE, place=SNS_PLACE.replace("us-east-1", "eu-central-1")))
    assert amazon.asked == 2


@pytest.mark.parametrize("name", ["Message", "MessageId", "Timestamp", "TopicArn", "Subject", "SubscribeURL", "Token"])
@pytest.mark.parametrize("version", ["1", "2"])
def test_a_word_that_was_changed_is_refused(amazon, name, version):
    message = CONFIRM if name in CONFIRM else {**NOTE, "Subject": "An event"}
    signed = by_sns(message, version)
    with pytest.raises(Refused, match="signature is wrong"):
        check({**signed, name: signed[name] + "x"})


def test_somebody_elses_signature_is_refused(amazon):
    with pytest.raises(Refused, match="signature is wrong"):
        check(by_sns(NOTE, key=OTHER))


@pytest.mark.parametrize(
    "place",
    [
        "http://sns.us-east-1.amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com.evil.example/a.pem",
        "https://evil.example/sns.us-east-1.amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com@evil.example/a.pem",
        "https://evil.example#.sns.us-east-1.amazonaws.com/a.pem",
        "https://snsxus-east-1.amazonaws.com/a.pem",
        "https://bucket.s3.us-east-1.amazonaws.com/a.pem",
        "https://sns.evil.us-east-1.amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com:8443/a.pem",
        "https://sns.us-east-1.amazonaws.com/a.pem?x=.pem",
        "https://sns.us-east-1.amazonaws.com/../a.pem",
        "https://sns.us-east-1.amazonaws.com/a.pem\n",
        "https://sns.us-east-1.amazonaws.com/?Action=Publish",
        "https://127.0.0.1/a.pem",
        "",
        None,
        3,
        ["https://sns.us-east-1.amazonaws.com/a.pem"],
    ],
)
def test_a_certificate_from_elsewhere_is_never_asked_for(amazon, place):
    with pytest.raises(Refused, match="certificate is not Amazon's"):
        check({**by_sns(NOTE), "SigningCertURL": place})
    assert amazon.asked == 0


@pytest.mark.parametrize(
    "place", [SNS_PLACE, SNS_PLACE.replace("us-east-1.amazonaws.com", "cn-north-1.amazonaws.com.cn")]
)
def test_certificates_of_amazons_own_regions_are_asked_for(amazon, place):
    check(by_sns(NOTE, place=place))


@pytest.mark.parametrize(
    "changed",
    [
        {"SignatureVersion": "3"},
        {"SignatureVersion": 1},
        {"Signature": "not base64!"},
        {"Signature": None},
        {"Type": "Something"},
        {"Type": ["Notification"]},
        {"Message": {"a": 1}},
        {"Timestamp": None},
        {"Subject": 3},
    ],
)
def test_what_is_not_signed_as_amazon_signs_is_refused(amazon, changed):
    with pytest.raises(Refused, match="not signed as Amazon SNS signs"):
        check({**by_sns(NOTE), **changed})


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"3", b'"x"', b"\xff\xfe", b"{}"])
def test_any_body_is_refused_without_a_traceback(amazon, body):
    with pytest.raises(Refused):
        sns.check(body)


@pytest.mark.parametrize("days", [(-2, -1), (1, 2)])
def test_a_certificate_out_of_its_time_is_refused(amazon, days):
    with a_server(sns_certificate(days=days).public_bytes(Encoding.PEM)) as server:
        amazon.at(server)
        with pytest.raises(Refused, match="out of date"):
            check(by_sns(NOTE))


def test_a_kept_certificate_that_ended_is_fetched_anew(amazon):
    sns._kept[SNS_PLACE] = sns_certificate(OTHER, days=(-2, -1))
    check(by_sns(NOTE))
    assert amazon.asked == 1


def test_a_certificate_that_has_moved_is_refused(amazon):
    with a_server(sns_certificate().public_bytes(Encoding.PEM), to="/elsewhere.pem") as server:
        amazon.at(server)
        with pytest.raises(Refused, match="somewhere else"):
            check(by_sns(NOTE))
    assert not sns._kept


@pytest.mark.parametrize(("content", "status"), [(b"<html>", 200), (b"", 500), (b"x" * 50_000, 200)])
def test_a_certificate_that_can_not_be_had_is_tried_again_later(amazon, content, status):
    with a_server(content, status=status) as server:
        amazon.at(server)
        with pytest.raises(BroadsheetError) as caught:
            check(by_sns(NOTE))
    assert not isinstance(caught.value, Refused)
    check_again = a_server(sns_certificate().public_bytes(Encoding.PEM))
    with check_again as server:
        amazon.at(server)
        check(by_sns(NOTE))
