"""Accounts: the link where one gets its password, and what people change about their own."""

from typing import Any, cast

from allauth.account.signals import password_changed
from allauth.account.utils import perform_login
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.dispatch import Signal, receiver
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.encoding import force_str
from django.utils.http import urlsafe_base64_decode
from django.views.decorators.http import require_http_methods

from broadsheet.models import Audit


@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest, uid: str, token: str) -> HttpResponseBase:
    """Choose a password, and be signed in; whoever has a second factor is asked for it, too."""
    try:
        user = get_user_model().objects.get(pk=int(force_str(urlsafe_base64_decode(uid))))
    except (ValueError, OverflowError, get_user_model().DoesNotExist):
        raise Http404 from None
    if not user.is_active or not default_token_generator.check_token(user, token):
        raise Http404
    form = SetPasswordForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        Audit.objects.create(who=user.email[:200], what="password", target=user.email[:300], after="chosen by the link")
        return cast("HttpResponse", perform_login(request, user, redirect_url=reverse("console-today")))
    return render(request, "console/welcome.html", {"form": form, "email": user.email})


#: What people change about their own account, for the audit.
_CHANGES: dict[Signal, tuple[str, str]] = {
    password_changed: ("password", "changed"),
    authenticator_added: ("second-factor", "on"),
    authenticator_removed: ("second-factor", "off"),
    authenticator_reset: ("second-factor", "new recovery codes"),
}


@receiver(list(_CHANGES))
def _note(signal: Signal, request: HttpRequest, user: User, **more: Any) -> None:
    what, after = _CHANGES[signal]
    after += f" ({more['authenticator'].get_type_display()})" if "authenticator" in more else ""
    Audit.objects.create(who=user.email[:200], what=what, target=user.email[:300], after=after)
