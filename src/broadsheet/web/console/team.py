"""The team: who works here and in which role; invitations, and who has lost a password or a second factor."""

from collections.abc import Callable
from typing import Any, Final

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render

from broadsheet import notices, staff
from broadsheet.errors import BroadsheetError
from broadsheet.models import Audit, Errand, Member, Role
from broadsheet.web.console.access import audit, who


class Invitation(forms.Form):
    """Whom to invite, and as what."""

    email = forms.EmailField(max_length=150)  # as long as an account's name may be
    role = forms.ChoiceField(choices=Role.choices)

    def clean_email(self) -> str:
        """The address, if nobody on the team has it."""
        email: str = self.cleaned_data["email"].strip().lower()
        if Member.objects.filter(user__username=email).exists():
            raise forms.ValidationError("They are on the team already; see above.")
        return email


def team(request: HttpRequest) -> HttpResponseBase:
    """Everybody who works here; a POST invites, or does something about somebody."""
    if request.method != "POST":
        return _page(request, Invitation())
    return _about(request) if "member" in request.POST else _invite(request)


def _page(request: HttpRequest, form: Invitation, link: tuple[str, str] = ("", "")) -> HttpResponse:
    members = list(Member.objects.select_related("user").order_by("user__email"))
    users = [each.user_id for each in members]
    waiting = notices.invitations_of(users)
    second = set(Authenticator.objects.filter(user__in=users).values_list("user_id", flat=True))
    context = {
        "here": "team",
        "rows": [
            {
                "member": each,
                "is_you": each.user == request.user,
                "is_invited": staff.is_invited(each.user),
                "mail": _stands(waiting.get(each.user_id)),
                "has_second": each.user_id in second,
            }
            for each in members
        ],
        "roles": Role,
        "form": form,
        "link": link,
        "by_mail": staff.can_mail(),
        "audit": Audit.objects.all()[:50],
    }
    return render(request, "console/team.html", context)


def _stands(errand: Errand | None) -> str:
    """Where the mail of an invitation stands, if it has not left."""
    if errand is None:
        return ""
    if errand.due_at is None:
        return f"the mail was given up: {errand.reason}"
    return f"the mail is tried again: {errand.reason}" if errand.reason else "the mail is on its way"


def _invite(request: HttpRequest) -> HttpResponseBase:
    form = Invitation(request.POST)
    if not form.is_valid():
        return _page(request, form)
    member = staff.add(form.cleaned_data["email"], Role(form.cleaned_data["role"]), by=who(request))
    audit(request, "team", member.user.email, "", member.role)
    if staff.can_mail() and staff.is_invited(member.user):
        staff.invite(member.user)
        messages.success(request, f"{member.user.email} is invited by mail, for three days.")
        return redirect("console-team")
    return _page(request, Invitation(), (member.user.email, staff.welcome_url(member.user)))


def _resend(request: HttpRequest, user: User) -> str:
    staff.invite(user)
    audit(request, "team", user.email, "invited", "invited again")
    return f"{user.email} is invited again; the link in an earlier mail works no more."


def _withdraw(request: HttpRequest, user: User) -> str:
    email = user.email
    staff.withdraw(user)
    audit(request, "team", email, "invited", "invitation withdrawn")
    return f"The invitation of {email} is withdrawn; its link leads nowhere."


def _reset_factor(request: HttpRequest, user: User) -> str:
    staff.reset_factor(user, by=who(request))
    return f"{user.email} gets in with the password alone now, until they turn a second factor on again."


#: What an admin may do about somebody; each says what came of it.
_DOES: Final[dict[str, Callable[[HttpRequest, User], str]]] = {
    "resend": _resend,
    "withdraw": _withdraw,
    "reset-factor": _reset_factor,
}


def _about(request: HttpRequest) -> HttpResponseBase:
    if not request.POST["member"].isdecimal():
        raise Http404
    member = get_object_or_404(Member.objects.select_related("user"), pk=request.POST["member"])
    does = request.POST.get("do", "role")
    if member.user == request.user:
        messages.error(request, "Nobody changes their own role or account here; ask another admin.")
    elif does == "link":
        audit(request, "team", member.user.email, "", "a link for a new password")
        return _page(request, Invitation(), (member.user.email, staff.welcome_url(member.user)))
    elif does == "role":
        _change_role(request, member)
    elif does in _DOES:
        try:
            messages.success(request, _DOES[does](request, member.user))
        except BroadsheetError as error:
            messages.error(request, str(error))
    return redirect("console-team")


def _change_role(request: HttpRequest, member: Member) -> None:
    before, to = member.role, request.POST.get("role", "")
    changed: dict[str, Any] = {}
    if to == "off":
        member.delete()
        notices.withdraw(member.user)
        User.objects.filter(pk=member.user_id).update(is_active=False)
        changed = {"after": "taken off", "said": f"{member.user.email} can't sign in any more."}
    elif to in Role.values:
        Member.objects.filter(pk=member.pk).update(role=to)
        changed = {"after": to, "said": f"{member.user.email} is {Role(to).label.lower()} now."}
    if changed:
        audit(request, "team", member.user.email, before, changed["after"])
        messages.success(request, changed["said"])
