"""Readers, segments and articles in Chromium: importing a file with bad lines, building a segment, trying a tag rule."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.conftest import fill
from tests.web.conftest import complaints, has_come
from tests.web.console.conftest import PASSWORD
from tests.web.console.screens import assert_it_suits_everybody

from broadsheet.models import Article, Subscriber, Upload
from broadsheet.workspace import Workspace

BAD = "E-mail Address,First Name,Status,Vorliebe\n" + "".join(
    f"reader{number}@reader.example,Reader,{'subscribed' if number else 'bounced'},tea\n" for number in range(40)
) + "not an address,Bo,subscribed,tea\nreader1@reader.example,Again,subscribed,tea\nshort\n"  # fmt: skip

ACCOUNT = """
from broadsheet.cli.setup import ready
ready()
from broadsheet import staff
from broadsheet.models import Role
print(staff.welcome_url(staff.add("pia@stillwater.test", Role.PUBLISHER, by="test").user))
"""


class Site:
    """`broadsheet serve` on a workspace of its own, which can be started anew."""

    def __init__(self, root):
        self.root, self.process, self.port = root, None, "0"

    def run(self, code):
        done = subprocess.run([sys.executable, "-c", code], cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def people(self):
        """How many are in."""
        database = sqlite3.connect(self.root / ".broadsheet" / "broadsheet.sqlite3", timeout=30)
        try:
            return database.execute("SELECT count(*) FROM broadsheet_subscriber").fetchone()[0]
        finally:
            database.close()

    def start(self):
        command = [sys.executable, "-m", "broadsheet", "serve", "--port", self.port]
        self.process = subprocess.Popen(command, cwd=self.root, stderr=subprocess.PIPE, text=True)
        line = next(line for line in self.process.stderr if line.startswith("Serving on"))
        self.address = re.search(r"http://[^/ ]+", line)[0]
        self.port = self.address.rpartition(":")[2]
        return self

    def stop(self):
        self.process.terminate()
        self.process.communicate(timeout=90)

    def child(self, seconds=90):
        """The process that is at an import."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for each in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    said = each.read_bytes()
                except OSError:
                    continue
                if b"carry-out" in said and bytes(self.root) in said:
                    return int(each.parent.name)
            time.sleep(0.02)
        raise AssertionError("no process is at an import")


@pytest.fixture
def site(tmp_path):
    site = Site(fill(tmp_path / "workspace").root).start()
    yield site
    site.stop()


@pytest.fixture
def pia(site, open_page):
    """A publisher's browser, signed in."""
    page = open_page("about:blank")
    page.goto(re.sub(r"^https?://[^/]+", site.address, site.run(ACCOUNT)))
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password confirmation").fill(PASSWORD)
    page.get_by_role("button", name="Keep it and go in").click()
    page.get_by_role("heading", name="Today").wait_for()
    return page


def test_a_file_with_bad_lines_is_uploaded_mapped_tried_imported_and_its_rejects_taken_away(site, pia, tmp_path):
    faults = complaints(pia)
    (tmp_path / "customers.csv").write_text(BAD)
    pia.get_by_role("link", name="Readers").click()
    pia.get_by_role("link", name="import a file").click()
    pia.get_by_label("File", exact=True).set_input_files(tmp_path / "customers.csv")
    pia.get_by_role("button", name="Upload").click()
    expect(pia.get_by_role("button", name="Try it")).to_be_visible()  # by itself, once it is looked at
    expect(pia.get_by_text("CSV parted by commas, UTF-8")).to_be_visible()
    assert pia.get_by_label("E-mail Address").evaluate("each => each.selectedOptions[0].label") == "Address"
    assert pia.get_by_label("Status", exact=True).evaluate("each => each.selectedOptions[0].label") == (
        "Whether they are subscribed"
    )
    pia.get_by_label("Vorliebe").select_option(label="Leave it out")
    pia.get_by_label("List", exact=True).select_option(label="Stillwater Weekly")
    pia.get_by_role("button", name="Try it").click()
    came = pia.get_by_role("region", name="What importing it would do")
    expect(came).to_be_visible()
    expect(came).to_contain_text("Line 42: “not an address” is not an email address")
    expect(came).to_contain_text("the same address as an earlier line")
    assert site.people() == 0
    pia.reload()
    assert pia.get_by_label("Vorliebe").evaluate("each => each.selectedOptions[0].label") == "Leave it out"
    pia.get_by_role("button", name="Import: 40 new, 0 changed").click()
    done = pia.get_by_role("region", name="What came of it")
    expect(done).to_be_visible()
    with pia.expect_download() as download:
        done.get_by_role("link", name="All 3 rejected lines as CSV").click()
    assert download.value.suggested_filename == "customers-rejected.csv"
    lines = Path(download.value.path()).read_text().splitlines()
    assert [line.partition(",")[0] for line in lines] == ["rejected_line", "42", "43", "44"]
    assert site.people() == 40
    assert list((site.root / ".broadsheet" / "imports").glob("*/file")) == []
    pia.get_by_role("link", name="Readers").click()
    pia.get_by_label("Find somebody").fill("reader0@")
    pia.get_by_role("button", name="Find").click()
    expect(pia.get_by_text("Suppressed", exact=True).last).to_be_visible()
    assert faults == []


def begin_a_long_import(pia, tmp_path, lines=60_000):
    (tmp_path / "many.csv").write_text(
        "email\n" + "".join(f"reader{number}@reader.example\n" for number in range(lines))
    )
    pia.goto(pia.url.partition("/console")[0] + "/console/imports")
    pia.get_by_label("File", exact=True).set_input_files(tmp_path / "many.csv")
    pia.get_by_role("button", name="Upload").click()
    pia.get_by_label("List", exact=True).select_option("newsletter")
    pia.get_by_role("button", name="Try it").click()
    pia.get_by_role("button", name="Import: 60,000 new").click(timeout=120_000)


def test_an_import_whose_process_is_killed_leaves_whole_batches_and_goes_on_from_there(site, pia, tmp_path):
    begin_a_long_import(pia, tmp_path)
    end = time.monotonic() + 90
    while not site.people() and time.monotonic() < end:
        time.sleep(0.02)
    os.kill(site.child(), signal.SIGKILL)
    expect(pia.get_by_role("alert")).to_contain_text("Whole batches are in")
    held = site.people()
    assert held % 10_000 == 0
    assert 0 < held < 60_000, "it was killed in the middle"
    pia.get_by_role("button", name="Import the rest").click()
    expect(pia.get_by_role("region", name="What came of it")).to_be_visible(timeout=120_000)
    assert site.people() == 60_000


def test_an_import_goes_on_while_the_server_is_started_anew(site, pia, tmp_path):
    begin_a_long_import(pia, tmp_path)
    site.child()
    site.stop()
    site.start()
    pia.reload()
    expect(pia.get_by_role("region", name="What came of it")).to_be_visible(timeout=120_000)
    assert site.people() == 60_000


@pytest.fixture
def signed_in(enter, freeze, cast):
    """Opens a page of the console as an admin."""
    freeze()

    def signed(path):
        page = enter("admin", path)
        has_come(page)
        return page

    return signed


def test_a_segment_is_built_row_by_row_and_its_count_follows(signed_in, workspace):
    page = signed_in("/console/segments/new")
    page.evaluate("window.sameDocument = true")
    page.get_by_label("Name").fill("Sleepers on the newsletter")
    page.get_by_label("Stillwater Weekly").check()
    said = page.locator("#said")
    expect(said).to_contain_text("People on Stillwater Weekly.")
    expect(said.locator(".big")).to_have_text("5")
    page.get_by_role("button", name="Add a rule").click()
    rule = page.get_by_role("group", name="Rule 2", exact=True)
    rule.get_by_label("What is tested").select_option(label="Interests")
    rule.get_by_label("Value").fill("sleep")
    expect(said).to_contain_text("People on Stillwater Weekly, interested in sleep.")
    expect(said.locator(".big")).to_have_text("3")
    expect(rule.get_by_label("Value")).to_be_focused()
    page.get_by_role("button", name="Add a rule").click()
    expect(said).to_contain_text("say with what it is compared")
    page.get_by_role("button", name="Take rule 3 out").click()
    expect(said.locator(".big")).to_have_text("3")
    assert page.evaluate("window.sameDocument"), "all that without loading the page anew"
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("is saved in subscribers/segments.yaml")
    expect(page.get_by_role("link", name="Sleepers on the newsletter")).to_be_visible()
    assert "sleepers-on-the-newsletter" in Workspace(workspace.root).segments
    has_come(page)


def test_a_tag_rule_is_tried_and_kept(signed_in, public_site, workspace):
    page = signed_in("/console/articles")
    page.get_by_role("link", name="Tag rules").click()
    page.get_by_label("Tag", exact=True).fill("night")
    page.get_by_label("What is looked for").fill("moon|harbour")
    page.get_by_role("button", name="Try it").click()
    fits = page.get_by_role("region", name="Fits 2 articles")
    expect(fits.locator("mark")).to_have_text(["moon", "harbour"])
    page.get_by_role("button", name="Put it into broadsheet.toml").click()
    expect(page.get_by_role("status")).to_contain_text("The rule is in broadsheet.toml")
    assert Workspace(workspace.root).config.tag_rules[0].when == "moon|harbour"
    page.goto(f"{public_site}/console/article/pillow-moon")
    expect(page.frame_locator("iframe.mail").get_by_text("Once upon a time, pillow-moon.")).to_be_visible()


SCREENS = (
    "imports", "imports/{tried}", "imports/{taking}", "readers", "readers?segment=sleepers&language=de&interest=sleep",
    "readers/{reader}", "readers/add", "readers/export", "segments", "segments/new", "segments/sleepers/edit",
    "segments/nested/edit", "articles", "articles/rules?tag=x&when=moon", "article/pillow-moon",
)  # fmt: skip


@pytest.mark.parametrize("path", SCREENS)
def test_a_screen_fits_follows_the_scheme_and_can_be_used_by_everybody(signed_in, write, path):
    write("subscribers/segments.yaml", "segments:\n  sleepers: {all: [{interests: {any: [sleep]}}]}\n"
          "  movers: {all: [{list: newsletter}]}\n"
          "  nested: {title: Nested, all: [{segment: {any: [{language: de}]}}, {got: {campaign: weekly, within: 30d}}]}\n")  # fmt: skip
    Article.objects.filter(slug="pillow-moon").update(findings=[{"code": "x", "message": "W" * 90}])
    columns = [
        {"name": "Wolfeschlegelsteinhausenbergerdorff " * n, "recognised": "email", "cells": ["x" * 60] * 3}
        for n in (1, 3)
    ]
    report = {
        "read": 1_234_567, "added": 1_000_000, "updated": 0, "unchanged": 0, "rejected_lines": 9, "dry_run": True,
        "people": {"subscribed": 5, "dead": 2}, "doubts": {"status “x” was taken as not subscribed": 1},
        "rejected": [{"line": 3, "reason": "y" * 90}], "columns": {}, "stopped": False,
    }  # fmt: skip
    glance = {"said": "CSV", "columns": columns, "count": 2}
    rows = {
        state: Upload.objects.create(
            name="customers-with-a-rather-long-name-" * 3, size=9, who="a", state=state, report=report, glance=glance
        )
        for state in ("tried", "taking")
    }
    about = {"reader": Subscriber.objects.order_by("pk").first().pk, **{state: row.pk for state, row in rows.items()}}
    way = "/console/" + path.format(**about)
    assert_it_suits_everybody(signed_in(way))
