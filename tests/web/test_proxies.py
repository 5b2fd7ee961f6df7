"""Behind a proxy: whose word counts, which names are answered to, HTTPS."""

import pytest
from django.test import Client

from broadsheet.web.proxies import is_trusted
from broadsheet.web.public import subscribing
from broadsheet.web.public.wsgi import answer_to_old_names


@pytest.fixture
def seen(ada, monkeypatch):
    """What the pages take a request for: scheme and client."""
    found = []

    def ask(remote, **headers):
        monkeypatch.setattr(subscribing, "may_join", lambda _key, client: found.append(client) or False)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = Client().post(
            "/subscribe/newsletter", {"email": "z@reader.example"}, REMOTE_ADDR=remote, headers=names
        )
        return ("https" if "Strict-Transport-Security" in answer.headers else "http", found[-1])

    return ask


@pytest.mark.parametrize(
    ("remote", "headers", "expected"),
    [
        ("192.0.2.9", {}, ("http", "192.0.2.9")),
        ("127.0.0.1", {"X_Forwarded_For": "192.0.2.9", "X_Forwarded_Proto": "https"}, ("https", "192.0.2.9")),
        ("192.0.2.66", {"X_Forwarded_For": "192.0.2.9", "X_Forwarded_Proto": "https"}, ("http", "192.0.2.66")),
        ("127.0.0.1", {"X_Forwarded_For": "10.9.9.9, 192.0.2.9"}, ("http", "192.0.2.9")),  # the first anyone can write
        ("127.0.0.1", {"X_Forwarded_For": "192.0.2.9, 127.0.0.1"}, ("http", "192.0.2.9")),
        ("127.0.0.1", {"X_Forwarded_For": "rubbish"}, ("http", "127.0.0.1")),
        ("127.0.0.1", {"X_Forwarded_Proto": "http, https"}, ("http", "127.0.0.1")),
        ("::1", {"X_Forwarded_For": "2001:db8::7", "X_Forwarded_Proto": "HTTPS"}, ("https", "2001:db8::7")),
    ],
)
def test_only_a_trusted_proxys_word_counts(seen, remote, headers, expected):
    assert seen(remote, **headers) == expected


def test_networks_can_be_trusted_whole(workspace, seen):
    object.__setattr__(workspace.config.public, "trusted_proxies", ("10.0.0.0/8",))
    assert seen("10.1.2.3", X_Forwarded_For="192.0.2.9")[1] == "192.0.2.9"
    assert seen("127.0.0.1", X_Forwarded_For="192.0.2.9")[1] == "127.0.0.1"
    assert not is_trusted("", ("10.0.0.0/8",))


@pytest.mark.parametrize("method", ["get", "head", "post"])
def test_a_host_that_is_not_ours_gets_400_and_nothing_is_done(ada, method):
    answer = getattr(Client(), method)(ada.path("u"), headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert ada.state("newsletter") == "subscribed"


def test_mails_sent_under_an_older_name_still_lead_here(ada, settings):
    ada.edition.public_url = "https://old-news.stillwater.example"
    ada.edition.save()
    headers = {"Host": "old-news.stillwater.example"}
    assert Client().post(ada.path("u"), headers=headers).status_code == 400
    settings.ALLOWED_HOSTS = list(settings.ALLOWED_HOSTS)
    answer_to_old_names()
    assert Client().post(ada.path("u"), {"List-Unsubscribe": "One-Click"}, headers=headers).status_code == 200
    assert ada.state("newsletter") == "unsubscribed"
