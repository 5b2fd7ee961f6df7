"""The HTTP adapter: an API that broadsheet.toml describes."""

from email import message_from_string, policy

import pytest
from tests.sending.api import CUT

from broadsheet.conf import HttpAdapter
from broadsheet.errors import AdapterFailed, InvalidFile
from broadsheet.sending import make_adapter
from broadsheet.sending.adapters.providers import ApiAdapter, DescribedApi
from broadsheet.workspace import Workspace

pytestmark = pytest.mark.django_db

ADA = "ada@reader.example"


@pytest.fixture
def described(api):
    """Makes an adapter for the API here, of these settings."""

    def made(**settings):
        return ApiAdapter(DescribedApi(HttpAdapter(kind="http", url=api.url + "/send", timeout=2.0, **settings)))

    return made


def test_without_a_body_of_its_own_the_mail_is_json_with_everything(api, described, freeze, send, cast):
    assert send(freeze("weekly"), described()).sent == 3
    call = next(body for _, _, body in api.calls if ADA in body["to"])
    assert call["to"] == f"Ada Lovelace <{ADA}>"
    assert call["subject"] == "Back to the allotment"
    assert call["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "Hello Ada," in call["html"]


def test_the_body_is_escaped_for_json_and_the_secret_stands_in_a_header(api, described, freeze, send, join):
    join(ADA, "sleep", first_name='A"d}a{{ 7*7 }}')
    adapter = described(
        headers={"Authorization": "Bearer {{ secret }}", "X-Id": "{{ delivery }}"},
        body='{"to": {"mail": {{ to_address }}}, "from": "x", "subject": {{ subject }}, "text": {{ text }}, '
        '"html": "", "headers": {}, "days": [{% for day in range(3) %}{{ day }}{% if not loop.last %},{% endif %}{% endfor %}]}',
        secret="s3cret",
    )
    assert send(freeze("weekly"), adapter).sent == 1
    _, headers, body = api.calls[0]
    assert headers["Authorization"] == "Bearer s3cret"
    assert (body["to"], body["days"]) == ({"mail": ADA}, [0, 1, 2])
    assert 'Hello A"d}a{{ 7*7 }},' in body["text"]


def test_a_form_is_escaped_as_one(api, described, freeze, send, join):
    join(ADA, "sleep", first_name="A&b=c")
    adapter = described(format="form", body="to={{ to_address }}&text={{ text }}&tag={{ tag }}")
    assert send(freeze("weekly"), adapter).sent == 1
    _, headers, body = api.calls[0]
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert body["to"] == [ADA]
    assert "Hello A&b=c," in body["text"][0]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"to": {{ nobody }}}', "nobody"),
        ('{"to": {{ to }}', "Expecting"),
        ('{"to": {{ to.__class__.__mro__ }}}', "unsafe"),
        ('{"to": {{ 1 / 0 }}}', "division"),
    ],
)
def test_a_template_that_can_not_be_filled_fails_its_mail_and_says_why(
    api, described, freeze, send, cast, ledger, body, words
):
    edition = freeze("weekly")
    assert send(edition, described(body=body)).failed == 3
    assert words in ledger(edition)[ADA][1]
    assert api.calls == []


def test_answers_count_by_their_status(api, described, freeze, send, cast, ledger):
    api.play = {ADA: (500, {"error": "oops"}), "ben@": (422, {"message": "no"}), "cleo@": CUT}
    edition = freeze("weekly")
    send(edition, described())
    assert sorted(ledger(edition).values())[:3] == [
        ("deferred", "500 oops"),
        ("failed", "422 no"),
        ("unknown", "no answer"),
    ]


def test_a_call_that_may_be_repeated_is_made_again(api, described, freeze, send, cast):
    api.play = {ADA: [CUT]}
    assert send(freeze("weekly"), described(repeatable=True)).sent == 3


def test_a_redirect_stops_everything(api, described, freeze, send, cast):
    api.play = {"@": (302, "elsewhere")}
    with pytest.raises(AdapterFailed, match="takes no mail: 302"):
        send(freeze("weekly"), described(calls=1))


def test_it_is_made_from_the_workspace_and_a_broken_template_is_a_mistake_of_the_file(
    workspace, write, api, monkeypatch
):
    monkeypatch.setenv("BROADSHEET_ADAPTERS_DEFAULT_SECRET", "s3cret")
    write("broadsheet.toml", f'[adapters.default]\nkind = "http"\nurl = "{api.url}"\n')
    adapter = make_adapter(Workspace(workspace.root), "default")
    adapter.open()
    assert "it answers" in adapter.api.login("a@b.example")
    adapter.close()
    write("broadsheet.toml", f'[adapters.default]\nkind = "http"\nurl = "{api.url}"\nbody = "{{{{ to"\n')
    with pytest.raises(InvalidFile, match="body: is not a Jinja2 template: line 1"):
        _ = Workspace(workspace.root).config
    write("broadsheet.toml", f'[adapters.default]\nkind = "http"\nurl = "{api.url}"\nsecret = "x"\n')
    with pytest.raises(InvalidFile, match="BROADSHEET_ADAPTERS_DEFAULT_SECRET"):
        _ = Workspace(workspace.root).config


def test_the_whole_mail_can_be_posted_as_it_is(api, described, freeze, send, once_more, memory, cast):
    edition = freeze("weekly")
    assert send(edition, described(format="mime")).sent == 3
    once_more(edition)
    send(edition, memory)
    assert {headers["Content-Type"] for _, headers, _ in api.calls} == {"message/rfc822"}
    posted = {message_from_string(body, policy=policy.default)["message-id"] for _, _, body in api.calls}
    assert posted == {mail.message_id for mail in memory.mails}
