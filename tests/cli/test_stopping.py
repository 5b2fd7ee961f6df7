"""A wish to stop is heard at once, whatever the main thread waits for, and nothing outwaits its patience."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from broadsheet.cli.stopping import stopping

WAITS = """
import sqlite3, sys, threading
from broadsheet.cli import stopping
stopping.PATIENCE = float(sys.argv[2])
held = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
with stopping.stopping() as wished:
    threading.Thread(target=lambda: (wished.wait(), print("heard", flush=True)), daemon=True).start()
    print("waits", flush=True)
    held.execute("BEGIN IMMEDIATE")
    print("got it", flush=True)
"""


@pytest.fixture
def locked(tmp_path):
    database = sqlite3.connect(tmp_path / "locked.sqlite3", isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    yield database, tmp_path / "locked.sqlite3"
    database.close()


def waiting(path, patience):
    command = [sys.executable, "-c", WAITS, str(path), str(patience)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "waits\n"
    time.sleep(0.2)  # until it is inside of SQLite
    return process


@pytest.mark.parametrize("wish", [signal.SIGTERM, signal.SIGINT])
def test_a_wish_is_heard_while_a_database_is_waited_for(locked, wish):
    database, path = locked
    process = waiting(path, 60)
    process.send_signal(wish)
    assert process.stdout.readline() == "heard\n"
    database.execute("ROLLBACK")
    said, complaint = process.communicate(timeout=60)
    assert (said, complaint, process.returncode) == ("got it\n", "", 0)


def test_who_is_not_let_stop_ends_and_says_why(locked):
    process = waiting(locked[1], 0.3)
    process.send_signal(signal.SIGTERM)
    said, complaint = process.communicate(timeout=60)
    assert (said, process.returncode) == ("heard\n", 1)
    assert complaint == (
        "Ended after 0.3 s: the database or the mail server did not answer. What was answered stands in the journal;"
        " whoever sends next records it.\n"
    )


def test_other_signals_are_no_wish_and_all_is_as_before_afterwards():
    heard = []
    before = signal.signal(signal.SIGUSR1, lambda *_: heard.append(1))
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        with stopping() as wished:
            os.kill(os.getpid(), signal.SIGUSR1)
            assert not wished.wait(0.2)
            os.kill(os.getpid(), signal.SIGTERM)
            assert wished.wait(60)
        assert heard == [1]
        assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == handlers
        assert signal.set_wakeup_fd(-1) == -1
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_second_ctrl_c_ends_it_at_once():
    with pytest.raises(KeyboardInterrupt), stopping():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
