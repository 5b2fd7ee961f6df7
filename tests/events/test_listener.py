"""The listener, spoken to as mail servers do: it takes what is ours, answers once it is stored, and records it after."""

import smtplib
import socket
import time
from contextlib import contextmanager
from threading import Thread

import pytest
from django.db import connection
from tests.events.conftest import word

from broadsheet import pipeline
from broadsheet.errors import BroadsheetError
from broadsheet.events import Came, Listener, keep
from broadsheet.models import ReturnedMail, Subscription, Suppression

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def listening(recorder, **more):
    with Listener("127.0.0.1:0", recorder, addresses=["fbl@back.example"], **more) as listener:
        kind = smtplib.LMTP if more.get("lmtp") else smtplib.SMTP
        with kind("127.0.0.1", listener.port) as client:
            yield client


def recorded(number=1):
    """Waits until so many messages are recorded."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA read_uncommitted = 1")  # looking locks no table of a database in memory then
    until = time.monotonic() + 60
    while ReturnedMail.objects.filter(recorded_at__isnull=False).count() < number:
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("lmtp", [False, True])
def test_a_report_to_a_return_path_is_taken_and_recorded(recorder, copy, report, lmtp):
    ada = copy()
    with listening(recorder, lmtp=lmtp) as client:
        client.sendmail("", [f"b+{word(ada, 'b')}@back.example"], report(ada, signed=""))
        recorded()
    assert Suppression.objects.get(reason="dead").email_key == "ada@reader.example"
    assert ReturnedMail.objects.get().source == "listener"


def test_a_complaint_and_a_goodbye_are_taken(recorder, copy, complaint, goodbye, cast):
    ada, ben = copy(cast.ada), copy(cast.ben)
    with listening(recorder) as client:
        client.sendmail("loop@portal.example", ["FBL@back.example"], complaint(ada))
        client.sendmail("ben@reader.example", [f"unsub+{word(ben, 'u')}@back.example"], goodbye(ben))
        recorded(2)
    assert Suppression.objects.get(reason="complained").email_key == "ada@reader.example"
    assert Subscription.objects.get(subscriber=cast.ben).state == "unsubscribed"


def test_what_is_for_nobody_here_is_refused_and_nothing_stored(recorder, copy):
    ada = copy()
    for address in ("b+AAAABBBBCCCCDDDDEEEE@back.example", f"b+{word(ada, 'u')}@back.example", "someone@else.example"):
        with listening(recorder) as client, pytest.raises(smtplib.SMTPRecipientsRefused, match=r"550.*5\.1\.1"):
            client.sendmail("", [address], b"Subject: x\r\n\r\n")
    assert not ReturnedMail.objects.exists()


def test_the_same_message_handed_over_twice_is_stored_once(recorder, copy, report):
    ada = copy()
    with listening(recorder) as client:
        for _ in range(2):
            client.sendmail("", [f"b+{word(ada, 'b')}@back.example"], report(ada))
        recorded()
    assert ReturnedMail.objects.count() == 1


def test_a_message_that_was_stored_and_not_recorded_is_recorded_with_the_next(recorder, copy, report, workspace):
    keep([Came(report(copy()), "listener")])
    assert not Suppression.objects.filter(reason="dead").exists()
    pipeline.take_back(workspace)
    assert Suppression.objects.filter(reason="dead").exists()


@pytest.mark.parametrize("place", ["here", "127.0.0.1", "127.0.0.1:99999", ":25"])
def test_a_place_that_is_none_is_said(recorder, place):
    with pytest.raises(BroadsheetError, match="is no place to listen at"):
        Listener(place, recorder)


def test_a_port_that_is_taken_is_said(recorder):
    with Listener("127.0.0.1:0", recorder) as first, pytest.raises(BroadsheetError, match="Stop what uses that port"):
        Listener(f"127.0.0.1:{first.port}", recorder).__enter__()


def test_a_report_that_is_larger_than_ten_megabytes_is_refused(recorder):
    with listening(recorder) as client, pytest.raises(smtplib.SMTPException):
        client.sendmail("a@b.example", ["fbl@back.example"], b"x" * 70 + b"\r\n" * 6_000_000)


def test_many_connections_at_once_lose_nothing_and_each_is_answered(recorder, copy, report, join):
    copies = [copy(join(f"r{number}@reader.example")) for number in range(60)]
    answered = []

    def hand_over(mine, port):
        with smtplib.SMTP("127.0.0.1", port) as client:
            for each in mine:
                assert client.sendmail("", [f"b+{word(each, 'b')}@back.example"], report(each)) == {}
                answered.append(each)

    with Listener("127.0.0.1:0", recorder) as listener:
        threads = [Thread(target=hand_over, args=(copies[start::12], listener.port)) for start in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert ReturnedMail.objects.count() == len(answered) == 60
        recorded(60)
    assert Suppression.objects.filter(reason="dead").count() == 60


def test_who_hangs_up_before_the_answer_disturbs_nobody(recorder, copy, report, cast):
    ada, ben = copy(cast.ada), copy(cast.ben)
    with listening(recorder) as client:
        with socket.create_connection(("127.0.0.1", client.sock.getpeername()[1])) as rude:
            lines = ["HELO x", "MAIL FROM:<>", f"RCPT TO:<b+{word(ada, 'b')}@back.example>", "DATA"]
            for line in lines:
                rude.sendall(f"{line}\r\n".encode())
                time.sleep(0.05)
            rude.sendall(report(ada) + b"\r\n.\r\n")
        client.sendmail("", [f"b+{word(ben, 'b')}@back.example"], report(ben))
        recorded(ReturnedMail.objects.count())
    assert "ben@reader.example" in Suppression.objects.filter(reason="dead").values_list("email_key", flat=True)


def test_a_report_that_returns_lines_of_any_length_is_taken(recorder, copy, report, cast):
    with listening(recorder) as client:
        client.sendmail("", [f"b+{word(copy(), 'b')}@back.example"], report(copy(cast.ben)) + b"x" * 500_000 + b"\r\n")
        recorded()
