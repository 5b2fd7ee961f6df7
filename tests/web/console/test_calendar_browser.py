"""The calendar and the campaigns in Chromium: next Tuesday skipped, undone, moved and sent; by keyboard; for everybody."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import expect
from tests.web.conftest import has_come

from broadsheet import editions, pipeline
from broadsheet.models import Deviation, Edition
from broadsheet.workspace import Workspace

BERLIN = ZoneInfo("Europe/Berlin")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture
def tuesday():
    """The next Tuesday but today's, on which the weekly digest comes out."""
    today = datetime.now(BERLIN).date()
    return today + timedelta(days=(1 - today.weekday()) % 7 or 7)


@pytest.fixture
def visit(enter, cast):
    """Opens a page of the console as a publisher."""

    def visited(path):
        page = enter("publisher", path)
        has_come(page)
        return page

    return visited


def on(page, day):
    """The day on the page."""
    return page.locator(".day", has=page.locator(f'time[datetime="{day.isoformat()}"]'))


def test_next_tuesday_is_skipped_undone_moved_and_sent_now(visit, tuesday, workspace, memory):
    pipeline.collect(Workspace(workspace.root))
    page = visit(f"/console/calendar?view=week&on={tuesday.isoformat()}")
    entry = on(page, tuesday).locator("details.entry")
    entry.locator("summary").click()
    entry.get_by_label("Why it is skipped").fill("the clinic is closed")
    entry.get_by_role("button", name="Skip this one").click()
    expect(page.get_by_role("status")).to_contain_text(f"Weekly digest does not come out on Tuesday, {tuesday:%-d %B}")
    expect(entry).to_contain_text("Skipped")
    nine = datetime.combine(tuesday, datetime.min.time(), BERLIN).replace(hour=9).astimezone(UTC)
    row = Deviation.objects.get()
    assert (row.scheduled_for, row.why) == (nine, "the clinic is closed")

    page.get_by_role("status").get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status")).to_contain_text("as its schedule says")
    expect(entry).not_to_contain_text("Skipped")
    assert Deviation.objects.count() == 0

    thursday = tuesday + timedelta(days=2)
    entry.locator("summary").click()
    entry.get_by_label("Move it to").fill(f"{thursday.isoformat()}T10:30")
    entry.get_by_role("button", name="Move", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text(f"comes out on Thursday, {thursday:%-d %B}, 10:30 instead of")
    expect(on(page, tuesday)).to_contain_text("Moved to Thu")
    moved = on(page, thursday).locator("details.entry")
    expect(moved).to_contain_text("10:30 Weekly digest")

    moved.locator("summary").click()
    moved.get_by_role("link", name="Send now…").click()
    expect(page.get_by_text("3 readers would get it now.")).to_be_visible()
    page.get_by_label("Type the number of readers").fill("30")
    page.get_by_role("button", name="Send it now").click()
    expect(page.get_by_role("status")).to_contain_text("it is 3 now. Nothing was sent.")
    page.get_by_label("Type the number of readers").fill("3")
    page.get_by_role("button", name="Send it now").click()
    expect(page.get_by_role("status")).to_contain_text("It goes out now")
    (due,) = editions.ready_to_send(datetime.now(UTC))
    assert (due.moved_from, due.state) == (nine, "approved")
    pipeline.send(Workspace(workspace.root), due, memory)
    assert Edition.objects.get().state == "sent"
    page.goto(page.url.partition("/console")[0] + "/console/calendar")
    expect(page.locator(".entry.sent")).to_contain_text("3 sent")


def test_months_change_places_without_a_new_page_and_the_browsers_way_back_works(visit):
    page = visit("/console/calendar?on=2030-01-15")
    page.evaluate("window.sameDocument = true")
    page.get_by_role("link", name="The month after").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("February 2030")
    expect(page.locator("#later")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("March 2030")
    page.get_by_role("link", name="Week").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("to 3 March 2030")
    assert page.evaluate("window.sameDocument")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("March 2030")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("March 2030")


def test_it_goes_by_keyboard_alone(visit, tuesday):
    page = visit(f"/console/calendar?on={tuesday.isoformat()}")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.entry summary')"):
            break
    first = page.evaluate("document.activeElement.closest('.day').querySelector('time').dateTime")
    page.keyboard.press("ArrowRight")
    second = page.evaluate("document.activeElement.closest('.day').querySelector('time').dateTime")
    assert first < second
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    panel = page.locator(".entry[open] .panel")
    expect(panel).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(page.locator(".entry summary:focus")).to_have_count(1)
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("a holiday")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip this one"
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Weekly digest does not come out")
    assert Deviation.objects.get().said == "skipped by publisher@stillwater.test: a holiday"


def test_a_campaign_is_made_paused_and_retired(visit, workspace):
    page = visit("/console/campaigns")
    expect(page.locator(".campaign", has_text="Weekly digest")).to_contain_text("3 readers, counted just now")
    page.get_by_role("link", name="Duplicate Weekly digest").click()
    expect(page.get_by_role("heading", name="New campaign")).to_be_visible()
    expect(page.get_by_label("Template")).to_be_hidden()
    page.get_by_label("What staff call it").fill("Harbour notes")
    page.get_by_role("button", name="Make it").click()
    expect(page.locator(".note.success")).to_contain_text("campaigns/harbour-notes.md")
    page.goto(page.url.partition("/console")[0] + "/console/campaigns")
    page.get_by_role("button", name="Pause Weekly digest").click()
    expect(page.locator(".campaign", has_text="Weekly digest").locator(".state")).to_have_text("Paused")
    page.get_by_role("button", name="Retire Harbour notes").click()
    expect(page.locator(".campaign", has_text="Harbour notes")).to_have_count(0)
    page.get_by_role("link", name="Retired (1)").click()
    expect(page.locator(".campaign")).to_contain_text("Harbour notes")
    found = Workspace(workspace.root)
    assert [found.campaign(slug).state for slug in ("weekly", "harbour-notes")] == ["paused", "retired"]


def found(page, rules, where="body"):
    """What axe says against that part of the page."""
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    seen = page.evaluate("([where, options]) => axe.run(where, options)", [where, options])
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in seen["violations"]]


LONG = "Wolfeschlegelsteinhausenbergerdorffs news " * 3


SCREENS = (
    *("calendar?on={day}", "calendar?view=week&on={day}", "calendar?on=2031-01-01"),
    *("calendar/send?campaign=weekly&time={time}", "campaigns", "campaigns/new"),
)


@pytest.mark.parametrize("path", SCREENS)
def test_a_screen_fits_and_can_be_used_by_everybody(visit, tuesday, write, workspace, freeze, path):
    text = (workspace.root / "campaigns" / "weekly.md").read_text()
    write("campaigns/broken.md", "---\nname: Broken\n---\n")
    write("campaigns/long.md", text.replace("Weekly digest", LONG).replace("Europe/Berlin", "America/New_York"))
    nine = datetime.combine(tuesday, datetime.min.time(), BERLIN).replace(hour=9).astimezone(UTC)
    fresh = Workspace(workspace.root)
    editions.leave_out(fresh, fresh.campaign("weekly"), nine + timedelta(days=7), who="p" * 60, why="w" * 150)
    editions.put_off(fresh, fresh.campaign("long"), nine + timedelta(hours=6), nine + timedelta(days=1), who="pia")
    page = visit("/console/" + path.format(day=tuesday.isoformat(), time=nine.isoformat().replace("+", "%2B")))
    page.evaluate(AXE_FILE_PATH.read_text())
    for scheme, rules in (("light", RULES), ("dark", {"type": "rule", "values": ["color-contrast"]})):
        page.emulate_media(color_scheme=scheme)
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert found(page, rules) == []
            entries = page.locator(".entry.ahead summary:visible")
            if entries.count():  # what the open panel lies over is not to be used while it is open
                entries.first.click()
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                assert found(page, rules, ".entry[open]") == []
                page.keyboard.press("Escape")
