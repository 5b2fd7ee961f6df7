"""The local inbox in Chromium, served by waitress as `broadsheet inbox` does."""

import re

import pytest
from playwright.sync_api import expect


@pytest.fixture
def frame_of():
    """The mail's own document inside the page."""

    def frame_of(page):
        return page.frame_locator("iframe")

    return frame_of


def test_new_mail_shows_by_itself_and_focus_stays(inbox_site, open_page, put):
    put("First")
    page = open_page(inbox_site)
    page.locator(".mails a").first.focus()
    put("Second")
    page.get_by_text("Second").wait_for()
    expect(page.get_by_role("status")).to_have_text("2 mails")
    expect(page).to_have_title("Inbox (2)")
    assert page.evaluate("document.activeElement.querySelector('.subject').textContent") == "First"


def test_everything_works_without_javascript(inbox_site, open_page, put, folder):
    put("Pillows", text="sleep")
    put("Tides")
    page = open_page(inbox_site, java_script_enabled=False)
    page.get_by_role("searchbox").fill("sleep")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=re.compile("Tides"))).to_have_count(0)
    page.get_by_role("link", name=re.compile("Pillows")).click()
    page.get_by_role("link", name="Text", exact=True).click()
    expect(page.get_by_text("sleep", exact=True)).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status")).to_have_text("1 mail")
    assert [mail.subject for mail in folder.list()] == ["Tides"]
    page.get_by_text("Delete all", exact=True).click()
    page.get_by_role("button", name="Delete all mails").click()
    expect(page.get_by_role("heading", name="No mail yet")).to_be_visible()
    assert folder.list() == ()


def test_the_list_goes_by_keyboard(inbox_site, open_page, put):
    put("Tides")
    page = open_page(inbox_site)
    for _ in range(5):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Tides")


def test_the_mail_can_run_nothing_in_its_frame(inbox_site, open_page, put, frame_of):
    page = open_page(f"{inbox_site}/inbox/{put()}")
    frame = frame_of(page)
    frame.locator("#picture").wait_for(state="attached")
    page.wait_for_timeout(300)
    expect(frame.locator("#card")).to_have_count(1)
    expect(frame.locator("#owned")).to_have_count(0)
    expect(page).to_have_title("Tide lines")


def test_a_link_in_the_mail_opens_beside_it(inbox_site, open_page, put, frame_of):
    page = open_page(f"{inbox_site}/inbox/{put()}")
    with page.expect_popup() as popup:
        frame_of(page).locator("#out").click()
    expect(popup.value.get_by_role("heading", name="Inbox")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tide lines")


@pytest.mark.parametrize(("label", "width", "padding"), [("Phone", 375, "8px"), ("Desktop", 700, "24px")])
def test_phone_and_desktop_have_their_widths(inbox_site, open_page, put, frame_of, label, width, padding):
    page = open_page(f"{inbox_site}/inbox/{put()}")
    page.get_by_role("link", name=label).click()
    expect(page.get_by_role("link", name=label)).to_have_attribute("aria-current", "true")
    expect(frame_of(page).locator("html")).to_have_css(
        "width", f"{width}px"
    )  # a frame's process is told a little later
    expect(frame_of(page).locator("#card")).to_have_css("padding-top", padding)


@pytest.mark.parametrize("screen", ["light", "dark"])
def test_dark_is_what_the_toggle_says_whatever_the_screen(inbox_site, open_page, put, frame_of, screen):
    page = open_page(f"{inbox_site}/inbox/{put()}", color_scheme=screen)
    light, dark = "rgb(255, 255, 255)", "rgb(16, 16, 16)"
    ground, root = frame_of(page).locator("body"), frame_of(page).locator("html")
    expect(ground).to_have_css("background-color", light)
    expect(root).to_have_css("color-scheme", "light")
    page.get_by_role("link", name="Dark").click()
    expect(ground).to_have_css("background-color", dark)
    expect(root).to_have_css("color-scheme", "dark")
    page.get_by_role("link", name="Inverted").click()
    expect(ground).to_have_css("background-color", light)
    expect(page.locator("iframe")).to_have_css("filter", re.compile("invert"))
    expect(frame_of(page).locator("#picture")).to_have_css("filter", re.compile("invert"))


@pytest.mark.parametrize("width", [320, 390, 1440])
def test_long_names_do_not_break_the_page(inbox_site, open_page, put, width):
    long = "Donaudampfschifffahrtsgesellschaftskapitän" * 8
    name = put(long, to=f"{'x' * 60}@{'y' * 60}.example")
    for path in (
        "",
        name,
        f"{name}?view=text",
        f"{name}?view=headers",
        f"{name}?view=source",
        f"{name}?view=attachments",
    ):
        page = open_page(f"{inbox_site}/inbox/{path}", width=width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page.context.close()


def test_nothing_on_its_pages_is_refused_by_their_own_policy(inbox_site, open_page, put):
    name = put()
    page = open_page("about:blank")
    said = []
    page.on("console", lambda message: said.append(message.text))
    for path in ("/inbox/", f"/inbox/{name}?view=text", f"/inbox/{name}?view=attachments"):
        page.goto(inbox_site + path)
    page.wait_for_timeout(2500)  # one refresh
    assert said == []
