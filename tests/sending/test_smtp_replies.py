"""What a reply means: code, enhanced status, many lines."""

import pytest

from broadsheet.sending import Result
from broadsheet.sending.adapters.smtp.replies import DEAD, asks_to_wait, one_line, refused


@pytest.mark.parametrize(
    ("reply", "result", "dead"),
    [
        ("421 4.3.2 Closing", Result.DEFERRED, False),
        ("450 4.1.1 not now", Result.DEFERRED, False),
        ("550 5.1.2 Bad host", Result.FAILED, True),
        ("550 5.1.1", Result.FAILED, True),
        ("550 5.1.1x", Result.FAILED, False),
        ("550 no status 5.1.1", Result.FAILED, False),
        ("550 5.1.11 longer", Result.FAILED, False),
        ("550 5.7.1 policy (see 5.1.1)", Result.FAILED, False),
        ("552 5.2.2 Mailbox full", Result.FAILED, False),
        ("530 5.7.0 Must issue STARTTLS", Result.FAILED, False),
        ("554", Result.FAILED, False),
    ],
)
def test_a_reply_means_what_the_standards_say(reply, result, dead):
    outcome = refused(7, reply)
    assert (outcome.delivery_id, outcome.result, outcome.dead, outcome.reply) == (7, result, dead, reply)


def test_only_statuses_of_the_address_are_in_the_table_of_the_dead():
    assert all(status.startswith("5.1.") for status in DEAD)


@pytest.mark.parametrize(
    ("reply", "waits"),
    [
        ("421 4.3.2 Closing", True),
        ("421", True),
        ("450 4.7.1 Too fast", True),
        ("451 4.7.650 Throttled", True),
        ("450 4.2.1 Mailbox busy", False),
        ("450 Too fast (4.7.1)", False),
        ("550 5.7.1 Spam", False),
    ],
)
def test_a_server_asks_to_wait_with_421_and_with_4_7(reply, waits):
    assert asks_to_wait(reply) is waits


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([b"550-5.1.1 No\r", b"550 5.1.1 such user\r"], "550 5.1.1 No such user"),
        ([b"550 5.1.1 No\tsuch   user\r"], "550 5.1.1 No such user"),
        ([b"550-\r", b"550-\r", b"550 no\r"], "550 no"),
        ([b"550"], "550"),
        ([b"550 gr\xfc\xdfe \x1b[31m"], "550 gr??e ?[31m"),
    ],
)
def test_a_reply_of_many_lines_is_kept_in_one(lines, said):
    assert one_line(lines).replace("\ufffd", "?") == said


def test_a_long_reply_is_cut():
    assert len(one_line([b"550 5.1.1 " + b"x" * 1000])) == 300
