"""Single sign-on against a real provider on loopback: who gets in, who does not, and tokens that lie."""

import re
import urllib.error
import urllib.request
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from tests.web.console.identity import CLIENT, SECRET, provider, way

from broadsheet.models import Audit, Member, Role
from broadsheet.workspace import Workspace

BEGIN, LOGIN = "/console/account/sso/oidc/", "/console/account/login/"


@pytest.fixture
def identity(db, workspace, settings, monkeypatch):
    """The provider, which ``broadsheet.toml`` names."""
    monkeypatch.setenv("BROADSHEET_CONSOLE_OIDC_CLIENT_SECRET", SECRET)
    with provider() as found:
        with (workspace.root / "broadsheet.toml").open("a") as file:
            file.write(f'\n[console.oidc]\nissuer = "{found.issuer}"\nclient_id = "{CLIENT}"\nname = "Stillwater ID"\n')
        settings.WORKSPACE = Workspace(workspace.root)
        cache.clear()
        yield found


def set_up(settings, **more):
    """More settings of single sign-on."""
    path = settings.WORKSPACE.root / "broadsheet.toml"
    path.write_text(path.read_text() + "".join(f'{name} = "{value}"\n' for name, value in more.items()))
    settings.WORKSPACE = Workspace(settings.WORKSPACE.root)


def to_the_provider(client, **given):
    """What the provider is asked once the button was pressed."""
    response = client.post(BEGIN, given)
    assert response.status_code == 302, response.content
    return response.url


class Back(urllib.request.HTTPRedirectHandler):
    """Stays where a redirect stands."""

    def redirect_request(self, *_arguments):
        return None


def says_yes(address):
    """Where the provider sends the browser once its user has agreed."""
    try:
        urllib.request.build_opener(Back).open(f"{address}&yes=1")
    except urllib.error.HTTPError as error:
        return error.headers["Location"]
    raise AssertionError("the provider sent nobody back")


def signs_in(client, **given):
    """The whole way; the answer of the page one comes back to."""
    return client.get(way(says_yes(to_the_provider(client, **given))))


def is_in(client):
    return client.get("/console/").status_code == 200


def test_an_invited_member_gets_in_in_their_own_role(identity, hire):
    hire("publisher")
    client = Client()
    response = signs_in(client)
    assert (response.status_code, response.url) == (302, "/console/")
    assert is_in(client)
    assert Member.objects.get().role == Role.PUBLISHER
    assert client.get("/console/team").status_code == 403


def test_they_come_back_to_the_page_they_asked_for(identity, hire):
    hire("publisher")
    assert signs_in(Client(), next="/console/readers").url == "/console/readers"
    assert signs_in(Client(), next="https://elsewhere.example/").url == "/console/"


def test_somebody_invited_who_never_chose_a_password_gets_in(identity, hire):
    member = hire("publisher")
    member.user.set_unusable_password()
    member.user.save()
    assert signs_in(Client()).status_code == 302


def test_the_provider_is_asked_with_state_nonce_and_challenge(identity, hire):
    asked = {name: values[0] for name, values in parse_qs(urlsplit(to_the_provider(Client())).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert len(asked["nonce"]) >= 32
    assert len(asked["state"]) >= 16
    assert set(asked["scope"].split()) == {"openid", "profile", "email"}
    assert (asked["client_id"], asked["response_type"]) == (CLIENT, "code")
    assert asked["redirect_uri"] == "http://testserver/console/account/sso/oidc/callback/"
    second = parse_qs(urlsplit(to_the_provider(Client())).query)
    assert second["nonce"] != [asked["nonce"]]


def test_what_the_button_sends_cannot_change_what_is_asked(identity, hire):
    client = Client()
    response = client.post(f"{BEGIN}?auth_params=nonce%3Dknown%26prompt%3Dnone&scope=admin&process=connect")
    asked = parse_qs(urlsplit(response.url).query)
    assert asked["nonce"] != ["known"]
    assert "prompt" not in asked
    assert "admin" not in asked["scope"][0]


# Who does not get in


@pytest.mark.parametrize(
    ("email", "verified", "why"),
    [
        ("stranger@stillwater.test", True, "stranger@stillwater.test is not on the team"),
        ("publisher@stillwater.test", False, "does not vouch for your address"),
        ("publisher@stillwater.test", None, "does not vouch for your address"),
        ("publisher@stillwater.test", 1, "does not vouch for your address"),
        ("", True, "does not vouch for your address"),
    ],
)
def test_nobody_else_gets_in(identity, hire, email, verified, why):
    hire("publisher")
    identity.email, identity.verified = email, verified
    client = Client()
    response = signs_in(client)
    assert response.status_code == 403
    assert why in response.content.decode()
    assert not is_in(client)
    assert User.objects.count() == 1


def test_who_was_taken_off_the_team_does_not_get_in(identity, hire, as_role, settings):
    member = hire("publisher")
    as_role("admin").post("/console/team", {"member": member.pk, "role": "off"})
    assert signs_in(Client()).status_code == 403
    set_up(settings, domain="stillwater.test", role="editor")
    assert signs_in(Client()).status_code == 403
    assert set(Member.objects.values_list("role", flat=True)) == {"admin"}


def test_a_domain_lets_in_whoever_has_a_verified_address_there(identity, settings):
    set_up(settings, domain="stillwater.test", role="editor")
    client = Client()
    assert signs_in(client).status_code == 302
    assert is_in(client)
    member = Member.objects.get()
    assert (member.user.email, member.role) == (identity.email, Role.EDITOR)
    assert Audit.objects.get(what="team").after == "editor (single sign-on)"
    identity.email = "eve@notstillwater.test"
    assert signs_in(Client()).status_code == 403


def test_a_domain_never_changes_a_role(identity, hire, settings):
    set_up(settings, domain="stillwater.test", role="publisher")
    hire("viewer", identity.email)
    assert signs_in(Client()).status_code == 302
    assert Member.objects.get().role == Role.VIEWER


def test_whoever_has_a_second_factor_is_asked_for_it(identity, hire):
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    TOTP.activate(hire("publisher").user, generate_totp_secret())
    client = Client()
    assert signs_in(client).url.startswith("/console/account/second/code/")
    assert not is_in(client)


def test_it_signs_out_whoever_else_was_signed_in(identity, hire, as_role):
    hire("publisher")
    client = as_role("admin")
    assert signs_in(client).status_code == 302
    assert client.get("/console/team").status_code == 403


# Answers that lie


@pytest.mark.parametrize("signed", ["other", "none", "shared"])
def test_a_token_that_the_provider_did_not_sign_is_not_believed(identity, hire, signed):
    hire("publisher")
    identity.signed = signed
    client = Client()
    response = signs_in(client)
    assert response.status_code == 403
    assert "could not be believed" in response.content.decode()
    assert not is_in(client)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "another-client"},
        {"aud": [CLIENT, "another-client"]},
        {"aud": [CLIENT, "another-client"], "azp": "another-client"},
        {"azp": "another-client"},
        {"exp": 1_790_000_000},  # of September 2026
        {"exp": None},
        {"sub": None},
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"nonce": ""},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_sign_in_is_not_believed(identity, hire, claims):
    hire("publisher")
    identity.claims = claims
    client = Client()
    assert signs_in(client).status_code == 403
    assert not is_in(client)


def test_a_token_without_an_address_is_completed_from_the_provider(identity, hire):
    hire("publisher")
    identity.at_userinfo = ("email", "email_verified")
    assert signs_in(Client()).status_code == 302


def test_what_is_told_of_somebody_else_is_not_believed(identity, hire):
    hire("publisher")
    identity.at_userinfo, identity.userinfo = ("email", "email_verified"), {"sub": "8"}
    assert signs_in(Client()).status_code == 403


def test_a_way_back_that_another_browser_began_leads_nowhere(identity, hire):
    hire("publisher")
    back = way(says_yes(to_the_provider(Client())))
    other = Client()
    response = other.get(back)
    assert response.status_code == 403
    assert "begun in another browser" in response.content.decode()
    assert not is_in(other)


def test_a_way_back_is_walked_once(identity, hire):
    hire("publisher")
    client = Client()
    back = way(says_yes(to_the_provider(client)))
    assert client.get(back).status_code == 302
    client.post("/console/account/logout/")
    assert client.get(back).status_code == 403
    assert not is_in(client)


def test_a_code_without_its_verifier_is_worth_nothing(identity, hire, monkeypatch):
    hire("publisher")
    client = Client()
    back = way(says_yes(to_the_provider(client)))
    for asked in identity.codes.values():
        asked["code_challenge"] = "A" * 43
    assert client.get(back).status_code == 403


@pytest.mark.parametrize(
    ("error", "why"), [("access_denied", "it was called off"), ("server_error", "did not let you sign in")]
)
def test_a_no_of_the_provider_is_said(identity, hire, error, why):
    identity.error = error
    response = signs_in(Client())
    assert response.status_code == 403
    assert why in response.content.decode()


@pytest.mark.parametrize("down", ["/.well-known/openid-configuration", "/token", "/keys"])
def test_a_provider_that_is_away_is_said_and_passwords_still_work(identity, hire, sign_in, down):
    hire("publisher")
    identity.down = (down,)
    client = Client()
    response = client.post(BEGIN) if down.startswith("/.well") else signs_in(client)
    assert response.status_code == 403
    assert re.search(r"can&#x27;t be reached|could not be believed", response.content.decode())
    assert client.get(LOGIN).status_code == 200
    assert sign_in(client, "publisher@stillwater.test").status_code == 302


def test_a_provider_that_calls_itself_something_else_is_not_believed(identity, hire):
    identity.issuer, real = "https://elsewhere.example", identity.issuer
    assert Client().post(BEGIN).status_code == 403
    identity.issuer = real


# The page


def test_the_button_is_there_and_its_form_may_lead_to_the_provider_only(identity, client):
    response = client.get(f"{LOGIN}?next=/console/readers")
    page = response.content.decode()
    assert "Sign in with Stillwater ID" in page
    assert SECRET not in page
    policy = dict(each.strip().partition(" ")[::2] for each in response.headers["Content-Security-Policy"].split(";"))
    assert policy["form-action"] == f"'self' {identity.issuer}"
    assert policy["script-src"] == "'self'"


def test_without_settings_there_is_neither_button_nor_address(db, workspace, client):
    response = client.get(LOGIN)
    assert "Sign in with" not in response.content.decode()
    assert response.headers["Content-Security-Policy"].count("form-action 'self';") == 1
    assert client.post(BEGIN).status_code == 404
    assert client.get(f"{BEGIN}callback/?code=1&state=2").status_code == 404


def test_it_begins_with_the_button_only(identity, hire):
    assert Client().get(BEGIN).status_code == 405
    assert Client(enforce_csrf_checks=True).post(BEGIN).status_code == 403
    assert Client().post("/console/account/sso/github/").status_code == 404


def test_nothing_of_the_provider_is_kept(identity, hire):
    from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken

    hire("publisher")
    signs_in(Client())
    assert [model.objects.count() for model in (SocialAccount, SocialApp, SocialToken)] == [0, 0, 0]
