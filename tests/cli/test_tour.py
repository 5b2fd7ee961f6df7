"""The tour: a new workspace, its articles and people, a plan, a mail, an edition, and the same edition again."""

import email
import sqlite3
from contextlib import closing
from email import policy
from types import SimpleNamespace

import pytest

from broadsheet.sending.inbox import MailFolder

AT = "2026-11-24T09:00"


@pytest.fixture(scope="module")
def tour(run, together, tmp_path_factory):
    """Every step of the tour, run once; steps that don't touch one another side by side."""
    root = tmp_path_factory.mktemp("tour") / "letter"
    steps = SimpleNamespace(root=root, inbox=MailFolder(root / ".broadsheet" / "inbox"))

    def step(*arguments, cwd=root):
        return run(*arguments, cwd=cwd)

    steps.init = step("init", "letter", cwd=root.parent)
    steps.empty = step("editions", "--json")
    people, weekly = ("subscribers", "import", "subscribers/people.csv", "--json"), ("weekly-digest", "--at", AT)
    steps.people, steps.sync = together([people, ("sync", "--json")], cwd=root)
    steps.reader = reader_of_sleep(root)
    steps.people_again, steps.sync_again, steps.articles, steps.plan, steps.render, steps.unasked = together(
        [
            people,
            ("sync", "--json"),
            ("articles", "--tag", "sleep", "--json"),
            ("plan", *weekly, "--json"),
            ("render", *weekly, "--as", steps.reader, "--out", "out"),
            ("send", *weekly),
        ],
        cwd=root,
    )
    steps.mails_unasked = len(steps.inbox.list())
    steps.send = step("send", *weekly, "--yes", "--json")
    steps.mails = steps.inbox.list()
    steps.send_again, steps.send_again_for_people, steps.editions = together(
        [("send", *weekly, "--json"), ("send", *weekly), ("editions", "--json")], cwd=root
    )
    steps.mails_again = steps.inbox.list()
    steps.report, steps.over_time, steps.over_time_said, steps.over_time_as_csv = together(
        [("report", "1"), ("report", "--json"), ("report",), ("report", "--csv")], cwd=root
    )
    return steps


def reader_of_sleep(root):
    """The address of somebody who gets the newsletter and is interested in sleep."""
    with closing(sqlite3.connect(root / ".broadsheet" / "broadsheet.sqlite3")) as database:
        found = database.execute(
            "SELECT email FROM broadsheet_subscriber s JOIN broadsheet_interestset i ON i.id = s.interests_id"
            " JOIN broadsheet_subscription l ON l.subscriber_id = s.id"
            " WHERE i.tags LIKE '%sleep%' AND l.list_name = 'newsletter' AND l.state = 'subscribed'"
            " AND s.email_key NOT IN (SELECT email_key FROM broadsheet_suppression)"
        )
        return found.fetchone()[0]


def test_init_makes_a_workspace_and_says_what_to_do_next(tour):
    assert tour.init.code == 0
    assert (tour.root / "broadsheet.toml").is_file()
    assert "broadsheet sync" in tour.init.err


def test_init_refuses_a_folder_that_is_not_empty(tour, run):
    ran = run("init", "letter", cwd=tour.root.parent)
    assert ran.code == 1
    assert "not empty; nothing was written" in ran.sentence


def test_before_the_first_edition_the_list_is_empty(tour):
    assert (tour.empty.code, tour.empty.json) == (0, [])


def test_the_import_reports_what_it_did(tour):
    assert tour.people.code == 0
    did = {"read": 400, "added": 400, "updated": 0, "unchanged": 0, "rejected": []}
    assert did.items() <= tour.people.json.items()


def test_a_second_import_changes_nothing(tour):
    did = {"read": 400, "added": 0, "updated": 0, "unchanged": 400, "rejected": []}
    assert did.items() <= tour.people_again.json.items()


def test_the_sync_reports_what_it_did(tour):
    assert tour.sync.code == 0
    keys = "added changed unchanged removed rejected articles failed findings"
    assert set(keys.split()) <= set(tour.sync.json)
    assert tour.sync.json["added"] == tour.sync.json["articles"] >= 12
    assert tour.sync_again.json == {**tour.sync.json, "added": 0, "unchanged": tour.sync.json["added"]}


def test_articles_are_listed_by_tag(tour):
    keys = "slug title excerpt author category published_at tags image url source draft seen_before changed_at findings"
    assert tour.articles.code == 0
    assert 0 < len(tour.articles.json) < tour.sync.json["articles"]
    for article in tour.articles.json:
        assert set(keys.split()) <= set(article)
        assert "sleep" in article["tags"]


def test_the_plan_says_who_would_get_what_and_adds_up(tour):
    plan = tour.plan.json
    assert tour.plan.code == 0
    assert {"campaign", "scheduled_for", "audience", "readers", "excluded", "variants"} <= set(plan)
    assert (plan["campaign"], plan["scheduled_for"]) == ("weekly-digest", "2026-11-24T09:00:00+01:00")
    assert set(plan["excluded"]) == {"suppressed", "unsubscribed", "unconfirmed", "outside the segment"}
    assert plan["audience"] == plan["readers"] + sum(plan["excluded"].values())
    assert plan["readers"] == sum(variant["readers"] for variant in plan["variants"]) > 100
    assert all(list(variant) == ["articles", "readers", "subject"] for variant in plan["variants"])


def test_a_rendered_mail_is_whole(tour):
    assert tour.render.code == 0
    out = tour.root / "out"
    mail = email.message_from_bytes((out / "message.eml").read_bytes(), policy=policy.default)
    assert not mail.defects
    for name in ("List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Message-ID", "Date"):
        assert len(mail.get_all(name)) == 1
    assert tour.reader in mail["To"]
    html, text = (out / "message.html").read_text(), (out / "message.txt").read_text()
    assert html.lstrip().lower().startswith("<!doctype html")
    assert "@media" in html
    assert 'style="' in html
    assert mail.get_body(("html",)).get_content().splitlines() == html.splitlines()
    assert mail.get_body(("plain",)).get_content().splitlines() == text.splitlines()
    assert html.lower().count("<!doctype") == 1


def test_sending_without_a_terminal_needs_a_yes(tour):
    assert tour.unasked.code == 2
    assert tour.unasked.sentence == (
        f"This would mail {tour.plan.json['readers']} readers into the local inbox; say --yes if that is meant."
    )
    assert tour.mails_unasked == 0


def test_sending_does_what_the_plan_said(tour):
    keys = "edition state sent failed deferred unknown skipped seconds"
    assert tour.send.code == 0
    assert set(keys.split()) <= set(tour.send.json)
    assert {key: tour.send.json[key] for key in keys.split()} | {"seconds": 0} == {
        "edition": 1,
        "state": "sent",
        "sent": tour.plan.json["readers"],
        "failed": 0,
        "deferred": 0,
        "unknown": 0,
        "skipped": 0,
        "seconds": 0,
    }


def test_everyone_got_exactly_one_mail(tour):
    addresses = [address for mail in tour.mails for address in mail.to]
    assert len(addresses) == len(set(addresses)) == tour.plan.json["readers"]


def test_sending_again_mails_nobody_again_and_says_so(tour):
    assert (tour.send_again.code, tour.send_again_for_people.code) == (0, 0)
    assert tour.send_again.json | {"seconds": 0} == tour.send.json | {"seconds": 0}
    assert tour.mails_again == tour.mails
    assert "was sent before; nobody was mailed again" in tour.send_again_for_people.err


def test_the_edition_is_listed_with_its_numbers(tour):
    keys = "edition campaign scheduled_for state readers sent failed deferred unknown skipped"
    (edition,) = tour.editions.json
    assert set(keys.split()) <= set(edition)
    assert (edition["edition"], edition["campaign"], edition["state"]) == (1, "weekly-digest", "sent")
    assert edition["scheduled_for"] == "2026-11-24T09:00:00+01:00"
    assert edition["readers"] == edition["sent"] == tour.plan.json["readers"]


# What goes wrong

OUTSIDE = (
    ("sync",),
    ("articles",),
    ("plan", "weekly"),
    ("send", "weekly"),
    ("editions",),
    ("subscribers", "import", "people.csv"),
)


def test_outside_a_workspace_it_is_one_clear_sentence(together, tmp_path):
    for ran in together(OUTSIDE, cwd=tmp_path):
        assert ran.code == 2
        assert ran.sentence.startswith("No broadsheet.toml here or in any folder above.")


FAILURES = {
    ("plan", "monthly"): (2, "There is no campaign named “monthly”. There is: monthly-letter, weekly-digest."),
    ("send", "../x", "--yes"): (2, "There is no campaign named"),
    ("plan", "weekly-digest", "--at", "tomorrow"): (2, "--at “tomorrow” is not a time"),
    ("render", "weekly-digest", "--as", "nobody@x.example", "--out", "out"): (1, "Nobody with the address"),
    ("render", "weekly-digest", "--as", "nobody", "--out", "out"): (1, "is not an email address"),
    ("subscribers", "import", "no.csv"): (2, "There is no file no.csv."),
    ("subscribers", "import", "broadsheet.toml"): (1, "has no column of addresses"),
    ("subscribers", "import", "subscribers/people.csv", "--list", "x"): (1, "There is no list “x”"),
}


def test_a_failure_is_one_sentence_on_standard_error(tour, together):
    for ran, (code, words) in zip(together(FAILURES, cwd=tour.root), FAILURES.values(), strict=True):
        assert words in ran.sentence
        assert ran.code == code


def test_a_command_called_wrongly_exits_with_two(tour, together):
    for ran in together([("plan",), ("nonsense",), ("send", "weekly-digest", "--sideways")], cwd=tour.root):
        assert ran.code == 2
        assert "Traceback" not in ran.err
        assert ran.out == ""


def test_the_workspace_can_be_named_from_anywhere(tour, run, tmp_path):
    assert run("--workspace", str(tour.root), "editions", "--json", cwd=tmp_path).json == tour.editions.json
    assert run("editions", "--json", cwd=tmp_path, BROADSHEET_WORKSPACE=str(tour.root)).json == tour.editions.json
    assert run("editions", "--json", cwd=tour.root / "articles").json == tour.editions.json
    assert "is not a workspace" in run("--workspace", "/nowhere", "editions", cwd=tmp_path).sentence


def test_a_report_says_what_came_of_the_edition_by_variant_domain_and_hour(tour):
    assert tour.report.code == 0
    assert [line for line in tour.report.out.splitlines() if line in ("Segments", "Variants", "Domains", "Hours")] == [
        "Segments",
        "Variants",
        "Domains",
        "Hours",
    ]


def test_without_an_edition_the_report_is_of_lists_and_articles(tour):
    weekly = next(each for each in tour.over_time.json["lists"] if each["list"] == "newsletter")
    assert len(weekly["days"]) == 30
    assert weekly["days"][-1]["size"] > 200
    assert tour.over_time.json["articles"] == [], "the sample campaign counts no clicks"
    assert str(weekly["days"][-1]["size"]) in tour.over_time_said.out
    assert (tour.over_time_as_csv.code, "--csv is about an edition" in tour.over_time_as_csv.sentence) == (2, True)
