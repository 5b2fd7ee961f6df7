"""The demo: the whole main job, and a check that would notice."""

import json
import shutil
import subprocess
import sys
import urllib.request
from types import SimpleNamespace

import pytest

from broadsheet.cli.demo import _check
from broadsheet.models import Delivery
from broadsheet.sending.adapters.folder import FolderOutbox
from broadsheet.sending.inbox import MailFolder

ADA = "ada@reader.example"


@pytest.fixture(scope="module")
def demo(run, tmp_path_factory):
    """The demo in an empty folder, and once more."""
    folder = tmp_path_factory.mktemp("demo")
    first = run("demo", cwd=folder)
    inbox = MailFolder(folder / "broadsheet-demo" / ".broadsheet" / "demo" / "inbox")
    mails = inbox.list()
    second = run("demo", cwd=folder / "broadsheet-demo")
    return SimpleNamespace(first=first, second=second, mails=mails, mails_after=inbox.list(), folder=folder)


def test_it_does_the_main_job_and_says_so(demo):
    assert demo.first.code == 0, demo.first.err
    assert f"Everyone due got exactly one mail ({len(demo.mails)} of {len(demo.mails)})" in demo.first.out
    for words in ("Who got what", "Who got nothing, and why", "Where to look next"):
        assert words in demo.first.out
    assert f"sent {len(demo.mails)} mails over SMTP to 127.0.0.1:" in demo.first.err


def test_everyone_in_the_inbox_is_there_once(demo):
    addresses = [address for mail in demo.mails for address in mail.to]
    assert len(addresses) == len(set(addresses)) > 100


def test_run_again_it_mails_nobody_twice_and_says_so(demo):
    assert demo.second.code == 0, demo.second.err
    assert "Nobody was mailed twice" in demo.second.out
    assert demo.mails_after == demo.mails


def test_it_leaves_the_real_state_alone(demo):
    state = demo.folder / "broadsheet-demo" / ".broadsheet"
    assert [path.name for path in state.iterdir()] == ["demo"]


# The check itself


@pytest.fixture
def sent(freeze, send, cast, tmp_path):
    """An edition that was sent, and the inbox it was sent into."""
    edition = freeze("weekly")
    send(edition, FolderOutbox(tmp_path / "inbox"))
    return SimpleNamespace(edition=edition, inbox=MailFolder(tmp_path / "inbox"), folder=tmp_path / "inbox")


def mail_to(sent, address):
    return next(sent.folder / mail.name for mail in sent.inbox.list() if address in mail.to)


def test_the_check_is_content_with_a_good_inbox(sent):
    assert _check(sent.edition, sent.inbox) == []


def test_the_check_notices_a_missing_mail(sent):
    mail_to(sent, ADA).unlink()
    assert f"{ADA} got no mail" in _check(sent.edition, sent.inbox)


def test_the_check_notices_a_second_copy(sent):
    path = mail_to(sent, ADA)
    shutil.copy(path, path.with_name("1" + path.name))
    assert f"{ADA} got 2 copies" in _check(sent.edition, sent.inbox)


def test_the_check_notices_a_mail_that_was_not_due(sent, cast):
    Delivery.objects.filter(subscriber=cast.ada).update(state="skipped")
    assert _check(sent.edition, sent.inbox) == [f"{ADA} got a mail that was not due"]


def test_the_check_notices_a_mail_to_a_stranger(sent):
    sent.inbox.add("a@news.example", ["eve@reader.example"], mail_to(sent, ADA).read_bytes())
    assert _check(sent.edition, sent.inbox) == ["eve@reader.example got a mail and is not in the edition"]


def test_the_check_notices_an_article_of_a_tag_the_reader_does_not_like(sent, cast):
    from broadsheet.audience import set_interests

    set_interests(cast.ada, ["gardening"])
    faults = _check(sent.edition, sent.inbox)
    assert f"{ADA} got pillow-moon, which is about none of ['gardening']" in faults


def test_the_check_notices_a_mail_that_lacks_an_article(sent):
    path = mail_to(sent, ADA)
    other = mail_to(sent, "ben@reader.example").read_bytes().replace(b"ben@reader.example", ADA.encode())
    path.write_bytes(other)
    assert f"the mail to {ADA} lacks pillow-moon" in _check(sent.edition, sent.inbox)


def test_afterwards_it_may_show_the_inbox_until_it_is_stopped(demo):
    command = [sys.executable, "-m", "broadsheet", "demo", "--inbox"]
    with subprocess.Popen(
        command, cwd=demo.folder / "broadsheet-demo", stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        address = next(line for line in process.stderr if "Read the mails at" in line).split()[4]
        with urllib.request.urlopen(f"{address}inbox.json") as answer:
            assert len(json.load(answer)["mails"]) == len(demo.mails)
        process.terminate()
        assert process.wait(90) == 0
