"""The dry run: who would get what, why, when, and what changed; and not a row written."""

import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pytest
from tests.conftest import WEEKLY, fill

PEOPLE = """\
email,interests,list,status,time_zone
ada@reader.example,sleep,newsletter,subscribed,Europe/Berlin
ben@reader.example,movement,newsletter,subscribed,America/New_York
cleo@reader.example,"sleep, movement",newsletter,subscribed,America/New_York
dan@reader.example,gardening,newsletter,subscribed,
eve@reader.example,sleep,newsletter,unsubscribed,
"""
AT = ("--at", "2026-03-03T09:00")
NEXT = ("--at", "2026-03-10T09:00")


def counts(root):
    """How many rows each table has, and how often the file was written to."""
    with closing(sqlite3.connect(root / ".broadsheet" / "broadsheet.sqlite3")) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: database.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0] for name in tables}


@pytest.fixture(scope="module")
def plans(run, together, tmp_path_factory):
    """Every look at a plan, before the first edition and after it; looks that don't touch one another side by side."""
    root = tmp_path_factory.mktemp("plans") / "letter"
    fill(root)
    (root / "people.csv").write_text(PEOPLE)
    (root / "campaigns" / "local.md").write_text(
        WEEKLY.replace("Europe/Berlin}", "Europe/Berlin, deliver: reader-local}")
    )
    steps = SimpleNamespace(root=root)
    run("sync", cwd=root)
    imported = run("subscribers", "import", "people.csv", "--json", cwd=root)
    assert imported.json["added"] == 5, imported.err
    before = counts(root)
    steps.plan, steps.said, steps.local, steps.local_said, steps.no_diff = together(
        [
            ("plan", "weekly", *AT, "--json"),
            ("plan", "weekly", *AT),
            ("plan", "local", *AT, "--json"),
            ("plan", "local", *AT),
            ("plan", "weekly", *AT, "--diff", "--json"),
        ],
        cwd=root,
    )
    steps.ada, steps.ada_said, steps.dan, steps.eve, steps.unknown = together(
        [
            ("plan", "weekly", *AT, "--reader", "ADA@reader.example", "--json"),
            ("plan", "weekly", *AT, "--reader", "ada@reader.example"),
            ("plan", "weekly", *AT, "--reader", "dan@reader.example", "--json"),
            ("plan", "weekly", *AT, "--reader", "eve@reader.example", "--json"),
            ("plan", "weekly", *AT, "--reader", "nobody@reader.example"),
        ],
        cwd=root,
    )
    steps.unchanged = counts(root) == before
    run("send", "weekly", *AT, "--yes", cwd=root)
    steps.same, steps.diff, steps.diff_said, steps.ben = together(
        [
            ("plan", "weekly", *AT, "--diff", "--json"),
            ("plan", "weekly", *NEXT, "--diff", "--json"),
            ("plan", "weekly", *NEXT, "--diff"),
            ("plan", "weekly", *NEXT, "--reader", "ben@reader.example", "--json"),
        ],
        cwd=root,
    )
    return steps


def test_a_plan_has_the_readers_of_each_segment_and_its_findings_by_level(plans):
    plan = plans.plan.json
    assert plans.plan.code == 0
    assert plan["segments"] == [{"name": "sleepers", "readers": 2}, {"name": "movers", "readers": 2}]
    assert plan["zones"] == []
    assert set(plan["findings"]) <= {"block", "warn", "advice"}
    assert plan["excluded"] == {"unsubscribed": 1, "outside the segment": 1}
    assert plan["audience"] == 5


def test_people_read_the_same_in_tables_with_a_pointer_to_the_check(plans):
    said = plans.said
    assert said.code == 0
    for words in ("Who may be mailed", "sleepers", "Who gets what", "eleven-lengths", "outside the segment"):
        assert words in said.out
    assert "3 readers would get a mail, in 2 variants." in said.err
    assert "broadsheet check weekly" in said.err or "No findings." in said.err


def test_copies_at_each_readers_own_time_are_listed_by_zone(plans):
    assert plans.local.json["zones"] == [
        {"time_zone": "America/New_York", "readers": 2, "at": "2026-03-03T15:00:00+01:00"},
        {"time_zone": "Europe/Berlin", "readers": 1, "at": "2026-03-03T09:00:00+01:00"},
    ]
    assert "America/New_York" in plans.local_said.out


def test_looking_writes_nothing(plans):
    assert plans.unchanged


def test_without_an_edition_before_it_there_is_no_difference(plans):
    assert plans.no_diff.json["diff"] is None


def test_one_reader_is_told_which_rule_let_each_article_in_or_kept_it_out(plans):
    reader = plans.ada.json["reader"]
    assert reader["gets"] == ["back-to-the-allotment", "pillow-moon"]
    assert (reader["reason"], reader["interests"]) == ("", ["sleep"])
    assert {each["slug"]: each["reason"] for each in reader["articles"]} == {
        "back-to-the-allotment": "the campaign's rules, matches their interests",
        "pillow-moon": "the campaign's rules, matches their interests",
        "night-harbour": "no place left: others came first",
        "eleven-lengths": "shares no tag with this reader's interests",
        "our-new-sofa": "the campaign's tags, categories or sources don't ask for it",
    }
    assert "They get 2 articles." in plans.ada_said.out


def test_who_gets_nothing_is_told_why(plans):
    assert plans.dan.json["reader"] | {"interests": 0} == {
        "email": "dan@reader.example",
        "interests": 0,
        "gets": [],
        "reason": "outside the segment",
        "articles": [],
    }
    assert plans.eve.json["reader"]["reason"] == "unsubscribed"
    ben = plans.ben.json["reader"]
    assert (ben["gets"], ben["reason"]) == ([], "had the articles already")
    assert {each["reason"] for each in ben["articles"] if each["slug"] == "eleven-lengths"} == {
        "this reader has had it"
    }


def test_a_reader_nobody_knows_is_one_sentence(plans):
    assert plans.unknown.code == 1
    assert "Nobody with the address nobody@reader.example is known" in plans.unknown.sentence


def test_planned_again_for_its_own_time_a_sent_edition_has_not_changed(plans):
    diff = plans.same.json["diff"]
    assert diff["readers"] == {"before": 3, "now": 3}
    assert (diff["added"], diff["removed"], diff["changed"], diff["excluded"]) == ([], [], [], {})


def test_the_difference_names_readers_reasons_and_variants(plans):
    diff = plans.diff.json["diff"]
    assert (diff["edition"], diff["state"], diff["scheduled_for"]) == (1, "sent", "2026-03-03T09:00:00+01:00")
    assert diff["readers"] == {"before": 3, "now": 2}
    assert diff["excluded"] == {"had the articles already": {"before": 0, "now": 1}}
    assert [each["articles"] for each in diff["added"]] == [["night-harbour"], ["pillow-moon", "night-harbour"]]
    assert [each["readers"] for each in diff["removed"]] == [2, 1]
    assert "had the articles already" in plans.diff_said.out
    assert "Since edition 1" in plans.diff_said.err


def test_it_says_how_long_sending_takes_at_the_pace_that_is_set(plans, run):
    assert plans.plan.json["sending_seconds"] == 0
    with (plans.root / "broadsheet.toml").open("a") as settings:
        settings.write('\n[pace.default]\nper_second = 50\ndomains = {"reader.example" = 0.02}\n')
    planned = run("plan", "weekly", *NEXT, "--json", cwd=plans.root).json
    assert planned["sending_seconds"] == planned["readers"] / 0.02
    assert "At the pace of default, sending takes " in run("plan", "weekly", *NEXT, cwd=plans.root).err
