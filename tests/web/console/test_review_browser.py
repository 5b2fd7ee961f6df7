"""Review and approve in Chromium: whole stories, by keyboard, at both widths, light and dark, for everybody."""

from email import message_from_bytes, policy

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from django.utils import timezone
from playwright.sync_api import expect
from tests.conftest import WEEKLY
from tests.web.conftest import has_come
from tests.web.console.screens import GROUNDS, RULES

from broadsheet import editions, pipeline
from broadsheet.models import Comment, Edition, EditionState, Tally
from broadsheet.sending.inbox import MailFolder
from broadsheet.workspace import Workspace


@pytest.fixture
def desk(enter):
    """Signs somebody in, at a page: ``desk("publisher", way)``; all its parts are there."""

    def signed(role, way):
        page = enter(role, way)
        has_come(page)
        return page

    return signed


@pytest.fixture
def arrived(workspace):
    """What is in the local inbox: whom to, and its subject."""

    def found():
        folder = MailFolder(workspace.state / "inbox")
        mails = [message_from_bytes(folder.source(each.name), policy=policy.default) for each in folder.list()]
        return sorted((str(mail["To"]), str(mail["Subject"])) for mail in mails)

    return found


def test_an_editor_asks_a_publisher_sends_back_with_a_reason_and_approves_what_was_mended(
    desk, draft, hire, arrived, write, workspace
):
    hire("publisher")
    way = f"/console/editions/{draft.pk}"
    page = desk("editor", way)
    page.get_by_text("Proof…").click()
    page.get_by_label("To", exact=True).fill("eva@staff.example, bo@staff.example")
    page.get_by_role("button", name="Send the proof").click()
    expect(page.get_by_role("status")).to_contain_text("Proof sent to eva@staff.example, bo@staff.example")
    assert [to for to, subject in arrived() if subject.startswith("[TEST]")] == [
        "bo@staff.example",
        "eva@staff.example",
    ]
    page.get_by_text("Ask…").click()
    page.get_by_label("publisher@stillwater.test").check()
    page.get_by_label("A word to them").fill("Is the greeting right?")
    page.get_by_role("button", name="Ask by mail").click()
    expect(page.get_by_role("status")).to_contain_text("Asked publisher@stillwater.test")
    assert ("publisher@stillwater.test", "May Weekly digest go out?") in arrived()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)

    page = desk("publisher", way)
    expect(page.get_by_role("region", name="What colleagues say")).to_contain_text("Is the greeting right?")
    page.get_by_text("Send back…").click()
    page.get_by_label("What should be different?").fill("Say good morning.")
    page.get_by_role("button", name="Send it back").click()
    expect(page.locator(".note.warn")).to_contain_text("Sent back by publisher@stillwater.test: Say good morning.")

    write("campaigns/weekly.md", WEEKLY.replace("Hello {{", "Good morning {{"))
    has_come(page)
    page.get_by_role("button", name="Were files edited since? Look").click()
    anew = page.locator("#anew")
    expect(anew.locator("del").first).to_have_text("Hello")
    expect(anew.locator("ins").first).to_have_text("Good morning")
    anew.get_by_role("button", name="Freeze it anew").click()
    expect(page.get_by_role("status")).to_contain_text("Frozen anew")
    expect(page.frame_locator("iframe.mail").get_by_text("Good morning there")).to_be_visible()

    page.get_by_role("button", name="Approve for").click()
    expect(page.locator("h1 .state")).to_have_text("Approved")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("h1 .state")).to_have_text("Draft")
    page.get_by_role("button", name="Approve for").click()
    expect(page.locator("h1 .state")).to_have_text("Approved")
    page.get_by_text("Send now…").click()
    page.get_by_label("type the number of readers: 3").fill("30")
    page.get_by_role("button", name="Send to all of them now").click()
    expect(page.locator(".note.error")).to_contain_text("That is not the number of readers")
    draft.refresh_from_db()
    assert (draft.state, draft.scheduled_for > timezone.now()) == ("approved", True)
    page.get_by_text("Send now…").click()
    page.get_by_label("type the number of readers: 3").fill("3")
    page.get_by_role("button", name="Send to all of them now").click()
    expect(page.locator("#progress .state")).to_have_text("Approved")
    pipeline.send(Workspace(workspace.root), Edition.objects.get(pk=draft.pk))
    expect(page.locator("#progress .state")).to_have_text("Sent")  # by itself
    assert sum("@reader.example" in to for to, _ in arrived()) == 3


def test_each_copy_is_shown_beside_the_list_of_copies(desk, draft):
    page = desk("viewer", f"/console/editions/{draft.pk}")
    frame = page.frame_locator("iframe.mail")
    expect(frame.get_by_text("Eleven lengths")).to_be_visible()
    page.get_by_role("region", name="Copies").get_by_role("link").nth(1).click()
    expect(frame.get_by_text("Pillow moon")).to_be_visible()
    assert page.url.endswith(f"/console/editions/{draft.pk}")
    assert page.locator("iframe.mail").get_attribute("sandbox") == ""


def test_a_publisher_reviews_and_sends_back_by_keyboard_alone(desk, draft):
    page = desk("publisher", f"/console/editions/{draft.pk}")

    def tab_to(name):
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("(document.activeElement.innerText || document.activeElement.name)") == name:
                return
        raise AssertionError(name)

    tab_to("Send back…")
    page.keyboard.press("Enter")
    tab_to("why")
    page.keyboard.type("Another photo, please.")
    tab_to("Send it back")
    page.keyboard.press("Enter")
    expect(page.locator(".note.warn")).to_contain_text("Another photo, please.")
    has_come(page)
    tab_to("text")
    page.keyboard.type("I'll look for one.")
    tab_to("Comment")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="What colleagues say")).to_contain_text("I'll look for one.")
    assert [each.kind for each in Comment.objects.all()] == ["sent-back", "said"]


@pytest.fixture
def states(draft, workspace, write, freeze):
    """Editions for every look of the pages: changed since approved, approved, held, sent with clicks."""
    pipeline.approve(workspace, draft, who="pia@stillwater.test")
    write("campaigns/weekly.md", WEEKLY.replace("here is what is new.", "here is " + "Wolfeschlegelstein" * 6))
    pipeline.refreeze(Workspace(workspace.root), draft, who="ed")
    Edition.objects.filter(pk=draft.pk).update(state="draft", approved_hash="", reason="Sent back: " + "x" * 200)
    Comment.objects.create(edition=draft, who="a" * 60 + "@stillwater.test", text="word" * 80, kind="sent-back")
    letter = freeze("letter")
    return {"draft": draft, "held": letter}


@pytest.mark.parametrize("which", ["draft", "approved", "held", "paused", "called off", "sent"])
def test_a_page_fits_follows_the_scheme_and_can_be_used_by_everybody(
    desk, states, which, send, memory, join, workspace
):
    edition = states["held" if which == "held" else "draft"]
    if which in ("approved", "paused", "sent"):
        pipeline.approve(workspace, edition, who="pia@stillwater.test")
    if which == "paused":
        editions.move(edition, EditionState.SENDING, who="send")
        editions.move(edition, EditionState.PAUSED, who="pia@stillwater.test", why="w" * 200)
    if which == "called off":
        edition.refresh_from_db()
        editions.cancel(edition, who="pia@stillwater.test", why="w" * 200)
    if which == "sent":
        send(edition, memory)
        edition.deliveries.filter(pk=edition.deliveries.first().pk).update(state="failed", reason="550 " + "no" * 60)
        edition.deliveries.filter(pk=edition.deliveries.last().pk).update(state="unknown", reason="the line broke")
        Edition.objects.filter(pk=edition.pk).update(tracking="aggregate")
        Tally.objects.create(
            edition=edition, kind="clicked", link_id=0, variant_id=0, hour=edition.scheduled_for, count=41
        )
    page = desk("admin", f"/console/editions/{edition.pk}")
    page.evaluate(AXE_FILE_PATH.read_text())
    for details in page.locator("details").all():
        details.evaluate("each => { each.open = true }")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == GROUNDS[scheme]
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            options = {"runOnly": RULES, "resultTypes": ["violations"]}
            found = page.evaluate("options => axe.run({exclude: ['iframe']}, options)", options)
            assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == []
