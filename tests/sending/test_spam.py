import os
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Iterator

import pytest
from tests.ports import free_port

from broadsheet.sending import spam
from broadsheet.sending.spam import SpamScore, spam_score

REPORT = """\
5.3/5.0
Spam detection software has identified this.

Content analysis details:   (5.3 points, 5.0 required)

 pts rule name              description
---- ---------------------- --------------------------------------------------
 2.0 SUBJ_ALL_CAPS          Subject is all capitals
-0.1 DKIM_VALID             Message has a valid signature
"""


@pytest.fixture
def spamc(tmp_path, monkeypatch):
    """Puts a spamc in the path that prints something and keeps what it was given."""

    def made(prints, code=0):
        (tmp_path / "answer").write_text(prints)
        script = tmp_path / "spamc"
        script.write_text(f"#!/bin/sh\ncat > {tmp_path}/mail\ncat {tmp_path}/answer\nexit {code}\n")
        script.chmod(script.stat().st_mode | stat.S_IEXEC)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        return tmp_path / "mail"

    return made


def test_the_score_and_the_rules_are_read_from_spamc(spamc):
    mail = spamc(REPORT, code=1)
    assert spam_score(b"Subject: HELLO\r\n\r\n") == SpamScore(5.3, ("SUBJ_ALL_CAPS", "DKIM_VALID"))
    assert mail.read_bytes() == b"Subject: HELLO\r\n\r\n"


def test_there_is_no_score_without_spamc(monkeypatch):
    monkeypatch.setattr(spam.shutil, "which", lambda name: None)
    assert spam_score(b"") is None


@pytest.mark.parametrize(("prints", "code"), [("", 69), ("0/0\n", 74), ("nothing of the kind", 0)])
def test_there_is_no_score_when_the_daemon_does_not_answer(prints, code, spamc):
    spamc(prints, code)
    assert spam_score(b"") is None


@pytest.fixture(scope="module")
def spamd() -> Iterator[int]:
    """The port of a SpamAssassin daemon of the test's own."""
    daemon = shutil.which("spamd", path=f"{os.environ['PATH']}:/usr/sbin")
    if daemon is None or shutil.which("spamc") is None:
        pytest.skip("SpamAssassin (spamd and spamc) is not installed")
    port = free_port()
    command = [daemon, f"--port={port}", "--local", "--nouser-config", "--max-children=1", "--listen=127.0.0.1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=60)


def test_spamassassin_itself_gives_a_quiet_mail_few_points_and_its_test_string_a_thousand(spamd):
    quiet = b"From: a@clinic.example\r\nTo: b@reader.example\r\nSubject: Hello\r\n\r\nA quiet word about sleep.\r\n"
    score = spam_score(quiet, spamd)
    assert score is not None
    assert score.points < 5
    caught = spam_score(quiet + b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n", spamd)
    assert caught is not None
    assert caught.points > 900
    assert "GTUBE" in caught.rules
