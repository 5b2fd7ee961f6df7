"""The local inbox: a folder of mails, and an SMTP server that fills it."""

import smtplib
import socket
import threading
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTPUTF8

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.errors import BroadsheetError
from broadsheet.sending.adapters import hand_over, make_adapter
from broadsheet.sending.inbox import Catcher, MailFolder
from broadsheet.stamping import Mail
from broadsheet.workspace import Workspace


def a_mail(subject="Hello", text="Good morning", html="<p>Good morning</p>", **headers):
    message = EmailMessage()
    message["From"] = "Stillwater <hello@news.stillwater.example>"
    message["To"] = "Ada Lovelace <ada@reader.example>"
    message["Subject"] = subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    return message


@pytest.fixture
def folder(tmp_path):
    return MailFolder(tmp_path / "inbox")


def put(folder, message, to="ada@reader.example"):
    return folder.add("bounce@news.stillwater.example", [to], message.as_bytes(policy=SMTPUTF8))


# The folder


def test_a_folder_that_is_not_there_holds_no_mail(folder):
    assert folder.list() == ()
    assert folder.clear() == 0


def test_it_keeps_the_content_byte_for_byte_under_two_envelope_headers(folder):
    content = b"Subject: x\r\n\r\nbare\nline ends, \xff\xfe and \x00 bytes\r\n"
    name = folder.add("from@a.example", ["to@b.example", "too@b.example"], content)
    head = b"X-Envelope-From: from@a.example\r\nX-Envelope-To: to@b.example,\r\n too@b.example\r\n"
    assert folder.source(name) == head + content


def test_line_breaks_in_an_envelope_address_do_not_become_headers(folder):
    name = folder.add("a@b.example\r\nX-Evil: 1", ["c@d.example\nX-Evil: 2"], b"Subject: x\r\n\r\n")
    assert "X-Evil" not in [header for header, _ in folder.read(name).headers]


def test_the_list_is_newest_first_and_says_who_what_and_when(folder):
    put(folder, a_mail("First"))
    put(folder, a_mail("Zweiter Grüß 🌊"), to="hidden@reader.example")
    newest, oldest = folder.list()
    assert (newest.subject, oldest.subject) == ("Zweiter Grüß 🌊", "First")
    assert newest.sender == "Stillwater <hello@news.stillwater.example>"
    assert newest.to == ("hidden@reader.example",)
    assert newest.size == len(folder.source(newest.name))
    assert datetime.now(UTC) - newest.date < timedelta(minutes=1)


def test_a_file_put_there_by_hand_is_listed_with_its_to_header(folder):
    folder.path.mkdir()
    (folder.path / "by-hand.eml").write_bytes(a_mail().as_bytes())
    (folder.path / "notes.txt").write_text("no mail")
    (summary,) = folder.list()
    assert (summary.name, summary.to) == ("by-hand.eml", ("ada@reader.example",))


def test_a_mail_is_read_apart(folder):
    message = a_mail("Parts")
    message.get_payload()[1].add_related(b"\x89PNG", "image", "png", cid="<pic@x>")
    message.add_attachment(b"a,b\n", maintype="text", subtype="csv", filename="números.csv")
    mail = folder.read(put(folder, message))
    assert mail.html.strip() == "<p>Good morning</p>"
    assert mail.text.strip() == "Good morning"
    assert ("Subject", "Parts") in mail.headers
    assert mail.source.startswith("X-Envelope-From: bounce@news.stillwater.example")
    assert [(a.number, a.content_type, a.content_id) for a in mail.attachments] == [
        (1, "image/png", "pic@x"),
        (2, "text/csv", ""),
    ]
    assert mail.attachments[1].filename == "números.csv"
    assert mail.attachments[1].content == b"a,b\n"


def test_a_text_that_is_attached_is_an_attachment(folder):
    message = EmailMessage()
    message.set_content("The letter")
    message.add_attachment("The enclosure", filename="enclosure.txt")
    mail = folder.read(put(folder, message))
    assert mail.text.strip() == "The letter"
    assert mail.attachments[0].content.strip() == b"The enclosure"


def test_a_forwarded_mail_is_one_attachment(folder):
    message = a_mail()
    message.add_attachment(a_mail("Inner"))
    mail = folder.read(put(folder, message))
    assert [part.content_type for part in mail.attachments] == ["message/rfc822"]
    assert b"Subject: Inner" in mail.attachments[0].content


@pytest.mark.parametrize(
    "name", ["../x.eml", "/etc/passwd", "..", "", "a/b.eml", ".eml", "x.eml\n", "x.txt", "x\0.eml"]
)
def test_a_name_cannot_leave_the_folder(folder, name):
    put(folder, a_mail())
    (folder.path.parent / "x.eml").write_bytes(b"secret")
    assert folder.read(name) is None
    assert folder.source(name) is None
    assert folder.delete(name) is False
    assert (folder.path.parent / "x.eml").exists()


def test_delete_and_clear_say_what_there_was(folder):
    names = [put(folder, a_mail(str(number))) for number in range(3)]
    assert folder.delete(names[1]) is True
    assert folder.delete(names[1]) is False
    assert [mail.subject for mail in folder.list()] == ["2", "0"]
    assert folder.clear() == 2
    assert folder.list() == ()


def test_the_version_changes_whenever_the_list_does(folder):
    versions = [folder.version()]
    name = put(folder, a_mail())
    versions.append(folder.version())
    assert folder.version() == versions[-1]
    put(folder, a_mail())
    versions.append(folder.version())
    folder.delete(name)
    versions.append(folder.version())
    assert len(set(versions)) == 4


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", ["Tide lines", "Pillows"]),
        ("TIDE", ["Tide lines"]),
        ("stillwater.example", ["Tide lines", "Pillows"]),
        ("grace@reader", ["Pillows"]),
        ("harbour", ["Tide lines"]),
        ("pillows sleep", ["Pillows"]),
        ("pillows harbour", []),
        ("café", ["Pillows"]),
        ("font-family", []),
    ],
)
def test_search_finds_every_word_in_addresses_subject_and_body(folder, words, found):
    put(
        folder,
        a_mail("Pillows", html="<style>p {font-family: x}</style><p>Sleep at the caf&eacute;"),
        "grace@reader.example",
    )
    put(folder, a_mail("Tide lines", text="At the harbour"))
    assert [mail.subject for mail in folder.list(words)] == found


def test_it_keeps_the_newest_mails_only(tmp_path):
    folder = MailFolder(tmp_path, keep=3)
    for number in range(5):
        put(folder, a_mail(str(number)))
    assert [mail.subject for mail in folder.list()] == ["4", "3", "2"]


def test_it_keeps_within_its_bytes_but_always_the_newest(tmp_path):
    folder = MailFolder(tmp_path, max_bytes=3000)
    for size in (900, 900, 900, 900, 10_000):
        folder.add("", ["a@b.example"], b"Subject: x\r\n\r\n" + b"x" * size)
        assert sum(mail.size for mail in folder.list()[1:]) <= 3000
    assert len(folder.list()) == 1


def test_without_limits_it_keeps_everything(tmp_path):
    folder = MailFolder(tmp_path)
    for _ in range(5):
        put(folder, a_mail())
    assert len(folder.list()) == 5


def test_the_workspaces_inbox_has_the_limits_of_its_settings(tmp_path):
    (tmp_path / "broadsheet.toml").write_text("[inbox]\nmails = 2\nmegabytes = 1\n")
    workspace = Workspace(tmp_path)
    outbox = make_adapter(workspace, "default")
    for number in range(3):
        hand_over(outbox, [Mail(number, "a@b.example", "c@d.example", f"<{number}@x>", (b"Subject: x\r\n\r\nx",))])
    assert len(MailFolder(workspace.state / "inbox").list()) == 2
    MailFolder.of(workspace).add("", ["a@b.example"], b"Subject: large\r\n\r\n" + b"x" * 1_000_000)
    assert [mail.subject for mail in MailFolder.of(workspace).list()] == ["large"]


def test_many_writers_lose_nothing(tmp_path):
    folder = MailFolder(tmp_path)
    threads = [threading.Thread(target=lambda: [put(folder, a_mail()) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(folder.list()) == 80
    assert not list(tmp_path.glob(".*"))


FRAGMENTS = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=x\n",
        b"Content-Type: text/html; charset=punycode\n",
        b"Content-Type: text/plain; charset*=utf-9''%ff\n",
        b"Content-Type: text/plain; charset=hex\n",
        b"Content-Type: message/rfc822\n",
        b"Content-Type: message/delivery-status\n",
        b"Content-Transfer-Encoding: base64\n",
        b"Content-Transfer-Encoding: x-uuencode\n",
        b"Subject: =?utf-8?b?a?=\n",
        b"Subject: =?x?q?=ff=zz?= =?utf-8?b?////?=\n",
        b'From: \xff\xfe <a@b\nTo: ,,,<>"(\n',
        b"Content-Disposition: attachment; filename*0*=utf-8''%ff; filename*1=b\n",
        b"Content-Disposition: ;=\n",
        b"\n",
        b"--x\n",
        b"--x--\n",
        b"begin 644 a\nM####\n",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(FRAGMENTS | st.binary(max_size=20), max_size=25).map(b"".join))
def test_broken_bytes_are_shown_as_well_as_can_be(tmp_path_factory, content):
    folder = MailFolder(tmp_path_factory.getbasetemp() / "broken", keep=5)
    name = folder.add("a@b.example", ["c@d.example"], content)
    assert folder.read(name).source.startswith("X-Envelope-From")
    assert name in {mail.name for mail in folder.list("c@d.example")}
    folder.list("a word that makes it look into the body")


def test_parts_inside_parts_without_end_are_shown_as_text(folder):
    content = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(2000))
    mail = folder.read(folder.add("", ["a@b.example"], content))
    assert mail.text == mail.source


# The SMTP server


@pytest.fixture
def catcher(folder):
    with Catcher(folder) as catcher:
        yield catcher


def test_mail_sent_over_smtp_is_in_the_folder(catcher, folder):
    with smtplib.SMTP("127.0.0.1", catcher.port) as client:
        client.send_message(a_mail("Over the wire"), "bounce@a.example", ["ada@b.example", "bcc@b.example"])
    (mail,) = folder.list()
    assert (mail.subject, mail.to) == ("Over the wire", ("ada@b.example", "bcc@b.example"))
    assert ("X-Envelope-From", "bounce@a.example") in folder.read(mail.name).headers


def test_it_takes_international_addresses_and_eight_bit_bodies(catcher, folder):
    content = "Subject: Grüße\r\nTo: jürgen@bücher.example\r\n\r\nSchöne Grüße\r\n".encode()
    with smtplib.SMTP("127.0.0.1", catcher.port) as client:
        client.ehlo()
        assert {"smtputf8", "8bitmime"} <= set(client.esmtp_features)
        client.sendmail("a@b.example", ["jürgen@bücher.example"], content, ["SMTPUTF8", "BODY=8BITMIME"])
    (mail,) = folder.list("schöne")
    assert (mail.subject, mail.to) == ("Grüße", ("jürgen@bücher.example",))
    assert folder.source(mail.name).endswith(content)


def test_one_connection_carries_many_mails(catcher, folder):
    with smtplib.SMTP("127.0.0.1", catcher.port) as client:
        for number in range(50):
            client.send_message(a_mail(str(number)), "a@b.example", ["c@d.example"])
    assert len(folder.list()) == 50


def test_an_overlong_line_is_refused_as_a_strict_server_does(catcher, folder):
    with smtplib.SMTP("127.0.0.1", catcher.port) as client, pytest.raises(smtplib.SMTPDataError):
        client.sendmail("a@b.example", ["c@d.example"], b"Subject: x\r\n\r\n" + b"x" * 1100)
    assert folder.list() == ()


def test_a_folder_that_cannot_be_written_asks_to_try_again(tmp_path):
    (tmp_path / "inbox").write_text("a file where the folder should be")
    with (
        Catcher(MailFolder(tmp_path / "inbox")) as catcher,
        smtplib.SMTP("127.0.0.1", catcher.port) as client,
        pytest.raises(smtplib.SMTPDataError) as refused,
    ):
        client.send_message(a_mail(), "a@b.example", ["c@d.example"])
    assert refused.value.smtp_code == 452


def test_it_stops_while_a_client_is_still_connected_and_frees_its_port(folder):
    with Catcher(folder) as catcher:
        client = smtplib.SMTP("127.0.0.1", catcher.port)
        client.ehlo()
    client.close()
    with Catcher(folder, port=catcher.port) as again:
        assert again.port == catcher.port


def test_it_stops_when_the_block_fails(folder):
    with pytest.raises(ZeroDivisionError), Catcher(folder) as catcher:
        1 / 0  # noqa: B018
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", catcher.port))


def test_a_port_in_use_is_one_clear_sentence(catcher, folder):
    with pytest.raises(BroadsheetError, match=rf"can't take mail on 127.0.0.1:{catcher.port} .*--smtp-port"):
        Catcher(folder, port=catcher.port).__enter__()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "mail.example"])
def test_it_listens_on_loopback_only(folder, host):
    with pytest.raises(BroadsheetError, match="this machine only"):
        Catcher(folder, host=host)
