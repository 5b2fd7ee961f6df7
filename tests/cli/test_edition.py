"""``broadsheet edition``: every action, in both orders of words, with its exit code."""

import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pytest
from tests.conftest import WEEKLY, fill

PEOPLE = "email,interests,list,status,time_zone\n" + "".join(
    f"{name}@reader.example,sleep,newsletter,subscribed,{zone}\n"
    for name, zone in (("ada", "Europe/Berlin"), ("ben", "America/New_York"))
)


def edition_rows(root, sql):
    with closing(sqlite3.connect(root / ".broadsheet" / "broadsheet.sqlite3")) as database, database:
        return database.execute(sql).fetchall()


@pytest.fixture(scope="module")
def steps(run, together, tmp_path_factory):
    """One edition at readers' own times, in the far future for New York; and what staff do with it, in order."""
    root = tmp_path_factory.mktemp("editions") / "letter"
    fill(root)
    (root / "people.csv").write_text(PEOPLE)
    (root / "campaigns" / "weekly.md").write_text(
        WEEKLY.replace("Europe/Berlin}", "Europe/Berlin, deliver: reader-local}").replace("automatic", "required")
    )
    run("sync", cwd=root)
    assert run("subscribers", "import", "people.csv", "--json", cwd=root).json["added"] == 2

    def step(*arguments):
        return run(*arguments, cwd=root)

    done = SimpleNamespace(root=root)
    done.send = step("send", "weekly", "--at", "2099-03-03T09:00", "--yes", "--json")
    done.show, done.editions, done.wrong_id, done.wrong_action, done.missing = together(
        [
            ("edition", "1", "show", "--json"),
            ("editions", "--json"),
            ("edition", "first", "show"),
            ("edition", "1", "dance"),
            ("edition", "99", "show"),
        ],
        cwd=root,
    )
    done.approve_again = step("edition", "1", "approve")
    done.reschedule_late = step("edition", "1", "reschedule", "--at", "2099-03-04T09:00")
    done.refreeze_late = step("edition", "1", "refreeze")
    done.pause = step("edition", "pause", "1", "--why", "a typo", "--json")
    done.send_paused = step("send", "weekly", "--at", "2099-03-03T09:00", "--yes")
    done.resume = step("edition", "1", "resume")
    done.when, done.how, done.none_failed = together(
        [("edition", "1", "reschedule"), ("edition", "1", "resolve"), ("edition", "resend-failed", "1")], cwd=root
    )
    edition_rows(root, "UPDATE broadsheet_delivery SET state = 'unknown' WHERE id = 1")
    done.resolve = step("edition", "1", "resolve", "--as", "sent", "--json")
    done.cancel = step("edition", "1", "cancel", "--why", "wrong list", "--json")
    done.resume_cancelled = step("edition", "resume", "1")
    return done


def test_sending_at_readers_own_times_says_what_waits(steps):
    sent = steps.send.json
    assert steps.send.code == 0
    assert (sent["state"], sent["sent"], sent["waiting"]) == ("sending", 0, 2)
    assert sent["next_at"] == "2099-03-03T09:00:00+01:00"


def test_an_edition_shows_all_its_facts(steps):
    shown = steps.show.json
    assert (shown["edition"], shown["campaign"], shown["state"], shown["waiting"]) == (1, "weekly", "sending", 2)
    assert shown["next_at"] == "2099-03-03T09:00:00+01:00"
    assert [each["readers"] for each in shown["variants"]] == [2]
    assert [(each["before"], each["after"]) for each in shown["moves"]] == [
        ("", "draft"),
        ("draft", "approved"),
        ("approved", "sending"),
    ]
    assert all(each["who"] and each["at"] for each in shown["moves"])


def test_the_list_has_the_edition_with_the_keys_of_the_design(steps):
    (row,) = steps.editions.json
    keys = "edition campaign scheduled_for state readers sent failed deferred unknown skipped"
    assert list(row) == keys.split()


def test_wrong_words_exit_with_two_and_say_what_there_is(steps):
    assert (steps.wrong_id.code, steps.wrong_action.code, steps.missing.code) == (2, 2, 2)
    assert "is not an edition's number" in steps.wrong_id.sentence
    assert "there is: show, approve, refreeze, pause, resume, cancel" in steps.wrong_action.sentence
    assert "There is no edition named “99”" in steps.missing.sentence


def test_an_action_without_what_it_needs_exits_with_two(steps):
    assert (steps.when.code, steps.how.code) == (2, 2)
    assert "--at 2026-12-01T09:00" in steps.when.sentence
    assert "--as sent" in steps.how.sentence


def test_a_move_that_the_state_does_not_allow_exits_with_one(steps):
    for ran, words in (
        (steps.approve_again, "Edition 1 is sending, so it can't become approved"),
        (steps.reschedule_late, "only one that has not begun can be moved"),
        (steps.refreeze_late, "only one that has not begun can be frozen anew"),
        (steps.send_paused, "Edition 1 is paused: broadsheet edition 1 resume."),
        (steps.resume_cancelled, "Edition 1 is cancelled; only one that is paused or failed can be resumed."),
    ):
        assert ran.code == 1
        assert words in ran.err


def test_the_words_may_come_in_either_order(steps):
    assert (steps.pause.code, steps.resume.code, steps.none_failed.code) == (0, 0, 0)
    assert steps.pause.json["state"] == "paused"
    assert steps.pause.json["moves"][-1]["why"] == "a typo"
    assert "goes on where it was" in steps.resume.err
    assert "0 failed copies will go again." in steps.none_failed.err


def test_unknown_copies_are_settled_and_the_rest_called_off(steps):
    assert (steps.resolve.json["unknown"], steps.resolve.json["sent"]) == (0, 1)
    assert "1 copy did not leave" in steps.cancel.err
    cancelled = steps.cancel.json
    assert (cancelled["state"], cancelled["reason"], cancelled["skipped"]) == ("cancelled", "wrong list", 1)


def test_the_audit_says_who_did_all_this(steps):
    rows = edition_rows(steps.root, "SELECT after, who FROM broadsheet_editionmove ORDER BY id")
    assert [after for after, _ in rows] == ["draft", "approved", "sending", "paused", "sending", "sending", "cancelled"]
    assert {who for after, who in rows if after != "sending"} == {rows[0][1]}
    assert rows[0][1].endswith("command)")
