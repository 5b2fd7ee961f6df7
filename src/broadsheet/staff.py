"""Accounts of the people who work in the console: made by invitation, with a role."""

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from broadsheet import notices
from broadsheet.errors import BroadsheetError, UnknownName
from broadsheet.models import Audit, Member, Role


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
    return notices.welcome_url(settings.WORKSPACE, user, site)


def is_invited(user: User) -> bool:
    """Whether they have never been in."""
    return user.last_login is None and not user.has_usable_password()


def can_mail() -> bool:
    """Whether invitations go out by mail: an adapter is set up for what one person is written."""
    config = settings.WORKSPACE.config
    return config.public.adapter in config.adapters


def invite(user: User) -> None:
    """Write them their link; every earlier one is void. Raises BroadsheetError if they have been in already."""
    if not is_invited(user):
        raise BroadsheetError(f"{user.email} has been in already; make them a link for a new password instead.")
    user.set_unusable_password()  # another word each time, which the links are made of
    user.save(update_fields=["password"])
    notices.invite(user)


def withdraw(user: User) -> None:
    """Take an invitation back: the account goes, its link and a mail that waits with it.

    Raises BroadsheetError if they have been in already.
    """
    if not is_invited(user):
        raise BroadsheetError(f"{user.email} has been in already; take them off the team instead.")
    with transaction.atomic():
        notices.withdraw(user)
        user.delete()


def account(email: str) -> User:
    """The account of that address. Raises UnknownName."""
    user = User.objects.filter(username=email.strip().lower(), member__isnull=False).first()
    if user is None:
        known = list(Member.objects.order_by("user__email").values_list("user__email", flat=True))
        raise UnknownName("member of staff", email, known)
    return user


def reset_factor(user: User, *, by: str) -> None:
    """Turn off a second factor whose owner has lost it; the password alone lets them in until they turn it on again.

    Raises BroadsheetError if there is none.
    """
    with transaction.atomic():
        if not Authenticator.objects.filter(user=user).delete()[0]:
            raise BroadsheetError(f"{user.email} has no second factor.")
        Audit.objects.create(
            who=by[:200], what="second-factor", target=user.email[:300], before="on", after="off, as it was lost"
        )
