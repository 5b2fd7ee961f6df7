"""``broadsheet staff``, and the link that the server prints while nobody can sign in."""

import json
import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from tests.cli.conftest import Ran

from broadsheet.cli import main
from broadsheet.cli.serve import greet
from broadsheet.models import Audit, Member


@pytest.fixture
def typed(workspace, db, monkeypatch, capsys):
    """Types a command, in the small workspace."""
    monkeypatch.chdir(workspace.root)
    monkeypatch.setenv("BROADSHEET_WORKSPACE", str(workspace.root))
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "broadsheet.settings")

    def ran(*arguments):
        monkeypatch.setattr("sys.argv", ["broadsheet", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Ran(ended.value.code or 0, *capsys.readouterr())

    return ran


def test_staff_are_added_with_a_link_and_listed(typed, client):
    added = typed("staff", "add", "Pia@Stillwater.test", "--role", "publisher")
    assert added.code == 0
    way = re.fullmatch(r"https://news\.stillwater\.example(/console/welcome/\S+)\n", added.out)[1]
    assert client.get(way).status_code == 200
    assert json.loads(typed("staff", "list", "--json").out) == [{"email": "pia@stillwater.test", "role": "publisher"}]
    assert "pia@stillwater.test" in typed("staff", "list").out


def test_staff_who_are_there_get_the_new_role_and_no_second_account(typed):
    for role in ("viewer", "admin"):
        typed("staff", "add", "pia@stillwater.test", "--role", role)
    assert [member.role for member in Member.objects.all()] == ["admin"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            ["pia@stillwater.test", "--role", "king"],
            "“king” is not a role; there is: viewer, editor, publisher, admin.",
        ),
        (["pia"], "“pia” is not an email address."),
    ],
)
def test_wrong_use_says_what_is_wrong(typed, given, said):
    done = typed("staff", "add", *given)
    assert (done.code, said in done.err) == (2, True)
    assert not Member.objects.exists()


def test_a_lost_second_factor_is_turned_off_and_written_down(typed):
    typed("staff", "add", "pia@stillwater.test")
    user = Member.objects.get().user
    TOTP.activate(user, generate_totp_secret())
    done = typed("staff", "reset-factor", "Pia@Stillwater.test")
    assert done.code == 0
    assert "gets in with the password alone now" in done.out
    assert not Authenticator.objects.exists()
    row = Audit.objects.get()
    assert (row.what, row.target, row.before) == ("second-factor", "pia@stillwater.test", "on")
    assert row.who.endswith("(command)") or row.who == "command"
    again = typed("staff", "reset-factor", "pia@stillwater.test")
    assert (again.code, again.err.strip()) == (1, "pia@stillwater.test has no second factor.")
    unknown = typed("staff", "reset-factor", "pai@stillwater.test")
    assert (unknown.code, "pia@stillwater.test" in unknown.err) == (2, True)


def test_the_server_greets_until_somebody_can_sign_in(workspace, db, client, capsys):
    for _ in range(2):
        greet(workspace, "http://127.0.0.1:8123")
        shown = capsys.readouterr().err
        assert "Nobody can sign in to the console yet" in shown
    way = re.search(r"https://news\.stillwater\.example(/console/welcome/\S+)", shown)[1]
    client.post(way, {"new_password1": "correct horse 1", "new_password2": "correct horse 1"})
    greet(workspace, "http://127.0.0.1:8123")
    assert capsys.readouterr().err == ""
    assert client.get("/console/team").status_code == 200
