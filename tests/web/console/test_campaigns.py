"""Campaigns in the console: what each is and does, new ones, and pausing and retiring, which are kept in the file."""

import re
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from broadsheet import editions
from broadsheet.models import Audit, Role
from broadsheet.workspace import Workspace

TUESDAY = datetime(2026, 12, 1, 8, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch):
    """It is Thursday, 26 November 2026, 11:00 in Berlin, unless the test says when."""

    def at(moment):
        monkeypatch.setattr(timezone, "now", lambda: moment)

    at(datetime(2026, 11, 26, 10, tzinfo=UTC))
    return at


@pytest.fixture
def file(workspace):
    """The campaign as its file is now."""
    return lambda slug="weekly": Workspace(workspace.root).campaign(slug)


def shown(client, way=""):
    return " ".join(re.sub("<[^>]+>", " ", client.get(f"/console/campaigns{way}").content.decode()).split())


@pytest.mark.usefixtures("clock")
def test_each_says_for_whom_when_with_its_zone_and_what_came_of_it(as_role, freeze, send, memory, cast):
    edition = freeze("weekly", datetime(2026, 11, 24, 8, tzinfo=UTC))
    send(edition, memory)
    client = as_role("viewer")
    page = shown(client)
    assert "Stillwater Weekly: sleepers or movers" in page
    assert "Every Tuesday at 09:00 (Europe/Berlin) Next: Tue 1 Dec, 09:00 (Europe/Berlin), in 4" in page
    assert "24 Nov 2026 : 3 sent" in page
    assert "A letter By hand" in page
    assert f'href="/console/editions/{edition.pk}"' in client.get("/console/campaigns").content.decode()


@pytest.mark.usefixtures("clock")
def test_the_next_time_is_what_people_made_of_the_schedule(as_role, workspace, cast):
    editions.leave_out(workspace, workspace.campaign("weekly"), TUESDAY, who="pia")
    assert "Next: Tue 8 Dec, 09:00 (Europe/Berlin)" in shown(as_role("viewer"))


def test_the_number_of_readers_is_asked_for_kept_and_told_with_its_age(as_role, cast, clock, write, workspace):
    client = as_role("viewer")
    assert 'hx-trigger="submit, load"' in client.get("/console/campaigns").content.decode()
    part = client.post("/console/campaigns/weekly/count", headers={"HX-Request": "true"}).content.decode()
    assert "3 readers, counted" in part
    assert "just now" in part
    clock(datetime(2026, 11, 26, 10, 9, tzinfo=UTC))
    assert "3 readers, counted 9 min ago" in shown(client)
    text = (workspace.root / "campaigns" / "weekly.md").read_text()
    write("campaigns/weekly.md", text.replace("[sleepers, movers]", "[sleepers]"))
    assert "3 readers" not in shown(client), "that was the number of other rules"
    client.post("/console/campaigns/weekly/count")
    assert "2 readers, counted just now" in shown(client)


def test_among_many_the_number_is_estimated_and_the_count_looked_for(as_role, cast, later):
    client = as_role("viewer")

    def asked(**given):
        return client.post("/console/campaigns/weekly/count", given, headers={"HX-Request": "true"}).content.decode()

    part = asked()
    assert "About 3 readers, estimated; counting…" in part
    assert 'hx-trigger="submit, load delay:1500ms" hx-vals=\'{"look": "yes"}\'' in part
    later()
    part = asked(look="yes")
    assert "3 readers, counted" in part
    assert 'hx-trigger="submit"' in part
    assert later() == 0, "that was a look"
    assert "counting…" in asked(), "somebody wants it counted anew"
    assert later() == 1


def test_a_file_with_mistakes_is_named_with_all_of_them(as_role, write, cast):
    write("campaigns/broken.md", "---\nname: Broken\n---\n")
    page = shown(as_role("viewer"))
    assert "campaigns/broken.md can't be read" in page
    assert "template: is missing" in page
    assert "Weekly digest" in page


def test_without_any_campaign_the_page_says_what_one_is(as_role, workspace, cast):
    for path in (workspace.root / "campaigns").glob("*.md"):
        path.unlink()
    assert "No campaigns yet" in shown(as_role("viewer"))
    assert "Make the first one" in shown(as_role("editor"))


@pytest.mark.parametrize("role", Role)
def test_each_role_sees_what_it_may_do(as_role, cast, role):
    page = as_role(role).get("/console/campaigns").content.decode()
    assert ("Duplicate" in page) == (role != Role.VIEWER)
    assert ("Pause" in page) == (role in (Role.PUBLISHER, Role.ADMIN))


# -- pausing, retiring -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", ["paused", "retired"])
def test_its_state_is_a_key_of_its_file_and_all_else_stays(as_role, workspace, file, cast, to):
    path = workspace.root / "campaigns" / "weekly.md"
    before = path.read_text()
    client = as_role("publisher")
    client.post("/console/campaigns/weekly/state", {"to": to})
    assert file().state == to
    assert path.read_text().replace(f"state: {to}\n", "") == before
    client.post("/console/campaigns/weekly/state", {"to": "active"})
    assert path.read_text() == before
    assert list(Audit.objects.order_by("pk").values_list("what", "target", "before", "after")) == [
        ("campaign-state", "campaigns/weekly.md", "active", to),
        ("campaign-state", "campaigns/weekly.md", to, "active"),
    ]


@pytest.mark.usefixtures("clock")
def test_a_retired_one_is_out_of_sight_but_not_gone(as_role, cast):
    client = as_role("publisher")
    client.post("/console/campaigns/weekly/state", {"to": "retired"})
    assert "Weekly digest is retired: nothing of it comes out until it is active again." in shown(client)
    assert "Weekly digest" not in shown(client)
    assert "Weekly digest Retired" in shown(client, "?state=retired")
    assert "Nothing this month" in client.get("/console/calendar?on=2026-12-01").content.decode()


@pytest.mark.parametrize("given", [{"to": "gone"}, {}, {"to": "active", "slug": "nowhere"}])
def test_what_is_no_state_or_no_campaign_is_not_found(as_role, cast, given):
    slug = given.pop("slug", "weekly")
    assert as_role("publisher").post(f"/console/campaigns/{slug}/state", given).status_code == 404


def test_a_file_that_can_not_be_changed_from_here_says_so_and_stays_as_it_is(as_role, workspace, write, cast):
    text = (workspace.root / "campaigns" / "weekly.md").read_text()
    toml = '+++\nname = "Weekly"\nlist = "newsletter"\ntemplate = "plain"\nsubject = "News"\n+++\nHello.\n'
    write("campaigns/weekly.md", toml)
    page = as_role("publisher").post("/console/campaigns/weekly/state", {"to": "paused"}, follow=True).content.decode()
    assert "changed in an editor only" in page
    assert (workspace.root / "campaigns" / "weekly.md").read_text() == toml != text
    assert Audit.objects.count() == 0


# -- new ones ----------------------------------------------------------------------------------------------------


def test_a_fresh_one_has_a_file_that_reads_well_and_comes_out_when_it_has_a_schedule(as_role, file, cast):
    client = as_role("editor")
    given = {"name": "  Letters from the garden: no. 1 ", "list": "letters", "template": "plain"}
    client.post("/console/campaigns/new", given)
    made = file("letters-from-the-garden-no-1")
    assert (made.name, made.list, made.template, made.schedule) == (
        "Letters from the garden: no. 1", "letters", "plain", None,
    )  # fmt: skip
    assert (made.approval, made.state) == ("required", "active")
    row = Audit.objects.get()
    assert (row.what, row.target, row.after) == ("campaign-new", "campaigns/letters-from-the-garden-no-1.md", "new")


def test_a_copy_has_all_but_the_schedule_and_is_not_paused(as_role, file, cast):
    client = as_role("publisher")
    client.post("/console/campaigns/weekly/state", {"to": "paused"})
    assert 'value="weekly" selected' in client.get("/console/campaigns/new?copy=weekly").content.decode()
    client.post("/console/campaigns/new", {"name": "Weekly digest", "copy": "weekly"})
    client.post("/console/campaigns/new", {"name": "Weekly digest", "copy": "weekly"})
    copy, again = file("weekly-digest"), file("weekly-digest-2")
    assert (copy.subject, copy.articles, copy.intro) == (file().subject, file().articles, file().intro)
    assert (copy.schedule, copy.state, again.schedule) == (None, "active", None)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": ""}, "Give it a name"),
        ({"slug": "../etc/passwd"}, "be a campaign&#x27;s file name"),
        ({"slug": "weekly"}, "is there already"),
        ({"list": "nowhere"}, "there is no list"),
        ({"template": ""}, "template"),
        ({"copy": "nowhere"}, "There is no campaign named"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(as_role, workspace, cast, given, words):
    before = workspace.campaign_names()
    filled = {"name": "Garden <news>", "list": "letters", "template": "plain", "slug": "", **given}
    answer = as_role("editor").post("/console/campaigns/new", filled)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert words in page
    assert filled["name"] == "" or 'value="Garden &lt;news&gt;"' in page
    assert Workspace(workspace.root).campaign_names() == before
    assert Audit.objects.count() == 0


def test_a_name_without_latin_letters_has_a_file_of_its_own_all_the_same(as_role, file, cast):
    as_role("editor").post("/console/campaigns/new", {"name": "週刊", "list": "letters", "template": "plain"})
    assert file("campaign").name == "週刊"
