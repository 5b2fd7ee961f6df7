"""Mailboxes read from a real server: once each message, from where it was left, and nothing lost on the way."""

import pytest
from tests.events.dovecot import PASSWORD, USER
from tests.ports import free_port

from broadsheet import conf, pipeline
from broadsheet.errors import MailboxFailed, UnknownName
from broadsheet.events.incoming import mailboxes, storing
from broadsheet.models import Event, MailboxState, ReturnedMail, Subscription, Suppression
from broadsheet.workspace import Workspace

pytestmark = pytest.mark.django_db


@pytest.fixture
def look(workspace, server, monkeypatch):
    """Looks into the mailbox: how many new messages it had, or why it can't be read."""

    def looked(kind="imap", security="tls", password=PASSWORD, **more):
        port = server.ports[kind + ("s" if security == "tls" else "")]
        more = {"kind": kind, "host": "127.0.0.1", "port": port, "security": security, "user": USER, **more}
        table = "\n".join(f"{key} = {value!r}".replace("'", '"') for key, value in more.items())
        settings = (workspace.root / "broadsheet.toml").read_text().partition("[bounces")[0]
        (workspace.root / "broadsheet.toml").write_text(f"{settings}[bounces.mailboxes.back]\n{table}\n")
        monkeypatch.setenv("BROADSHEET_BOUNCES_MAILBOXES_BACK_PASSWORD", password)
        return pipeline.take_back(Workspace(workspace.root))["back"]

    return looked


@pytest.mark.parametrize("kind", ["imap", "pop3"])
@pytest.mark.parametrize("security", ["tls", "starttls", "none"])
def test_reports_are_read_once_and_recorded(look, server, copy, report, goodbye, cast, kind, security):
    ada, ben = copy(cast.ada), copy(cast.ben)
    server.put(report(ada), goodbye(ben))
    assert look(kind, security) == 2
    assert Suppression.objects.get(reason="dead").email_key == "ada@reader.example"
    assert Subscription.objects.get(subscriber=cast.ben).state == "unsubscribed"
    assert look(kind, security) == 0
    assert ReturnedMail.objects.count() == 2
    assert server.count() == 2, "they are kept on the server unless the settings say otherwise"


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_only_what_is_new_is_asked_for(look, server, copy, report, cast, kind):
    server.put(report(copy(cast.ada)))
    assert look(kind) == 1
    server.put(report(copy(cast.ben)))
    ReturnedMail.objects.all().delete()
    assert look(kind) == 1
    assert ReturnedMail.objects.count() == 1


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_what_is_recorded_is_deleted_when_the_settings_say_so(look, server, copy, report, kind):
    server.put(report(copy()))
    assert look(kind, after="delete") == 1
    assert server.count() == 0
    assert Event.objects.count() == 1


def test_or_moved_to_another_folder(look, server, copy, report):
    server.put(report(copy()))
    assert look(after="move", move_to="Done") == 1
    assert (server.count(), server.count("Done")) == (0, 1)


@pytest.mark.parametrize(("kind", "after"), [("imap", "delete"), ("imap", "move"), ("pop3", "delete")])
def test_nothing_leaves_the_mailbox_before_it_is_recorded(look, server, copy, report, cast, monkeypatch, kind, after):
    monkeypatch.setattr(storing, "AT_ONCE", 2)
    server.put(*(report(copy(person), number=number) for number, person in enumerate((cast.ada, cast.ben, cast.cleo))))
    recording, done = mailboxes.record, []

    def dies_at_the_second_group(rows, recorder):
        if done:
            raise KeyboardInterrupt
        done.append(recording(rows, recorder))

    monkeypatch.setattr(mailboxes, "record", dies_at_the_second_group)
    with pytest.raises(KeyboardInterrupt):
        look(kind, after=after)
    assert ReturnedMail.objects.filter(recorded_at__isnull=False).count() == 2
    assert ReturnedMail.objects.filter(recorded_at__isnull=True).count() == 1, "stored first"
    assert server.count() >= 1
    monkeypatch.undo()


def test_many_messages_are_read_in_groups_of_few_large_ones(look, server, copy, report, join, monkeypatch):
    monkeypatch.setattr(storing, "_BYTES", 100_000)
    taken, keep = [], mailboxes.keep
    monkeypatch.setattr(mailboxes, "keep", lambda came: taken.append(len(came)) or keep(came))
    copies = [copy(join(f"r{number}@reader.example")) for number in range(120)]
    server.put(*(report(each, number=n) + b"x\r\n" * (40_000 if n >= 117 else 0) for n, each in enumerate(copies)))
    assert look() == 120
    assert Suppression.objects.filter(reason="dead").count() == 120
    assert max(taken) == 50
    assert taken[-3:] == [1, 1, 1]
    assert look() == 0


def test_after_a_crash_the_rest_is_recorded_and_nothing_twice(look, server, copy, report, cast, monkeypatch):
    server.put(report(copy(cast.ada)), report(copy(cast.ben), number=1))
    with monkeypatch.context() as crash:
        crash.setattr(mailboxes, "record", _crashes)
        with pytest.raises(ZeroDivisionError):
            look(after="delete")
    assert server.count() == 2
    assert look(after="delete") == 2
    assert server.count() == 0
    assert ReturnedMail.objects.count() == 2
    assert sorted(Suppression.objects.filter(reason="dead").values_list("email_key", flat=True)) == [
        "ada@reader.example",
        "ben@reader.example",
    ]


def _crashes(*_):
    return 1 / 0


def test_a_folder_that_was_numbered_anew_is_read_from_its_beginning(look, server, copy, report, cast):
    with server.client() as client:
        client.create_folder("Reports")
    server.put(report(copy(cast.ada)), folder="Reports")
    assert look(folder="Reports") == 1
    first = MailboxState.objects.get().uid_validity
    with server.client() as client:
        client.delete_folder("Reports")
        client.create_folder("Reports")
        client.append("Reports", report(copy(cast.ben)))
    MailboxState.objects.filter(uid_validity=first).update(last_uid=99)
    assert look(folder="Reports") == 1
    assert MailboxState.objects.get().uid_validity != first
    assert Suppression.objects.filter(reason="dead").count() == 2


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_a_message_of_five_megabytes_is_read_and_little_of_it_kept(look, server, copy, report, kind):
    line = b"x" * 70 + b"\r\n"
    large = report(copy()).replace(b"\r\n--x--\r\n", b"\r\n--x\r\nContent-Type: text/plain\r\n\r\n" + line * 72_000)
    server.put(large)
    assert look(kind) == 1
    assert len(ReturnedMail.objects.get().content) < 200_000
    assert Suppression.objects.filter(reason="dead").exists()


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_a_wrong_password_is_one_clear_sentence_and_is_kept_for_the_operator(look, kind):
    failed = look(kind, password="wrong")
    assert isinstance(failed, MailboxFailed)
    assert str(failed).startswith("The mailbox “back” at 127.0.0.1 can't be read: ")
    assert "check `user` and the password" in str(failed)
    assert MailboxState.objects.get().error == str(failed)
    assert look(kind) == 0, "and again with the right one"
    assert MailboxState.objects.get().error == ""


@pytest.mark.parametrize("kind", ["imap", "pop3"])
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_that_nobody_vouches_for_is_refused(look, server, monkeypatch, kind, security):
    monkeypatch.delenv("SSL_CERT_FILE")
    failed = look(kind, security)
    assert isinstance(failed, MailboxFailed)
    assert "certificate" in str(failed)


def test_a_password_goes_nowhere_in_plain_text(look):
    assert "for this machine only" in str(look(security="none", host="mail.example"))


def test_a_folder_that_is_not_there_and_a_port_that_nobody_listens_on_are_said(look, server):
    assert "check `folder`" in str(look(folder="Nowhere"))
    assert "refused" in str(look(port=free_port()))


def test_a_mailbox_of_another_name_is_unknown(workspace, db):
    with pytest.raises(UnknownName):
        pipeline.take_back(workspace, "nobody")


def test_every_kind_of_mailbox_has_its_reader():
    assert set(mailboxes._READERS) == set(conf.MAILBOX_KINDS.values())
