"""`broadsheet proof` as it is typed: on a workspace of its own, in a process of its own."""

import re
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from tests import commands

from broadsheet.sending.inbox import MailFolder
from broadsheet.workspace import Workspace

PEOPLE = """\
email,first_name,interests,lists,status
moritz@walker.example,Moritz,movement,newsletter,subscribed
ada@reader.example,Ada,sleep,newsletter,subscribed
bea@reader.example,Bea,sleep,newsletter,subscribed
gone@reader.example,Gwen,sleep,newsletter,unsubscribed
"""
CAMPAIGN = """\
---
name: Weekly digest
list: newsletter
articles: {match_interests: true, newest: 1}
template: digest
subject: "{{ articles[0].title }} for {{ subscriber.first_name }}"
---
Hello {{ subscriber.first_name }}.
"""
TEMPLATE = """<html lang="en"><body>{{ intro }}<a href="{{ unsubscribe_url }}">Leave</a></body></html>"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A workspace with four people and two articles."""
    root = tmp_path_factory.mktemp("proof")
    files = {
        "broadsheet.toml": '[site]\nname = "Stillwater"\n[sender]\nemail = "hello@stillwater.example"\n',
        "subscribers/lists.yaml": "lists:\n  newsletter: {title: Weekly}\n",
        "subscribers/people.csv": PEOPLE,
        "campaigns/weekly.md": CAMPAIGN,
        "campaigns/early.md": CAMPAIGN.replace("newest: 1", "newest: 1, minimum: 1, tags: {any: [astronomy]}"),
        "campaigns/broken.md": CAMPAIGN.replace("template", "tmplate"),
        "templates/digest/template.html": TEMPLATE,
        "articles/night.md": "---\ntitle: Night\ndate: 2026-01-02\ntags: [sleep]\n---\nWords.\n",
        "articles/walk.md": "---\ntitle: Walk\ndate: 2026-01-02\ntags: [movement]\n---\nWords.\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    assert broadsheet(root, "sync").returncode == 0
    assert broadsheet(root, "subscribers", "import", "subscribers/people.csv").returncode == 0
    return root


def broadsheet(root: Path, *words: str) -> "CompletedProcess[str]":
    """What the command said and how it ended, run in ``root``."""
    return commands.run(*words, cwd=root, environ=commands.environment(BROADSHEET_WORKSPACE=str(root)))


@pytest.fixture
def inbox(root):
    """The workspace's local inbox, empty."""
    folder = MailFolder(Workspace(root).state / "inbox")
    folder.clear()
    return folder


def test_it_sends_what_the_first_reader_of_the_most_common_mail_gets(root, inbox):
    ran = broadsheet(root, "proof", "weekly", "--to", "me@staff.example")
    assert (ran.returncode, ran.stdout) == (0, "")
    assert ran.stderr == "Sent a test copy to me@staff.example into the local inbox.\n"
    (caught,) = inbox.list()
    assert caught.to == ("me@staff.example",)
    assert caught.subject == "[TEST] Night for Ada"
    mail = inbox.read(caught.name)
    assert "Hello Ada." in mail.text
    assert dict(mail.headers)["To"] == "me@staff.example"


def test_it_sends_what_a_named_reader_gets(root, inbox):
    assert (
        broadsheet(root, "proof", "weekly", "--to", "me@staff.example", "--as", "Moritz@walker.example").returncode == 0
    )
    assert [each.subject for each in inbox.list()] == ["[TEST] Walk for Moritz"]


def test_two_proofs_have_two_message_ids_and_links_of_nobody(root, inbox):
    for _ in range(2):
        broadsheet(root, "proof", "weekly", "--to", "me@staff.example")
    mails = [inbox.read(each.name) for each in inbox.list()]
    assert len({dict(mail.headers)["Message-ID"] for mail in mails}) == 2
    assert len({re.search(r"/u/([\w-]+)", mail.html)[1] for mail in mails}) == 2


def test_it_writes_no_edition(root, inbox):
    broadsheet(root, "proof", "weekly", "--to", "me@staff.example")
    assert broadsheet(root, "editions", "--json").stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("early", "--to", "me@staff.example"), 1, "Nobody would get early, so there is nothing to send"),
        (("weekly", "--to", "me@staff.example", "--as", "gone@reader.example"), 1, "would get no mail from weekly"),
        (("weekly", "--to", "me@staff.example", "--as", "no@reader.example"), 1, "Nobody with the address"),
        (("broken", "--to", "me@staff.example"), 1, "did you mean `template`?"),
        (("weekly", "--to", "me@staff.example", "--at", "2025-01-01"), 1, "Nobody would get weekly"),
        (("weekly", "--to", "nobody"), 2, "--to “nobody” is not an email address"),
        (("weekly", "--to", "me@staff.example", "--at", "soon"), 2, "is not a time"),
        (("monthly", "--to", "me@staff.example"), 2, "There is: broken, early, weekly."),
        (("weekly",), 2, "--to"),
    ],
)
def test_it_says_in_a_sentence_why_it_sent_nothing(root, inbox, words, code, said):
    ran = broadsheet(root, "proof", *words)
    assert ran.returncode == code
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
    assert inbox.list() == ()


def test_a_server_that_cannot_be_reached_is_one_clear_sentence(root, inbox):
    settings = root / "broadsheet.toml"
    before = settings.read_text()
    settings.write_text(f'{before}[adapters.default]\nkind = "smtp"\nport = 1\nsecurity = "none"\n')
    try:
        ran = broadsheet(root, "proof", "weekly", "--to", "me@staff.example")
    finally:
        settings.write_text(before)
    assert ran.returncode == 1
    assert "The mail server 127.0.0.1:1 can't be reached" in ran.stderr
    assert "Traceback" not in ran.stderr
