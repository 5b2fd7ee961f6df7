"""What allauth asks of us: nobody signs up by themselves; single sign-on lets in only who was invited."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.shortcuts import render


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by invitation."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """No."""
        return False


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Single sign-on for people who were invited under the address that the provider vouches for."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """No."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Tie the provider's account to the invited one of the same, verified address."""
        if sociallogin.is_existing:
            return
        verified = {each.email.lower() for each in sociallogin.email_addresses if each.verified}
        user = User.objects.filter(username__in=verified, is_active=True).first()
        if user is None:
            raise ImmediateHttpResponse(render(request, "console/refused.html", {"uninvited": True}, status=403))
        sociallogin.connect(request, user)
