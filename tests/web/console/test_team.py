"""Invitations by mail, sent again, withdrawn; lost second factors; what the Team page says of each."""

import re
import shutil
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from broadsheet import notices, sending, staff
from broadsheet.errors import AdapterFailed
from broadsheet.models import Audit, Errand, Member, Role
from broadsheet.sending.adapters.memory import MemoryOutbox
from broadsheet.workspace import Workspace

TEMPLATES = Path(__file__).parents[3] / "templates"
TEAM, NEW = "/console/team", "another horse 2"


@pytest.fixture(autouse=True)
def _nobody_has_tried_yet(db):
    cache.clear()


@pytest.fixture
def outbox(workspace, settings, monkeypatch):
    """An adapter that is set up: a folder in the file, a memory behind it."""
    for name in ("shared", "notice"):
        shutil.copytree(TEMPLATES / name, workspace.root / "templates" / name)
    with (workspace.root / "broadsheet.toml").open("a") as file:
        file.write('\n[adapters.default]\nkind = "folder"\n')
    settings.WORKSPACE = Workspace(workspace.root)
    outbox = MemoryOutbox()
    monkeypatch.setattr(sending, "make_adapter", lambda *_: outbox)
    return outbox


@pytest.fixture
def mailed(outbox, settings):
    """Carries the notices out; the mails that left since last time."""

    def mailed():
        before = len(outbox.mails)
        notices.carry_out(settings.WORKSPACE)
        return [message_from_bytes(mail.content, policy=policy.default) for mail in outbox.mails[before:]]

    return mailed


def link_in(mail):
    text = mail.get_body(("plain",)).get_content()
    (path,) = set(re.findall(r"https?://[^/\s]+(/console/welcome/\S+)", text))
    return path


def invite(admin, email="new@stillwater.test", role="editor"):
    return admin.post(TEAM, {"email": email, "role": role}, follow=True).content.decode()


def test_an_invitation_goes_by_mail_with_a_link_that_works_once(as_role, mailed):
    admin = as_role("admin")
    page = invite(admin)
    assert "new@stillwater.test is invited by mail" in page
    assert "/console/welcome/" not in page
    (mail,) = mailed()
    assert (mail["To"], mail["Subject"]) == ("new@stillwater.test", "You are invited to the team of Stillwater")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "List-Unsubscribe" not in mail
    way, somebody = link_in(mail), Client()
    assert somebody.get(way).status_code == 200
    somebody.post(way, {"new_password1": NEW, "new_password2": NEW})
    assert somebody.get("/console/").status_code == 200
    assert Client().get(way).status_code == 404
    assert mailed() == []
    assert Member.objects.get(user__email="new@stillwater.test").role == Role.EDITOR


def test_the_link_is_kept_nowhere_while_the_mail_waits(as_role, mailed):
    invite(as_role("admin"))
    assert "welcome" not in str(list(Errand.objects.values()))


def test_a_link_is_for_three_days(as_role, mailed, settings):
    invite(as_role("admin"))
    way = link_in(mailed()[0])
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert Client().get(way).status_code == 404


def test_sent_again_the_link_is_another_and_the_first_is_void(as_role, mailed):
    admin = as_role("admin")
    invite(admin)
    first = link_in(mailed()[0])
    member = Member.objects.get(user__email="new@stillwater.test")
    assert "invited again" in admin.post(TEAM, {"member": member.pk, "do": "resend"}, follow=True).content.decode()
    second = link_in(mailed()[0])
    assert first != second
    assert (Client().get(first).status_code, Client().get(second).status_code) == (404, 200)
    assert Audit.objects.first().after == "invited again"


def test_asked_for_twice_before_it_left_one_mail_leaves(as_role, mailed):
    admin = as_role("admin")
    invite(admin)
    member = Member.objects.get(user__email="new@stillwater.test")
    admin.post(TEAM, {"member": member.pk, "do": "resend"})
    assert len(mailed()) == 1


@pytest.mark.parametrize("when", ["before it left", "after it left"])
def test_withdrawn_nobody_gets_in(as_role, mailed, when):
    admin = as_role("admin")
    invite(admin)
    way = link_in(mailed()[0]) if when == "after it left" else None
    member = Member.objects.get(user__email="new@stillwater.test")
    page = admin.post(TEAM, {"member": member.pk, "do": "withdraw"}, follow=True).content.decode()
    assert "withdrawn" in page
    assert mailed() == []
    assert way is None or Client().get(way).status_code == 404
    assert not User.objects.filter(email="new@stillwater.test").exists()
    assert Audit.objects.first().after == "invitation withdrawn"


@pytest.mark.parametrize("do", ["withdraw", "resend"])
def test_who_has_been_in_is_neither_withdrawn_nor_invited_again(as_role, hire, mailed, do):
    member = hire("editor")
    page = as_role("admin").post(TEAM, {"member": member.pk, "do": do}, follow=True).content.decode()
    assert "has been in already" in page
    assert Member.objects.filter(pk=member.pk).exists()
    assert mailed() == []


def test_taken_off_before_the_mail_left_it_never_does(as_role, mailed):
    admin = as_role("admin")
    invite(admin)
    member = Member.objects.get(user__email="new@stillwater.test")
    admin.post(TEAM, {"member": member.pk, "role": "off"})
    assert mailed() == []
    assert not Errand.objects.exists()


def test_a_mail_that_can_not_leave_is_said_and_tried_again(as_role, outbox, mailed, settings, monkeypatch):
    admin = as_role("admin")
    invite(admin)

    def fails():
        raise AdapterFailed("The mail server can't be reached.", permanent=False)

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "open", fails)
        assert mailed() == []
    page = admin.get(TEAM).content.decode()
    assert "the mail is tried again: The mail server can&#x27;t be reached." in page
    Errand.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert len(mailed()) == 1
    assert "tried again" not in admin.get(TEAM).content.decode()


def test_without_an_adapter_the_link_is_there_to_hand_over(as_role, workspace):
    page = invite(as_role("admin"))
    assert "/console/welcome/" in page
    assert "you hand the link over yourself" in page
    assert "Mail again" not in page
    assert not Errand.objects.exists()


def test_a_link_can_be_shown_for_whoever_has_forgotten_their_password(as_role, hire, mailed):
    member = hire("editor")
    page = as_role("admin").post(TEAM, {"member": member.pk, "do": "link"}).content.decode()
    way = re.search(r"https?://[^/\s]+(/console/welcome/[^<\s]+)", page)[1]
    somebody = Client()
    somebody.post(way, {"new_password1": NEW, "new_password2": NEW})
    assert somebody.get("/console/").status_code == 200
    assert mailed() == []


@pytest.mark.parametrize("email", ["editor@stillwater.test", "Editor@Stillwater.TEST"])
def test_who_is_on_the_team_is_not_invited(as_role, hire, mailed, email):
    hire("editor")
    page = invite(as_role("admin"), email, "admin")
    assert "on the team already" in page
    assert Member.objects.get(user__email="editor@stillwater.test").role == Role.EDITOR
    assert mailed() == []


def test_an_address_that_looks_like_a_template_is_only_an_address(as_role, mailed):
    invite(as_role("admin"), "{{7*7}}@stillwater.test")
    (mail,) = mailed()
    assert "{{7*7}}@stillwater.test" in mail["To"]
    assert "49" not in mail.get_body(("plain",)).get_content().partition("welcome")[0]


@pytest.mark.parametrize("do", ["resend", "withdraw", "link", "reset-factor", "role"])
def test_only_admins_do_any_of_it_and_nobody_about_themselves(as_role, hire, mailed, do):
    member = hire("viewer")
    for role in ("editor", "publisher"):
        assert as_role(role).post(TEAM, {"member": member.pk, "do": do, "role": "admin"}).status_code == 403
    admin = as_role("admin")
    mine = Member.objects.get(role="admin")
    page = admin.post(TEAM, {"member": mine.pk, "do": do, "role": "viewer"}, follow=True).content.decode()
    assert "Nobody changes their own" in page
    assert not Audit.objects.exists()


# A lost second factor


def test_a_lost_second_factor_is_turned_off_by_an_admin_and_written_down(as_role, hire, sign_in):
    member = hire("publisher")
    TOTP.activate(member.user, generate_totp_secret())
    asked = sign_in(Client(), member.user.email)
    assert asked.url.startswith("/console/account/second/code/")
    admin = as_role("admin")
    assert "Lost second factor" in admin.get(TEAM).content.decode()
    admin.post(TEAM, {"member": member.pk, "do": "reset-factor"})
    client = Client()
    sign_in(client, member.user.email)
    assert client.get("/console/").status_code == 200
    row = Audit.objects.get(what="second-factor")
    assert (row.who, row.target, row.before) == ("admin@stillwater.test", "publisher@stillwater.test", "on")
    assert "Lost second factor" not in admin.get(TEAM).content.decode()


def test_there_is_none_to_lose(as_role, hire):
    member = hire("publisher")
    page = as_role("admin").post(TEAM, {"member": member.pk, "do": "reset-factor"}, follow=True).content.decode()
    assert "has no second factor" in page
    assert not Audit.objects.exists()


def test_what_nobody_can_do_changes_nothing(as_role, hire):
    member = hire("publisher")
    assert as_role("admin").post(TEAM, {"member": member.pk, "do": "explode"}).status_code == 302
    assert staff.account(member.user.email) == member.user
    assert not Audit.objects.exists()
