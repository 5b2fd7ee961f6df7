"""Getting in, in Chromium: by single sign-on under the pages' own policy, and by an invitation on a phone."""

import re

import pytest
from django.core.cache import cache
from playwright.sync_api import expect
from tests.web.conftest import complaints
from tests.web.console.conftest import PASSWORD
from tests.web.console.identity import CLIENT, SECRET, provider

from broadsheet.models import Member, Role
from broadsheet.workspace import Workspace


@pytest.fixture
def identity(db, workspace, settings, monkeypatch):
    """The provider, which ``broadsheet.toml`` names."""
    monkeypatch.setenv("BROADSHEET_CONSOLE_OIDC_CLIENT_SECRET", SECRET)
    cache.clear()
    with provider() as found:
        with (workspace.root / "broadsheet.toml").open("a") as file:
            file.write(f'\n[console.oidc]\nissuer = "{found.issuer}"\nclient_id = "{CLIENT}"\nname = "Stillwater ID"\n')
        settings.WORKSPACE = Workspace(workspace.root)
        yield found


def test_somebody_signs_in_at_the_provider_and_lands_where_they_were_going(identity, hire, public_site, open_page):
    hire("publisher")
    page = open_page(public_site + "/console/readers")
    faults = complaints(page)
    page.get_by_role("button", name="Sign in with Stillwater ID").click()
    expect(page).to_have_title("Provider")
    assert page.url.startswith(identity.issuer)
    page.get_by_role("link", name="Go on as publisher@stillwater.test").click()
    expect(page.get_by_role("heading", name="Readers")).to_be_visible()
    assert page.url == public_site + "/console/readers"
    assert faults == []
    assert {cookie["path"] for cookie in page.context.cookies()} == {"/console/"}


def test_the_page_lets_its_form_lead_nowhere_else(identity, public_site, open_page):
    page = open_page(public_site + "/console/account/login/")
    elsewhere = []
    page.on("request", lambda request: elsewhere.append(request.url) if "elsewhere" in request.url else None)
    page.evaluate(
        "() => { const form = document.forms[1]; form.action = 'http://elsewhere.test/'; form.method = 'get';"
        " form.submit() }"
    )
    page.wait_for_timeout(500)
    assert elsewhere == []
    assert page.url.startswith(public_site)


def test_a_stranger_is_told_so_and_gets_back(identity, public_site, open_page):
    identity.email = "a.rather.long.name.of.somebody.unknown@a-domain-with-a-long-name.stillwater.test"
    page = open_page(public_site + "/console/account/login/", width=390)
    page.get_by_role("button", name="Sign in with Stillwater ID").click()
    page.get_by_role("link", name=re.compile("Go on as")).click()
    expect(page.get_by_role("heading", name="Not signed in")).to_be_visible()
    expect(page.get_by_text("is not on the team")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("link", name="Back to the sign-in page").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_an_admin_invites_on_a_phone_and_the_invited_gets_in(enter, public_site, open_page):
    page = enter("admin", "/console/team", width=390)
    page.get_by_label("Email").fill("new@stillwater.test")
    page.get_by_label("Role", exact=True).select_option("editor")
    page.get_by_role("button", name="Make a link").click()
    said = page.get_by_role("status").inner_text()
    assert "new@stillwater.test" in said
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    way = re.search(r"https?://[^/\s]+(/console/welcome/\S+)", said)[1]
    invited = open_page(public_site + way)
    invited.get_by_label("New password", exact=True).fill(PASSWORD)
    invited.get_by_label("New password confirmation").fill(PASSWORD)
    invited.get_by_role("button", name="Keep it and go in").click()
    expect(invited.get_by_role("heading", name="Today")).to_be_visible()
    page.goto(public_site + "/console/team")
    row = page.get_by_role("article").filter(has_text="new@stillwater.test")
    expect(row.get_by_text("Invited")).to_have_count(0)
    row.get_by_label("Role of new@stillwater.test").select_option("off")
    row.get_by_role("button", name="Change").click()
    expect(page.get_by_role("status")).to_contain_text("can't sign in any more")
    invited.reload()
    expect(invited.get_by_role("heading", name="Sign in")).to_be_visible()
    assert [member.role for member in Member.objects.all()] == [Role.ADMIN]
