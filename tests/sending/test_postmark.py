"""Postmark: what is asked of its API, and what each answer does to the ledger."""

import pytest

from broadsheet.errors import AdapterFailed
from broadsheet.models import EditionState, Suppression

pytestmark = pytest.mark.django_db

ADA, BEN, CLEO = "ada@reader.example", "ben@reader.example", "cleo@reader.example"

INACTIVE = (
    "You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: "
    f"{ADA}. Inactive recipients are ones that have generated a hard bounce, a spam complaint, or a manual suppression."
)


def asked_for(api):
    """How often each address was named in a call."""
    found = {}
    for _, _, call in api.calls:
        address = call["To"].rpartition("<")[2].rstrip(">")
        found[address] = found.get(address, 0) + 1
    return found


def test_each_reader_is_one_call_and_no_call_names_two(api, postmark, freeze, send, cast):
    edition = freeze("weekly")
    numbers = send(edition, postmark())
    assert asked_for(api) == {ADA: 1, BEN: 1, CLEO: 1}
    assert all("," not in call["To"] and not call.get("Cc") and not call.get("Bcc") for _, _, call in api.calls)
    assert (numbers.sent, edition.state) == (3, EditionState.SENT)


def test_a_call_carries_the_token_the_stream_and_the_whole_mail(api, postmark, freeze, send, once_more, memory, cast):
    edition = freeze("weekly")
    send(edition, postmark(message_stream="newsletters"))
    once_more(edition)
    send(edition, memory)
    path, headers, call = next(each for each in api.calls if ADA in each[2]["To"])
    assert path == "/email"
    assert headers["X-Postmark-Server-Token"] == "the-token"
    assert call["MessageStream"] == "newsletters"
    assert call["From"] == "Stillwater <hello@news.stillwater.example>"
    assert call["To"] == f"Ada Lovelace <{ADA}>"
    assert call["ReplyTo"] == "editors@stillwater.example"
    assert call["Subject"] == "Back to the allotment"
    assert "Hello Ada," in call["TextBody"]
    assert "Hello Ada," in call["HtmlBody"]
    assert call["HtmlBody"].lstrip().lower().startswith("<!doctype html>")
    sent = {header["Name"]: header["Value"] for header in call["Headers"]}
    mail = next(mail for mail in memory.mails if mail.rcpt_to == ADA)
    assert sent["List-Unsubscribe"].startswith("<https://news.stillwater.example/u/")
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert sent["Message-ID"] == mail.message_id
    assert sent["List-Id"] == '"Stillwater Weekly" <newsletter.news.stillwater.example>'
    assert sent["Precedence"] == "bulk"
    assert "Feedback-ID" in sent
    assert call["Metadata"] == {"delivery": str(edition.deliveries.get(subscriber=cast.ada).pk)}


def test_each_reader_has_their_own_way_out(api, postmark, freeze, send, cast):
    send(freeze("weekly"), postmark())
    ways = {
        header["Value"]
        for _, _, call in api.calls
        for header in call["Headers"]
        if header["Name"] == "List-Unsubscribe"
    }
    assert len(ways) == 3


@pytest.mark.parametrize(
    ("answer", "state", "reason", "dead"),
    [
        ((422, {"ErrorCode": 406, "Message": INACTIVE}), "failed", "422 You tried to send", True),
        ((422, {"ErrorCode": 406, "Message": "Other words"}), "failed", "422 Other words", True),
        ((422, {"ErrorCode": 300, "Message": f"Invalid 'To' address: '{ADA}'."}), "failed", "422 Invalid", False),
        ((422, {"ErrorCode": 300, "Message": "Invalid metadata content."}), "failed", "422 Invalid", False),
        ((422, {"ErrorCode": 405, "Message": "Not allowed to send"}), "failed", "422 Not allowed", False),
        ((413, "Too large"), "failed", "413", False),
        ((429, {"ErrorCode": 429, "Message": "Too many"}), "deferred", "429 Too many", False),
        ((500, {"ErrorCode": 0, "Message": "Oops"}), "deferred", "500 Oops", False),
        ((503, "<html>Down for maintenance</html>"), "deferred", "503", False),
        ((200, "<html>not JSON"), "unknown", "", False),
        ((200, ""), "unknown", "", False),
        ((200, "[]"), "unknown", "", False),
        ((0, None), "unknown", "", False),
    ],
)
def test_an_answer_is_recorded_for_its_reader_and_disturbs_no_neighbour(
    api, postmark, freeze, send, cast, ledger, answer, state, reason, dead
):
    api.answers[ADA] = answer
    edition = freeze("weekly")
    numbers = send(edition, postmark())
    assert ledger(edition)[ADA][0] == state
    assert ledger(edition)[ADA][1].startswith(reason)
    assert Suppression.objects.filter(email_key=ADA).exists() == dead
    assert numbers.sent == 2
    api.answers.clear()
    send(edition, postmark())
    assert asked_for(api) == {ADA: 1, BEN: 1, CLEO: 1}, "nobody is asked for twice before it is due"


def test_an_answer_that_does_not_come_is_unknown_and_never_sent_again(api, postmark, freeze, send, cast):
    api.pause = 0.5
    edition = freeze("weekly")
    numbers = send(edition, postmark(timeout=0.1))
    assert numbers.unknown == 3
    api.pause = 0
    send(edition, postmark())
    assert asked_for(api) == {ADA: 1, BEN: 1, CLEO: 1}


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_stops_everything_and_loses_nothing(api, postmark, freeze, send, cast, ledger, status):
    for address in (ADA, BEN, CLEO):
        api.answers[address] = (status, {"ErrorCode": 10, "Message": "Bad token"})
    edition = freeze("weekly")
    with pytest.raises(AdapterFailed, match="Postmark refused the server token; check it") as caught:
        send(edition, postmark())
    assert caught.value.permanent
    assert len(api.calls) == 1, "the first refusal is enough"
    assert {state for state, _ in ledger(edition).values()} == {"queued"}
    assert set(edition.deliveries.values_list("attempts", flat=True)) == {0}
    api.answers.clear()
    assert send(edition, postmark()).sent == 3


def test_a_token_refused_in_between_keeps_what_was_sent_as_sent(api, postmark, freeze, send, cast, ledger):
    edition = freeze("weekly")
    second = edition.deliveries.order_by("variant_id", "id")[1].subscriber.email
    api.answers[second] = (401, {"ErrorCode": 10, "Message": "Bad token"})
    with pytest.raises(AdapterFailed):
        send(edition, postmark())
    assert sorted(state for state, _ in ledger(edition).values()) == ["queued", "queued", "sent"]
    api.answers.clear()
    first = api.calls[0][2]["To"]
    api.calls.clear()
    send(edition, postmark())
    assert len(api.calls) == 2
    assert first not in [call["To"] for _, _, call in api.calls], "nobody is mailed twice"


def test_an_address_refused_before_the_token_is_refused_is_suppressed_all_the_same(
    api, postmark, freeze, send, cast, ledger
):
    edition = freeze("weekly")
    first, second = (row.subscriber.email for row in edition.deliveries.order_by("variant_id", "id")[:2])
    api.answers[first] = (422, {"ErrorCode": 406, "Message": "Inactive"})
    api.answers[second] = (401, {"ErrorCode": 10, "Message": "Bad token"})
    with pytest.raises(AdapterFailed):
        send(edition, postmark())
    assert ledger(edition)[first][0] == "failed"
    assert Suppression.objects.filter(email_key=first).exists()


def test_without_a_token_nothing_is_asked_and_the_variable_is_named(api, postmark, freeze, send, cast):
    with pytest.raises(AdapterFailed, match="BROADSHEET_ADAPTERS_<NAME>_SERVER_TOKEN"):
        send(freeze("weekly"), postmark(server_token=None))
    assert api.calls == []


def test_a_server_that_is_not_there_loses_nothing(api, postmark, freeze, send, cast, ledger):
    edition = freeze("weekly")
    with pytest.raises(AdapterFailed, match=r"Postmark can't be reached at http://127\.0\.0\.1:1/; check") as caught:
        send(edition, postmark(api_url="http://127.0.0.1:1/"))
    assert not caught.value.permanent
    assert {state for state, _ in ledger(edition).values()} == {"queued"}
    assert send(edition, postmark()).sent == 3


@pytest.mark.parametrize("name", ["Käthe Möller", 'Ada "Countess" Lovelace', "Lovelace, Ada", "竹影 雨晴", "a" * 90])
def test_a_readers_name_arrives_as_it_is(api, postmark, freeze, send, join, name):
    join(ADA, "sleep", first_name=name)
    numbers = send(freeze("weekly"), postmark())
    assert numbers.sent == 1
    assert ADA in api.calls[0][2]["To"]
    assert f"Hello {name}," in api.calls[0][2]["TextBody"]
