"""Single sign-on by OpenID Connect: allauth walks the way there and back, this says who is let in.

::

    the button    a POST               -> to the provider, with a state, a nonce and a PKCE challenge
    the provider  comes back           -> a code, and for it an ID token
    here          the token's checked  -> signature, issuer, audience, time, nonce; a verified address of a member

Nothing of the provider is kept: who may come in is asked of the team each time, and the provider gives nobody a role.
"""

import logging
import secrets
from contextlib import suppress
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

import jwt
from allauth.account import views as account
from allauth.account.adapter import get_adapter as account_adapter
from allauth.account.utils import perform_login
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal.flows.login import record_authentication
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthError
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from requests import RequestException

from broadsheet import staff
from broadsheet.conf import Oidc
from broadsheet.models import Audit, Member, Role
from broadsheet.web.configured import configured
from broadsheet.web.headers import PAGE_POLICY

log = logging.getLogger(__name__)

#: The provider's name in addresses: ``/console/account/sso/oidc/``.
NAME: Final = "oidc"
#: Signatures that only the provider can make; nothing that is checked with a key we both know, and no ``none``.
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
#: Seconds by which clocks may differ, and for which the provider's own description is kept.
LEEWAY, KEPT = 60, 3600


def chosen() -> Oidc | None:
    """The settings of single sign-on; None while it is off."""
    found = configured().console.oidc
    return found if found.issuer else None


class SingleSignOn(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """What allauth asks of us on the way."""

    def list_apps(self, request: HttpRequest, provider: str | None = None, client_id: str | None = None) -> list[Any]:
        """The one provider of ``broadsheet.toml``, if there is one; none is kept in the database."""
        oidc = chosen()
        if oidc is None or provider not in (None, NAME, "openid_connect"):
            return []
        return [
            SocialApp(
                provider="openid_connect",
                provider_id=NAME,
                name=oidc.name,
                client_id=oidc.client_id,
                secret=oidc.client_secret.get_secret_value() if oidc.client_secret else "",
                settings={"server_url": oidc.issuer, "oauth_pkce_enabled": True},
            )
        ]

    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> "Provider":
        """Ours, which sends a nonce along."""
        return Provider(request, app=self.get_app(request, provider=provider, client_id=client_id))

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """No: accounts are made by invitation, or by ``console.oidc.domain`` in :func:`_member`."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Lets a member in, or says why not; either way allauth has nothing more to decide."""
        claims = sociallogin.account.extra_data["id_token"]
        sent = sociallogin.state.get("nonce") or ""
        if not secrets.compare_digest(str(claims.get("nonce") or "").encode(), sent.encode()) or not sent:
            _refuse(request, "The answer does not belong to your question. Try again.")
        member = _member(request, claims)
        if request.user.is_authenticated and request.user != member.user:
            account_adapter(request).logout(request)
        sociallogin.user = member.user
        record_authentication(request, sociallogin)
        target = sociallogin.get_redirect_url(request) or reverse("console-today")
        raise ImmediateHttpResponse(perform_login(request, member.user, redirect_url=target))

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: Any = None,
    ) -> None:
        """Says what went wrong, without what the provider wrote: that may hold anything."""
        why = "Your sign-in took too long, or was begun in another browser. Try again."
        if exception is not None:
            why = _why(exception)
            log.warning("A single sign-on failed: %s", exception)
        elif error == AuthError.CANCELLED:
            why = "You were not signed in: the provider says that it was called off."
        elif request.GET.get("error"):
            why = "The provider did not let you sign in. Try again, or ask who looks after your accounts there."
        _refuse(request, why)


class Provider(OpenIDConnectProvider):  # type: ignore[misc]
    """The provider of ``broadsheet.toml``."""

    @property
    def oauth2_adapter_class(self) -> type["Adapter"]:
        """The way to it."""
        return Adapter

    def redirect(
        self, request: HttpRequest, process: str, next_url: str | None = None, data: Any = None, **kwargs: Any
    ) -> HttpResponseBase:
        """To the provider, with a word of our own that the ID token must bring back (OpenID Connect Core, 3.1.2.1)."""
        nonce = secrets.token_urlsafe(24)
        kwargs |= {"nonce": nonce, "auth_params": {"nonce": nonce}, "scope": self.get_default_scope()}
        found: HttpResponseBase = super().redirect(request, "login", next_url, data, **kwargs)
        return found


class Adapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """The way to the provider and back."""

    @property
    def openid_config(self) -> dict[str, Any]:
        """What the provider says of itself."""
        oidc = chosen()
        assert oidc is not None
        assert oidc.issuer is not None
        return discovered(oidc.issuer)

    def complete_login(self, request: HttpRequest, app: SocialApp, token: Any, **kwargs: Any) -> SocialLogin:
        """Who the ID token says it is, once it is checked; what it lacks is asked for."""
        claims = self._claims(app, kwargs["response"].get("id_token") or "")
        if "email" not in claims and "userinfo_endpoint" in self.openid_config:
            told = self._fetch_user_info(token.token)
            if told.get("sub") != claims["sub"]:  # Core, 5.3.2
                raise OAuth2Error("what the provider tells is of somebody else")
            claims |= {name: told[name] for name in ("email", "email_verified") if name in told}
        return self.get_provider().sociallogin_from_response(request, {"id_token": claims})

    def _claims(self, app: SocialApp, token: str) -> dict[str, Any]:
        """What the token says (Core, 3.1.3.7). Raises OAuth2Error for one that is not to be believed."""
        config = self.openid_config
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise OAuth2Error("the ID token is not signed by the provider's own key")
            claims: dict[str, Any] = jwt.decode(
                token,
                _key(self._keys(), header),
                algorithms=[header["alg"]],
                audience=app.client_id,
                issuer=config["issuer"],
                leeway=LEEWAY,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except jwt.PyJWTError as error:
            raise OAuth2Error("the ID token can't be believed") from error
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", app.client_id if not several else "") != app.client_id:
            raise OAuth2Error("the ID token is for somebody else")
        return claims

    def _keys(self) -> dict[str, Any]:
        return _fetched(self.openid_config["jwks_uri"])


def _key(keys: dict[str, Any], header: dict[str, Any]) -> Any:
    """The key that the token's header names; the only one there is if it names none."""
    listed = [each for each in keys.get("keys", ()) if each.get("use", "sig") == "sig"]
    named = [each for each in listed if each.get("kid") == header.get("kid")] if header.get("kid") else listed
    if len(named) != 1:
        raise OAuth2Error("the ID token's key is none of the provider's")
    return jwt.PyJWK(named[0], algorithm=header["alg"]).key


def discovered(issuer: str) -> dict[str, Any]:
    """The provider's description of itself, kept for an hour. Raises OAuth2Error, RequestException."""
    found: dict[str, Any] | None = cache.get(f"oidc:{issuer}")
    if found is None:
        found = _fetched(f"{issuer}/.well-known/openid-configuration")
        if str(found.get("issuer", "")).rstrip("/") != issuer:  # OpenID Connect Discovery, 4.3
            raise OAuth2Error(f"the provider calls itself {str(found.get('issuer'))[:200]}")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if urlsplit(str(found.get(name, ""))).scheme not in ("https", urlsplit(issuer).scheme):
                raise OAuth2Error(f"the provider's {name} is no address")
        cache.set(f"oidc:{issuer}", found, KEPT)
    return found


def _fetched(address: str) -> dict[str, Any]:
    with SingleSignOn().get_requests_session() as session:
        answer = session.get(address, allow_redirects=False)
        answer.raise_for_status()
        found = answer.json()
    if not isinstance(found, dict):
        raise OAuth2Error("the provider's answer is no description")
    return found


def _member(request: HttpRequest, claims: dict[str, Any]) -> Member:
    """The member of the team with the verified address of the token; ends with the page that says why there is none."""
    email = str(claims.get("email") or "").strip().lower()
    verified = claims.get("email_verified")
    if not email or not (verified is True or verified == "true"):
        _refuse(request, "The provider does not vouch for your address, so nobody can tell who you are here.")
    user = User.objects.filter(username=email).first()
    member = Member.objects.select_related("user").filter(user=user, user__is_active=True).first() if user else None
    if member is not None:
        return member
    oidc = chosen()
    assert oidc is not None
    if user is not None or oidc.domain is None or email.rpartition("@")[2] != oidc.domain.lower():
        _refuse(request, f"{email} is not on the team. An admin can invite this address.")
    role = Role(oidc.role)
    Audit.objects.create(who=email[:200], what="team", target=email[:300], after=f"{role} (single sign-on)")
    return staff.add(email, role, by="single sign-on")


def _why(error: Exception) -> str:
    if isinstance(error, RequestException):
        return "The provider can't be reached at the moment. Try again, or use your password."
    return "The provider's answer could not be believed. Try again; if it stays so, tell an admin."


def _said(request: HttpRequest, why: str) -> HttpResponse:
    return render(request, "account/sso_refused.html", {"why": why}, status=403)


def _refuse(request: HttpRequest, why: str) -> NoReturn:
    raise ImmediateHttpResponse(_said(request, why))


def sign_in(request: HttpRequest) -> HttpResponseBase:
    """Allauth's page, with the button; its policy lets the form lead to the provider, which is one redirect away."""
    response: HttpResponseBase = account.login(request)
    oidc = chosen()
    if oidc is not None and oidc.issuer is not None and isinstance(response, TemplateResponse):
        response.context_data = {**(response.context_data or {}), "sso": oidc}
        policy = PAGE_POLICY.replace("form-action 'self'", f"form-action 'self' {_places(oidc.issuer)}")
        response.headers["Content-Security-Policy"] = policy
    return response


def _places(issuer: str) -> str:
    """The origins that a sign-in may be redirected to."""
    places = [issuer]
    with suppress(
        OAuth2Error, RequestException
    ):  # the button says so once it is pressed; the other form is to be there
        places.append(discovered(issuer)["authorization_endpoint"])
    parts = [urlsplit(place) for place in places]
    return " ".join(dict.fromkeys(f"{each.scheme}://{each.netloc}" for each in parts))


@require_POST
def begin(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Off to the provider."""
    _known(provider_id)
    try:
        found: HttpResponseBase = OAuth2LoginView.adapter_view(Adapter(request, provider_id))(request)
    except (OAuth2Error, RequestException) as error:
        return _said(request, _why(error))
    return found


@require_GET
def come_back(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Back from the provider."""
    _known(provider_id)
    found: HttpResponseBase = OAuth2CallbackView.adapter_view(Adapter(request, provider_id))(request)
    return found


def _known(provider_id: str) -> None:
    if provider_id != NAME or chosen() is None:
        raise Http404
