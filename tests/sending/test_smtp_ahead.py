"""Signatures that processes of their own make ahead: good ones, each on its own mail, whatever becomes of the processes."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.sending.machine import CHUNKED, PIPELINED, PLAIN, Books, HostileServer, Mood
from tests.sending.test_smtp_dkim import HEAD, SIGNERS, pem, verifies
from tests.sending.test_smtp_dkim import KEYS as SIGNING_KEYS

from broadsheet.conf import SmtpAdapter
from broadsheet.sending import Result
from broadsheet.sending.adapters.smtp import Smtp, ahead, pool, waiting
from broadsheet.sending.tray import Handful
from broadsheet.stamping import Mail

MANY = 300


@pytest.fixture(autouse=True)
def _worth_it_at_once(monkeypatch):
    monkeypatch.setattr(pool, "_MANY", 0)
    monkeypatch.setattr(pool, "_TICK", 0.01)
    monkeypatch.setattr(ahead, "_FEWEST", 1)


def mails(count, body=b"Hello\r\n"):
    return [
        Mail(n, "b@news.example", f"r{n}@reader.example", f"<{n}@news.example>",
             (HEAD.replace(b"<1@", b"<%d@" % n), b"Number %d\r\n" % n, body))
        for n in range(1, count + 1)
    ]  # fmt: skip


class Later(Handful):
    """A tray that gives a few, and all others once there are processes that sign."""

    def __init__(self, given):
        super().__init__(given)
        self.until = time.monotonic() + 10

    def take(self, limit):
        if time.monotonic() < self.until:
            if not helpers():
                return super().take(1) if not self.outcomes else []
            self.until = 0
        return super().take(limit)


class Leaving(Later):
    """A tray one of whose readers leaves while the mail is signed."""

    def may_leave(self, mail):
        return mail.delivery_id != 99


def helpers():
    """The processes that sign for this one."""
    command = ["pgrep", "-P", str(os.getpid()), "-f", "signatory"]
    return [int(pid) for pid in subprocess.run(command, check=False, capture_output=True, text=True).stdout.split()]


def adapter(server, folder, **given):
    (folder / "key.pem").write_bytes(pem(SIGNING_KEYS["rsa"]))
    settings = SmtpAdapter(
        kind="smtp", port=server.port, security="none", hello="t.example", patience=5.0,
        dkim_domain="news.example", dkim_selector="s1", dkim_key_file="key.pem", **given,
    )  # fmt: skip
    return Smtp(settings, folder)


def sent(smtp, tray):
    try:
        smtp.open()
        smtp.deliver(tray)
        assert (len(tray.outcomes) < 50) or helpers(), "nothing was signed ahead"
    finally:
        smtp.close()
    assert not helpers(), "they end with the adapter"
    return Counter(outcome.result for outcome in tray.outcomes)


def all_good(server, numbers):
    assert server.books.violations == []
    assert server.books.taken == Counter(f"{number}@news.example" for number in numbers)
    assert all(verifies(SIGNERS["rsa"], content) for _, _, content in server.books.mails)


@pytest.mark.parametrize("offers", [CHUNKED, PIPELINED, PLAIN], ids=["chunks", "groups", "steps"])
def test_each_mail_bears_its_own_good_signature(offers, tmp_path):
    with HostileServer(Books(offers)) as server:
        assert sent(adapter(server, tmp_path), Later(mails(MANY))) == {Result.SENT: MANY}
        all_good(server, range(1, MANY + 1))


def test_mails_that_have_to_be_rewritten_are_signed_as_they_leave(tmp_path):
    some = mails(60)
    for mail in some[::2]:
        mail.pieces = (*mail.pieces, b".a dot\r\nbare\nend")
    with HostileServer(Books(CHUNKED)) as server:
        assert sent(adapter(server, tmp_path), Later(some)) == {Result.SENT: 60}
        all_good(server, range(1, 61))


def test_a_connection_that_breaks_takes_no_signature_with_it(tmp_path):
    with HostileServer(Books(CHUNKED), Mood(cut_in=100_000, connections=3)) as server:
        found = sent(adapter(server, tmp_path, connections=2), Later(mails(MANY, b"x" * 70 + b"\r\n" * 20)))
        assert found[Result.SENT] + found[Result.UNKNOWN] == MANY
        assert max(server.books.taken.values()) == 1
        assert all(verifies(SIGNERS["rsa"], content) for _, _, content in server.books.mails)


@pytest.mark.parametrize(
    "told", [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM], ids=["killed", "stopped", "told to end"]
)
def test_processes_that_are_killed_cost_no_mail(told, tmp_path, monkeypatch):
    monkeypatch.setattr(ahead, "_PATIENCE", 0.5)
    struck, tray = [], Later(mails(MANY))

    def strike():
        while len(tray.outcomes) < 60 and time.monotonic() < until:
            time.sleep(0.01)
        struck.extend(helpers())
        for pid in struck:
            os.kill(pid, told)

    until = time.monotonic() + 20
    killer = threading.Thread(target=strike)
    with HostileServer(Books(CHUNKED), Mood(delay=0.005, connections=99)) as server:
        smtp = adapter(server, tmp_path)
        killer.start()
        smtp.open()
        smtp.deliver(tray)
        killer.join()
        assert struck
        alive = helpers()
        smtp.close()
        assert bool(alive) == (told == signal.SIGTERM), "who is told to end has a sender that goes on"
        assert Counter(outcome.result for outcome in tray.outcomes) == {Result.SENT: MANY}
        all_good(server, range(1, MANY + 1))


def test_a_reader_who_leaves_while_their_mail_is_signed_gets_none(tmp_path, monkeypatch):
    monkeypatch.setattr(waiting, "KEEPS", 0.2)
    with HostileServer(Books(CHUNKED)) as server:
        tray = Leaving(mails(MANY))
        assert sent(adapter(server, tmp_path), tray) == {Result.SENT: MANY - 1, Result.DEFERRED: 1}
        all_good(server, set(range(1, MANY + 1)) - {99})
        (put_off,) = [outcome for outcome in tray.outcomes if outcome.result is Result.DEFERRED]
        assert (put_off.delivery_id, put_off.attempted) == (99, False)


def test_the_next_edition_is_not_given_what_a_failed_one_had_signed(tmp_path):
    class Failing(Later):
        def answer(self, outcome):
            super().answer(outcome)
            if len(self.outcomes) == 50:
                raise RuntimeError("no room for answers")

    with HostileServer(Books(CHUNKED)) as server:
        smtp = adapter(server, tmp_path)
        smtp.open()
        with pytest.raises(RuntimeError, match="no room"):
            smtp.deliver(Failing(mails(MANY)))
        before = len(server.books.mails)
        tray = Handful(mails(MANY + 40)[MANY:])
        smtp.deliver(tray)
        smtp.close()
        assert Counter(outcome.result for outcome in tray.outcomes) == {Result.SENT: 40}
        assert len(server.books.mails) <= before + 40 + 20, "at most what was in flight came in meanwhile"
        assert max(server.books.taken.values()) == 1
        assert all(verifies(SIGNERS["rsa"], content) for _, _, content in server.books.mails)


def test_they_end_with_a_sender_that_is_killed():
    script = (
        "import time\n"
        "import django\n"
        "from django.conf import settings\n"
        "settings.configure(INSTALLED_APPS=['broadsheet.apps.BroadsheetConfig'], USE_TZ=True)\n"
        "django.setup()\n"
        "from broadsheet.sending.adapters.smtp.ahead import _Process\n"
        f"print(_Process({pem(SIGNING_KEYS['rsa'])!r}, set())._process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    sender = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    helper = int(sender.stdout.readline())
    assert Path(f"/proc/{helper}").exists()
    sender.kill()
    sender.wait()
    sender.stdout.close()
    until = time.monotonic() + 10
    while Path(f"/proc/{helper}").exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert not Path(f"/proc/{helper}").exists()


def test_a_sender_that_is_kept_on_one_processor_has_processes_on_all(tmp_path):
    class Looking(Later):
        def answer(self, outcome):
            super().answer(outcome)
            found.update((pid, frozenset(os.sched_getaffinity(pid))) for pid in helpers() if len(found) < len(allowed))

    allowed, found = os.sched_getaffinity(0), set()
    with HostileServer(Books(CHUNKED)) as server:
        smtp = adapter(server, tmp_path)
        os.sched_setaffinity(0, {min(allowed)})
        try:
            assert sent(smtp, Looking(mails(MANY))) == {Result.SENT: MANY}
        finally:
            os.sched_setaffinity(0, allowed)
    assert {each for _, each in found} == {frozenset(allowed)}


def test_slow_sending_needs_none(tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "_MANY", 10_000_000)
    with HostileServer(Books(CHUNKED)) as server:
        smtp, tray = adapter(server, tmp_path), Handful(mails(40))
        smtp.open()
        smtp.deliver(tray)
        assert not helpers()
        smtp.close()
        all_good(server, range(1, 41))
