"""Each provider's API: what is asked of it, and what each of its answers does to the ledger."""

import json
import time

import pytest
from tests.sending.api import CUT, FIELDS, KINDS, SLOW

from broadsheet.errors import AdapterFailed
from broadsheet.models import Edition, EditionState, Suppression

pytestmark = pytest.mark.django_db

ADA, BEN, CLEO = "ada@reader.example", "ben@reader.example", "cleo@reader.example"
EACH_ONCE = {ADA: 1, BEN: 1, CLEO: 1}
WITH_KEY = {"resend", "brevo"}
WITH_BATCH = {"postmark", "resend", "mailjet"}
#: whose answer to a mail that is taken holds nothing that must be there
SAY_NOTHING = {"sendgrid", "mailersend"}


def asked_for(api):
    """How often each address was named in a call."""
    found = {}
    for mail in api.items():
        address = mail["to"].rpartition("<")[2].rstrip(">")
        found[address] = found.get(address, 0) + 1
    return found


def resume(edition):
    """What a person does once the key is put right."""
    Edition.objects.filter(pk=edition.pk).update(state=EditionState.SENDING)
    edition.refresh_from_db()


@pytest.mark.parametrize(
    ("kind", "batch"), [(kind, batch) for kind in KINDS for batch in ((1, 2, 50) if kind in WITH_BATCH else (50,))]
)
def test_each_reader_is_asked_for_once_and_no_mail_knows_of_another_reader(api, freeze, send, cast, kind, batch):
    edition = freeze("weekly")
    numbers = send(edition, api.adapter(kind, batch=batch))
    assert asked_for(api) == EACH_ONCE
    assert (numbers.sent, edition.state) == (3, EditionState.SENT)
    for mail in api.items():
        told = json.dumps({**mail, "fields": mail["fields"]})
        assert sum(name in told for name in ("ada@", "ben@", "cleo@")) == 1
    assert len(api.calls) == (3 if kind not in WITH_BATCH else {1: 3, 2: 2, 50: 1}[batch])


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_carries_the_whole_mail_in_the_providers_documented_form(
    api, freeze, send, once_more, memory, cast, kind
):
    edition = freeze("weekly")
    send(edition, api.adapter(kind, **({"custom_headers": True} if kind == "mailersend" else {})))
    once_more(edition)
    send(edition, memory)
    [asked] = [mail for mail in api.items() if ADA in mail["to"]]
    mail = next(mail for mail in memory.mails if mail.rcpt_to == ADA)
    assert "hello@news.stillwater.example" in asked["sender"]
    assert "editors@stillwater.example" in asked["reply_to"]
    assert asked["subject"] == "Back to the allotment"
    assert "Hello Ada," in asked["text"]
    assert "Hello Ada," in asked["html"]
    assert asked["html"].lstrip().lower().startswith("<!doctype html>")
    headers = asked["headers"]
    assert headers["list-unsubscribe"].startswith("<https://news.stillwater.example/u/")
    assert headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert headers["message-id"] == mail.message_id
    assert headers["feedback-id"].startswith(f"{edition.key}:weekly:newsletter:")
    assert "list-id" in headers
    assert asked["tag"] == edition.key
    if kind not in ("mailersend", "postal"):
        assert asked["delivery"] == str(edition.deliveries.get(subscriber=cast.ada).pk)
    fields = asked["fields"]["message"] if kind == "mandrill" else asked["fields"]
    assert {name for name, value in fields.items() if value and name[:2] not in ("h:", "v:")} <= FIELDS[kind]


def test_amazon_gets_the_stamped_bytes_as_they_are(api, freeze, send, once_more, memory, cast):
    import base64

    edition = freeze("weekly")
    send(edition, api.adapter("amazon-ses", configuration_set="letters"))
    once_more(edition)
    send(edition, memory)
    path, headers, body = api.calls[0]
    raw = base64.b64decode(body["Content"]["Raw"]["Data"])
    ours = raw.partition(b"From: ")[2]
    assert ours in [mail.content.partition(b"From: ")[2] for mail in memory.mails] or ours[:500] in b"".join(
        mail.content for mail in memory.mails
    )
    assert (path, body["ConfigurationSetName"]) == ("/v2/email/outbound-emails", "letters")
    assert "AKIAEXAMPLE" in headers["Authorization"]


@pytest.mark.parametrize(
    ("kind", "path", "header", "value"),
    [
        ("postmark", "/email", "X-Postmark-Server-Token", "s3cret"),
        ("mailgun", "/news.stillwater.example/messages", "Authorization", "Basic YXBpOnMzY3JldA=="),
        ("sendgrid", "/mail/send", "Authorization", "Bearer s3cret"),
        ("resend", "/emails", "Authorization", "Bearer s3cret"),
        ("brevo", "/smtp/email", "api-key", "s3cret"),
        ("sparkpost", "/transmissions/", "Authorization", "s3cret"),
        ("mailjet", "/send", "Authorization", "Basic cHVibGljOnMzY3JldA=="),
        ("mailersend", "/email", "Authorization", "Bearer s3cret"),
        ("postal", "/api/v1/send/message", "X-Server-API-Key", "s3cret"),
    ],
)
def test_the_key_goes_where_the_provider_wants_it(api, freeze, send, cast, kind, path, header, value):
    send(freeze("weekly"), api.adapter(kind, batch=1))
    called, headers, _ = api.calls[0]
    assert (called, headers[header]) == (path, value)


def test_postmark_keeps_the_message_id_when_it_is_told_to_and_uses_the_stream(api, freeze, send, cast):
    send(freeze("weekly"), api.adapter("postmark", message_stream="letters"))
    for mail in api.items():
        assert mail["headers"]["x-pm-keepid"] == "true"
        assert mail["fields"]["MessageStream"] == "letters"
        assert (mail["fields"]["TrackLinks"], mail["fields"]["TrackOpens"]) == ("None", False)


def test_an_account_of_mailersend_without_headers_has_its_unsubscribe_link_all_the_same(api, freeze, send, cast):
    send(freeze("weekly"), api.adapter("mailersend"))
    for mail in api.items():
        assert not mail["headers"]
        assert mail["fields"]["list_unsubscribe"].startswith("<https://news.stillwater.example/u/")


#: an answer, and what it is for the one reader whose mail got it, unless their provider's own rule says otherwise
ANSWERS = {
    "a refusal": ((422, {}), "failed"),
    "too large": ((413, "Too large"), "failed"),
    "an error of its own": ((500, {}), "deferred"),
    "maintenance": ((503, "<html>Down</html>"), "deferred"),
    "a gateway without an answer": ((504, "<html>Time-out</html>"), "unknown"),
    "broken JSON": ((200, '{"id": '), "unknown"),
    "nothing": ((200, ""), "unknown"),
    "a connection that is cut": (CUT, "unknown"),
}


@pytest.mark.parametrize("cases", [tuple(ANSWERS)[:3], tuple(ANSWERS)[3:6], tuple(ANSWERS)[5:]], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_is_recorded_for_its_reader_and_disturbs_no_neighbour(api, freeze, send, cast, ledger, kind, cases):
    expected = {}
    for address, case in zip((ADA, BEN, CLEO), cases, strict=True):
        api.play[address], expected[address] = ANSWERS[case]
        if kind in SAY_NOTHING and case in ("broken JSON", "nothing"):
            expected[address] = "sent"
    edition = freeze("weekly")
    send(edition, api.adapter(kind, batch=1))
    assert {address: state for address, (state, _) in ledger(edition).items()} == expected
    assert {row.email_key for row in Suppression.objects.all()} == {"gus@reader.example"}
    before = asked_for(api)
    api.play.clear()
    send(edition, api.adapter(kind, batch=1))
    assert asked_for(api) == before, "nobody is asked for again before it is due"


@pytest.mark.clock
@pytest.mark.parametrize("kind", KINDS)
def test_a_slow_answer_is_unknown_and_never_sent_again_but_where_a_key_makes_it_safe(
    api, freeze, send, cast, ledger, kind
):
    api.play[ADA] = [SLOW]
    edition = freeze("weekly")
    send(edition, api.adapter(kind, batch=1, timeout=0.2))
    assert ledger(edition)[ADA][0] == ("sent" if kind in WITH_KEY else "unknown")
    assert asked_for(api) == {**EACH_ONCE, ADA: 2 if kind in WITH_KEY else 1}


@pytest.mark.parametrize("batch", [1, 50])
@pytest.mark.parametrize("kind", sorted(WITH_KEY))
def test_a_call_that_is_made_again_has_the_same_key_and_another_call_another(api, freeze, send, cast, kind, batch):
    api.play[ADA] = [CUT]
    send(freeze("weekly"), api.adapter(kind, batch=batch))
    keys = [
        headers["Idempotency-Key"] if kind == "resend" else body["headers"]["idempotencyKey"]
        for _, headers, body in api.calls
    ]
    many = kind == "resend" and batch == 50
    assert (len(keys), len(set(keys))) == ((2, 1) if many else (4, 3))


@pytest.mark.parametrize("kind", KINDS)
def test_too_many_calls_wait_as_long_as_the_answer_says_and_use_up_no_try(api, freeze, send, cast, ledger, kind):
    api.headers = {"Retry-After": "0.3"}
    api.play[ADA] = [(429, {})]
    edition = freeze("weekly")
    begun = time.monotonic()
    send(edition, api.adapter(kind, batch=1, calls=1))
    row = edition.deliveries.get(subscriber=cast.ada)
    assert ledger(edition)[ADA][0] == "deferred"
    assert row.attempts == 0
    assert asked_for(api) == EACH_ONCE
    if list(asked_for(api))[-1] != ADA:
        assert time.monotonic() - begun >= 0.3
    time.sleep(0.3)
    assert send(edition, api.adapter(kind, batch=1)).sent == 3


@pytest.mark.parametrize(("kind", "status"), list(zip(KINDS, [401, 403] * 6, strict=False)))
def test_a_refused_key_stops_everything_and_loses_nothing(api, freeze, send, cast, ledger, kind, status):
    for address in (ADA, BEN, CLEO):
        api.play[address] = (status, {"message": "Bad key"})
    edition = freeze("weekly")
    with pytest.raises(AdapterFailed, match="takes no mail: 40") as caught:
        send(edition, api.adapter(kind, calls=1, batch=1))
    assert caught.value.permanent
    assert "s3cret" not in str(caught.value)
    assert len(api.calls) == 1, "the first refusal is enough"
    assert {state for state, _ in ledger(edition).values()} == {"queued"}
    assert set(edition.deliveries.values_list("attempts", flat=True)) == {0}
    api.play.clear()
    resume(edition)
    assert send(edition, api.adapter(kind)).sent == 3


#: answers in the providers' own words; what each means for the reader whose mail got it
OWN = [
    ("amazon-ses", 400, {"__type": "MessageRejected", "message": "Illegal address"}, "failed"),
    # also of complaints, and of addresses that staff suppressed there
    ("postmark", 422, {"ErrorCode": 406, "Message": "You tried to send to inactive recipients"}, "failed"),
    ("postmark", 422, {"ErrorCode": 406, "Message": "Found inactive addresses: ada@reader.example."}, "failed"),
    ("postmark", 422, {"ErrorCode": 300, "Message": "Invalid 'To' address"}, "failed"),
    ("mailgun", 400, {"message": "'to' parameter is not a valid address"}, "failed"),
    ("sendgrid", 400, {"errors": [{"message": "Does not contain a valid address."}]}, "failed"),
    ("resend", 422, {"name": "validation_error", "message": "Invalid `to` field"}, "failed"),
    ("resend", 409, {"name": "concurrent_idempotent_requests", "message": "In progress"}, "deferred"),
    ("resend", 409, {"name": "invalid_idempotent_request", "message": "Other payload"}, "unknown"),
    ("brevo", 400, {"code": "invalid_parameter", "message": "email is not valid in to"}, "failed"),
    ("sparkpost", 200, {"results": {"id": "1", "total_rejected_recipients": 1}}, "failed"),
    ("sparkpost", 400, {"errors": [{"code": "5002", "message": "At least one valid recipient"}]}, "failed"),
    (
        "mailjet",
        400,
        {"Messages": [{"Status": "error", "Errors": [{"ErrorCode": "mj-0013", "StatusCode": 400}]}]},
        "failed",
    ),
    (
        "mailersend",
        202,
        {"warnings": [{"type": "ALL_SUPPRESSED", "recipients": [{"reasons": ["hard_bounced"]}]}]},
        "failed",
    ),
    (
        "mailersend",
        202,
        {"warnings": [{"type": "ALL_SUPPRESSED", "recipients": [{"reasons": ["spam_complaint"]}]}]},
        "failed",
    ),
    ("mandrill", 200, [{"status": "rejected", "reject_reason": "hard-bounce", "_id": "1"}], "failed"),
    ("mandrill", 200, [{"status": "rejected", "reject_reason": "spam", "_id": "1"}], "failed"),
    ("mandrill", 200, [{"status": "invalid", "_id": "1"}], "failed"),
    ("mandrill", 500, {"status": "error", "name": "ValidationError", "message": "to is wrong"}, "failed"),
    ("mandrill", 500, {"status": "error", "name": "GeneralError", "message": "oops"}, "deferred"),
    ("postal", 200, {"status": "error", "data": {"code": "NoContent", "message": "no content"}}, "failed"),
]


@pytest.mark.parametrize(("kind", "status", "answer", "state"), OWN)
def test_a_providers_own_refusal_is_read_and_is_no_proof_that_an_address_is_dead(
    api, freeze, send, cast, ledger, kind, status, answer, state
):
    api.play[ADA] = (status, answer)
    edition = freeze("weekly")
    assert send(edition, api.adapter(kind, batch=1)).sent == 2
    assert ledger(edition)[ADA][0] == state
    assert not Suppression.objects.filter(email_key=ADA).exists()


STOPS = [
    ("amazon-ses", 400, {"__type": "AccountSuspendedException", "message": "Suspended"}, True),
    ("amazon-ses", 400, {"__type": "MessageRejected", "message": "Email address is not verified."}, True),
    ("amazon-ses", 429, {"__type": "LimitExceededException", "message": "Daily message quota exceeded."}, False),
    ("postmark", 422, {"ErrorCode": 413, "Message": "This account may not send"}, True),
    ("mailgun", 400, {"message": "Domain m.example is not allowed to send: the account is disabled"}, True),
    ("mailgun", 404, "Domain not found: m.example", True),
    ("sendgrid", 401, {"errors": [{"message": "Maximum credits exceeded"}]}, True),
    ("resend", 429, {"name": "daily_quota_exceeded", "message": "Daily quota"}, False),
    ("brevo", 402, {"code": "not_enough_credits", "message": "No credits"}, True),
    ("sparkpost", 400, {"errors": [{"code": "7001", "message": "Unconfigured Sending Domain"}]}, True),
    (
        "mailjet",
        403,
        {"Messages": [{"Status": "error", "Errors": [{"ErrorCode": "send-0008", "StatusCode": 403}]}]},
        True,
    ),
    ("mailersend", 422, {"message": "The from.email domain must be verified #MS42207"}, True),
    ("mailersend", 429, {"message": "Your account reached its API daily quota limit. #MS42901"}, False),
    ("mandrill", 500, {"status": "error", "name": "Invalid_Key", "message": "Invalid API key"}, True),
    ("mandrill", 200, [{"status": "rejected", "reject_reason": "unsigned", "_id": "1"}], True),
    ("postal", 200, {"status": "error", "data": {"code": "InvalidServerAPIKey", "message": "no"}}, True),
]


@pytest.mark.parametrize(("kind", "status", "answer", "permanent"), STOPS)
def test_a_refusal_that_is_meant_for_all_stops_everything(
    api, freeze, send, cast, ledger, kind, status, answer, permanent
):
    for address in (ADA, BEN, CLEO):
        api.play[address] = (status, answer)
    edition = freeze("weekly")
    with pytest.raises(AdapterFailed) as caught:
        send(edition, api.adapter(kind, batch=1, calls=1))
    assert caught.value.permanent is permanent
    assert {state for state, _ in ledger(edition).values()} == {"queued"}
    assert len(api.calls) == 1


def test_a_key_refused_in_between_keeps_what_was_sent_as_sent(api, freeze, send, cast, ledger):
    edition = freeze("weekly")
    second = edition.deliveries.order_by("variant_id", "id")[1].subscriber.email
    api.play[second] = (401, {"ErrorCode": 10, "Message": "Bad token"})
    with pytest.raises(AdapterFailed):
        send(edition, api.adapter("postmark", batch=1, calls=1))
    assert sorted(state for state, _ in ledger(edition).values()) == ["queued", "queued", "sent"]
    api.play.clear()
    resume(edition)
    send(edition, api.adapter("postmark", batch=1))
    assert sorted(asked_for(api).values()) == [1, 1, 2], "only the one that was refused is asked for again"


def test_each_answer_of_a_batch_is_for_its_own_mail(api, freeze, send, cast, ledger):
    def one(code, words):
        return {"ErrorCode": code, "Message": words, "MessageID": "1"}

    edition = freeze("weekly")
    order = [row.subscriber.email for row in edition.deliveries.filter(variant__isnull=False).order_by("id")]
    api.play[ADA] = (200, [one(406, "Inactive"), one(0, "OK"), one(300, "Invalid")])
    send(edition, api.adapter("postmark"))
    found = ledger(edition)
    assert [found[address][0] for address in order] == ["failed", "sent", "failed"]
    assert [found[address][1] for address in order if address != order[1]] == ["200 Inactive", "200 Invalid"]
    assert not Suppression.objects.filter(email_key__in=order).exists(), "no server was asked"


@pytest.mark.parametrize("kind", sorted(WITH_BATCH - {"mailjet"}))
def test_a_batch_refused_because_of_one_mail_goes_again_one_by_one(api, freeze, send, cast, ledger, kind):
    api.play[ADA] = (422, {"name": "validation_error", "message": "Invalid `to`", "ErrorCode": 300, "Message": "x"})
    edition = freeze("weekly")
    send(edition, api.adapter(kind))
    assert {address: state for address, (state, _) in ledger(edition).items()} == {
        ADA: "failed",
        BEN: "sent",
        CLEO: "sent",
    }
    assert len(api.calls) == 4


def test_a_stop_among_the_mails_of_a_refused_batch_ends_it(api, freeze, send, cast, ledger):
    refused, stop = (422, {"name": "validation_error"}), (401, {"name": "invalid_api_key"})
    edition = freeze("weekly")
    first = edition.deliveries.filter(variant__isnull=False).order_by("id")[0].subscriber.email
    api.play[first] = [refused, stop]
    with pytest.raises(AdapterFailed, match="Resend takes no mail"):
        send(edition, api.adapter("resend", calls=1))
    assert len(api.calls) == 2
    assert {state for state, _ in ledger(edition).values()} == {"queued"}


@pytest.mark.parametrize("answers", [1, 4])
def test_a_batch_with_other_than_its_number_of_answers_is_unknown(api, freeze, send, cast, ledger, answers):
    api.play[ADA] = (200, [{"ErrorCode": 0, "Message": "OK", "MessageID": "1"}] * answers)
    edition = freeze("weekly")
    send(edition, api.adapter("postmark"))
    assert {state for state, _ in ledger(edition).values()} == {"unknown"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_not_there_loses_nothing(api, freeze, send, cast, ledger, kind):
    edition = freeze("weekly")
    with pytest.raises(AdapterFailed, match="can't be reached") as caught:
        send(edition, api.adapter(kind, api_url="http://127.0.0.1:1"))
    assert not caught.value.permanent
    assert {state for state, _ in ledger(edition).values()} == {"queued"}
    assert send(edition, api.adapter(kind)).sent == 3


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "amazon-ses"])
def test_without_a_key_nothing_is_asked_and_the_variable_is_named(api, freeze, send, cast, kind):
    from tests.sending.api import SECRETS

    with pytest.raises(AdapterFailed, match=r"BROADSHEET_ADAPTERS_DEFAULT_[A-Z_]+") as caught:
        send(freeze("weekly"), api.adapter(kind, **dict.fromkeys(SECRETS[kind])))
    assert caught.value.permanent
    assert api.calls == []


def test_several_calls_are_under_way_at_once_and_no_more_than_wanted(api, freeze, send, join):
    for number in range(12):
        join(f"reader{number}@reader.example", "sleep")
    api.pause = 0.1
    assert send(freeze("weekly"), api.adapter("mailgun", calls=3)).sent == 12
    assert api.most == 3


@pytest.mark.parametrize("kind", KINDS)
def test_readers_names_arrive_as_they_are(api, freeze, send, join, kind):
    names = {ADA: "Käthe Möller", BEN: 'Ben "Count" Lovelace', CLEO: "Lovelace, Cleo"}
    for address, name in names.items():
        join(address, "sleep", first_name=name)
    assert send(freeze("weekly"), api.adapter(kind)).sent == 3
    for mail in api.items():
        [address] = [each for each in names if each in mail["to"]]
        assert f"Hello {names[address]}," in mail["text"]
