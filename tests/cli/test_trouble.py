"""The command when files are wrong, servers are down, senders are killed, or two run at once."""

import signal
import time

import pytest
from tests.sending.servers import MailServer

AT = "2026-03-03T10:00"


@pytest.fixture
def server():
    """An SMTP server, running."""
    running = MailServer()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def filled(workspace, run, write):
    """The small workspace with ``readers`` people who like sleep, sending to a server; its folder."""

    def made(readers, port, connections=1):
        lines = [f"reader{number}@reader.example,sleep" for number in range(readers)]
        write("subscribers/people.csv", "\n".join(["email,interests", *lines]))
        text = (workspace.root / "broadsheet.toml").read_text()
        smtp = f'kind = "smtp"\nport = {port}\nsecurity = "none"\nconnections = {connections}\ntimeout = 10\n'
        write("broadsheet.toml", f"{text}\n[adapters.default]\n{smtp}")
        ran = run("subscribers", "import", "subscribers/people.csv", "--list", "newsletter", cwd=workspace.root)
        assert ran.code == 0, ran.err
        return workspace.root

    return made


def test_a_sender_killed_in_mid_send_loses_nobody_and_mails_nobody_twice(filled, run, starts, server):
    root = filled(30, server.port)
    server.pause = 0.05
    sender = starts("send", "weekly", "--at", AT, "--yes", cwd=root)
    until = time.monotonic() + 90
    while len(server.mails) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    sender.send_signal(signal.SIGKILL)
    sender.communicate()
    time.sleep(0.2)
    got = dict(server.taken)
    assert 3 <= len(got) < 30, "killed in mid-send"
    server.pause = 0
    ran = run("send", "weekly", "--at", AT, "--json", cwd=root)
    numbers = ran.json
    assert ran.code == (1 if numbers["unknown"] else 0), "somebody should look at the unknown"
    assert numbers["sent"] + numbers["unknown"] == 30
    assert numbers["unknown"] <= 1, "its journal tells what was answered; one mail was in flight on one connection"
    assert got.items() <= server.taken.items(), "what was taken is not sent again"
    assert len(server.taken) >= 30 - numbers["unknown"]
    assert set(server.taken.values()) == {1}


def test_two_senders_at_once_mail_each_reader_once(filled, run, starts, server):
    root = filled(450, server.port, connections=4)
    senders = [starts("send", "weekly", "--at", AT, "--yes", cwd=root) for _ in range(2)]
    for sender in senders:
        _, err = sender.communicate(timeout=300)
        assert sender.returncode == 0, err
    assert len(server.taken) == 450
    assert set(server.taken.values()) == {1}
    (edition,) = run("editions", "--json", cwd=root).json
    assert (edition["state"], edition["sent"], edition["readers"]) == ("sent", 450, 450)


def test_commands_that_start_together_on_a_new_workspace_all_work(workspace, starts):
    started = [starts("editions", "--json", cwd=workspace.root) for _ in range(4)]
    for process in started:
        out, err = process.communicate(timeout=300)
        assert (process.returncode, out) == (0, "[]\n"), err


def test_a_server_that_is_down_is_one_sentence_and_the_edition_waits(filled, run, server):
    root = filled(3, 1)
    ran = run("send", "weekly", "--at", AT, "--yes", "--json", cwd=root)
    assert ran.code == 1
    assert ran.out == ""
    assert "Traceback" not in ran.err
    assert "The mail server 127.0.0.1:1 can't be reached" in ran.err
    (edition,) = run("editions", "--json", cwd=root).json
    assert (edition["state"], edition["sent"], edition["readers"]) == ("sending", 0, 3)
    text = (root / "broadsheet.toml").read_text()
    (root / "broadsheet.toml").write_text(text.replace("port = 1\n", f"port = {server.port}\n"))
    assert run("send", "weekly", "--at", AT, "--json", cwd=root).json["sent"] == 3
    assert set(server.taken.values()) == {1}


def test_mistakes_in_a_campaign_are_all_said_and_nothing_is_sent(workspace, run, write):
    write("campaigns/weekly.md", "---\nname: x\nlist: nowhere\ntemplate: plain\nsubjekt: x\n---\n")
    ran = run("send", "weekly", "--yes", cwd=workspace.root)
    assert (ran.code, ran.out) == (1, "")
    assert "Traceback" not in ran.err
    for words in ("list: there is no list “nowhere”", "subjekt: is not a key here", "subject: is missing"):
        assert f"campaigns/weekly.md: {words}" in ran.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[site\n", "broadsheet.toml: line 1: not valid TOML"),
        ('[site]\ntime_zone = "Mars"\n', "broadsheet.toml: site.time_zone: is not a time zone"),
        ('[adapters.default]\nkind = "smtp"\npassword = "x"\n', "BROADSHEET_ADAPTERS_DEFAULT_PASSWORD"),
    ],
)
def test_a_mistake_in_the_settings_is_one_sentence(workspace, run, write, text, words):
    write("broadsheet.toml", text)
    ran = run("sync", cwd=workspace.root)
    assert ran.code == 1
    assert words in ran.sentence


def test_a_rejected_article_exits_with_one_and_the_others_go_on(workspace, run, write):
    write("articles/bad.md", "---\ntitle: [a\n---\nText.\n")
    ran = run("sync", "--json", cwd=workspace.root)
    assert ran.code == 1
    assert ran.json["added"] == 5
    (rejected,) = ran.json["rejected"]
    assert list(rejected) == ["path", "reason"]
    assert rejected["path"].endswith("articles/bad.md")
    assert "line" in rejected["reason"]


def test_rejected_people_exit_with_one_and_the_others_go_on(workspace, run, write):
    write("subscribers/people.csv", "email\nada@reader.example\nnobody\n")
    ran = run("subscribers", "import", "subscribers/people.csv", "--list", "newsletter", "--json", cwd=workspace.root)
    assert ran.code == 1
    assert (ran.json["read"], ran.json["added"]) == (2, 1)
    assert [list(each) for each in ran.json["rejected"]] == [["line", "reason"]]
    assert ran.json["rejected"][0]["line"] == 3


def test_a_plan_before_anyone_has_come_is_a_plan_for_nobody(workspace, run):
    ran = run("plan", "weekly", "--at", AT, "--json", cwd=workspace.root)
    assert (ran.code, ran.json["readers"], ran.json["audience"]) == (0, 0, 0)


def test_a_state_folder_that_can_not_be_written_is_one_sentence(workspace, run):
    (workspace.root / ".broadsheet").write_text("in the way")
    ran = run("sync", cwd=workspace.root)
    assert ran.code == 1
    assert "can't be written" in ran.sentence


def test_a_database_that_is_none_is_one_sentence(workspace, run):
    state = workspace.root / ".broadsheet"
    state.mkdir()
    (state / "broadsheet.sqlite3").write_text("this is not a database" * 100)
    ran = run("sync", cwd=workspace.root)
    assert ran.code == 1
    assert "The database can't be used" in ran.sentence
