"""Four eyes at the command, and the words that freezing anew changed."""

import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pytest
from tests.conftest import WEEKLY, fill

AT = ("--at", "2026-03-03T09:00")


@pytest.fixture(scope="module")
def steps(run, tmp_path_factory):
    """An edition that one person freezes, twice, and may not approve; and that goes once somebody else is behind it."""
    root = tmp_path_factory.mktemp("four-eyes") / "letter"
    fill(root)
    (root / "people.csv").write_text("email,interests,list,status\nada@reader.example,sleep,newsletter,subscribed\n")
    with (root / "broadsheet.toml").open("a") as file:
        file.write("[approval]\nfour_eyes = true\n")

    def step(*arguments):
        return run(*arguments, cwd=root)

    step("sync")
    assert step("subscribers", "import", "people.csv", "--json").json["added"] == 1
    done = SimpleNamespace(send=step("send", "weekly", *AT, "--yes"))
    (root / "campaigns" / "weekly.md").write_text(WEEKLY.replace("here is what is new.", "here is what is old."))
    done.plan = step("plan", "weekly", *AT, "--diff", "--json")
    done.refreeze = step("edition", "1", "refreeze")
    done.approve = step("edition", "1", "approve")
    with closing(sqlite3.connect(root / ".broadsheet" / "broadsheet.sqlite3")) as database, database:
        database.execute("UPDATE broadsheet_editionmove SET who = 'somebody else'")
    done.other = step("edition", "1", "approve", "--json")
    done.sent = step("send", "weekly", *AT, "--yes", "--json")
    done.compare = step("report", "1", "--compare")
    return done


def test_send_is_no_approval_of_ones_own(steps):
    assert steps.send.code == 1
    assert "so somebody else has to approve it (broadsheet.toml: approval.four_eyes)." in steps.send.sentence


def test_the_words_that_changed_are_marked(steps):
    assert "here is what is [-new-]{+old+}." in steps.refreeze.out
    (changed,) = steps.plan.json["diff"]["changed"]
    assert changed["text"] is True
    assert changed["words"] == [
        [{"same": "here is what is "}, {"gone": "new"}, {"new": "old"}, {"same": "."}],
    ]


def test_freezing_it_anew_does_not_help(steps):
    assert steps.approve.code == 1
    assert "somebody else has to approve it" in steps.approve.sentence


def test_once_somebody_else_said_yes_it_goes(steps):
    assert (steps.other.code, steps.other.json["state"]) == (0, "approved")
    assert (steps.sent.code, steps.sent.json["sent"]) == (0, 1)


def test_one_edition_is_not_spoken_of_as_several(steps):
    assert steps.compare.out.startswith("The last edition\n")
