"""The parser raises on nothing, keeps little of a large message, and takes no long time over a hostile one."""

import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.events.bounces import Kind, Report, classified, parse
from broadsheet.models import BounceClass

SAMPLES = [path.read_bytes() for path in sorted(Path(__file__).with_name("samples").glob("*.eml"))]
LARGE = 5_000_000
HEAD = b"From: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail\n"

pieces = st.sampled_from(
    [
        b"Content-Type: multipart/report; boundary=x\n",
        b"Content-Type: message/delivery-status\n",
        b"Content-Type: message/rfc822\n",
        b"Content-Type: text/html; charset=utf-7\n",
        b"Content-Type: text/plain; charset=no-such\n",
        b"Content-Transfer-Encoding: base64\n",
        b"Subject: =?utf-8?b?////?= =?x?q?=ZZ?=\n",
        b"From: MAILER-DAEMON@mx.example\n",
        b"Final-Recipient: rfc822;\xff\xfe@\n",
        b"Action: failed\nStatus: 5.1.1\n",
        b"--x\n",
        b"--x--\n",
        b"\n",
        b"<a@b.example>: 550 5.1.1 user unknown\n",
        b"\x1b$B%f!<\x1b(B\n",
        b"\x00\x80\r",
    ]
)


def holds(report):
    """What is true of any report."""
    assert isinstance(report, Report)
    assert isinstance(report.kind, Kind)
    for each in report.recipients:
        assert isinstance(each.cause, BounceClass)
        assert "\n" not in each.address + each.status + each.reply
        assert len(each.address) <= 320
        assert len(each.reply) <= 500
    return True


@given(st.binary(max_size=2000))
def test_it_raises_on_no_bytes(raw):
    assert holds(parse(raw))


@given(st.lists(st.one_of(pieces, st.binary(max_size=40)), max_size=40))
def test_it_raises_on_no_pieces_of_reports(parts):
    assert holds(parse(b"".join(parts)))


@settings(max_examples=200)
@given(st.sampled_from(SAMPLES), st.data())
def test_it_raises_on_no_damaged_report(raw, data):
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(raw)))
        end = data.draw(st.integers(start, min(len(raw), start + 200)))
        raw = raw[:start] + data.draw(st.binary(max_size=30)) + raw[end:]
    assert holds(parse(raw))


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_words_have_a_class(status, reply):
    assert isinstance(classified(status, reply), BounceClass)


HOSTILE = {
    "one line": HEAD + b"\n" + b"a" * LARGE,
    "addresses": HEAD + b"\n" + b"a@b.example " * (LARGE // 12),
    "blank lines": HEAD + b"\n" + b"\n" * LARGE,
    "spaces and quotes": HEAD + b"\n" + b" \t\n> " * (LARGE // 5),
    "dashes": HEAD + b"\n" + b"-" * LARGE,
    "open tags": HEAD + b"Content-Type: text/html\n\n" + b"<style><!--<a " * (LARGE // 14),
    "parts": HEAD + b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\n" * (LARGE // 5),
    "parts in parts": HEAD
    + b"".join(b"Content-Type: multipart/a; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(9999)),
    "messages in messages": b"Content-Type: message/rfc822\n\n" * (LARGE // 30),
    "recipients": HEAD
    + b"Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/delivery-status\n\n"
    + b"Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n\n" * (LARGE // 68),
    "headers": b"X-A: =?utf-8?q?a?=\n" * (LARGE // 19) + b"\n",
    "a folded header": b"Subject: a\n" + b" b\n" * (LARGE // 3),
    "base64": HEAD + b"Content-Transfer-Encoding: base64\n\n" + b"QUFB\n" * (LARGE // 5),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_five_megabytes_are_read_in_bounded_time(name):
    start = time.process_time()
    assert holds(parse(HOSTILE[name]))
    assert time.process_time() - start < 5  # measured: under 0.4 s for each


@pytest.mark.parametrize("name", ["one line", "addresses", "messages in messages", "recipients", "headers"])
def test_five_megabytes_are_read_in_bounded_memory(name):
    tracemalloc.start()
    parse(HOSTILE[name])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000  # measured: 3.1 MB at most


def test_what_a_large_report_says_is_found_behind_a_large_part():
    report = (
        HEAD + b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n--x\n"
        b"Content-Type: text/plain\n\n" + b"words of the report\n" * (LARGE // 20) + b"\n--x\n"
        b"Content-Type: message/delivery-status\n\n"
        b"Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; ada@reader.example\n"
        b"Action: failed\nStatus: 5.1.1\n\n--x\nContent-Type: message/rfc822\n\n"
        b"Message-ID: <AQEBAgMEBQYHCAkKCwwN@news.example>\n\n" + b"words of the mail\n" * 1000 + b"\n--x--\n"
    )
    found = parse(report)
    assert [(each.address, each.cause) for each in found.recipients] == [("ada@reader.example", "dead")]
    assert ("m", "AQEBAgMEBQYHCAkKCwwN") in found.words
