"""The team: who works here and in which role, invitations, and the first account."""

from typing import Any, cast

from allauth.account.signals import password_changed
from allauth.account.utils import perform_login
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.dispatch import Signal, receiver
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.encoding import force_str
from django.utils.http import urlsafe_base64_decode
from django.views.decorators.http import require_http_methods

from broadsheet import staff
from broadsheet.models import Audit, Member, Role
from broadsheet.web.console.access import audit, who


class Invitation(forms.Form):
    """Whom to invite, and as what."""

    email = forms.EmailField(max_length=200)
    role = forms.ChoiceField(choices=Role.choices)


def team(request: HttpRequest) -> HttpResponseBase:
    """Everybody who works here; a POST invites, changes a role, or takes somebody off."""
    if request.method == "POST":
        return _change(request)
    return _page(request, Invitation())


def _page(request: HttpRequest, form: Invitation, link: str = "") -> HttpResponse:
    context = {
        "here": "team",
        "members": Member.objects.select_related("user").order_by("user__email"),
        "roles": Role,
        "form": form,
        "link": link,
        "audit": Audit.objects.all()[:50],
    }
    return render(request, "console/team.html", context)


def _change(request: HttpRequest) -> HttpResponseBase:
    if "member" not in request.POST:
        form = Invitation(request.POST)
        if not form.is_valid():
            return _page(request, form)
        member = staff.add(form.cleaned_data["email"], Role(form.cleaned_data["role"]), by=who(request))
        audit(request, "team", member.user.email, "", member.role)
        return _page(request, Invitation(), staff.welcome_url(member.user))
    if not request.POST["member"].isdecimal():
        raise Http404
    member = get_object_or_404(Member.objects.select_related("user"), pk=request.POST["member"])
    before, to = member.role, request.POST.get("role", "")
    if member.user == request.user:
        messages.error(request, "Nobody changes their own role; ask another admin.")
    elif to == "off":
        member.delete()
        User.objects.filter(pk=member.user_id).update(is_active=False)
        audit(request, "team", member.user.email, before, "taken off")
        messages.success(request, f"{member.user.email} can't sign in any more.")
    elif to in Role.values:
        Member.objects.filter(pk=member.pk).update(role=to)
        audit(request, "team", member.user.email, before, to)
        messages.success(request, f"{member.user.email} is {Role(to).label.lower()} now.")
    return redirect("console-team")


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
