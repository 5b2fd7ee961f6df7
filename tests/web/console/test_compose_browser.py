"""Compose in Chromium: an editor composes, the draft keeps itself, a publisher publishes; a file edited meanwhile."""

import pytest
from playwright.sync_api import expect
from tests.conftest import WEEKLY
from tests.web.conftest import has_come
from tests.web.console.screens import assert_it_suits_everybody

from broadsheet import pipeline
from broadsheet.models import CampaignDraft

PAGE = "/console/campaigns/weekly/compose"
COMMENTED = WEEKLY.replace("list: newsletter", "list: newsletter     # the one on Tuesdays")


@pytest.fixture
def works(public_site, enter, cast, workspace, write):
    """Opens the page as somebody of that role."""
    write("campaigns/weekly.md", COMMENTED)
    pipeline.collect(workspace)
    pages = []

    def opened(role, **options):
        pages.append(enter(role, PAGE, **options))
        return pages[-1]

    yield opened
    for page in pages:  # the server answers one after the other: once this is there, so is all that was asked before
        page.goto(f"{public_site}/console/account/login/")


def saved(page, number):
    """Wait until the draft has that number on the page."""
    expect(page.locator(f"#head input[name=number][value='{number}']").first).to_be_attached()


def test_an_editor_composes_and_a_publisher_publishes(works, workspace):
    page = works("editor")
    expect(page.locator("#reach .big")).to_have_text("3")  # counted by itself
    expect(page.locator("#head [role=status]")).to_contain_text("As published")

    page.get_by_label("Subject").fill("Hello ")
    page.get_by_role("button", name="The reader's first name").click()
    expect(page.get_by_label("Subject")).to_have_value('Hello {{ subscriber.first_name | default("there") }}')
    expect(page.get_by_label("Subject")).to_be_focused()
    expect(page.locator(".inbox-row")).to_contain_text("Hello Ada")
    expect(page.locator("#head [role=status]")).to_contain_text("saved")

    page.get_by_label("Not movers").focus()
    page.keyboard.press("Space")
    expect(page.locator("#reach .big")).to_have_text("1")
    expect(page.get_by_label("Not movers")).to_be_focused()
    page.get_by_text("more that fit").click()
    page.get_by_role("button", name="Pin Pillow moon").press("Enter")
    expect(page.locator(".come-list li").first).to_contain_text("Pinned")
    expect(page.get_by_role("button", name="Unpin Pillow moon")).to_be_focused()
    page.get_by_label("At most", exact=True).fill("lots")
    expect(page.locator("#stand-articles")).to_have_text("Needs a look")
    expect(page.locator("#wrong-articles")).to_contain_text("must be a whole number")
    page.get_by_label("At most", exact=True).fill("1")
    expect(page.locator("#stand-articles")).to_have_text("Done")
    page.get_by_label("On a day of the month").check()
    expect(page.locator("#times")).to_contain_text("1st")
    frame = page.frame_locator("#beside iframe")
    expect(frame.get_by_text("Pillow moon")).to_be_visible()
    expect(frame.get_by_text("Eleven lengths")).to_have_count(0)

    page.get_by_role("searchbox").fill("cleo@")
    page.locator("#hits").get_by_role("link", name="cleo@reader.example").click()
    expect(page.locator("#beside")).to_contain_text("would get nothing: excluded")

    has_come(page)
    page.reload()
    expect(page.get_by_label("Subject")).to_have_value('Hello {{ subscriber.first_name | default("there") }}')
    expect(page.get_by_label("At most", exact=True)).to_have_value("1")
    assert (workspace.root / "campaigns/weekly.md").read_text() == COMMENTED
    expect(page.get_by_role("button", name="Publish")).to_have_count(0)

    publisher = works("publisher")
    publisher.get_by_text("What publishing changes").click()
    expect(publisher.locator(".difference .add").first).to_be_visible()
    publisher.get_by_role("button", name="Publish").click()
    expect(publisher.get_by_role("status").first).to_contain_text("Published")
    text = (workspace.root / "campaigns/weekly.md").read_text()
    assert "list: newsletter     # the one on Tuesdays\nsegment: [sleepers, movers]\nexclude: [movers]\n" in text
    assert "  newest: 1\n  pinned: [pillow-moon]\n" in text
    assert 'schedule: {cron: "0 9 1 * *", time_zone: Europe/Berlin}' in text
    assert not CampaignDraft.objects.exists()
    assert workspace.campaign("weekly").articles.pinned == ("pillow-moon",)


def test_a_file_edited_meanwhile_is_shown_beside_the_draft(works, workspace, write):
    page = works("publisher")
    page.get_by_label("Subject").fill("Mine")
    saved(page, 1)
    write("campaigns/weekly.md", COMMENTED.replace("Weekly digest", "Theirs"))
    page.get_by_role("button", name="Publish").click()
    page.get_by_role("heading", name="Two versions of campaigns/weekly.md").wait_for()
    expect(page.get_by_role("region", name="What the file changed")).to_contain_text("name: Theirs")
    expect(page.get_by_role("region", name="What the draft changed")).to_contain_text('subject: "Mine"')
    page.get_by_role("button", name="Put both together").click()
    expect(page.get_by_label("What staff call it")).to_have_value("Theirs")
    expect(page.get_by_label("Subject")).to_have_value("Mine")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("status").first).to_contain_text("Published")
    campaign = workspace.campaign("weekly")
    assert (campaign.name, campaign.subject) == ("Theirs", "Mine")


SCREENS = ("campaigns/weekly/compose/compare",)


def test_both_versions_fit_follow_the_scheme_and_can_be_compared_by_everybody(works, workspace, write, public_site):
    page = works("publisher")
    page.get_by_label("Subject").fill("Wolfeschlegelsteinhausenbergerdorff" * 3)
    saved(page, 1)
    write("campaigns/weekly.md", COMMENTED.replace("Weekly digest", "Theirs, which is rather long " * 6))
    page.goto(f"{public_site}/console/{SCREENS[0]}")
    page.get_by_role("heading", name="Two versions of campaigns/weekly.md").wait_for()
    assert_it_suits_everybody(page)


def test_two_people_in_one_part_choose(works, workspace):
    one, other = works("editor"), works("publisher")
    one.get_by_label("Subject").fill("One")
    expect(one.locator("#head [role=status]")).to_contain_text("saved")
    other.get_by_label("Subject").fill("Other")
    alert = other.get_by_role("alert")
    expect(alert).to_contain_text("editor@stillwater.test changed this part meanwhile")
    expect(other.get_by_label("Subject")).to_have_value("Other")
    alert.get_by_role("button", name="Keep mine").click()
    saved(other, 2)
    assert 'subject: "Other"' in CampaignDraft.objects.get().text


def test_it_is_composed_on_a_phone_without_scripts(works, workspace):
    page = works("admin", width=390, java_script_enabled=False)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_label("Subject").fill("Hello")
    page.locator("#words").get_by_role("button", name="Keep in the draft").click()
    expect(page.get_by_label("Subject")).to_have_value("Hello")
    page.get_by_role("button", name="Publish").click()
    assert workspace.campaign("weekly").subject == "Hello"


@pytest.mark.parametrize("width", [1440, 390])
def test_a_template_is_chosen_by_its_picture_with_the_keyboard_alone(works, write, width):
    write("templates/plain/template.toml", 'name = "Plain"\n\n[theme]\nink = "#102030"\ncard = "#fdfdfd"\n')
    write("templates/second/template.html", "<html><body><p>Second: {{ articles[0].title }}</p></body></html>")
    page = works("editor", width=width)
    design = page.locator("#design")
    plain, second = design.get_by_role("radio", name="Plain"), design.get_by_role("radio", name="second")
    expect(plain).to_be_checked()
    assert design.locator(".look rect").count() == 2
    plain.focus()
    assert plain.evaluate("radio => getComputedStyle(radio.closest('.design')).outlineStyle") == "solid"
    page.keyboard.press("ArrowDown")
    expect(second).to_be_checked()
    expect(page.locator("#head [role=status]")).to_contain_text("saved")
    expect(second).to_be_focused()
    assert CampaignDraft.objects.get().text.count("template: second") == 1
    frame = design.frame_locator("iframe[src='/console/templates/second/mail']")
    expect(frame.get_by_text("Second:")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    plain.locator("xpath=ancestor::label").locator(".thumb").click()
    expect(plain).to_be_checked()
