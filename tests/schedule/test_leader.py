"""One leader of many."""

import subprocess
import sys
import time
from threading import Event, Thread

import pytest

from broadsheet.schedule import leader
from broadsheet.schedule.leader import AdvisoryLock, FileLock, Leadership

HOLD = (
    "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); input()"
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "scheduler.lock"


def test_only_one_holds_the_file(path):
    one, two = FileLock(path), FileLock(path)
    assert (one.take(), two.take()) == (True, False)
    one.release()
    assert two.take()
    two.release()


def test_a_process_that_is_killed_frees_it(path):
    path.parent.mkdir()
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        lock = FileLock(path)
        assert not lock.take()
        holder.kill()
        holder.wait()
        assert lock.take()
        lock.release()


def test_a_lock_whose_file_was_removed_is_lost(path):
    lock = FileLock(path)
    assert lock.take()
    path.unlink()
    assert not lock.held()
    lock.release()


def test_a_waiting_scheduler_takes_over_and_one_that_is_to_stop_waits_no_longer(workspace, db, monkeypatch):
    monkeypatch.setattr(leader, "EVERY", 0.02)
    first, second, stopping = Event(), Event(), Event()
    with Leadership(workspace, stopping) as leads:
        assert leads.won()
        assert leads.leads()

        def wait():
            with Leadership(workspace, first) as waits:
                if waits.won():
                    second.set()

        waiting = Thread(target=wait)
        waiting.start()
        assert not second.wait(0.1)
        stopping.set()
        assert not leads.leads()
    assert second.wait(10)
    waiting.join()
    with Leadership(workspace, stopping) as leads:
        assert not leads.won()


# -- PostgreSQL --------------------------------------------------------------------------------------------------


@pytest.fixture
def session(database, monkeypatch, django_db_blocker):
    """Makes locks on a real PostgreSQL, each on a session of its own."""
    from django.db.backends.postgresql.base import DatabaseWrapper
    from django.db.utils import ConnectionHandler

    from broadsheet.settings import _database

    wrapper = ConnectionHandler({"default": _database(database)})["default"]
    assert isinstance(wrapper, DatabaseWrapper)
    monkeypatch.setattr(leader, "connection", wrapper)
    with django_db_blocker.unblock():
        yield wrapper
        wrapper.close()


def taken_soon(lock):
    """Whether the lock can be had once the server has noticed that a session is over."""
    return any(lock.take() or time.sleep(0.05) for _ in range(200))


def test_only_one_session_holds_the_lock_and_ending_it_frees_it(session):
    one, two = AdvisoryLock(), AdvisoryLock()
    assert (one.take(), two.take()) == (True, False)
    assert (one.held(), two.take()) == (True, False)
    one.release()
    assert taken_soon(two)
    two.release()


def test_a_connection_that_the_server_ends_loses_the_lock_and_is_noticed(session):
    one, two = AdvisoryLock(), AdvisoryLock()
    assert (one.take(), two.take()) == (True, False)
    with session.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        assert cursor.fetchall() == [(True,)]
    assert not one.held()
    assert taken_soon(two)
    for lock in (one, two):
        lock.release()


def test_the_session_is_probed_so_that_a_vanished_machine_frees_it(session):
    lock = AdvisoryLock()
    assert lock.take()
    with lock._session.cursor() as cursor:
        cursor.execute("SHOW tcp_keepalives_idle")
        assert cursor.fetchone() == ("5",)
    lock.release()
