"""Providers' webhooks: who is let in, what is kept, and what it does to the ledger."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from tests.events.hook_calls import (
    HAS_NOT,
    KINDS,
    PASSWORD,
    SECRETS,
    SNS_PLACE,
    About,
    Call,
    call,
    signed,
    sns_certificate,
)
from tests.sending.api import SECRETS as KEYS

from broadsheet import pipeline
from broadsheet.errors import BroadsheetError
from broadsheet.events.hooks import keeping, sns
from broadsheet.models import Event, HookCall, HookRefusals, Subscription, Suppression
from broadsheet.workspace import Workspace

pytestmark = pytest.mark.django_db

ADA = "ada@reader.example"
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(autouse=True)
def _amazons_certificate():
    """The tests' own stands where Amazon's would be."""
    sns._kept[SNS_PLACE] = sns_certificate()
    yield
    sns._kept.clear()


@pytest.fixture
def provider(workspace, settings, write, monkeypatch):
    """Makes an adapter of that kind the workspace's default one, with a secret for its webhook."""
    keeping._written.clear()
    keeping._refused.clear()

    def made(kind, secret=True):
        place = 'api_url = "http://127.0.0.1:1"\n' if kind == "postal" else ""
        text = (workspace.root / "broadsheet.toml").read_text().partition("[adapters")[0]
        write("broadsheet.toml", f'{text}[adapters.default]\nkind = "{kind}"\n{place}')
        for name, value in KEYS[kind].items():
            monkeypatch.setenv(f"BROADSHEET_ADAPTERS_DEFAULT_{name.upper()}", value)
        if secret:
            monkeypatch.setenv("BROADSHEET_ADAPTERS_DEFAULT_WEBHOOK_SECRET", SECRETS[kind])
        settings.WORKSPACE = Workspace(workspace.root)
        return settings.WORKSPACE

    return made


@pytest.fixture
def sent(freeze, send, memory, cast):
    """An edition that went out, and Ada's copy of it."""
    edition = freeze("weekly")
    send(edition, memory)
    return edition.deliveries.get(subscriber=cast.ada)


@pytest.fixture
def about(sent):
    """What an event about Ada's copy says of it."""
    return About(ADA, sent.pk, sent.edition.key, NOW - timedelta(minutes=5))


@pytest.fixture
def post(client):
    """Posts a call."""

    def posted(made: Call, adapter="default", **changed):
        headers = {**made.headers, **changed}
        return client.post(f"/hooks/{adapter}", made.body, content_type=made.content_type, headers=headers)

    return posted


@pytest.fixture
def told(post, provider, settings):
    """Posts calls and works on them."""

    def worked(*calls):
        for each in calls:
            answer = post(each)
            assert answer.status_code == 200, answer.content
        pipeline.take_in(settings.WORKSPACE)
        assert [(call.adapter, call.reason) for call in HookCall.objects.all()] == []

    return worked


def events():
    return {(event.kind, event.cause) for event in Event.objects.all()}


def suppressed():
    return dict(Suppression.objects.exclude(email_key="gus@reader.example").values_list("email_key", "reason"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_dead_address_is_suppressed_a_full_mailbox_is_counted_once_however_often_it_is_told(
    provider, about, told, kind
):
    provider(kind)
    told(call(kind, "full", about), call(kind, "full", about), call(kind, "full", replace(about, number=2)))
    assert events() == {("bounced", "full")}
    assert suppressed() == {}
    told(call(kind, "dead", about), call(kind, "dead", about))
    assert events() == {("bounced", "dead")}
    assert suppressed() == {ADA: "dead"}
    row = Suppression.objects.get(email_key=ADA)
    assert "(from " in row.detail


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in HAS_NOT["complained"]])
def test_a_complaint_suppresses_at_once_and_stays(provider, about, told, kind):
    provider(kind)
    told(call(kind, "complained", about))
    assert events() == {("complained", "")}
    assert suppressed() == {ADA: "complained"}
    told(call(kind, "complained", about), call(kind, "dead", about))
    assert suppressed() == {ADA: "complained"}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in HAS_NOT["unsubscribed"]])
def test_who_leaves_through_the_provider_leaves_the_list(provider, about, told, cast, kind):
    provider(kind)
    told(call(kind, "unsubscribed", about), call(kind, "unsubscribed", about))
    assert Subscription.objects.get(subscriber=cast.ada, list_name="newsletter").state == "unsubscribed"
    assert ("unsubscribed", "") in events()


@pytest.mark.parametrize("kind", KINDS)
def test_a_providers_clicks_are_not_taken(provider, about, told, kind):
    provider(kind)
    told(call(kind, "clicked", about))
    assert events() == set()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in HAS_NOT["delivered"]])
def test_events_out_of_order_end_in_the_same_state(provider, about, told, kind):
    provider(kind)
    full = call(kind, "full", about)
    arrived = call(kind, "delivered", replace(about, at=about.at + timedelta(seconds=60)))
    for order in permutations((full, arrived, full)):
        Event.objects.all().delete()
        told(*order)
        assert events() == {("delivered", "")}
    dead = call(kind, "dead", replace(about, at=about.at + timedelta(seconds=120)))
    for order in ((arrived, dead), (dead, arrived)):
        Event.objects.all().delete()
        Suppression.objects.filter(email_key=ADA).delete()
        told(*order)
        assert events() == {("delivered", ""), ("bounced", "dead")}
        assert suppressed() == {ADA: "dead"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_signature_changes_nothing_and_is_counted(provider, about, post, kind):
    provider(kind)
    good = call(kind, "dead", about)
    name = next((name for name in good.headers if "ign" in name or name == "Authorization"), None)
    bad = replace(good, headers={**good.headers, name: "Basic aG9va3M6d3Jvbmc="}) if name else good
    if kind == "mailgun":
        bad = replace(good, body=good.body.replace(b"token-1", b"token-9"))
    assert post(bad).status_code == 403
    assert post(replace(good, headers={})).status_code in (200,) if kind == "mailgun" else (401, 403)
    expected = 1 if kind == "mailgun" else None
    assert HookCall.objects.count() == (expected or 0)
    assert HookRefusals.objects.get(adapter="default").times == 1
    assert events() == set()


def test_amazon_needs_its_signature_beside_the_password(provider, about, post, monkeypatch):
    provider("amazon-ses")
    good = call("amazon-ses", "dead", about)
    answer = post(
        replace(good, body=good.body.replace(b"2.1.5", b"x").replace(b'"m-1"', b'"m-2"')),
        **{"X-Amz-Sns-Message-Id": "m-2"},
    )
    assert (answer.status_code, answer.content) == (403, b"Refused: the signature is wrong\n")
    assert (HookCall.objects.count(), HookRefusals.objects.get().times) == (0, 1)

    def away(place, request):
        raise BroadsheetError(f"{place} can't be fetched (timed out)")

    sns._kept.clear()
    monkeypatch.setattr(sns, "get", away)
    assert post(good).status_code == 503, "Amazon tries again later"
    assert (HookCall.objects.count(), HookRefusals.objects.get().times) == (0, 1)
    sns._kept[SNS_PLACE] = sns_certificate()
    assert post(good).status_code == 200


def test_refusals_are_all_counted_and_written_a_second_apart(provider, about, post, settings, monkeypatch):
    provider("postmark")
    bad = replace(call("postmark", "dead", about), headers={"Authorization": "Basic aG9va3M6d3Jvbmc="})
    for _ in range(20):
        assert post(bad).status_code == 403
    assert HookRefusals.objects.get().times == 1
    monkeypatch.setattr(keeping, "_EVERY", 0.0)
    assert post(bad).status_code == 403
    assert HookRefusals.objects.get().times == 21
    monkeypatch.setattr(keeping, "_EVERY", 60.0)
    assert post(bad).status_code == 403
    assert HookRefusals.objects.get().times == 21
    pipeline.take_in(settings.WORKSPACE)
    assert HookRefusals.objects.get().times == 22, "none waits for another one to come"


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_secret_there_is_no_such_address(provider, about, post, client, kind):
    provider(kind, secret=False)
    assert post(call(kind, "dead", about)).status_code == 404
    assert client.head("/hooks/default").status_code == 404
    assert post(call(kind, "dead", about), adapter="nobody").status_code == 404
    assert HookCall.objects.count() == HookRefusals.objects.count() == 0


def test_only_post_and_head_are_answered_and_amazon_is_asked_for_its_password(provider, about, client, post):
    provider("amazon-ses")
    assert client.head("/hooks/default").status_code == 200
    assert client.get("/hooks/default").status_code == 405
    answer = post(replace(call("amazon-ses", "dead", about), headers={}))
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="webhook"')
    assert PASSWORD.encode() not in answer.content


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"3", b'"x"', b"\xff\xfe", b'{"event":[]}', b"[[[]]]"])
@pytest.mark.parametrize("kind", ["postmark", "mailjet", "sparkpost", "brevo", "amazon-ses"])
def test_a_call_that_makes_no_sense_is_kept_with_its_reason_and_the_others_go_on(
    provider, about, post, settings, kind, body
):
    provider(kind)
    good = call(kind, "full", about)
    answer = post(replace(good, body=body))
    assert answer.status_code in (200, 403)
    post(good)
    pipeline.take_in(settings.WORKSPACE)
    assert events() == {("bounced", "full")}
    assert HookCall.objects.filter(reason="").count() == 0
    assert pipeline.take_in(settings.WORKSPACE) == 0, "what makes no sense is not tried for ever"


def test_a_call_too_large_is_refused(provider, about, post):
    provider("postmark")
    assert post(replace(call("postmark", "dead", about), body=b" " * 3_000_000)).status_code == 413


@pytest.mark.parametrize(
    "changed",
    [
        {"email": "mallory@elsewhere.example"},
        {"delivery": 999_999, "tag": ""},
        {"delivery": 999_999, "tag": "weekly-x"},
    ],
)
def test_an_event_about_nobody_who_was_mailed_changes_nothing(provider, about, told, changed):
    provider("postmark")
    told(call("postmark", "dead", replace(about, **changed)))
    assert events() == set()
    assert suppressed() == {}


def test_without_our_number_the_tag_and_the_address_find_the_copy(provider, about, told):
    provider("postmark")
    told(call("postmark", "dead", replace(about, delivery=0)))
    assert suppressed() == {ADA: "dead"}


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("550 5.7.1 Blocked by spamhaus", "policy"),
        ("552 5.2.2 Mailbox full", "full"),
        ("451 4.7.1 Greylisted, try later", "temporary"),
    ],
)
def test_a_providers_hard_bounce_is_not_dead_when_the_servers_words_say_otherwise(provider, about, told, words, cause):
    provider("postmark")
    event = {
        "RecordType": "Bounce", "Type": "HardBounce", "Email": ADA, "Details": words, "BouncedAt": about.iso,
        "Metadata": {"delivery": str(about.delivery)},
    }  # fmt: skip
    told(signed("postmark", event))
    assert events() == {("bounced", cause)}
    assert suppressed() == {}


def test_a_call_waits_in_the_database_until_it_is_worked_on(provider, about, post, settings):
    provider("mailgun")
    post(call("mailgun", "dead", about))
    assert (HookCall.objects.count(), events()) == (1, set())
    assert pipeline.take_in(settings.WORKSPACE) == 1
    assert (HookCall.objects.count(), events()) == (0, {("bounced", "dead")})
