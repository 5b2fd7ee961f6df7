"""From the first word to the last number in Chromium: composed, approved, sent, left by a reader, and told.

All of it is the real thing: `broadsheet run` with its scheduler and sender, the local inbox, the page behind the mail's
own link.
"""

import re
import subprocess
import sys
import time
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect
from tests.conftest import fill
from tests.web.console.conftest import PASSWORD

from broadsheet.sending.inbox import MailFolder
from broadsheet.workspace import Workspace

#: Milliseconds for anything that another process has a part in, on a machine with much else to do.
LONG = 120_000

#: makes people and accounts; prints the links to those
PREPARE = """
from datetime import UTC, datetime, timedelta
from broadsheet.cli.setup import ready
workspace = ready()
from broadsheet import staff
from broadsheet.audience import interest_set
from broadsheet.models import Role, Subscriber, Subscription
joined = datetime.now(UTC) - timedelta(days=30)
for name in ("ada", "bo", "cleo"):
    email = f"{name}@reader.example"
    person = Subscriber.objects.create(
        email=email, email_key=email, first_name=name.title(), interests=interest_set(["sleep"]), created_at=joined
    )
    Subscription.objects.create(subscriber=person, list_name="newsletter", state="subscribed", consent_at=joined)
for name, role in (("ed", Role.EDITOR), ("pia", Role.PUBLISHER)):
    print(staff.welcome_url(staff.add(f"{name}@stillwater.test", role, by="test").user))
"""


class Site:
    """`broadsheet run`: its address, its inbox, and the links to two accounts."""

    def __init__(self, root):
        self.workspace, self.inbox = Workspace(root), MailFolder(root / ".broadsheet" / "inbox")
        said = subprocess.run([sys.executable, "-c", PREPARE], cwd=root, capture_output=True, text=True, check=True)
        command = [sys.executable, "-m", "broadsheet", "run", "--port", "0"]
        self.process = subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True)
        line = next(line for line in self.process.stderr if line.startswith("Running on"))
        self.address = re.search(r"http://\S+", line)[0].rstrip("/")
        self.editor, self.publisher = map(self.here, said.stdout.split())

    def here(self, url):
        """The address on this server, wherever the site is in earnest."""
        return re.sub(r"^https?://[^/]+", self.address, url)

    def mails(self):
        """What readers got, by address."""
        found = {}
        for each in self.inbox.list():
            mail = message_from_bytes(self.inbox.source(each.name), policy=policy.default)
            found |= {to: mail for to in each.to if to.endswith("@reader.example")}
        return found


@pytest.fixture
def site(tmp_path):
    root = fill(tmp_path / "workspace").root
    (root / "campaigns" / "weekly.md").unlink()  # whose own time might come meanwhile
    site = Site(root)
    yield site
    site.process.terminate()
    site.process.communicate(timeout=60)


@pytest.fixture
def opened(open_page):
    """Opens an address in a browser of its own; what goes wrong in any of them fails the test."""
    faults = []

    def page_at(url):
        page = open_page("about:blank")
        page.set_default_timeout(LONG)
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(url)
        return page

    yield page_at
    assert faults == []


def settled(page, heading):
    """The page of that heading is there, with all that it loads by itself."""
    expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible(timeout=LONG)
    page.wait_for_load_state("networkidle")


def go_in(page):
    """The first time: with a password of one's own."""
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password confirmation").fill(PASSWORD)
    page.get_by_role("button", name="Keep it and go in").click()
    settled(page, "Today")
    return page


def compose(page, at):
    """A digest that comes out every day at that time: as a draft, which keeps itself."""
    head = page.locator("#head [role=status]")
    page.get_by_role("link", name="Campaigns").click()
    page.get_by_role("link", name="New campaign").click()
    settled(page, "New campaign")
    page.get_by_label("What staff call it").fill("Harbour digest")
    page.get_by_label("List", exact=True).select_option(label="Stillwater Weekly")
    page.get_by_role("button", name="Make it").click()
    settled(page, "Harbour digest")
    expect(page.locator("#reach .big")).to_have_text("3", timeout=LONG)
    page.get_by_label("Subject").fill("News from the harbour")
    expect(head).to_contain_text("saved", timeout=LONG)
    page.get_by_label("Opening words").fill('Ahoy {{ subscriber.first_name | default("there") }}, here is what is new.')
    expect(page.frame_locator("#beside iframe").get_by_text("Ahoy")).to_be_visible(timeout=LONG)
    page.get_by_label("On days of the week").check()
    days = page.get_by_role("group", name="Days", exact=True)
    for day in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"):
        days.get_by_label(day).check()
    page.get_by_label("Time", exact=True).fill(f"{at:%H:%M}")
    expect(page.locator("#times")).to_contain_text(f"at {at:%H:%M}", timeout=LONG)
    expect(page.locator("#head")).to_contain_text("A publisher can publish it.", timeout=LONG)
    assert page.get_by_role("button", name="Publish").count() == 0


def publish(page):
    page.get_by_role("link", name="Campaigns").click()
    settled(page, "Campaigns")
    page.get_by_role("link", name="Harbour digest", exact=True).click()
    settled(page, "Harbour digest")
    page.get_by_text("What publishing changes").click()
    expect(page.locator(".difference .add").first).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("status").first).to_contain_text("Published", timeout=LONG)


def waiting_link(page):
    """Today, once an edition waits on it; the scheduler makes it within some seconds."""
    link = page.get_by_role("region", name="Waits for a yes").get_by_role("link").first
    end = time.monotonic() + LONG / 1000
    while True:
        page.get_by_role("link", name="Today").click()
        settled(page, "Today")
        if link.count() or time.monotonic() > end:
            return link
        page.wait_for_timeout(1_000)


def approve_and_send(page):
    page.get_by_role("button", name="Approve for").click()
    expect(page.locator("h1 .state")).to_have_text("Approved", timeout=LONG)
    settled(page, "Harbour digest")
    page.get_by_text("Send now…").click()
    page.get_by_label("type the number of readers: 3").fill("3")
    page.get_by_role("button", name="Send to all of them now").click()
    expect(page.locator("#progress .state")).to_have_text("Sent", timeout=LONG)  # by itself
    settled(page, "Harbour digest")


def left(page):
    """How many left, as the edition's page says."""
    came = page.get_by_role("region", name="What came of it")
    return came.locator("dt", has_text="Left").locator("xpath=following-sibling::dd[1]")


def test_a_digest_is_composed_approved_and_sent_a_reader_leaves_by_its_link_and_the_report_tells(site, opened):
    editor = go_in(opened(site.editor))
    compose(editor, datetime.now(ZoneInfo("Europe/Berlin")) + timedelta(hours=3))
    text = (site.workspace.root / "campaigns" / "harbour-digest.md").read_text()
    assert "Ahoy" not in text, "a draft changes no file"

    publisher = go_in(opened(site.publisher))
    publish(publisher)
    campaign = site.workspace.campaign("harbour-digest")
    assert (campaign.subject, campaign.approval) == ("News from the harbour", "required")
    waiting_link(publisher).click()
    settled(publisher, "Harbour digest")
    expect(publisher.frame_locator("iframe.mail").get_by_text("Ahoy there")).to_be_visible(timeout=LONG)
    assert site.mails() == {}

    editor.goto(publisher.url)
    settled(editor, "Harbour digest")
    assert editor.get_by_role("button", name="Approve").count() == 0
    approve_and_send(publisher)
    mails = site.mails()
    assert sorted(mails) == ["ada@reader.example", "bo@reader.example", "cleo@reader.example"]
    assert mails["ada@reader.example"]["Subject"] == "News from the harbour"
    html = mails["ada@reader.example"].get_body(("html",)).get_content()
    assert "Ahoy Ada, here is what is new." in html
    expect(left(publisher)).to_have_text("0")

    reader = opened(site.here(re.search(r'href="([^"]+/u/[^"]+)"', html)[1]))
    reader.get_by_role("button", name="Leave").click()
    expect(reader.get_by_role("heading", level=1)).to_have_text("You have left Stillwater Weekly", timeout=LONG)

    publisher.reload()
    settled(publisher, "Harbour digest")
    expect(left(publisher)).to_have_text("1")
    publisher.get_by_role("link", name="Today").click()
    settled(publisher, "Today")
    sent = publisher.get_by_role("region", name="Went out last").get_by_role("row").nth(1).get_by_role("cell")
    assert [each.strip() for each in sent.all_inner_texts()[1:]] == ["3", "not counted", "0", "1"]
    publisher.get_by_role("link", name="Readers").click()
    settled(publisher, "Readers")
    publisher.get_by_label("Find somebody").fill("ada@")
    publisher.get_by_role("button", name="Find").click()
    publisher.get_by_role("link", name="Ada").click()
    expect(publisher.get_by_text("Unsubscribed").first).to_be_visible(timeout=LONG)
