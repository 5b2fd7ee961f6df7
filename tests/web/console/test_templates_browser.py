"""Templates and settings in Chromium: a template is broken, mended, changed by two at once; every screen for everybody."""

import re
import shutil
from pathlib import Path

import pytest
from django.core.cache import cache
from playwright.sync_api import expect
from tests.doctor.test_doctor import ADAPTERS, DOMAIN, names
from tests.web.conftest import has_come
from tests.web.console.screens import assert_it_suits_everybody
from tests.web.console.test_console_browser import signed_in
from tests.web.console.test_settings_pages import AtOnce

from broadsheet.models import Audit, Outgoing
from broadsheet.web.console.settings import doctor
from broadsheet.workspace import Workspace

__all__ = ["names", "signed_in"]

pytestmark = pytest.mark.usefixtures("tried_here")
STARTER = Path(__file__).parents[3] / "templates"
SCREENS = (
    *("templates", "templates/digest", "templates/digest?width=phone&dark=own", "templates/shared/look"),
    *("templates/plain/files/template.html", "templates/digest/findings", "settings", "settings/adapters"),
    *("settings/doctor", "settings/webhooks", "settings/all", "settings/running", "settings/audit"),
)


@pytest.fixture(autouse=True)
def furnished(workspace, write, settings, db):
    """The workspace with all templates, adapters and webhooks, and with long names in them."""
    cache.clear()
    for each in STARTER.iterdir():
        shutil.copytree(each, workspace.templates / each.name)
    hook = f'[webhooks.{"crm" * 12}]\nurl = "https://{"long-name." * 8}stillwater.example/x/y"\n'
    write("broadsheet.toml", ADAPTERS + hook)
    settings.WORKSPACE = Workspace(workspace.root)
    settings.WORKSPACE.state.mkdir(exist_ok=True)
    from django.utils import timezone

    Outgoing.objects.create(
        endpoint="crm" * 12, kind="edition.sent", message_id="m", payload={}, attempts=3, reason="answered 503",
        created_at=timezone.now(), next_at=timezone.now(),
    )  # fmt: skip
    Audit.objects.create(
        who="pia@stillwater.test", what="template", target="x" * 200, before="a\n" * 99, after="b" * 900
    )
    return settings.WORKSPACE


@pytest.fixture
def examined(names, monkeypatch):
    """The doctor asks the tests' own DNS server, and is done when its page is."""
    names[1].pop((DOMAIN, "TXT"))
    monkeypatch.setattr(doctor, "resolver", lambda: names[0])
    monkeypatch.setattr(doctor, "Thread", AtOnce)
    monkeypatch.setattr(doctor.connections, "close_all", lambda: None)


@pytest.mark.parametrize("path", SCREENS)
def test_a_screen_fits_follows_the_scheme_and_can_be_used_by_everybody(signed_in, examined, path):
    page = signed_in(f"/console/{path}")
    if path == "settings/doctor":
        page.get_by_role("button", name="Look now").click()
        expect(page.get_by_text("to be changed.")).to_be_visible()
        has_come(page)
    page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true })")
    assert_it_suits_everybody(page)


def test_a_template_is_broken_mended_and_saved_and_a_second_editor_loses_nothing(signed_in, furnished, tried_apart):
    path = furnished.templates / "plain" / "template.html"
    before = path.read_text()
    page = signed_in("/console/templates")
    frame = page.locator(".thumb iframe").last
    expect(frame).to_have_attribute("sandbox", "")
    page.get_by_role("link", name="plain", exact=True).click()
    expect(page.frame_locator("iframe.mail").get_by_text("Good morning Alexandra")).to_be_visible()
    expect(page.get_by_role("region", name="What is wrong with it")).to_contain_text("Gmail shows")
    page.get_by_role("link", name="template.html").click()

    text = page.get_by_label("Text")
    text.fill(before.replace("{% endfor %}", "{% endfro %}"))
    page.get_by_role("button", name="Save").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Nothing was written.")
    expect(alert.locator("mark")).to_contain_text("endfro")
    chosen = "[...document.querySelectorAll('#text')].map(t => t.value.slice(t.selectionStart, t.selectionEnd))[0]"
    page.wait_for_load_state()
    assert "endfro" in page.evaluate(chosen), "the mistake's line is the one that is edited next"
    assert path.read_text() == before

    mine = before.replace("here", "there").replace("</body>", "<p>mine</p></body>")
    theirs = before.replace("</body>", "<p>theirs</p></body>")
    path.write_text(theirs)
    text.fill(mine)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody changed this file")
    expect(page.locator("ins", has_text="mine")).to_have_count(1)
    expect(page.locator("del", has_text="theirs")).to_have_count(1)
    expect(text).to_have_value(mine)
    assert path.read_text() == theirs
    page.get_by_role("button", name="Save mine in place of theirs").click()
    expect(page.get_by_role("status")).to_contain_text("is saved")
    assert path.read_text() == mine
    assert Audit.objects.filter(target="templates/plain/template.html").get().before == theirs


def test_a_colour_is_picked_and_its_contrast_and_the_mail_follow_before_it_is_saved(signed_in, furnished):
    page = signed_in("/console/templates/digest/look")
    row = page.locator("table.reads tr", has=page.get_by_role("rowheader", name="Buttons"))
    expect(row).not_to_contain_text("too little")
    page.get_by_label("Pick: Buttons").first.fill("#dddddd")
    field = page.get_by_label("Buttons", exact=True).first
    expect(field).to_have_value("#dddddd")
    expect(row).to_contain_text("too little")
    expect(page.locator("iframe.mail")).to_have_attribute(
        "src", "/console/templates/digest/mail?theme.primary=%23dddddd"
    )
    field.fill("#112233")
    expect(row).not_to_contain_text("too little")
    expect(page.get_by_label("Pick: Buttons").first).to_have_value("#112233")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").last).to_contain_text("is saved")
    assert 'primary = "#112233"' in (furnished.templates / "digest" / "template.toml").read_text()


def test_a_record_is_copied_and_what_was_tried_is_said_beside_its_button(signed_in, examined, public_site):
    page = signed_in("/console/settings/doctor")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=public_site)
    page.get_by_role("button", name="Look now").click()
    page.get_by_role("button", name="Copy the value for spf", exact=True).click()
    expect(page.get_by_role("button", name="Copy the value for spf", exact=True)).to_have_text("Copied")
    assert re.match(r"v=spf1 include:mailgun\.org .* ~all$", page.evaluate("navigator.clipboard.readText()"))
    page.get_by_role("link", name="Adapters").click()
    card = page.get_by_role("region", name="default mailgun")
    card.get_by_role("button", name="Try the login").click()
    expect(card.locator(".outcome")).to_contain_text("BROADSHEET_ADAPTERS_DEFAULT_API_KEY")
    expect(page).to_have_url(re.compile("/console/settings/adapters$"))


def test_without_scripts_everything_is_there(signed_in, examined):
    page = signed_in("/console/templates/plain", java_script_enabled=False)
    page.get_by_role("link", name="Show it by itself").click()
    expect(page.get_by_role("heading", name="What is wrong with it")).to_be_visible()
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("link", name="Adapters").click()
    page.get_by_role("button", name="Try the login of default").click()
    expect(page.get_by_role("status")).to_contain_text("BROADSHEET_ADAPTERS_DEFAULT_API_KEY")
    page.get_by_role("link", name="Doctor").click()
    page.get_by_role("button", name="Look now").click()
    expect(page.get_by_text("v=spf1 include:mailgun.org").first).to_be_visible()
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
