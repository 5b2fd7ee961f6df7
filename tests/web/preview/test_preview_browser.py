"""The preview in Chromium, served by waitress as `broadsheet preview` does."""

import re

import pytest
from playwright.sync_api import expect

from broadsheet.models import Delivery, Edition, Subscription
from broadsheet.sending.inbox import MailFolder


@pytest.fixture
def opened(site, open_page):
    """A page of the preview."""

    def opened(path="/weekly-digest/", **options):
        return open_page(site + path, **options)

    return opened


def rewrite(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def mail(page):
    return page.frame_locator("#frame")


def ground(page):
    return mail(page).locator("body")


@pytest.mark.parametrize(("label", "width"), [("Phone", 375), ("Tablet", 768), ("Desktop", 900)])
@pytest.mark.parametrize("screen", [390, 1440])
def test_each_frame_is_as_wide_inside_as_its_device(opened, label, width, screen):
    page = opened(width=screen)
    page.get_by_role("link", name=label, exact=True).click()
    page.locator(f".on-{label.lower()}").wait_for()
    expect(page.get_by_role("link", name=label, exact=True)).to_have_attribute("aria-current", "true")
    expect(mail(page).locator("html")).to_have_css("width", f"{width}px")  # a frame's process is told a little later
    assert page.locator(".device").bounding_box()["width"] <= screen
    assert page.evaluate("document.documentElement.scrollWidth") <= screen


def test_a_switch_keeps_the_place_in_the_mail_and_the_way_back(opened, site):
    page = opened("/")
    page.get_by_role("link", name="Weekly digest").click()
    page.get_by_role("link", name="Phone", exact=True).click()
    page.locator(".on-phone").wait_for()
    expect(page).to_have_url(f"{site}/weekly-digest/?width=phone")
    page.go_back()
    expect(page).to_have_url(f"{site}/")


@pytest.mark.parametrize("screen", ["light", "dark"])
def test_dark_is_what_the_switch_says_whatever_the_screen(opened, screen):
    page = opened(color_scheme=screen)
    expect(ground(page)).to_have_css("background-color", "rgb(255, 255, 255)")
    page.get_by_role("link", name="Dark", exact=True).click()
    page.locator(".dark-own").wait_for()
    expect(ground(page)).to_have_css("background-color", "rgb(16, 16, 16)")
    page.get_by_role("link", name="Inverted", exact=True).click()
    page.locator(".dark-forced").wait_for()
    expect(ground(page)).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(page.locator("#frame")).to_have_css("filter", re.compile("invert"))


def test_without_images_their_descriptions_are_left(opened):
    page = opened()
    picture = mail(page).locator(".picture")
    expect(picture).to_have_js_property("naturalWidth", 1)
    page.get_by_role("link", name="No images").click()
    page.locator("#images[aria-current]").wait_for()
    expect(picture).to_have_js_property("naturalWidth", 0)
    expect(picture).to_have_attribute("alt", "A lamp")


@pytest.mark.parametrize(
    ("words", "name", "title"),
    [
        ("mori", "Moritz", "A slow walk"),
        ("ada@", "Ada Lovelace", "A quiet night"),
        ("movem", "Moritz", "A slow walk"),
        ("竹影", "雨晴 竹影", "A quiet night"),
    ],
)
def test_a_reader_is_found_by_typing_and_chosen_by_keyboard(opened, words, name, title):
    page = opened()
    search = page.get_by_role("combobox", name=re.compile("Show the mail as another reader"))
    search.press_sequentially(words)
    page.get_by_role("option", name=re.compile(name)).wait_for()
    search.press("ArrowDown")
    chosen = page.locator("[role=option][aria-selected=true]")
    expect(chosen).to_contain_text(name)
    expect(search).to_have_attribute("aria-activedescendant", chosen.get_attribute("id"))
    search.press("Enter")
    page.wait_for_url(re.compile("reader="))
    expect(page.locator(".who strong")).to_have_text(name)
    expect(mail(page).get_by_role("heading", name=title)).to_be_visible()


def test_escape_closes_the_list_and_a_click_chooses(opened):
    page = opened()
    search = page.get_by_role("combobox")
    search.press_sequentially("gwen")
    option = page.get_by_role("option", name=re.compile("Gwendolyn Gone"))
    option.wait_for()
    search.press("Escape")
    expect(option).to_be_hidden()
    expect(search).to_have_attribute("aria-expanded", "false")
    search.press("ArrowDown")
    option.click()
    page.get_by_role("heading", name="Gwendolyn Gone would get nothing").wait_for()


def test_the_next_mail_is_a_reader_with_other_articles(opened):
    page = opened()
    page.get_by_role("link", name=re.compile("Next mail")).click()
    page.get_by_text("Mail 2 of 2").wait_for()
    expect(page.locator(".who")).to_have_text(re.compile(r"^\s*Moritz"))
    expect(mail(page).get_by_role("heading", name="A slow walk")).to_be_visible()
    page.get_by_role("link", name=re.compile("Next mail")).click()
    page.get_by_text("Mail 1 of 2").wait_for()


def test_new_words_of_a_template_appear_without_a_click(opened, drafts):
    page = opened("/weekly-digest/?width=phone&dark=own")
    page.get_by_label("Your address").fill("half@typed")
    mail(page).get_by_role("heading", name="Stillwater").wait_for()
    rewrite(drafts / "templates/digest/template.html", "<h1>", "<h1>News from ")
    mail(page).get_by_role("heading", name="News from Stillwater").wait_for()
    assert page.url.endswith("?width=phone&dark=own")
    expect(page.locator("#width-phone")).to_have_attribute("aria-current", "true")
    expect(page.get_by_label("Your address")).to_have_value("half@typed")
    expect(page.locator("#to")).to_be_focused()


def test_a_live_reload_keeps_the_place_in_the_mail(opened, drafts, site):
    rewrite(drafts / "templates/digest/template.html", "<h1>", "<div style='height:3000px'>tall</div><h1>")
    page = opened("/")
    page.get_by_role("link", name="Weekly digest").click()
    page.locator("#frame[data-loaded]").wait_for()
    page.locator("#frame").hover()
    page.mouse.wheel(0, 700)
    expect(mail(page).locator("html")).to_have_js_property("scrollTop", 700)
    for word in ("First", "Second"):
        rewrite(drafts / "templates/digest/template.html", "<h1>", f"<h1>{word} ")
        mail(page).get_by_role("heading", name=word).wait_for()
        page.locator("#frame:not([data-going])").wait_for()
        expect(mail(page).locator("html")).to_have_js_property("scrollTop", 700)
    page.go_back()
    page.get_by_role("heading", name="Campaigns").wait_for()


def test_a_new_article_appears_without_a_click(opened, drafts):
    page = opened()
    (drafts / "articles/tea.md").write_text("---\ntitle: Tea before bed\ndate: 2026-01-04\ntags: [sleep]\n---\nWarm.\n")
    page.get_by_text("Gets 2 articles").wait_for()
    mail(page).get_by_role("heading", name="Tea before bed").wait_for()


def test_a_mistake_shows_by_itself_with_its_line_and_goes_when_it_is_mended(opened, drafts):
    page = opened()
    template = drafts / "templates/digest/template.html"
    rewrite(template, "{{ intro }}", "{% for tag in subscriber.interests %}{{ tag }}{% endfor %}")
    panel = page.get_by_role("alert")
    panel.wait_for()
    expect(panel).to_contain_text("templates/digest/template.html, line 10")
    expect(panel).to_contain_text("print it whole instead")
    expect(panel.locator(".meant")).to_contain_text("for tag in subscriber.interests")
    rewrite(template, "{% for tag in subscriber.interests %}{{ tag }}{% endfor %}", "{{ intro }}")
    mail(page).get_by_text("Hello Ada").wait_for()
    expect(panel).to_be_hidden()


def test_it_says_when_the_preview_was_stopped(opened):
    page = opened()
    page.route("**/changes.json", lambda route: route.abort())
    page.get_by_text("The preview was stopped.").wait_for()
    page.unroute("**/changes.json")
    page.get_by_text("The preview was stopped.").wait_for(state="hidden")


def test_a_proof_lands_in_the_local_inbox_and_one_click_on_it_changes_nothing(opened, workspace, public_site):
    page = opened("/weekly-digest/?reader=moritz@walker.example")
    page.get_by_label("Your address").fill("me@staff.example")
    page.get_by_role("button", name="Send").click()
    page.get_by_text("Sent to me@staff.example, in the local inbox").wait_for()
    expect(page.get_by_label("Your address")).to_have_value("me@staff.example")
    inbox = MailFolder(workspace.state / "inbox")
    (caught,) = inbox.list()
    assert caught.subject == "[TEST] A slow walk"
    assert caught.to == ("me@staff.example",)
    proof = inbox.read(caught.name)
    assert "Hello Moritz" in proof.html
    link = re.search(r"<http://127\.0\.0\.1:8000(/u/[^>]+)>", dict(proof.headers)["List-Unsubscribe"])[1]
    before = list(Subscription.objects.order_by("pk").values())
    for path in (link, *re.findall(r'href="http://127\.0\.0\.1:8000(/[pu]/[^"]+)"', proof.html)):
        answer = page.request.post(
            public_site + path, form={"List-Unsubscribe": "One-Click", "save": "1", "leave": "newsletter"}
        )
        assert answer.status == 200
        assert "This was a test copy" in answer.text()
    assert list(Subscription.objects.order_by("pk").values()) == before
    assert not Edition.objects.exists()
    assert not Delivery.objects.exists()
    page.wait_for_load_state()
    page.reload()
    expect(page.get_by_text("Sent to me@staff.example")).to_be_hidden()


def test_everything_works_without_javascript(opened, workspace):
    page = opened(java_script_enabled=False)
    page.get_by_role("searchbox").fill("reader.example")
    page.keyboard.press("Enter")
    page.get_by_role("link", name=re.compile("Pia Picky")).click()
    expect(page.get_by_role("heading", name="Pia Picky would get nothing")).to_be_visible()
    page.get_by_role("searchbox").fill("moritz")
    page.get_by_role("button", name="Find").click()
    expect(mail(page).get_by_role("heading", name="A slow walk")).to_be_visible()
    page.get_by_role("link", name="Text", exact=True).click()
    expect(page.locator("pre.text")).to_contain_text("Hello Moritz")
    page.get_by_label("Your address").fill("me@staff.example")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Sent to me@staff.example, in the local inbox")).to_be_visible()
    assert [each.subject for each in MailFolder(workspace.state / "inbox").list()] == ["[TEST] A slow walk"]


@pytest.mark.parametrize("width", [320, 390, 1440])
def test_long_names_do_not_break_the_page(opened, drafts, width):
    from broadsheet.models import Subscriber

    long = "Donaudampfschifffahrtsgesellschaftskapitän" * 4
    Subscriber.objects.filter(email="ada@reader.example").update(first_name=long, last_name=long)
    rewrite(drafts / "campaigns/weekly-digest.md", "Weekly digest", long)
    rewrite(drafts / "articles/night.md", "A quiet night", long)
    for path in (
        "/",
        *(f"/weekly-digest/?view={view}" for view in ("mail", "text", "source", "headers")),
        "/weekly-digest/?q=e",
    ):
        page = opened(path, width=width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page.context.close()


def test_nothing_on_its_pages_is_refused_by_their_own_policy(opened, site, drafts):
    page = opened("/")
    said = []
    page.on("console", lambda message: said.append(message.text))
    for path in ("/", "/weekly-digest/", "/weekly-digest/?view=source", "/weekly-digest/?q=sleep"):
        page.goto(site + path)
    page.get_by_role("combobox").fill("ada")
    page.get_by_role("option").first.wait_for()
    page.wait_for_timeout(1200)
    assert said == []
