"""APScheduler's jobs follow the workspace's files; senders take one edition each."""

import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest

from broadsheet import editions, notices, pipeline
from broadsheet.schedule import senders
from broadsheet.schedule.cleaning import clean_up
from broadsheet.schedule.engine import Engine, NextTime
from broadsheet.schedule.senders import Senders
from broadsheet.workspace import Workspace

DIGEST = """\
---
name: {name}
list: newsletter
template: plain
subject: Hello
schedule: {schedule}
approval: {approval}
---
"""


@pytest.fixture
def engine(workspace, db, monkeypatch):
    """An engine whose jobs are planned and never run."""
    made = Engine(Workspace(workspace.root))
    monkeypatch.setattr(made._jobs, "_main_loop", lambda: None)
    made.start()
    yield made
    made.stop(0)


def jobs(engine):
    return {job.id: job.next_run_time for job in engine._jobs.get_jobs()}


def test_each_scheduled_campaign_has_a_job_at_its_next_time_and_a_hand_sent_one_has_none(engine):
    found = jobs(engine)
    assert set(found) == {"files", "tick", "notices", "webhooks", "sync", "clean-up", "campaign weekly"}
    assert f"{found['campaign weekly']:%a %M:%S}" == "Tue 00:00"


def test_mailboxes_are_looked_into_as_often_as_the_settings_say(engine, write):
    write(
        "broadsheet.toml", '[bounces]\nevery = "7m"\n[bounces.mailboxes.a]\nkind = "imap"\nhost = "::1"\nuser = "b"\n'
    )
    engine._follow()
    job = engine._jobs.get_job("bounce mailboxes")
    assert job.trigger.interval == timedelta(minutes=7)
    assert job.next_run_time <= datetime.now(UTC), "and at once"


def test_a_mailbox_that_can_not_be_read_is_logged_and_stops_nothing(engine, write, caplog):
    write("broadsheet.toml", '[bounces.mailboxes.a]\nkind = "imap"\nhost = "127.0.0.1"\nport = 1\nuser = "b"\n')
    engine._follow()
    engine._take_back()
    assert "The mailbox “a” at 127.0.0.1 can't be read" in caplog.text


def test_messages_that_came_back_are_let_go_of_after_their_time(engine):
    from broadsheet.events.incoming.storing import Came, keep
    from broadsheet.models import ReturnedMail

    rows = keep([Came(bytes([number]), "test") for number in range(3)])
    old = datetime.now(UTC) - timedelta(days=31)
    ReturnedMail.objects.filter(pk__in=[rows[0].pk, rows[1].pk]).update(received_at=old)
    ReturnedMail.objects.exclude(pk=rows[1].pk).update(recorded_at=old)
    engine._clean_up()
    kept = {row.pk: bytes(row.content) for row in ReturnedMail.objects.all()}
    assert kept == {rows[0].pk: b"", rows[1].pk: b"\x01", rows[2].pk: b"\x02"}


def test_jobs_follow_the_files(engine, write, workspace):
    write("campaigns/fresh.md", DIGEST.format(name="Fresh", schedule="{cron: '0 9 * * *'}", approval="automatic"))
    engine._follow()
    before = jobs(engine)["campaign fresh"]
    write("campaigns/fresh.md", DIGEST.format(name="Fresh", schedule="{cron: '7 9 * * *'}", approval="automatic"))
    engine._follow()
    assert jobs(engine)["campaign fresh"] - before in (timedelta(minutes=7), timedelta(minutes=7, days=1))
    (workspace.root / "campaigns" / "fresh.md").unlink()
    write("broadsheet.toml", '[schedule]\nsync_minutes = 0\nclean_up = "never"\n')
    engine._follow()
    assert set(jobs(engine)) == {"files", "tick", "notices", "webhooks", "campaign weekly"}


def test_an_edition_that_wants_approval_is_due_a_lead_ahead(workspace, write):
    write(
        "campaigns/fresh.md", DIGEST.format(name="F", schedule="{cron: '0 9 * * tue', lead: 2d}", approval="required")
    )
    trigger = NextTime(workspace, workspace.campaign("fresh"))
    monday = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert trigger.get_next_fire_time(None, monday) == datetime(2026, 11, 29, 8, tzinfo=UTC)
    assert trigger.get_next_fire_time(datetime(2026, 11, 29, 8, tzinfo=UTC), monday) == datetime(
        2026, 12, 6, 8, tzinfo=UTC
    )


def test_a_clock_that_is_set_back_leaves_no_job_waiting_for_the_old_time(workspace, db, monkeypatch):
    clock = SimpleNamespace(ahead=timedelta(days=30))
    engine = Engine(Workspace(workspace.root), lambda: datetime.now(UTC) + clock.ahead)
    monkeypatch.setattr(engine._jobs, "_main_loop", lambda: None)
    engine.start()
    engine.mind_the_clock()
    before = jobs(engine)
    clock.ahead = timedelta(0)
    engine.mind_the_clock()
    found = jobs(engine)
    assert found["tick"] <= datetime.now(UTC) < before["tick"]
    assert found["campaign weekly"] - datetime.now(UTC) <= timedelta(days=7)
    engine.stop(0)


# -- senders -----------------------------------------------------------------------------------------------------


@pytest.fixture
def sending(monkeypatch):
    """Editions 1 to 9 are ready, and each is sent until somebody says stop; which were begun, in order."""
    begun, stopped, ready = [], Event(), [SimpleNamespace(pk=number, key=f"e{number}") for number in range(1, 10)]

    def send(_workspace, edition, progress, stop):
        begun.append(edition.pk)
        while not stop():
            time.sleep(0.005)
        stopped.set()
        return SimpleNamespace(sent=1, waiting=0)

    monkeypatch.setattr(editions, "ready_to_send", lambda _: ready)
    monkeypatch.setattr(pipeline, "send", send)
    monkeypatch.setattr(pipeline, "sweep", lambda _workspace: [])
    return SimpleNamespace(begun=begun, stopped=stopped, ready=ready)


NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def test_an_edition_has_one_sender_at_a_time_and_a_process_has_few(sending):
    pool = Senders()
    for _ in range(3):
        pool.look(None, NOW)
    assert pool.stop(5)
    assert sorted(sending.begun) == [1, 2, 3, 4]


def test_stopping_lets_each_end_what_it_has_in_hand_and_begins_no_other(sending):
    pool = Senders()
    pool.look(None, NOW)
    assert pool.stop(5)
    assert sending.stopped.is_set()
    pool.look(None, NOW)
    assert len(sending.begun) == senders.AT_ONCE


@pytest.mark.clock
def test_a_sender_that_does_not_end_in_time_is_not_waited_for(sending, monkeypatch):
    going, never = Event(), Event()
    monkeypatch.setattr(pipeline, "send", lambda *_, **__: never.wait(2) and going)
    pool = Senders()
    pool.look(None, NOW)
    began = time.monotonic()
    assert not pool.stop(0.1)
    assert time.monotonic() - began < 1
    never.set()


def test_an_edition_that_can_not_be_sent_rests_a_minute(sending, monkeypatch, caplog):
    tried = []

    def fails(_workspace, edition, progress, stop):
        tried.append(edition.pk)
        raise OSError("no route to host")

    monkeypatch.setattr(pipeline, "send", fails)
    del sending.ready[1:]
    pool = Senders()
    for seconds in (0, 10, 59, 61):
        pool.look(None, NOW + timedelta(seconds=seconds))
        for thread in tuple(pool._busy.values()):
            thread.join()
    assert len(tried) == 2
    assert "Edition 1 (e1) can't be sent: no route to host" in caplog.text


# -- clean-up ----------------------------------------------------------------------------------------------------


def test_only_old_unfinished_files_are_cleaned_up(tmp_path):
    (tmp_path / "inbox").mkdir()
    (tmp_path / "images").mkdir()
    old = ["inbox/.a.eml.part", "images/.night.png.x1y2z3ab", ".secret_key.4711"]
    kept = ["inbox/a.eml", "images/night.png", "secret_key", ".gitignore", "broadsheet.sqlite3"]
    for name in [*old, *kept, "inbox/.new.eml.part"]:
        (tmp_path / name).write_text("x")
        if "new" not in name:
            os.utime(tmp_path / name, (1e9, 1e9))
    assert sorted(clean_up(tmp_path, datetime.now(UTC))) == sorted(old)
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()) == sorted(
        [*kept, "inbox/.new.eml.part"]
    )


@pytest.mark.django_db(transaction=True)
def test_the_scheduler_sends_notices_that_a_page_left_and_nobody_else_sent(workspace, cast):
    shutil.copytree(Path(__file__).parents[2] / "templates/shared", workspace.root / "templates/shared")
    shutil.copytree(Path(__file__).parents[2] / "templates/notice", workspace.root / "templates/notice")
    notices.post("download", cast.ada, url="https://news.stillwater.example/d/x")
    Engine(workspace)._carry_out()
    (mail,) = (workspace.state / "inbox").glob("*.eml")
    assert b"ada@reader.example" in mail.read_bytes()


def test_other_programs_are_told_beside_what_providers_tell_us(engine, write, workspace):
    settings = (workspace.root / "broadsheet.toml").read_text()
    write("broadsheet.toml", f'{settings}\n[webhooks.crm]\nurl = "https://crm.example/hook"\n')
    engine._follow()
    assert {"webhooks", "outgoing webhooks"} <= set(jobs(engine))
