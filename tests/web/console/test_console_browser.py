"""The console in Chromium: a whole story, by keyboard, on every screen, light and dark, for everybody."""

import re
import subprocess
import sys
import time

import pytest
from playwright.sync_api import expect
from tests.conftest import fill
from tests.web.conftest import complaints, has_come
from tests.web.console.conftest import PASSWORD
from tests.web.console.screens import assert_it_suits_everybody

from broadsheet.sending.inbox import MailFolder

#: At one a second it goes out for as long as a busy machine needs to look at it.
READERS = 40
SLOW, QUICK = "per_second = 1\n", "per_second = 100\n"

#: makes people, an edition that waits for a yes, and an account; prints the link to it
PREPARE = f"""
from datetime import UTC, datetime, timedelta
from broadsheet.cli.setup import ready
workspace = ready()
from broadsheet import pipeline, staff
from broadsheet.audience import interest_set
from broadsheet.models import Role, Subscriber, Subscription
now = datetime.now(UTC)
joined = now - timedelta(days=30)
for number in range({READERS}):
    email = f"reader{{number}}@reader.example"
    person = Subscriber.objects.create(
        email=email, email_key=email, interests=interest_set(["sleep"]), created_at=joined
    )
    Subscription.objects.create(subscriber=person, list_name="newsletter", state="subscribed", consent_at=joined)
at = (now - timedelta(minutes=1)).replace(second=0, microsecond=0)
pipeline.collect(workspace)
pipeline.prepare(workspace, "weekly", at, who="test")
print(staff.welcome_url(staff.add("pia@stillwater.test", Role.PUBLISHER, by="test").user))
"""


@pytest.fixture
def running(tmp_path):
    """`broadsheet run` on a workspace whose next edition waits: the link to an account, its inbox and its settings."""
    root = fill(tmp_path / "workspace").root
    campaign = root / "campaigns" / "weekly.md"
    campaign.write_text(campaign.read_text().replace("approval: automatic", "approval: required"))
    with (root / "broadsheet.toml").open("a") as file:
        file.write(f"[pace.default]\n{SLOW}")
    prepared = subprocess.run([sys.executable, "-c", PREPARE], cwd=root, capture_output=True, text=True, check=True)
    command = [sys.executable, "-m", "broadsheet", "run", "--port", "0"]
    process = subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True)
    try:
        line = next(line for line in process.stderr if line.startswith("Running on"))
        address = re.search(r"http://\S+", line)[0].rstrip("/")
        link = re.sub(r"^https?://[^/]+", address, prepared.stdout.strip())
        yield link, MailFolder(root / ".broadsheet" / "inbox"), root / "broadsheet.toml"
    finally:
        process.terminate()
        process.communicate(timeout=90)


def number(page, name):
    return int(page.locator("#progress dt", has_text=name).locator("xpath=following-sibling::dd").inner_text())


def arrived(inbox):
    """Whom mail has reached; those who approve are written to as well."""
    return [address for mail in inbox.list() for address in mail.to if address.endswith("@reader.example")]


def nobody_for(seconds, inbox):
    before = arrived(inbox)
    time.sleep(seconds)
    return arrived(inbox) == before


def until(true, seconds=90):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_publisher_approves_watches_pauses_resumes_and_reads_the_report(running, open_page):
    link, inbox, settings = running
    page = open_page("about:blank")
    faults = complaints(page)
    page.goto(link)
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password confirmation").fill(PASSWORD)
    page.get_by_role("button", name="Keep it and go in").click()

    waiting = page.get_by_role("region", name="Waits for a yes")
    expect(waiting).to_contain_text(f"{READERS} readers")
    waiting.get_by_role("link", name="weekly").click()
    frame = page.locator("iframe.mail")
    expect(frame).to_have_attribute("sandbox", "")
    expect(page.frame_locator("iframe.mail").get_by_text("here is what is new.")).to_be_visible()
    assert arrived(inbox) == []

    page.get_by_text("Approve and send…").click()
    page.get_by_label("type the number of readers").fill(str(READERS))
    page.get_by_role("button", name="Approve and send").click()
    expect(page.get_by_role("status")).to_contain_text("Approved")
    until(lambda: arrived(inbox))
    expect(page.locator("#progress .state")).to_have_text("Sending")  # by itself
    page.wait_for_load_state()
    page.evaluate("window.sameDocument = true")
    seen = number(page, "Sent")
    until(lambda: number(page, "Sent") > seen)
    expect(page.locator("#progress .pace")).to_contain_text(re.compile(r"\d copies a second · less than a minute left"))
    assert page.evaluate("window.sameDocument"), "the numbers moved without loading the page anew"

    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#progress .state")).to_have_text("Paused")
    until(lambda: nobody_for(2.5, inbox))  # once what the sender had in hand has ended
    assert 0 < len(arrived(inbox)) < READERS
    settings.write_text(settings.read_text().replace(SLOW, QUICK))
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#progress .state")).to_have_text("Sent")  # by itself
    assert number(page, "Sent") == READERS
    assert sorted(arrived(inbox)) == sorted(f"reader{number}@reader.example" for number in range(READERS))
    expect(page.get_by_role("heading", name="What came of it")).to_be_visible()

    page.get_by_role("link", name="Reports").click()
    row = page.get_by_role("region", name="weekly").get_by_role("row").nth(1)
    expect(row.get_by_role("cell").nth(1)).to_have_text(str(READERS))
    assert faults == []
    assert {cookie["path"] for cookie in page.context.cookies()} == {"/console/"}


LONG = "a" * 40 + "@a-domain-with-a-name-that-is-rather-long.stillwater.test"


@pytest.fixture
def signed_in(enter, freeze, cast):
    """Opens a page of the console as an admin; the edition waits for a yes."""
    edition = freeze()
    type(edition).objects.filter(pk=edition.pk).update(state="draft", reason="Wolfeschlegelsteinhausenbergerdorff" * 3)

    def signed(path="/console/", **options):
        page = enter("admin", path, email=LONG, **options)
        has_come(page)
        return page

    signed.edition = edition
    return signed


def test_the_main_way_goes_by_keyboard_alone(public_site, signed_in, hire, open_page):
    hire("admin", LONG)
    page = open_page(public_site + "/console/")

    def tab_to(name):
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("(document.activeElement.innerText || document.activeElement.name)") == name:
                return
        raise AssertionError(name)

    tab_to("login")
    page.keyboard.type(LONG)
    tab_to("password")
    page.keyboard.type(PASSWORD + "\n")
    page.get_by_role("heading", name="Today").wait_for()
    has_come(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    tab_to("Weekly digest")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Weekly digest").wait_for()
    has_come(page)
    tab_to("Call off…")
    page.keyboard.press("Enter")
    tab_to("why")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Call it off")).to_be_hidden()
    for _ in range(9):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.innerText").startswith("Approve"):
            break
    page.keyboard.press("Enter")
    tab_to("typed")
    page.keyboard.type("3\n")
    expect(page.get_by_role("status")).to_contain_text("Approved")
    signed_in.edition.refresh_from_db()
    assert signed_in.edition.state == "approved"


SCREENS = (
    *("", "editions", "editions/{pk}", "reports", "team", "campaigns/weekly/compose"),
    *("account/second/", "account/password/", "account/login/"),
)


@pytest.mark.parametrize("path", SCREENS)
def test_a_screen_fits_follows_the_scheme_and_can_be_used_by_everybody(signed_in, open_page, public_site, path):
    way = "/console/" + path.format(pk=signed_in.edition.pk)
    if "login" in path:
        page = open_page("about:blank")
        faults = complaints(page)
        page.goto(public_site + way)
        assert faults == []
    else:
        page = signed_in(way)
    assert_it_suits_everybody(page)


def test_a_mail_is_shown_only_in_a_frame_where_nothing_runs(as_role, freeze, cast):
    edition = freeze()
    answer = as_role("viewer").get(f"/console/editions/{edition.pk}/mail")
    assert "sandbox" in answer.headers["Content-Security-Policy"].split("; ")
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    page = answer.content.decode()
    assert "here is what is new." in page
    assert "Ada" not in page
    assert "/u/" not in page, "no link by which somebody would leave"


def test_on_a_phone_the_row_of_places_shows_where_one_is(signed_in):
    page = signed_in("/console/reports", width=390)
    here = page.get_by_role("navigation", name="Console").get_by_role("link", name="Reports")
    expect(here).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.set_viewport_size({"width": 390, "height": 900})
    expect(here).to_be_in_viewport(ratio=1)
