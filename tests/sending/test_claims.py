"""Whose turn a row is: claimed once, looked at again before it goes, and never sent twice after a crash."""

from datetime import timedelta

import pytest
from django.utils import timezone

from broadsheet import events, pipeline, sending
from broadsheet.errors import AdapterFailed
from broadsheet.models import Delivery, DeliveryState, EditionState, Subscription, Suppression
from broadsheet.sending import Outcome, Result, claims, runner

pytestmark = pytest.mark.django_db

ADA, BEN, CLEO = "ada@reader.example", "ben@reader.example", "cleo@reader.example"


def addresses(outbox):
    return sorted(mail.rcpt_to for mail in outbox.mails)


def test_a_claimed_row_is_nobody_elses(freeze, cast):
    edition = freeze("weekly")
    mine = claims.claim(edition, "one", 2)
    others = claims.claim(edition, "two", 10)
    assert (len(mine), len(others)) == (2, 1)
    assert not {row.pk for row in mine} & {row.pk for row in others}
    assert claims.claim(edition, "three", 10) == []
    assert {row.attempts for row in (*mine, *others)} == {1}


def test_rows_are_claimed_variant_by_variant(freeze, cast, join):
    for number in range(6):
        join(f"{number}@reader.example", "sleep" if number % 2 else "movement")
    variants = [row.variant_id for row in claims.claim(freeze("weekly"), "one", 100)]
    assert variants == sorted(variants)


def test_another_editions_rows_are_left_alone(freeze, cast, at):
    first, second = freeze("weekly"), freeze("letter")
    claims.claim(first, "one", 100)
    assert len(claims.claim(second, "one", 100)) == second.deliveries.count() == 1


def test_what_a_dead_sender_had_in_hand_is_unknown_and_never_sent_again(freeze, send, memory, cast, ledger):
    edition = freeze("weekly")
    row = claims.claim(edition, "a sender that died", 1)[0]
    Delivery.objects.filter(pk=row.pk).update(at=timezone.now() - timedelta(seconds=1))
    numbers = send(edition, memory)
    dead = row.subscriber.email
    assert ledger(edition)[dead] == (DeliveryState.UNKNOWN, "its sender stopped in mid-send")
    assert dead not in addresses(memory)
    assert (numbers.sent, numbers.unknown, edition.state) == (2, 1, EditionState.SENT)
    send(edition, memory)
    assert dead not in addresses(memory)


def test_what_a_living_sender_has_in_hand_is_left_to_it(freeze, send, memory, cast, ledger):
    edition = freeze("weekly")
    row = claims.claim(edition, "a living sender", 1)[0]
    numbers = send(edition, memory)
    assert (numbers.sent, numbers.waiting, edition.state) == (2, 1, EditionState.SENDING)
    assert row.subscriber.email not in addresses(memory)
    claims.record({row.pk: row}, [Outcome(row.pk, Result.SENT)], "a living sender")
    numbers = send(edition, memory)
    assert (numbers.sent, edition.state, len(memory.mails)) == (3, EditionState.SENT, 2)


def test_a_sender_that_comes_back_after_its_lease_changes_nothing(freeze, cast):
    edition = freeze("weekly")
    row = claims.claim(edition, "slow", 1)[0]
    Delivery.objects.filter(pk=row.pk).update(at=timezone.now() - timedelta(seconds=1))
    assert claims.expire(edition) == 1
    claims.record({row.pk: row}, [Outcome(row.pk, Result.DEFERRED, "451")], "slow")
    claims.hand_back([row], "slow")
    claims.set_aside({row.pk: "unsubscribed"}, "slow")
    row.refresh_from_db()
    assert row.state == DeliveryState.UNKNOWN


def test_a_lease_is_longer_than_a_batch_can_take_to_send_one_mail_at_a_time():
    assert timedelta(seconds=runner.BATCH) <= claims.LEASE


@pytest.mark.parametrize(
    ("happens", "state", "reason"),
    [
        (
            lambda ada: events.unsubscribed(ada.pk, "newsletter", how="page"),
            "skipped",
            "unsubscribed",
        ),
        (
            lambda ada: Subscription.objects.filter(subscriber=ada).update(state="pending"),
            "skipped",
            "unsubscribed",
        ),
        (
            lambda ada: Suppression.objects.create(email_key=ada.email_key, reason="complained"),
            "suppressed",
            "suppressed",
        ),
    ],
)
def test_who_leaves_after_the_freeze_is_not_mailed(freeze, send, memory, cast, ledger, happens, state, reason):
    edition = freeze("weekly")
    happens(cast.ada)
    numbers = send(edition, memory)
    assert ledger(edition)[ADA] == (state, reason)
    assert addresses(memory) == [BEN, CLEO]
    assert (numbers.sent, numbers.skipped, edition.state) == (2, 1, EditionState.SENT)


def test_who_leaves_while_their_copy_is_deferred_is_not_mailed(freeze, send, memory, cast, ledger):
    edition = freeze("weekly")
    edition.deliveries.update(state=DeliveryState.DEFERRED, at=timezone.now())
    events.unsubscribed(cast.ben.pk, "newsletter", how="one-click")
    send(edition, memory)
    assert addresses(memory) == [ADA, CLEO]


def test_who_is_suppressed_between_two_batches_is_not_mailed(freeze, memory, cast, monkeypatch):
    monkeypatch.setattr(runner, "BATCH", 1)
    batches = sending.drain(freeze("weekly"), memory, pipeline.signer())
    next(batches)
    left = next(address for address in (ADA, BEN, CLEO) if address not in addresses(memory))
    Suppression.objects.create(email_key=left, reason="dead")
    list(batches)
    assert left not in addresses(memory)
    assert len(memory.mails) == 2


class FailsAfter:
    """An adapter that breaks down after some mails."""

    def __init__(self, number):
        self.number, self.mails, self.closed = number, [], False

    def open(self):
        """Ready."""

    def deliver(self, mails):
        for mail in mails:
            if len(self.mails) == self.number:
                raise AdapterFailed("The provider has closed for the day.", permanent=False)
            self.mails.append(mail)
            yield Outcome(mail.delivery_id, Result.SENT)

    def close(self):
        self.closed = True


@pytest.mark.parametrize("number", [0, 1, 2])
def test_an_adapter_that_breaks_down_leaves_the_sent_sent_and_the_rest_queued(
    freeze, send, memory, cast, ledger, number
):
    edition = freeze("weekly")
    broken = FailsAfter(number)
    with pytest.raises(AdapterFailed, match="closed for the day"):
        send(edition, broken)
    assert broken.closed
    found = sorted(state for state, _ in ledger(edition).values())
    assert found == ["queued"] * (3 - number) + ["sent"] * number
    assert send(edition, memory).sent == 3
    assert sorted(addresses(broken) + addresses(memory)) == [ADA, BEN, CLEO]


def test_a_reader_whose_data_can_not_go_in_fails_alone(write, freeze, send, memory, join, ledger):
    template = (
        "---\nname: x\nlist: newsletter\ntemplate: plain\nsubject: 'For {{ subscriber.nickname }}'\n"
        "approval: automatic\n"
        "articles: {newest: 1}\n---\nHello.\n"
    )
    write("campaigns/named.md", template)
    for address, nickname in ((ADA, "Ad\x00a"), (BEN, "Ben")):
        person = join(address)
        person.attributes = {"nickname": nickname}
        person.save()
    edition = freeze("named")
    numbers = send(edition, memory)
    assert addresses(memory) == [BEN]
    assert ledger(edition)[ADA][0] == DeliveryState.FAILED
    assert "their data can't go into this mail" in ledger(edition)[ADA][1]
    assert (numbers.sent, numbers.failed) == (1, 1)


def test_a_finished_edition_opens_no_adapter(freeze, send, memory, cast):
    edition = freeze("weekly")
    send(edition, memory)

    class Closed:
        def open(self):
            raise AssertionError("nothing was due")

    assert send(edition, Closed()).sent == 3


def test_every_batch_is_recorded_before_it_is_told_of(freeze, memory, cast, monkeypatch):
    monkeypatch.setattr(runner, "BATCH", 1)
    edition = freeze("weekly")
    for number, batch in enumerate(sending.drain(edition, memory, pipeline.signer()), start=1):
        assert len(batch.outcomes) == 1
        assert edition.deliveries.filter(state=DeliveryState.SENT).count() == number
    assert number == 3
