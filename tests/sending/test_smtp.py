"""Sending by SMTP: what each answer of a real server does to the ledger."""

import re
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from django.utils import timezone
from tests.conftest import SETTINGS
from tests.ports import free_port
from tests.sending.servers import DROP_AFTER_DATA, DROP_AT_DATA, DROP_AT_RCPT, HANG_AFTER_DATA

from broadsheet.conf import SmtpAdapter
from broadsheet.errors import AdapterFailed
from broadsheet.models import Delivery, DeliveryState, EditionState, Event, EventKind, Suppression
from broadsheet.pipeline import signer
from broadsheet.sending import Result, hand_over
from broadsheet.sending.adapters.smtp import Smtp
from broadsheet.sending.adapters.smtp.servers import Server, places, shared_out
from broadsheet.sending.tray import Handful
from broadsheet.stamping import Mail

pytestmark = pytest.mark.django_db

ADA, BEN, CLEO = "ada@reader.example", "ben@reader.example", "cleo@reader.example"


def states(ledger, edition):
    return {address.partition("@")[0]: state for address, (state, _) in ledger(edition).items()}


@pytest.mark.parametrize("connections", [1, 2, 10])
def test_each_reader_gets_exactly_one_mail(server, smtp, freeze, send, cast, connections):
    edition = freeze("weekly")
    numbers = send(edition, smtp(server, connections=connections))
    assert server.taken == {ADA: 1, BEN: 1, CLEO: 1}
    assert server.senders == {"hello@news.stillwater.example"}
    assert (numbers.sent, numbers.readers, edition.state) == (3, 3, EditionState.SENT)


def test_return_paths_are_frozen_with_the_edition_and_say_whose_copy_it_was(server, smtp, write, freeze, send, cast):
    write("broadsheet.toml", SETTINGS.replace("[public]", 'bounce_domain = "bounce.example"\n\n[public]'))
    edition = freeze("weekly")
    write("broadsheet.toml", SETTINGS)
    send(edition, smtp(server))
    words = [sender.removeprefix("b+").removesuffix("@bounce.example") for sender in server.senders]
    assert {signer().read("b", word) for word in words} == {
        (edition.pk, person.pk) for person in (cast.ada, cast.ben, cast.cleo)
    }


def test_many_readers_over_many_connections_get_exactly_one_mail_each(server, smtp, freeze, send, join):
    expected = {join(f"reader{number}@reader.example", "sleep").email: 1 for number in range(230)}
    assert send(freeze("weekly"), smtp(server, connections=8)).sent == 230
    assert server.taken == expected


def test_a_second_run_mails_nobody_again(server, smtp, freeze, send, cast):
    edition = freeze("weekly")
    send(edition, smtp(server))
    numbers = send(edition, smtp(server))
    assert server.taken == {ADA: 1, BEN: 1, CLEO: 1}
    assert numbers.sent == 3


def test_the_content_arrives_byte_for_byte(server, smtp, freeze, send, once_more, memory, cast):
    edition = freeze("weekly")
    send(edition, smtp(server))
    once_more(edition)
    send(edition, memory)
    written = {mail.rcpt_to: mail.content for mail in memory.mails}
    for address in (ADA, BEN, CLEO):
        ours = [line for line in written[address].split(b"\r\n") if not line.startswith(b"Date:")]
        theirs = [line for line in server.mails[address][0].split(b"\r\n") if not line.startswith(b"Date:")]
        assert ours == theirs


@pytest.mark.parametrize(
    ("reply", "state", "dead"),
    [
        ("550 5.1.1 No such user", DeliveryState.FAILED, True),
        ("550 5.1.10 Null MX", DeliveryState.FAILED, True),
        ("553 5.1.3 Bad address syntax", DeliveryState.FAILED, True),
        ("550 5.7.1 Rejected by policy, see 5.1.1 of our rules", DeliveryState.FAILED, False),
        ("554 5.7.1 Spam", DeliveryState.FAILED, False),
        ("552 5.2.2 Mailbox full", DeliveryState.FAILED, False),
        ("550 Go away", DeliveryState.FAILED, False),
        ("451 4.7.1 Greylisted, come back", DeliveryState.DEFERRED, False),
        ("450 4.2.1 Busy", DeliveryState.DEFERRED, False),
        ("452 4.2.2 Mailbox full", DeliveryState.DEFERRED, False),
    ],
)
def test_a_refused_reader_is_recorded_and_disturbs_no_neighbour(
    server, smtp, freeze, send, cast, ledger, reply, state, dead
):
    server.replies[ADA] = reply
    edition = freeze("weekly")
    numbers = send(edition, smtp(server, connections=1))
    assert ledger(edition)[ADA] == (state, reply)
    assert server.taken == {BEN: 1, CLEO: 1}
    assert numbers.sent == 2
    assert Suppression.objects.filter(email_key=ADA, reason="dead").exists() == dead
    assert Event.objects.filter(kind=EventKind.BOUNCED).count() == (state == DeliveryState.FAILED)


@pytest.mark.parametrize(
    ("reply", "state"),
    [("554 5.7.1 Spam", DeliveryState.FAILED), ("451 4.3.0 Try again", DeliveryState.DEFERRED)],
)
def test_a_mail_refused_for_its_content_is_recorded_and_disturbs_no_neighbour(
    server, smtp, freeze, send, cast, ledger, reply, state
):
    server.data_replies[BEN] = reply
    edition = freeze("weekly")
    send(edition, smtp(server, connections=1))
    assert ledger(edition)[BEN] == (state, reply)
    assert server.taken == {ADA: 1, CLEO: 1}


def test_the_reply_of_a_dead_address_is_kept_with_its_suppression(server, smtp, freeze, send, cast):
    server.replies[ADA] = "550 5.1.1 No such user here"
    send(freeze("weekly"), smtp(server))
    assert Suppression.objects.get(email_key=ADA).detail == "550 5.1.1 No such user here"
    assert Event.objects.get().detail == "550 5.1.1 No such user here"


def test_a_connection_lost_before_the_content_defers_the_copy(server, smtp, freeze, send, cast, ledger):
    server.replies[ADA] = DROP_AT_RCPT
    edition = freeze("weekly")
    numbers = send(edition, smtp(server, connections=1))
    assert states(ledger, edition) == {"ada": "deferred", "ben": "sent", "cleo": "sent"}
    assert (numbers.deferred, numbers.sent, edition.state) == (1, 2, EditionState.SENDING)
    assert server.taken == {BEN: 1, CLEO: 1}


def test_a_connection_lost_at_the_data_command_never_makes_a_second_copy(server, smtp, freeze, send, cast, ledger):
    server.replies[ADA] = DROP_AT_DATA
    edition = freeze("weekly")
    send(edition, smtp(server, connections=1))
    assert states(ledger, edition)["ada"] in ("deferred", "unknown")
    assert server.taken == {BEN: 1, CLEO: 1}


@pytest.mark.clock
@pytest.mark.parametrize("end", [DROP_AFTER_DATA, HANG_AFTER_DATA])
def test_a_mail_without_a_reply_is_unknown_and_never_sent_again(server, smtp, freeze, send, cast, ledger, end):
    server.replies[ADA] = end
    edition = freeze("weekly")
    numbers = send(edition, smtp(server, connections=1, content_timeout=0.5))
    assert states(ledger, edition) == {"ada": "unknown", "ben": "sent", "cleo": "sent"}
    assert "no reply to the data" in ledger(edition)[ADA][1]
    assert numbers.unknown == 1
    server.replies.clear()
    send(edition, smtp(server))
    assert server.taken == {ADA: 1, BEN: 1, CLEO: 1}
    assert server.tries[ADA] == 1


def test_a_server_that_is_down_fails_the_adapter_and_loses_nothing(server, smtp, freeze, send, cast, ledger):
    edition = freeze("weekly")
    down = Smtp(SmtpAdapter(kind="smtp", port=free_port(), security="none", timeout=2.0))
    with pytest.raises(AdapterFailed, match=r"127.0.0.1:\d+ can't be reached .* check `host`") as caught:
        send(edition, down)
    assert not caught.value.permanent
    assert states(ledger, edition) == {"ada": "queued", "ben": "queued", "cleo": "queued"}
    assert set(edition.deliveries.values_list("attempts", flat=True)) == {0}
    assert send(edition, smtp(server)).sent == 3
    assert server.taken == {ADA: 1, BEN: 1, CLEO: 1}


def test_a_refused_login_says_what_to_check_and_loses_nothing(server, smtp, freeze, send, cast, ledger):
    edition = freeze("weekly")
    with pytest.raises(AdapterFailed, match=r"127\.0\.0\.1:\d+"):
        send(edition, smtp(server, user="news", password="wrong"))
    assert set(states(ledger, edition).values()) == {"queued"}
    assert server.tries == {}


def test_a_server_without_tls_is_not_given_the_mail_in_the_clear(server, smtp, freeze, send, cast, ledger):
    edition = freeze("weekly")
    with pytest.raises(AdapterFailed, match="check `host`, `port` and `security`"):
        send(edition, smtp(server, security="starttls"))
    assert server.tries == {}


def test_only_what_is_due_is_sent_again(server, smtp, freeze, send, cast, ledger):
    server.replies[ADA] = "451 4.7.1 Greylisted"
    edition = freeze("weekly")
    send(edition, smtp(server))
    server.replies.clear()
    send(edition, smtp(server))
    assert server.taken == {BEN: 1, CLEO: 1}, "a deferred copy waits for its time"
    row = Delivery.objects.get(edition=edition, subscriber=cast.ada)
    assert timedelta(minutes=4) < row.at - timezone.now() <= timedelta(minutes=5)
    Delivery.objects.filter(pk=row.pk).update(at=timezone.now())
    numbers = send(edition, smtp(server))
    assert server.taken == {ADA: 1, BEN: 1, CLEO: 1}
    assert (numbers.sent, edition.state) == (3, EditionState.SENT)


def test_a_copy_deferred_for_more_than_a_day_has_failed(server, smtp, freeze, send, cast, ledger):
    server.replies[ADA] = "451 4.7.1 Greylisted"
    edition = freeze("weekly")
    waits = []
    for _ in range(20):
        send(edition, smtp(server))
        row = Delivery.objects.get(edition=edition, subscriber=cast.ada)
        if row.state != DeliveryState.DEFERRED:
            break
        waits.append(row.at - timezone.now())
        Delivery.objects.filter(pk=row.pk).update(at=timezone.now())
    assert states(ledger, edition)["ada"] == "failed"
    assert all(earlier <= later + timedelta(seconds=5) for earlier, later in pairwise(waits))
    assert timedelta(hours=12) < sum(waits, timedelta()) <= timedelta(hours=25)
    assert server.taken == {BEN: 1, CLEO: 1}
    assert not Suppression.objects.filter(email_key=ADA).exists()


def test_an_international_address_goes_out_where_the_server_takes_it(server, smtp, freeze, send, join, ledger):
    join("käthe@bücher.example", "sleep", first_name="Käthe")
    edition = freeze("weekly")
    assert send(edition, smtp(server)).sent == 1
    assert server.taken == {"käthe@bücher.example": 1}


def test_an_international_address_has_failed_where_the_server_does_not(server, smtp, freeze, send, join, ledger):
    server.smtputf8 = False
    join("käthe@bücher.example", "sleep")
    join(ADA, "sleep")
    edition = freeze("weekly")
    send(edition, smtp(server, connections=1))
    assert ledger(edition)["käthe@bücher.example"] == ("failed", "the server takes no international addresses")
    assert server.taken == {ADA: 1}


def handed_over(adapter, *mails):
    adapter.open()
    try:
        return [(outcome.result, outcome.reply) for outcome in hand_over(adapter, mails)]
    finally:
        adapter.close()


def a_mail(number, to=ADA, sender="hello@news.example"):
    return Mail(number, sender, to, f"<{number}@news.example>", (b"Subject: x\r\n\r\nx\r\n",))


def test_an_international_sender_disturbs_nobody(server, smtp):
    found = handed_over(smtp(server, connections=1), a_mail(1, sender="grüße@news.example"), a_mail(2, BEN))
    assert found == [(Result.SENT, ""), (Result.SENT, "")]


@pytest.mark.parametrize("address", ["ada@reader.example\r\nDATA", "ada@reader.example> SIZE=1", "a b@reader.example"])
def test_an_address_can_not_smuggle_a_command(server, smtp, address):
    found = handed_over(smtp(server, connections=1), a_mail(1, address), a_mail(2, BEN))
    assert found[0][0] is Result.FAILED
    assert found[1][0] is Result.SENT
    assert list(server.tries) == [BEN]


def test_a_server_that_goes_away_in_between_is_given_nothing(server, smtp):
    adapter = smtp(server, connections=1, patience=0.3)
    adapter.open()
    server.stop()
    tray = Handful([a_mail(1), a_mail(2, BEN)])
    with pytest.raises(AdapterFailed, match=r"127\.0\.0\.1:\d+"):
        adapter.deliver(tray)
    adapter.close()
    assert tray.outcomes == [], "nothing was attempted, so both go back to the queue"


def documented():
    page = (Path(__file__).resolve().parents[2] / "docs/smtp.md").read_text(encoding="utf-8")
    return re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)


@pytest.mark.parametrize("example", documented())
def test_the_examples_of_the_page_are_read(workspace, write, example):
    write("broadsheet.toml", SETTINGS + example)
    (adapter,) = workspace.config.adapters.values()
    assert adapter.kind == "smtp"


def test_the_page_says_how_twelve_connections_are_shared_out(workspace, write):
    write("broadsheet.toml", SETTINGS + documented()[1])
    settings = workspace.config.adapters["big"]
    servers = [Server(place) for place in places(settings, workspace.root)]
    assert [shared_out(servers, 12, 0.0).get(server) for server in servers] == [8, 4, None]
    servers[0].rest(0.0, AdapterFailed("gone", permanent=False))
    assert [shared_out(servers, 12, 0.1).get(server) for server in servers] == [None, 12, None]
    servers[1].rest(0.1, AdapterFailed("gone", permanent=False))
    assert [shared_out(servers, 12, 0.2).get(server) for server in servers] == [None, None, 12]
    assert [shared_out(servers, 12, 99.0).get(server) for server in servers] == [1, 1, None]
