"""Notices leave once, and are not lost when the adapter fails."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from broadsheet import notices, sending
from broadsheet.errors import AdapterFailed
from broadsheet.models import Errand, ErrandKind
from broadsheet.notices.errands import RETRIES, claim
from broadsheet.sending.adapters.memory import MemoryOutbox
from broadsheet.sending.outcome import Outcome, Result

TEMPLATES = Path(__file__).parents[2] / "templates"


@pytest.fixture
def workspace(workspace):
    for name in ("shared", "notice"):
        shutil.copytree(TEMPLATES / name, workspace.root / "templates" / name)
    return workspace


@pytest.fixture
def outbox(monkeypatch):
    """The adapter that notices go through: a real one, in memory."""
    outbox = MemoryOutbox()
    monkeypatch.setattr(sending, "make_adapter", lambda *_: outbox)
    return outbox


@pytest.fixture
def due():
    """Makes what waits for another attempt due."""
    return lambda: Errand.objects.filter(due_at__isnull=False).update(due_at=timezone.now())


def ask(email="zoe@reader.example", language=""):
    wish = {"email": email, "lists": ["newsletter"], "wording": "Yes.", "network": "192.0.2.1", "language": language}
    notices.add(ErrandKind.JOIN, wish)


def test_a_request_becomes_one_mail_and_leaves_no_row(db, workspace, outbox):
    ask()
    assert notices.carry_out(workspace) == 1
    assert notices.carry_out(workspace) == 0
    assert [mail.rcpt_to for mail in outbox.mails] == ["zoe@reader.example"]
    assert not Errand.objects.exists()


def test_a_request_that_can_not_be_kept_is_given_up_and_holds_nobody_up(db, workspace, outbox):
    wish = {"lists": ["newsletter"], "wording": "Yes.", "network": "192.0.2.1"}
    notices.add(ErrandKind.JOIN, {"email": "nobody", **wish})
    ask()
    assert notices.carry_out(workspace) == 1
    assert [mail.rcpt_to for mail in outbox.mails] == ["zoe@reader.example"]
    left = Errand.objects.get()
    assert (left.due_at, "is not an email address" in left.reason) == (None, True)


def test_a_mail_is_kept_and_tried_again_while_the_adapter_fails(db, workspace, outbox, due, monkeypatch):
    def fails():
        raise AdapterFailed("The mail server can't be reached.", permanent=False)

    monkeypatch.setattr(outbox, "open", fails)
    ask()
    assert notices.carry_out(workspace) == 0
    errand = Errand.objects.get()
    assert (errand.kind, errand.attempts, errand.reason) == ("notice", 1, "The mail server can't be reached.")
    assert timedelta(0) < errand.due_at - timezone.now() <= RETRIES[0]
    assert notices.carry_out(workspace) == 0  # not before its time
    assert Errand.objects.get().attempts == 1
    monkeypatch.undo()
    monkeypatch.setattr(sending, "make_adapter", lambda *_: outbox)
    due()
    assert notices.carry_out(workspace) == 1
    assert not Errand.objects.exists()


def test_a_mail_is_given_up_after_a_day_and_its_reason_stays_a_week(db, workspace, outbox, due):
    outbox._refuse["zoe@reader.example"] = Outcome(0, Result.DEFERRED, "450 later")
    ask()
    for _ in range(len(RETRIES) + 3):
        notices.carry_out(workspace)
        due()
    errand = Errand.objects.get()
    assert (errand.due_at, errand.reason, errand.attempts) == (None, "450 later", len(RETRIES) + 1)
    assert timedelta(hours=20) < sum(RETRIES, timedelta()) < timedelta(hours=30)
    notices.forget(timezone.now())
    assert Errand.objects.exists()
    notices.forget(timezone.now() + timedelta(days=8))
    assert not Errand.objects.exists()


def test_a_refusal_for_good_is_not_tried_again(db, workspace, outbox):
    outbox._refuse["zoe@reader.example"] = Outcome(0, Result.FAILED, "550 no such user", dead=True)
    ask()
    notices.carry_out(workspace)
    assert Errand.objects.get().due_at is None


def test_one_refused_mail_does_not_keep_its_neighbours(db, workspace, outbox):
    outbox._refuse["zoe@reader.example"] = Outcome(0, Result.DEFERRED, "450 later")
    ask()
    ask("yan@reader.example")
    assert notices.carry_out(workspace) == 1
    assert [mail.rcpt_to for mail in outbox.mails] == ["yan@reader.example"]


def test_what_was_in_hand_when_a_process_died_is_sent_with_the_same_message_id(db, workspace, outbox, due, monkeypatch):
    class Killed(BaseException):
        pass

    def die(tray):
        outbox.mails.extend(tray.take(9))
        raise Killed

    monkeypatch.setattr(outbox, "deliver", die)
    ask()
    with pytest.raises(Killed):
        notices.carry_out(workspace)
    monkeypatch.undo()
    monkeypatch.setattr(sending, "make_adapter", lambda *_: outbox)
    due()
    notices.carry_out(workspace)
    first, second = outbox.mails
    assert first.message_id == second.message_id


def test_a_template_that_is_broken_waits_until_it_is_mended(db, workspace, outbox, due, write, caplog):
    good = (workspace.root / "templates/notice/template.html").read_bytes()
    write("templates/notice/template.html", "{% if %}")
    ask()
    assert notices.carry_out(workspace) == 0
    assert "templates/notice/template.html" in Errand.objects.get().reason
    write("templates/notice/template.html", good)
    due()
    assert notices.carry_out(workspace) == 1


def test_who_is_erased_takes_their_notices_along(db, workspace, outbox, cast):
    from broadsheet.audience import erase

    notices.post("download", cast.ada, url="https://news.stillwater.example/d/x")
    erase(cast.ada)
    assert not Errand.objects.exists()


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        ("", "Please confirm: Stillwater Weekly"),
        ("de", "Bitte bestätigen: Stillwater Weekly"),
        ("fr", "Merci de confirmer : Stillwater Weekly"),
        ("es", "Confirme, por favor: Stillwater Weekly"),
        ("pt", "Please confirm: Stillwater Weekly"),
    ],
)
def test_a_notice_is_in_its_readers_language(db, workspace, outbox, language, subject):
    ask(language=language)
    notices.carry_out(workspace)
    from email import message_from_bytes, policy

    mail = message_from_bytes(outbox.mails[0].content, policy=policy.default)
    assert mail["Subject"] == subject
    html = mail.get_body(("html",)).get_content()
    assert f'<html lang="{language if language in ("de", "fr", "es") else "en"}"' in html
    assert "{" not in mail.get_body(("plain",)).get_content()


def test_what_one_process_has_in_hand_no_other_gets(db, workspace):
    for number in range(3):
        ask(f"n{number}@reader.example")
    first, second = claim(2), claim(2)
    assert [len(first), len(second), len(claim(2))] == [2, 1, 0]
    assert not {errand.pk for errand in first} & {errand.pk for errand in second}
