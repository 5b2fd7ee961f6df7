"""Accounts: the first one, signing in and out, a second factor, the team; and cookies stay in the console."""

import re

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from tests.web.console.conftest import PASSWORD

from broadsheet import staff
from broadsheet.models import Audit, Member, Role

NEW = "another horse 2"


def path_of(link):
    return re.sub(r"^https?://[^/]+", "", link)


def is_in(client):
    return client.get("/console/").status_code == 200


@pytest.fixture(autouse=True)
def _nobody_has_tried_yet(db):
    cache.clear()


def test_the_first_account_comes_by_a_link_that_works_once(client, workspace):
    member = staff.add("Boss@Stillwater.test", Role.ADMIN, by="test")
    way = path_of(staff.welcome_url(member.user))
    assert "boss@stillwater.test" in client.get(way).content.decode()
    weak = client.post(way, {"new_password1": "12345678", "new_password2": "12345678"})
    assert "too common" in weak.content.decode()
    assert not is_in(client)
    done = client.post(way, {"new_password1": PASSWORD, "new_password2": PASSWORD})
    assert (done.status_code, done.url) == (302, "/console/")
    assert is_in(client)
    assert Client().get(way).status_code == 404
    assert Client().post(way, {"new_password1": NEW, "new_password2": NEW}).status_code == 404
    assert Audit.objects.get().what == "password"


@pytest.mark.parametrize(
    "way", ["MQ/nonsense", "!!/x", "OTk5/dikedy-000", "MQ/dikedy-c48cd8b1d1a4546a8e6ba4623532e8fb"]
)
def test_a_link_that_was_not_made_here_is_none(client, hire, way):
    hire("admin")
    assert client.get(f"/console/welcome/{way}").status_code == 404


def test_a_link_is_for_three_days(client, workspace, db, settings):
    member = staff.add("boss@stillwater.test", Role.ADMIN, by="test")
    way = path_of(staff.welcome_url(member.user))
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert client.get(way).status_code == 404


def test_one_signs_in_by_email_in_any_case_and_out_again(client, hire, sign_in):
    hire("viewer")
    answer = sign_in(client, "Viewer@Stillwater.test")
    assert (answer.status_code, answer.url) == (302, "/console/")
    assert is_in(client)
    client.post("/console/account/logout/")
    assert not is_in(client)


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(client, hire, sign_in):
    hire("viewer")
    answers = [sign_in(client, f"{name}@stillwater.test", "wrong") for name in ("viewer", "nobody")]
    said = [re.search(r'class="note error"[^>]*>([^<]+)', each.content.decode())[1] for each in answers]
    assert said[0] == said[1]
    assert not is_in(client)


@pytest.mark.parametrize("next_", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_signing_in_leads_nowhere_else(client, hire, next_):
    hire("viewer")
    given = {"login": "viewer@stillwater.test", "password": PASSWORD, "next": next_}
    assert client.post("/console/account/login/", given).url == "/console/"


def test_guessing_is_stopped_for_one_address_from_anywhere(hire, sign_in):
    hire("viewer")
    for number in range(5):
        sign_in(Client(), "viewer@stillwater.test", "wrong", REMOTE_ADDR=f"192.0.2.{number}")
    client = Client()
    answer = sign_in(client, "viewer@stillwater.test", REMOTE_ADDR="192.0.2.77")
    assert "Too many" in answer.content.decode()
    assert not is_in(client)


def test_guessing_is_stopped_for_one_machine_trying_many_addresses(hire, sign_in):
    hire("viewer")
    for number in range(10):
        sign_in(Client(), f"somebody{number}@stillwater.test", "wrong")
    client = Client()
    sign_in(client, "viewer@stillwater.test")
    assert not is_in(client)
    sign_in(client, "viewer@stillwater.test", REMOTE_ADDR="192.0.2.77")
    assert is_in(client)


def test_tries_are_counted_in_the_database_for_all_processes(settings):
    assert settings.CACHES["default"]["BACKEND"] == "django.core.cache.backends.db.DatabaseCache"


def test_a_password_change_ends_every_other_session(hire, sign_in):
    hire("viewer")
    here, there = Client(), Client()
    for client in (here, there):
        sign_in(client, "viewer@stillwater.test")
    wrong = here.post("/console/account/password/", {"oldpassword": "no", "password1": NEW, "password2": NEW})
    assert wrong.status_code == 200
    assert is_in(there)
    here.post("/console/account/password/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    assert (is_in(here), is_in(there)) == (True, False)
    assert [(row.who, row.what, row.after) for row in Audit.objects.all()] == [
        ("viewer@stillwater.test", "password", "changed")
    ]


# A second factor


def code(secret):
    counter = next(iter(yield_hotp_counters_from_time()))
    return format_hotp_value(hotp_value(secret, counter))


@pytest.fixture
def enrolled(hire, sign_in, django_capture_on_commit_callbacks):
    """Somebody who turned on a second factor by the pages, and its key."""
    member = hire("publisher")
    client = Client()
    sign_in(client, member.user.email)
    again = client.get("/console/account/second/on/")  # the password is asked for anew
    assert again.url.startswith("/console/account/reauthenticate/")
    assert client.post(again.url, {"password": PASSWORD}).url == "/console/account/second/on/"
    page = client.get("/console/account/second/on/").content.decode()
    secret = re.search(r'<code id="key">([A-Z2-7]+)</code>', page)[1]
    assert "data:image/svg+xml" in page
    assert client.post("/console/account/second/on/", {"code": "000000"}).status_code == 200
    assert not Authenticator.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/console/account/second/on/", {"code": code(secret)})
    assert answer.status_code == 302, answer.content.decode()
    return client, member, secret


def test_a_second_factor_is_asked_for_after_the_password(enrolled, sign_in):
    _, member, secret = enrolled
    cache.clear()  # a code works once; this one was used to enrol a moment ago
    client = Client()
    answer = sign_in(client, member.user.email)
    assert answer.url.startswith("/console/account/second/code/")
    assert not is_in(client)
    assert "Incorrect code" in client.post(answer.url, {"code": "000000"}).content.decode()
    assert client.post(answer.url, {"code": code(secret)}).status_code == 302
    assert is_in(client)


def test_guessing_codes_is_stopped(enrolled, sign_in):
    _, member, secret = enrolled
    cache.clear()
    client = Client()
    way = sign_in(client, member.user.email).url
    for _ in range(5):
        client.post(way, {"code": "000000"})
    client.post(way, {"code": code(secret)})
    assert not is_in(client)


def test_a_recovery_code_lets_in_once(enrolled, sign_in):
    client, member, _ = enrolled
    found = re.findall(
        r"<li><code>([0-9A-Za-z-]+)</code>", client.get("/console/account/second/recovery/").content.decode()
    )
    assert len(found) == 10
    for lets_in in (True, False):
        other = Client()
        other.post(sign_in(other, member.user.email).url, {"code": found[0]})
        assert is_in(other) is lets_in


def test_the_key_of_a_second_factor_is_kept_encrypted(enrolled):
    _, _, secret = enrolled
    kept = Authenticator.objects.get(type="totp").data["secret"]
    assert secret not in kept
    assert get_adapter().decrypt(kept) == secret


def test_the_link_to_a_new_password_does_not_go_round_the_second_factor(enrolled):
    _, member, _ = enrolled
    client = Client()
    way = path_of(staff.welcome_url(User.objects.get(pk=member.user_id)))
    answer = client.post(way, {"new_password1": NEW, "new_password2": NEW})
    assert answer.url.startswith("/console/account/second/code/")
    assert not is_in(client)


def test_turning_it_on_and_off_is_written_down(enrolled):
    client, _, _ = enrolled
    answer = client.post("/console/account/second/off/")
    assert answer.status_code == 302
    assert not Authenticator.objects.exists()
    found = {(row.who, row.what, row.after) for row in Audit.objects.all()}
    who = "publisher@stillwater.test"
    assert {
        (who, "second-factor", "on (TOTP Authenticator)"),
        (who, "second-factor", "off (TOTP Authenticator)"),
    } <= found


# The team


def test_an_admin_invites_changes_a_role_and_takes_off(as_role, sign_in):
    admin = as_role("admin")
    page = admin.post("/console/team", {"email": "New@Stillwater.test", "role": "editor"}).content.decode()
    way = path_of(re.search(r"http://\S+/console/welcome/[^<\s]+|https://\S+/console/welcome/[^<\s]+", page)[0])
    other = Client()
    other.post(way, {"new_password1": NEW, "new_password2": NEW})
    member = Member.objects.get(user__email="new@stillwater.test")
    assert (member.role, member.invited_by, is_in(other)) == ("editor", "admin@stillwater.test", True)
    admin.post("/console/team", {"member": member.pk, "role": "publisher"})
    member.refresh_from_db()
    assert member.role == "publisher"
    admin.post("/console/team", {"member": member.pk, "role": "off"})
    assert not is_in(other)
    sign_in(other, "new@stillwater.test", NEW)
    assert not is_in(other)
    rows = Audit.objects.filter(what="team").order_by("pk").values_list("who", "before", "after")
    assert [row[1:] for row in rows] == [("", "editor"), ("editor", "publisher"), ("publisher", "taken off")]
    assert {row[0] for row in rows} == {"admin@stillwater.test"}


def test_nobody_changes_their_own_role(as_role):
    admin = as_role("admin")
    member = Member.objects.get()
    page = admin.post("/console/team", {"member": member.pk, "role": "viewer"}, follow=True).content.decode()
    assert "Nobody changes their own role" in page
    assert Member.objects.get().role == "admin"


@pytest.mark.parametrize("given", [{"member": "x", "role": "admin"}, {"member": "999", "role": "admin"}])
def test_a_member_who_is_none_is_not_found(as_role, given):
    assert as_role("admin").post("/console/team", given).status_code == 404


@pytest.mark.parametrize("given", [{"email": "no", "role": "admin"}, {"email": "a@b.test", "role": "king"}])
def test_an_invitation_that_makes_no_sense_says_so(as_role, given):
    page = as_role("admin").post("/console/team", given).content.decode()
    assert 'class="wrong"' in page
    assert Member.objects.count() == 1


# Cookies


def test_cookies_belong_to_the_console_and_no_public_page_sets_one(client, hire, sign_in):
    hire("viewer")
    client.get("/console/account/login/")
    sign_in(client, "viewer@stillwater.test")
    client.post("/console/account/logout/")  # leaves a message for the next page
    sign_in(client, "viewer@stillwater.test")
    assert {(cookie.key, cookie["path"]) for cookie in client.cookies.values()} == {
        ("sessionid", "/console/"), ("csrftoken", "/console/"),
    }  # fmt: skip
    assert all(cookie["httponly"] for cookie in client.cookies.values())
    for way in ("/", "/nowhere", "/subscribe/newsletter", "/archive/newsletter", "/healthz"):
        assert not client.get(way).cookies, way


def test_a_german_browser_gets_the_console_in_the_language_it_is_written_in(as_role):
    for role, way in ((None, "/console/account/login/"), ("viewer", "/console/")):
        response = as_role(role).get(way, headers={"Accept-Language": "de"})
        page = response.content.decode()
        assert response.headers["Content-Language"] == "en"
        assert "Passwort" not in page
        assert ("Password" in page) is (role is None)


def test_times_are_those_of_the_site(as_role, freeze, cast):
    edition = freeze()  # 09:00 UTC
    page = as_role("viewer").get(f"/console/editions/{edition.pk}").content.decode()
    assert "Tuesday, 3 March 2026, 10:00</time> (Europe/Berlin)" in page
