"""The subscribers' pages in Chromium: without JavaScript, at 320 pixels, light and dark, by keyboard, for everybody."""

import json

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from django.utils import timezone
from playwright.sync_api import expect

from broadsheet import events, pipeline
from broadsheet.audience import suppress
from broadsheet.models import Subscriber, Subscription, SuppressionReason
from broadsheet.notices.links import address, minute

LONG = "Wolfeschlegelsteinhausenbergerdorff" * 3
PAGES = ("/", "/nowhere", "/subscribe/newsletter", "/subscribe/newsletter/form", "/archive/newsletter")
EMAILS = {"asked": "zoe@reader.example", "not an address": "zoe@"}
PRESSED = {
    "saved": "main button[name=about]",
    "kept out": "main button[name=undo]",
    **dict.fromkeys(("left", *EMAILS), "main button"),
}
OWN = ("u", "p", "c", "expired", "d", "e", "left", "asked", "not an address", "saved", "kept out")


@pytest.fixture
def visit(public_site, ada, open_page, workspace):
    """Opens a page by its name: a path, or one of a reader's own, some of them after a click."""

    def path_of(name):
        if name.startswith("/"):
            return name
        if name in ("c", "expired"):
            pending = Subscriber.objects.create(
                email="fay@reader.example", email_key="fay@reader.example", interests=ada.reader.interests,
                created_at=timezone.now(), language=ada.reader.language,
            )  # fmt: skip
            row = Subscription.objects.create(subscriber=pending, list_name="newsletter", state="pending")
            made = minute(timezone.now()) - (8 * 24 * 60 if name == "expired" else 0)
            return address(workspace, "c", row.pk, made).removeprefix(workspace.config.public.url)
        if name in ("d", "e"):
            return address(workspace, name, ada.reader.pk, minute(timezone.now())).removeprefix(
                workspace.config.public.url
            )
        if name == "kept out":
            suppress("ada@reader.example", SuppressionReason.COMPLAINED)
            events.unsubscribed(ada.reader.pk, "newsletter", how="page")
            return ada.path("u")
        return {"left": ada.path("u"), "saved": ada.path("p")}.get(name) or (
            ada.path(name) if name in ("u", "p") else "/subscribe/newsletter"
        )

    def visit(name, width=1440, **options):
        page = open_page(public_site + path_of(name), width=width, **{"java_script_enabled": False, **options})
        if name == "not an address":
            page.evaluate("document.forms[0].noValidate = true")
        if name in EMAILS:
            page.locator("#email").fill(EMAILS[name])
        if name in PRESSED:
            with page.expect_navigation():
                page.locator(PRESSED[name]).first.click()
        return page

    return visit


# What readers do


def test_a_reader_leaves_comes_back_and_takes_fewer_mails_without_javascript(visit, ada):
    page = visit("u", width=320)
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You have left Stillwater Weekly")
    assert ada.state("newsletter") == "unsubscribed"
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are on Stillwater Weekly again")
    assert ada.state("newsletter") == "subscribed"
    page.get_by_role("button", name="Leave this list").click()
    page.get_by_label("How often").select_option("monthly")
    page.get_by_role("button", name="Keep it this way").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You stay on Stillwater Weekly")
    assert Subscription.objects.get(subscriber=ada.reader, list_name="newsletter").frequency == 28


def test_a_reader_leaves_everything_and_says_why(visit, ada):
    page = visit("u")
    page.get_by_label("All mails of Stillwater").check()
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_label("Too many mails")).to_be_visible()
    assert (ada.state("newsletter"), ada.state("letters")) == ("unsubscribed", "unsubscribed")
    page.get_by_label("Too many mails").check()
    page.get_by_label("In your own words, if you like").fill("Every day!")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_contain_text("Thank you for telling us")
    assert set(Subscription.objects.values_list("left_reason", flat=True)) == {"too many mails: Every day!"}


def test_a_double_click_leaves_once(public_site, ada, open_page):
    page = open_page(public_site + ada.path("u"))
    page.get_by_role("button", name="Leave").dblclick()
    page.get_by_role("heading", name="You have left Stillwater Weekly").wait_for()
    assert ada.state("newsletter") == "unsubscribed"
    assert ada.edition.deliveries.get().events.count() == 1


def test_a_newcomer_subscribes_by_keyboard_and_says_yes(visit, public_site, written, link_in, open_page):
    page = visit("/subscribe/newsletter", width=320)
    page.get_by_label("Your email address").focus()
    page.keyboard.type("zoe@reader.example")
    page.keyboard.press("Tab")
    page.keyboard.type("Zoe")
    page.keyboard.press("Tab")  # the honeypot is not on the way
    page.keyboard.press("Space")
    expect(page.get_by_label("chronic pain")).to_be_checked()
    page.get_by_label("How often").select_option("weekly")
    page.get_by_role("button", name="Subscribe").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Please look into your mailbox")
    path = link_in(written()[0], "c")
    page = open_page(public_site + path, java_script_enabled=False)
    page.get_by_role("button", name="Yes, send me Stillwater Weekly").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are on Stillwater Weekly")
    row = Subscription.objects.get(subscriber__email="zoe@reader.example")
    assert (row.state, row.frequency, row.subscriber.interests.tags) == ("subscribed", 7, ["chronic pain"])


def test_a_reader_changes_what_they_like_how_often_and_in_which_language(visit, ada):
    page = visit("p")
    page.get_by_label("movement").focus()
    page.keyboard.press("Space")
    page.get_by_label("Time zone").select_option("Europe/Paris")
    page.get_by_label("Language of our pages and notices").select_option("fr")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_role("status")).to_contain_text("Enregistré")
    page.get_by_label("À quelle fréquence").first.select_option("weekly")
    page.get_by_role("button", name="Enregistrer pour A Letter from the Clinic").click()
    expect(page.get_by_role("status")).to_contain_text("A Letter from the Clinic")
    ada.reader.refresh_from_db()
    assert (ada.reader.interests.tags, ada.reader.language) == (["movement", "sleep"], "fr")
    assert ada.reader.time_zone == "Europe/Paris"
    assert Subscription.objects.get(list_name="letters").frequency == 7


def test_enter_in_a_field_of_the_preferences_saves_and_leaves_nothing(visit, ada):
    page = visit("p")
    page.get_by_label("First name").fill("Augusta")
    page.keyboard.press("Enter")
    page.get_by_role("status").wait_for()
    ada.reader.refresh_from_db()
    assert ada.reader.first_name == "Augusta"
    assert (ada.state("newsletter"), ada.state("letters")) == ("subscribed", "subscribed")


def test_a_reader_leaves_one_of_two_lists(visit, ada):
    page = visit("p")
    page.get_by_role("button", name="Leave A Letter from the Clinic").click()
    expect(page.get_by_role("status")).to_contain_text("You have left A Letter from the Clinic")
    assert (ada.state("letters"), ada.state("newsletter")) == ("unsubscribed", "subscribed")


def test_a_reader_takes_their_data_along(visit):
    page = visit("d")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename.startswith("my-data-")
    with download.value.path().open() as file:
        assert json.load(file)["email"] == "ada@reader.example"


def test_a_reader_has_everything_erased(visit):
    page = visit("e", width=320)
    page.get_by_role("button", name="Erase everything").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing is kept about you")
    assert not Subscriber.objects.exists()


def test_a_form_pasted_into_another_website_subscribes(visit, public_site, open_page, written, tmp_path):
    page = visit("/subscribe/newsletter/form")
    html = page.locator("pre").inner_text().replace("http://127.0.0.1:8000", public_site)
    elsewhere = tmp_path / "elsewhere.html"
    elsewhere.write_text(f"<!doctype html><title>Elsewhere</title>{html}")
    page = open_page(elsewhere.as_uri(), java_script_enabled=False)
    page.get_by_label("Your email address").fill("zoe@reader.example")
    expect(page.get_by_label("Leave this empty")).to_be_hidden()
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Please look into your mailbox")
    assert [mail["To"] for mail in written()] == ["zoe@reader.example"]


def test_a_mail_viewed_in_the_browser_runs_no_script(public_site, ada, open_page, monkeypatch):
    mail = '<!doctype html><title>Mail</title><body style="margin:7px"><script>document.title = "run"</script><p>Hi'
    monkeypatch.setattr(pipeline, "as_reader_got_it", lambda *_: mail)
    page = open_page(public_site + ada.path("v"))
    expect(page).to_have_title("Mail")
    assert page.evaluate("getComputedStyle(document.body).marginTop") == "7px"


# How the pages are


GROUNDS = {"light": "rgb(246, 241, 232)", "dark": "rgb(17, 25, 24)"}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.mark.parametrize("name", (*PAGES, *OWN))
def test_a_page_fits_every_screen_follows_its_scheme_and_can_be_used_by_everybody(visit, ada, name):
    language = ("de", "fr", "es", "en")[len(name) % 4]
    ada.reader.first_name, ada.reader.language = LONG, language
    ada.reader.save()
    page = visit(name, locale=language, java_script_enabled=True)  # axe is a script; the page has none
    expect(page.locator("script")).to_have_count(0)
    assert page.context.cookies() == []
    page.evaluate(AXE_FILE_PATH.read_text())
    for scheme, rules in (("light", RULES), ("dark", {"type": "rule", "values": ["color-contrast"]})):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # a colour on its way is none of ours
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == GROUNDS[scheme]
        for width in (1440, 390, 320):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = page.evaluate("rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", rules)
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == []


@pytest.mark.parametrize("name", [*PAGES[:1], "u", "p", "/subscribe/newsletter"])
def test_a_page_asks_nobody_else_for_anything(public_site, ada, open_page, name):
    asked = []
    page = open_page("about:blank")
    page.on("request", lambda request: asked.append(request.url))
    page.goto(public_site + (name if name.startswith("/") else ada.path(name)))
    assert asked
    assert all(url.startswith((public_site, "data:")) for url in asked)
