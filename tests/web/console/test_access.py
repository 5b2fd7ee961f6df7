"""Every address of the console, for every role, by every method; and what an address changes is written down."""

import pytest
from django.test import Client
from django.urls import reverse

from broadsheet.models import Audit, Edition, EditionState, Role, Upload
from broadsheet.web.console.signing import SIGNING, nothing
from broadsheet.web.console.urls import ROUTES, urlpatterns

ROLES = (None, *Role)
#: served without a role: the signed link to an account
BY_ITS_LINK = {"console-welcome"}


@pytest.fixture
def address(freeze, cast):
    """The address of a route, about an edition that waits, a reader, a segment, a campaign, a template or an adapter."""
    upload = Upload.objects.create(name="people.csv", size=1, who="test", state="failed")
    about = {
        "editions": {"pk": freeze().pk},
        "readers": {"pk": cast.ada.pk},
        "segments": {"name": "sleepers"},
        "campaigns": {"slug": "weekly", "section": "words"},
        "templates": {"name": "plain", "file": "template.html"},
        "settings": {"name": "default"},
        "imports": {"pk": upload.pk},
        "article": {"slug": "pillow-moon"},
        "article-text": {"slug": "pillow-moon"},
    }

    def of(route):
        first = route.path.partition("/")[0]
        known = about.get(first, {})
        named = {name: value for name, value in known.items() if f":{name}>" in route.path}
        asked = "?campaign=weekly&time=2026-03-03T09:00%2B00:00" if first == "calendar" else ""
        return reverse(f"console-{route.name}", kwargs=named) + asked

    return of


@pytest.fixture(autouse=True)
def _the_doctor_looks_at_nothing(monkeypatch):
    monkeypatch.setattr("broadsheet.web.console.settings.doctor._run", lambda *given: None)


def allowed(role, needed):
    return role is not None and list(Role).index(role) >= list(Role).index(needed)


@pytest.mark.parametrize("role", ROLES)
def test_every_address_serves_the_roles_of_its_row_and_nobody_else(as_role, address, role):
    client = as_role(role)
    for route in ROUTES:
        for method, needed in (("get", route.reads), ("post", route.posts)):
            response = getattr(client, method)(address(route))
            what = (route.name, method, role, response.status_code)
            if needed is None:
                assert response.status_code == 405, what
            elif role is None:
                assert response.status_code == 302, what
                assert response.url.startswith("/console/account/login/?next=/console/"), what
            elif allowed(role, needed):
                assert response.status_code in (200, 302, 400, 404, 409), what  # what is missing is asked for
                assert "login" not in getattr(response, "url", ""), what
            else:
                assert response.status_code == 403, what
                assert f"needs the role {needed.label.lower()}" in response.content.decode()


def test_no_address_is_served_that_is_not_a_row():
    names = {pattern.name for pattern in urlpatterns if hasattr(pattern, "name")}
    assert names == {f"console-{route.name}" for route in ROUTES} | BY_ITS_LINK


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_no_other_method_does_anything(as_role, address, method):
    client = as_role("admin")
    assert {getattr(client, method)(address(route)).status_code for route in ROUTES} == {405}


@pytest.mark.parametrize(
    "way", ["signup/", "email/", "password/set/", "password/reset/", "3rdparty/", "social/signup/"]
)
def test_what_the_sign_in_library_has_besides_is_not_served(as_role, way):
    for role in (None, "admin"):
        client = as_role(role)
        assert client.get(f"/console/account/{way}").status_code == 404
        assert client.post(f"/console/account/{way}", {"email": "x@stillwater.test"}).status_code == 404


def test_pages_about_ones_account_ask_to_sign_in(client, db):
    own = [name for _, view, name in SIGNING if name.startswith("mfa_") or name == "account_change_password"]
    assert len(own) == 9
    for name in own:
        response = client.get(reverse(name))
        assert (response.status_code, response.url.partition("?")[0]) == (302, "/console/account/login/"), name
    assert nothing in {view for _, view, _ in SIGNING}


def test_a_part_of_a_page_sends_the_whole_page_to_the_sign_in(client, db):
    response = client.get("/console/now", headers={"HX-Request": "true"})
    assert response.status_code == 204
    assert response.headers["HX-Redirect"].startswith("/console/account/login/")


def test_a_form_without_its_token_changes_nothing(hire, address, cast):
    edition = Edition.objects.get()
    client = Client(enforce_csrf_checks=True)
    client.force_login(hire("admin").user, backend="django.contrib.auth.backends.ModelBackend")
    for route in ROUTES:
        if route.posts:
            assert client.post(address(route)).status_code == 403, route.name
    assert client.post("/console/account/logout/").status_code == 403
    edition.refresh_from_db()
    assert (edition.state, Audit.objects.count()) == (EditionState.APPROVED, 0)


@pytest.mark.parametrize(
    ("doing", "given", "before", "after"),
    [
        ("cancel", {"why": "a typo"}, "approved", "cancelled"),
        ("pause", {"why": "wait"}, "sending", "paused"),
        ("resume", {}, "paused", "sending"),
        ("approve", {}, "draft", "approved"),
    ],
)
def test_a_change_is_written_down_with_who_what_before_and_after(as_role, freeze, cast, doing, given, before, after):
    edition = freeze()
    type(edition).objects.filter(pk=edition.pk).update(state=before)
    given = {**given, **({"hash": edition.content_hash} if doing == "approve" else {})}
    as_role("publisher").post(f"/console/editions/{edition.pk}/{doing}", given)
    edition.refresh_from_db()
    row = Audit.objects.get()
    assert edition.state == after
    assert (row.who, row.what, row.target) == (
        "publisher@stillwater.test", f"edition-{doing}", f"edition {edition.pk}",
    )  # fmt: skip
    assert (row.before, row.after) == (before, after)


def test_approval_is_for_what_the_page_showed(as_role, freeze, cast):
    edition = freeze()
    type(edition).objects.filter(pk=edition.pk).update(state="draft")
    response = as_role("publisher").post(f"/console/editions/{edition.pk}/approve", {"hash": "0" * 64}, follow=True)
    edition.refresh_from_db()
    assert (edition.state, Audit.objects.count()) == ("draft", 0)
    assert 'class="note error"' in response.content.decode()


def test_a_move_that_is_not_allowed_says_so_and_changes_nothing(as_role, freeze, cast):
    edition = freeze()
    response = as_role("publisher").post(f"/console/editions/{edition.pk}/resume", follow=True)
    assert 'class="note error"' in response.content.decode()
    edition.refresh_from_db()
    assert (edition.state, Audit.objects.count()) == ("approved", 0)


def test_viewers_and_editors_see_no_buttons_they_can_not_use(as_role, freeze, cast):
    edition = freeze()
    shown = {role: as_role(role).get(f"/console/editions/{edition.pk}").content.decode() for role in Role}
    assert {role for role, page in shown.items() if "Call it off" in page} == {"publisher", "admin"}
    assert {role for role, page in shown.items() if 'href="/console/team"' in page} == {"admin"}
