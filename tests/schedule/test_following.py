"""The workspace as its files last made sense."""

import logging
import os

import pytest

from broadsheet.errors import UnknownName
from broadsheet.schedule.following import Follower
from broadsheet.workspace import Workspace


@pytest.fixture
def follower(workspace):
    return Follower(Workspace(workspace.root))


@pytest.fixture
def long_ago(workspace):
    """Makes every file look as if it had been written long ago, so that only a real change counts."""
    for path in workspace.root.rglob("*"):
        os.utime(path, (1e9, 1e9))


def test_it_knows_the_campaigns_there_are(follower):
    assert sorted(follower.workspace.kept) == ["letter", "weekly"]


def test_what_is_there_at_the_start_is_not_said_to_be_new(workspace, caplog):
    caplog.set_level(logging.INFO)
    assert not Follower(Workspace(workspace.root)).look()
    assert caplog.records == []


@pytest.mark.usefixtures("long_ago")
def test_it_reads_nothing_while_no_file_changes(follower, monkeypatch):
    follower.look()
    monkeypatch.setattr(follower, "_read", lambda: pytest.fail("it read the files"))
    assert not follower.look()


def test_a_new_a_changed_and_a_removed_campaign_are_noticed(follower, write, workspace, caplog):
    caplog.set_level(logging.INFO)
    text = (workspace.root / "campaigns" / "weekly.md").read_text()
    write("campaigns/fresh.md", text)
    assert follower.look()
    write("campaigns/fresh.md", text.replace("newest: 2", "newest: 3"))
    assert follower.look()
    assert follower.workspace.campaign("fresh").articles.newest == 3
    (workspace.root / "campaigns" / "fresh.md").unlink()
    assert follower.look()
    with pytest.raises(UnknownName):
        follower.workspace.campaign("fresh")
    said = [record.message for record in caplog.records if "fresh" in record.message]
    assert said == [f"campaigns/fresh.md is {what}" for what in ("new", "changed", "gone")]


def test_a_file_with_mistakes_keeps_its_last_good_version_and_is_complained_of_once(follower, write, workspace, caplog):
    good = (workspace.root / "campaigns" / "weekly.md").read_text()
    write("campaigns/weekly.md", good.replace("newest: 2", "newest: many"))
    assert [follower.look() for _ in range(3)] == [False, False, False]
    assert follower.workspace.campaign("weekly").articles.newest == 2
    assert len(caplog.records) == 1
    assert "campaigns/weekly.md: articles.newest: must be a whole number" in caplog.text
    write("campaigns/weekly.md", good.replace("newest: 2", "newest: 4"))
    assert follower.look()
    assert follower.workspace.campaign("weekly").articles.newest == 4


def test_so_do_the_settings(follower, write, caplog):
    write("broadsheet.toml", '[site]\nname = "Still')
    assert not follower.look()
    assert follower.workspace.config.site.name == "Stillwater"
    assert len(caplog.records) == 1
    write("broadsheet.toml", '[site]\nname = "Stillwater"\ntime_zone = "Asia/Kolkata"\n')
    assert follower.look()
    assert follower.workspace.config.site.time_zone == "Asia/Kolkata"


def test_a_campaign_whose_template_comes_later_comes_then(follower, write, workspace):
    text = (workspace.root / "campaigns" / "weekly.md").read_text()
    write("campaigns/fresh.md", text.replace("template: plain", "template: fancy"))
    assert not follower.look()
    write("templates/fancy/template.html", (workspace.root / "templates/plain/template.html").read_text())
    assert follower.look()
    assert "fresh" in follower.workspace.kept
