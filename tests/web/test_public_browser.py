"""The subscribers' pages in Chromium: without JavaScript, at 320 pixels, light and dark, by keyboard."""

import pytest

from broadsheet import pipeline


def test_a_reader_leaves_and_comes_back_without_javascript(public_site, ada, open_page):
    page = open_page(public_site + ada.path("u"), width=320, java_script_enabled=False)
    page.get_by_role("button", name="Leave this list").click()
    assert page.get_by_role("heading", level=1).inner_text() == "You have left Stillwater Weekly"
    assert ada.state("newsletter") == "unsubscribed"
    page.get_by_role("button", name="Undo").click()
    assert page.get_by_role("heading", level=1).inner_text() == "You are on Stillwater Weekly again"
    assert ada.state("newsletter") == "subscribed"


def test_a_reader_changes_interests_by_keyboard(public_site, ada, open_page):
    page = open_page(public_site + ada.path("p"), java_script_enabled=False)
    page.get_by_label("movement").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Save").focus()
    page.keyboard.press("Enter")
    page.get_by_role("status").wait_for()
    assert page.get_by_label("movement").is_checked()
    ada.reader.refresh_from_db()
    assert ada.reader.interests.tags == ["movement", "sleep"]


def test_a_reader_leaves_one_of_two_lists(public_site, ada, open_page):
    page = open_page(public_site + ada.path("p"))
    page.get_by_role("button", name="Leave A Letter from the Clinic").click()
    assert "You have left A Letter from the Clinic" in page.get_by_role("status").inner_text()
    assert (ada.state("letters"), ada.state("newsletter")) == ("unsubscribed", "subscribed")


def test_a_mail_viewed_in_the_browser_runs_no_script(public_site, ada, open_page, monkeypatch):
    mail = '<!doctype html><title>Mail</title><body style="margin:7px"><script>document.title = "run"</script><p>Hi'
    monkeypatch.setattr(pipeline, "as_reader_got_it", lambda *_: mail)
    page = open_page(public_site + ada.path("v"))
    assert page.title() == "Mail"
    assert page.evaluate("getComputedStyle(document.body).marginTop") == "7px"


@pytest.mark.parametrize("width", [320, 390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/nowhere", "u", "p"])
def test_pages_fit_their_screen_and_follow_its_scheme(public_site, ada, open_page, path, scheme, width):
    ada.reader.first_name = "Wolfeschlegelsteinhausenbergerdorff" * 3
    ada.reader.save()
    asked = []
    page = open_page("about:blank", width=width, color_scheme=scheme)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(public_site + (path if path.startswith("/") else ada.path(path)))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(246, 241, 232)", "dark": "rgb(17, 25, 24)"}[scheme]
    assert all(url.startswith((public_site, "data:")) for url in asked)
    assert page.context.cookies() == []
