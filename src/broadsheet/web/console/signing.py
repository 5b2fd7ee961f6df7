"""Signing in: the addresses of allauth that are served here. What it has besides (signing up, changing one's address,
a password by mail) is not.
"""

from typing import Any

from allauth.account import views as account
from allauth.mfa.base import views as factor
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path

from broadsheet.web.console import oidc
from broadsheet.web.console.access import View, in_english


def nothing(_request: HttpRequest, **_words: Any) -> HttpResponse:
    """No page: the name alone is needed, as allauth's forms ask for the address behind it."""
    raise Http404


#: whatever one proves oneself by
AGAIN = "console/again.html"

#: path under ``/console/account/``, view, allauth's name for it
SIGNING: tuple[tuple[str, View, str], ...] = (
    ("login/", oidc.sign_in, "account_login"),
    ("sso/<str:provider_id>/", oidc.begin, "openid_connect_login"),
    ("sso/<str:provider_id>/callback/", oidc.come_back, "openid_connect_callback"),
    ("logout/", account.logout, "account_logout"),
    ("inactive/", account.account_inactive, "account_inactive"),
    ("reauthenticate/", account.ReauthenticateView.as_view(template_name=AGAIN), "account_reauthenticate"),
    ("password/", account.password_change, "account_change_password"),
    ("second/", factor.index, "mfa_index"),
    ("second/code/", factor.authenticate, "mfa_authenticate"),
    ("second/again/", factor.ReauthenticateView.as_view(template_name=AGAIN), "mfa_reauthenticate"),
    ("second/on/", totp.activate_totp, "mfa_activate_totp"),
    ("second/off/", totp.deactivate_totp, "mfa_deactivate_totp"),
    ("second/recovery/", codes.view_recovery_codes, "mfa_view_recovery_codes"),
    ("second/recovery/new/", codes.generate_recovery_codes, "mfa_generate_recovery_codes"),
    ("second/recovery/file/", codes.download_recovery_codes, "mfa_download_recovery_codes"),
    ("signup/", nothing, "account_signup"),
    ("email/", nothing, "account_email"),
    ("password/set/", nothing, "account_set_password"),
)

urlpatterns = [path(way, in_english(view), name=name) for way, view, name in SIGNING]
