"""Accounts of the people who work in the console: made by invitation, with a role."""

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.urls import reverse
from django.utils.http import urlsafe_base64_encode

from broadsheet.models import Member, Role


def add(email: str, role: Role, *, by: str) -> Member:
    """A member of staff, with an account that has no password yet; one who was there gets the role."""
    email = email.strip().lower()
    with transaction.atomic():
        user, made = User.objects.get_or_create(username=email, defaults={"email": email})
        if made:
            user.set_unusable_password()
        user.is_active = True
        user.save()
        member, _ = Member.objects.update_or_create(user=user, defaults={"role": role, "invited_by": by})
    return member


def welcome_url(user: User, site: str = "") -> str:
    """The address where this account gets its password; it works until it has one, for three days at most.

    ``site`` is where the console is reached, if not at ``public.url``.
    """
    word = urlsafe_base64_encode(str(user.pk).encode())
    way = reverse("console-welcome", args=[word, default_token_generator.make_token(user)])
    return f"{site or settings.WORKSPACE.config.public.url}{way}"
