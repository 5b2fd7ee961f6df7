"""``broadsheet bounces`` as people run it."""

import mailbox
import re
import shutil
import signal
import smtplib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from broadsheet.stamping import LinkSigner

SAMPLES = Path(__file__).resolve().parents[1] / "events" / "samples"
AT = "2026-11-24T09:00"


@pytest.fixture(scope="module")
def root(run, tmp_path_factory):
    """A workspace whose digest was sent."""
    folder = tmp_path_factory.mktemp("bounces") / "letter"
    run("init", "letter", cwd=folder.parent)
    for step in (("subscribers", "import", "subscribers/people.csv"), ("send", "weekly-digest", "--at", AT, "--yes")):
        assert run(*step, cwd=folder).code == 0
    return folder


def rows(root, query):
    with closing(sqlite3.connect(root / ".broadsheet" / "broadsheet.sqlite3")) as database:
        return database.execute(query).fetchall()


def copies(root):
    """Edition, reader and address of the copies that were sent."""
    return rows(
        root,
        "SELECT edition_id, subscriber_id, email_key FROM broadsheet_delivery d"
        " JOIN broadsheet_subscriber s ON s.id = d.subscriber_id WHERE state = 'sent' ORDER BY d.id",
    )


def suppressed(root):
    return dict(rows(root, "SELECT email_key, reason FROM broadsheet_suppression WHERE reason != 'by-hand'"))


def signer(root):
    return LinkSigner((root / ".broadsheet" / "secret_key").read_text().strip())


def test_files_folders_and_mboxes_are_read_and_said_as_one_document(run, root, tmp_path):
    shutil.copytree(SAMPLES, tmp_path / "folder", ignore=shutil.ignore_patterns("*.csv"))
    box = mailbox.mbox(tmp_path / "box")
    for name in ("complaint", "out-of-office"):
        box.add((SAMPLES / f"{name}.eml").read_bytes())
    box.close()
    ran = run(
        "bounces", str(tmp_path / "folder"), str(SAMPLES / "qmail-dead.eml"), str(tmp_path / "box"), "--json", cwd=root
    )
    assert ran.code == 0, ran.err
    found = ran.json
    assert len(found) == len(list(SAMPLES.glob("*.eml"))) + 3
    assert found[-3] == {
        "file": str(SAMPLES / "qmail-dead.eml"),
        "kind": "bounce",
        "recipients": [
            {
                "address": "noa@reader.example",
                "class": "dead",
                "status": "5.1.1",
                "reply": "Sorry, no mailbox here by that name. (#5.1.1)",
            }
        ],
    }
    assert [(each["file"], each["kind"]) for each in found[-2:]] == [
        (f"{tmp_path}/box:1", "complaint"),
        (f"{tmp_path}/box:2", "auto-reply"),
    ]
    assert {each["kind"] for each in found} == {"bounce", "complaint", "auto-reply", "delivered", "other"}
    assert suppressed(root) == {}, "no word in the samples is signed here"


def a_bounce(root, number):
    """The address, the copy's return path and a report on it."""
    edition, reader, address = copies(root)[number]
    word = signer(root).make("b", edition, reader)
    text = (SAMPLES / "postfix-dead.eml").read_text()
    path = re.search(r"b\+(\S+)@", text)[1]
    return address, f"b+{word}@back.example", text.replace(path, word).replace("ada@reader.example", address)


def test_a_real_bounce_is_recorded_once_and_only_when_it_is_meant(run, root, tmp_path):
    address, _, text = a_bounce(root, 0)
    (tmp_path / "a.eml").write_text(text)
    assert run("bounces", "a.eml", "--dry-run", "--workspace", str(root), cwd=tmp_path).code == 2
    dry = run("--workspace", str(root), "bounces", "a.eml", "--dry-run", cwd=tmp_path)
    assert (dry.code, suppressed(root)) == (0, {})
    for _ in range(2):
        ran = run("--workspace", str(root), "bounces", "a.eml", cwd=tmp_path)
        assert ran.code == 0
        assert "dead" in ran.out
    assert suppressed(root) == {address: "dead"}
    [(detail,)] = rows(root, f"SELECT detail FROM broadsheet_suppression WHERE email_key = '{address}'")
    number = re.search(r"\(message (\d+) from", detail)[1]
    shown = run("bounces", "--show", number, cwd=root)
    assert address in shown.out


def test_a_list_that_is_held_is_not_mailed_because_of_yes(run, root, tmp_path):
    edition, reader, _ = copies(root)[-1]
    word = signer(root).make("b", edition, reader)
    (tmp_path / "c.eml").write_text((SAMPLES / "complaint.eml").read_text().replace("AQEBAgMEBQYHCAkKCwwN", word))
    assert run("--workspace", str(root), "bounces", "c.eml", cwd=tmp_path).code == 0
    again = ("send", "weekly-digest", "--at", "2026-12-01T09:00", "--yes")
    held = run(*again, cwd=root)
    assert (held.code, "complaints (1 of " in held.sentence) == (1, True)
    number = re.search(r"`broadsheet edition (\d+) approve`", held.sentence)[1]
    assert run("edition", number, "show", "--json", cwd=root).json["state"] == "draft"
    assert run("edition", number, "approve", cwd=root).code == 0
    assert run(*again, "--json", cwd=root).json["sent"] > 0


def test_the_listener_takes_a_report_and_stops_cleanly(starts, root):
    process = starts("bounces", "--listen", "127.0.0.1:0", cwd=root)
    try:
        port = int(re.search(r":(\d+) ", process.stderr.readline())[1])
        address, path, text = a_bounce(root, 1)
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.sendmail("", [path], text)
        assert "suppressed: dead" in process.stderr.readline()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=90)
    assert process.returncode == 0
    assert suppressed(root)[address] == "dead"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nowhere.eml",), 2, "There is no file or folder nowhere.eml."),
        ((), 2, "set up a mailbox under"),
        (("--show", "4711"), 1, "No message has the number 4711."),
        (("--listen", "somewhere"), 1, "write one like 127.0.0.1:2424"),
    ],
)
def test_wrong_use_is_one_clear_sentence(run, root, arguments, code, said):
    ran = run("bounces", *arguments, cwd=root)
    assert ran.code == code
    assert said in ran.sentence


def test_a_mailbox_that_can_not_be_read_is_said_and_the_exit_code_is_1(run, root):
    settings = (root / "broadsheet.toml").read_text()
    (root / "broadsheet.toml").write_text(
        settings + '\n[bounces.mailboxes.back]\nkind = "imap"\nhost = "127.0.0.1"\nport = 1\nuser = "b"\n'
    )
    try:
        ran = run("bounces", "--json", cwd=root)
        assert ran.code == 1
        assert ran.json[0]["mailbox"] == "back"
        assert "can't be read" in ran.json[0]["error"]
        assert run("bounces", "--mailbox", "other", cwd=root).code == 2
    finally:
        (root / "broadsheet.toml").write_text(settings)
