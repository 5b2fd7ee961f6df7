"""Who leaves, complains or is suppressed a second before their copy goes on the wire is not mailed: 1,000 times."""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest
from django.db import OperationalError, connections
from tests.conftest import fill

from broadsheet import pipeline
from broadsheet.audience import Reader
from broadsheet.conf import SmtpAdapter
from broadsheet.models import Subscription
from broadsheet.sending import Outcome, Result
from broadsheet.sending.adapters.smtp.connection import Connection
from broadsheet.sending.adapters.smtp.envelope import Offers
from broadsheet.sending.adapters.smtp.letter import Letter
from broadsheet.sending.adapters.smtp.pool import Pool
from broadsheet.sending.adapters.smtp.wire import Conversation
from broadsheet.sending.claims import Row
from broadsheet.sending.hand import Copy, Hand
from broadsheet.sending.journal import Journal
from broadsheet.sending.tray import Handful
from broadsheet.stamping import Mail

READERS, LEAVE = 3000, 1000

#: Sends slowly while people leave at random moments; tells when each change was answered and when each mail left.
SCRIPT = """
import json, random, sys, threading, time
from broadsheet.cli.setup import ready
workspace = ready()
from django.db import connections
from broadsheet import events, pipeline
from broadsheet.models import Edition, Subscriber, Subscription, Suppression
from broadsheet.sending import Outcome, Result
from datetime import datetime, UTC

chance = random.Random(int(sys.argv[1]))
edition = pipeline.prepare(workspace, "weekly", datetime(2026, 3, 3, 8, tzinfo=UTC), who="test")
people = list(Subscriber.objects.values_list("pk", "email", "email_key"))
chance.shuffle(people)
went, answered = {}, {}

class Slow:
    def open(self): pass
    def close(self): pass
    def deliver(self, tray):
        while not tray.ended():
            mails = tray.take(chance.choice((1, 2, 10)))
            for mail in mails:
                tray.attempt(mail)
                went[mail.rcpt_to] = time.monotonic()
                tray.answer(Outcome(mail.delivery_id, Result.SENT))
            time.sleep(chance.choice((0.0005, 0.002, 0.01)))
            if chance.random() < 0.01:
                time.sleep(0.3)

def leave():
    for pk, email, key in people[: int(sys.argv[2])]:
        kind = chance.randrange(3)
        if kind == 0:
            events.left_its_list(edition.pk, pk, how="one-click")
        elif kind == 1:
            Suppression.objects.get_or_create(email_key=key, defaults={"reason": "complained"})
        else:
            Subscription.objects.filter(subscriber_id=pk).update(state="unsubscribed")
        answered[email] = time.monotonic()
        time.sleep(chance.choice((0, 0, 0.005)))
    connections.close_all()

leaving = threading.Thread(target=leave)
leaving.start()
numbers = pipeline.send(workspace, edition, Slow())
leaving.join()
late = [went[email] - at for email, at in answered.items() if email in went]
print(json.dumps([numbers.readers, len(answered), len(went), max(late, default=0.0), numbers.sent + numbers.skipped]))
"""


@pytest.mark.clock
def test_nobody_is_mailed_who_left_a_second_before(tmp_path):
    folder = fill(tmp_path / "workspace").root
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("BROADSHEET", "DJANGO"))}
    people = "".join(f"r{number}@reader.example,sleep\n" for number in range(READERS))
    (folder / "people.csv").write_text("email,interests\n" + people)
    for arguments in (["subscribers", "import", "people.csv", "--list", "newsletter"], ["sync"]):
        subprocess.run(
            [sys.executable, "-m", "broadsheet", *arguments],
            cwd=folder,
            env=environment,
            check=True,
            capture_output=True,
        )
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, "1", str(LEAVE)],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    readers, left, mailed, latest, settled = json.loads(ran.stdout)
    assert (readers, left, settled) == (READERS, LEAVE, READERS)
    assert READERS - LEAVE <= mailed < READERS, "some left in time"
    assert latest < 1.0, "nobody was mailed a second or more after their change was answered"


class Waiting:
    """Takes everybody's copy, and sends two seconds later what may still leave: its connection was lost meanwhile."""

    def __init__(self, meanwhile):
        self.meanwhile, self.kept = meanwhile, set()

    def open(self): ...
    def close(self): ...

    def deliver(self, tray):
        mails = []
        while not mails and not tray.ended():
            tray.wait(0.05)
            mails = tray.take(100)
        for mail in mails:
            tray.attempt(mail)
        self.meanwhile()
        time.sleep(2)
        for mail in mails:
            if tray.may_leave(mail):
                tray.answer(Outcome(mail.delivery_id, Result.SENT))
            else:
                self.kept.add(mail.rcpt_to)
                tray.answer(Outcome(mail.delivery_id, Result.DEFERRED, "lost", attempted=False))
        while not tray.ended():
            for mail in tray.take(100):
                tray.answer(Outcome(mail.delivery_id, Result.SENT))
            tray.wait(0.05)


@pytest.mark.django_db(transaction=True)
def test_who_leaves_while_their_copy_waits_for_another_connection_is_not_mailed(cast, freeze, workspace):
    edition = freeze("weekly")
    leaver = edition.deliveries.filter(state="queued").first().subscriber

    def leave():
        left = 0
        while not left:
            with suppress(OperationalError):  # SQLite in memory is not waited for: its other thread writes just now
                left = Subscription.objects.filter(subscriber=leaver).update(state="unsubscribed")
        connections.close_all()

    adapter = Waiting(leave)
    pipeline.send(workspace, edition, adapter)
    assert adapter.kept == {leaver.email}
    numbers = pipeline.send(workspace, edition, adapter)
    assert (numbers.skipped, numbers.waiting, numbers.unknown) == (1, 0, 0)
    assert edition.deliveries.get(subscriber=leaver).reason == "unsubscribed"


def test_a_hand_gives_nothing_out_once_its_sender_is_told_to_stop(tmp_path):
    wished = Event()
    hand = Hand(
        Journal(tmp_path, "sender"), lambda variant, reader: pytest.fail("stamped"), lambda: not wished.is_set()
    )
    reader = Reader(1, "ada@reader.example", "", {})
    hand.good_until = time.monotonic() + 60
    hand.put([Copy(Row(1, 1, 1, 0, None), reader, 1, time.monotonic())])
    assert not hand.ended()
    assert not hand.stopped()
    wished.set()
    assert hand.ended()
    assert hand.stopped(), "so that nobody waits for a look at consent"
    assert hand.take(1) == []
    assert hand.waiting() == 1


def test_an_edition_that_is_done_is_not_one_that_was_halted(tmp_path):
    done, halted = (Hand(Journal(tmp_path, name), lambda variant, reader: pytest.fail("stamped")) for name in "ab")
    done.end()
    halted.stop()
    assert (done.ended(), done.stopped()) == (True, False), "what was taken still leaves"
    assert (halted.ended(), halted.stopped()) == (True, True)


@pytest.mark.parametrize(("waited", "given_back"), [(0.0, False), (60.0, True)])
def test_a_letter_without_a_fresh_look_waits_and_then_goes_back_with_its_tries(waited, given_back):
    class Stale(Handful):
        def may_leave(self, mail):
            return False

    mail = Mail(7, "b@news.example", "ada@reader.example", "<7@news.example>", (b"x\r\n",))
    pool = Pool(SmtpAdapter(kind="smtp", port=25, security="none"), Path())
    pool._tray = tray = Stale([])
    connection = Connection(
        pool, pool._servers[0], Conversation(Offers(), pool._window, pool._contents, print), pool._settings
    )
    lost = Letter(mail)
    lost.tries = 1
    pool._waiting.put(lost, time.monotonic() - waited)
    assert pool.letters(connection, 1) == []
    assert [(each.result, each.attempted) for each in tray.outcomes] == [(Result.DEFERRED, False)] * given_back
    assert list(pool._waiting._letters) == ([] if given_back else [lost])
    if given_back:
        pool._tray = Handful([mail])
        (again,) = pool.letters(connection, 1)
        assert again.tries == 1
