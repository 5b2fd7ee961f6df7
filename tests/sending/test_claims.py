"""Whose turn a copy is: claimed once, looked at again before it goes, and never sent twice after a crash."""

import itertools
import time
from datetime import timedelta
from threading import Event, Timer

import pytest
from django.utils import timezone

from broadsheet import editions, events, pipeline, sending
from broadsheet.errors import AdapterFailed
from broadsheet.models import Claim, Delivery, DeliveryState, Edition, EditionState, Missing, Subscription, Suppression
from broadsheet.sending import Outcome, Result, claims
from broadsheet.sending.adapters.memory import MemoryOutbox
from broadsheet.sending.journal import Journal
from broadsheet.sending.tray import each
from broadsheet.sending.verdict import Verdict

pytestmark = pytest.mark.django_db

ADA, BEN, CLEO = "ada@reader.example", "ben@reader.example", "cleo@reader.example"


@pytest.fixture
def sending_edition(freeze, cast):
    """An edition of three copies that is being sent."""
    edition = freeze("weekly")
    Edition.objects.filter(pk=edition.pk).update(state=EditionState.SENDING)
    edition.refresh_from_db()
    return edition


@pytest.fixture
def journal(workspace):
    """Makes the journal of a sender of this machine."""
    made = []

    def of(name):
        made.append(Journal(pipeline.journals(workspace), name))
        return made[-1]

    yield of
    for each_ in made:
        if not each_._map.closed:
            each_.close(keep=False)


def addresses(outbox):
    return sorted(mail.rcpt_to for mail in outbox.mails)


def ids(claimed):
    return {row.id for row in claimed.rows}


def test_a_claimed_copy_is_nobody_elses(sending_edition):
    mine = claims.claim(sending_edition.pk, "one", 2)
    others = claims.claim(sending_edition.pk, "two", 10)
    assert (len(mine.rows), len(others.rows)) == (2, 1)
    assert not ids(mine) & ids(others)
    assert claims.claim(sending_edition.pk, "three", 10) is None


@pytest.mark.parametrize("sizes", list(itertools.product([1, 2, 5], repeat=3)))
def test_however_claims_lie_no_copy_is_in_two_and_none_is_left_out(sending_edition, join, sizes):
    for number in range(9):
        join(f"{number}@reader.example", "sleep" if number % 2 else "movement")
    edition, given, again = sending_edition, [], True
    while claimed := claims.claim(edition.pk, "one", sizes[len(given) % 3], (sizes[0], sizes[1])):
        given.append(claimed)
        if again and len(given) == 2:  # what is let go without an outcome comes again
            again = False
            claims.let_go([given.pop(0).pk])
    found = [row.id for claimed in given for row in claimed.rows]
    assert sorted(found) == sorted(edition.deliveries.filter(variant__isnull=False).values_list("pk", flat=True))


def test_copies_are_claimed_variant_by_variant(freeze, cast, join):
    for number in range(6):
        join(f"{number}@reader.example", "sleep" if number % 2 else "movement")
    edition = freeze("weekly")
    Edition.objects.update(state=EditionState.SENDING)
    variants = [row.variant for row in claims.claim(edition.pk, "one", 100).rows]
    assert variants == sorted(variants)
    assert len(set(variants)) > 1


def test_another_editions_copies_are_left_alone(freeze, cast):
    first, second = freeze("weekly"), freeze("letter")
    Edition.objects.update(state=EditionState.SENDING)
    claims.claim(first.pk, "one", 100)
    assert len(claims.claim(second.pk, "one", 100).rows) == second.deliveries.count() == 1


@pytest.mark.parametrize("state", sorted(set(EditionState.values) - {"sending"}))
def test_nothing_is_claimed_of_an_edition_that_is_not_being_sent(sending_edition, state):
    Edition.objects.update(state=state)
    assert claims.claim(sending_edition.pk, "one", 10) is None


def test_a_dead_senders_copies_are_sorted_by_its_journal(sending_edition, journal, workspace, send, memory, ledger):
    rows = claims.claim(sending_edition.pk, "dead", 3).rows
    book = journal("dead")
    book.attempt(rows[0].id)
    book.answer(book.attempt(rows[1].id), Outcome(rows[1].id, Result.SENT))
    book.close(keep=True)
    numbers = send(sending_edition, memory)
    states = {row.pk: (row.state, row.reason) for row in Delivery.objects.filter(edition=sending_edition)}
    assert states[rows[0].id] == (DeliveryState.UNKNOWN, "its sender stopped in mid-send")
    assert states[rows[1].id] == states[rows[2].id] == (DeliveryState.SENT, "")
    assert [mail.delivery_id for mail in memory.mails] == [rows[2].id]
    assert (numbers.sent, numbers.unknown, Edition.objects.get().state) == (2, 1, EditionState.SENT)
    assert list(pipeline.journals(workspace).iterdir()) == []
    send(sending_edition, memory)
    assert len(memory.mails) == 1


@pytest.mark.parametrize(
    ("decides", "state", "mailed"),
    [("hold", "unknown", False), ("resend", "deferred", False), ("assume-sent", "sent", False)],
)
def test_what_becomes_of_an_unknown_copy_is_the_campaigns_to_say(
    sending_edition, journal, send, memory, decides, state, mailed
):
    Edition.objects.update(on_unknown=decides)
    row = claims.claim(sending_edition.pk, "dead", 1).rows[0]
    book = journal("dead")
    book.attempt(row.id)
    book.close(keep=True)
    send(sending_edition, memory)
    assert Delivery.objects.get(pk=row.id).state == state
    assert (row.id in {mail.delivery_id for mail in memory.mails}) is mailed


def test_a_reply_that_a_dead_sender_had_noted_counts_with_all_it_means(sending_edition, journal, send, memory, cast):
    rows = {row.subscriber: row for row in claims.claim(sending_edition.pk, "dead", 3).rows}
    book = journal("dead")
    pk = rows[cast.ada.pk].id
    book.answer(book.attempt(pk), Outcome(pk, Result.FAILED, "550 5.1.1 Nobody here", dead=True))
    book.close(keep=True)
    assert send(sending_edition, memory).failed == 1
    assert Suppression.objects.filter(email_key=ADA, reason="dead").exists()
    assert addresses(memory) == [BEN, CLEO]


def test_a_living_sender_of_this_machine_keeps_its_copies_whatever_its_lease_says(
    sending_edition, journal, send, memory
):
    row = claims.claim(sending_edition.pk, "alive", 1).rows[0]
    journal("alive")
    Claim.objects.update(lease_until=timezone.now() - timedelta(hours=1))
    numbers = send(sending_edition, memory)
    assert (numbers.sent, numbers.waiting, sending_edition.state) == (2, 1, EditionState.SENDING)
    assert row.id not in {mail.delivery_id for mail in memory.mails}


def test_another_machines_sender_is_dead_when_its_lease_is_over_and_all_it_had_is_unknown(
    sending_edition, send, memory
):
    claims.claim(sending_edition.pk, "elsewhere", 2)
    assert send(sending_edition, memory).waiting == 2
    Claim.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    numbers = send(sending_edition, memory)
    assert (numbers.sent, numbers.unknown, len(memory.mails)) == (1, 2, 1)


def test_what_another_machine_called_unknown_is_settled_by_the_journal_when_it_is_found(
    sending_edition, journal, workspace
):
    rows = claims.claim(sending_edition.pk, "cut-off", 3).rows
    Claim.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    sending.recover(workspace.state / "another machine", sending.Rules(workspace.config.sending, lambda _: None))
    assert Delivery.objects.filter(state="unknown").count() == 3
    book = journal("cut-off")
    book.answer(book.attempt(rows[0].id), Outcome(rows[0].id, Result.SENT))
    book.attempt(rows[1].id)
    book.close(keep=True)
    pipeline.sweep(workspace)
    assert [Delivery.objects.get(pk=row.id).state for row in rows] == ["sent", "unknown", "queued"]
    assert not Missing.objects.exists()


def test_a_sender_that_comes_back_after_its_lease_says_only_what_nobody_else_has_said(sending_edition):
    now = timezone.now()
    rows = claims.claim(sending_edition.pk, "slow", 3).rows
    states = ("unknown", "unknown", "queued")
    for row, state in zip(rows, states, strict=True):
        Delivery.objects.filter(pk=row.id).update(state=state)
    said = {
        rows[0].id: Verdict(DeliveryState.SENT, now),
        rows[1].id: Verdict(DeliveryState.FAILED, now, "550"),
        rows[2].id: Verdict(DeliveryState.FAILED, now, "550"),
    }
    claims.record(said, lost=said)
    assert [Delivery.objects.get(pk=row.id).state for row in rows] == ["sent", "failed", "queued"]


def test_a_journal_of_another_boot_proves_nothing(sending_edition, journal, workspace, monkeypatch):
    claims.claim(sending_edition.pk, "dead", 2)
    monkeypatch.setattr("broadsheet.sending.journal.boot", lambda: b"x" * 36)
    journal("dead").close(keep=True)
    monkeypatch.undo()
    assert [(each_.unknown, each_.queued) for each_ in pipeline.sweep(workspace)] == [(2, 0)]


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


def test_a_copy_keeps_when_it_was_first_refused_until_it_is_queued_anew(sending_edition):
    since = timezone.now() - timedelta(hours=3)
    taken = claims.claim(sending_edition.pk, "one", 1)
    assert taken.rows[0].deferred_since is None
    pk = taken.rows[0].id
    claims.record({pk: Verdict(DeliveryState.DEFERRED, timezone.now(), "451", since)})
    claims.let_go([taken.pk])
    again = claims.claim(sending_edition.pk, "two", 1)
    assert (again.rows[0].id, again.rows[0].deferred_since) == (pk, since)
    assert Delivery.objects.get(pk=pk).deferred_since == since
    Delivery.objects.filter(pk=pk).update(deferred_since=None)
    assert Delivery.objects.get(pk=pk).deferred_since is None


def test_who_leaves_while_their_copy_is_deferred_is_not_mailed(freeze, send, memory, cast, ledger):
    edition = freeze("weekly")
    edition.deliveries.update(state=DeliveryState.DEFERRED, at=timezone.now())
    events.unsubscribed(cast.ben.pk, "newsletter", how="one-click")
    send(edition, memory)
    assert addresses(memory) == [ADA, CLEO]


class Waits(MemoryOutbox):
    """Takes one mail, and no more before it is told to."""

    def __init__(self):
        super().__init__()
        self.told = Event()

    def deliver(self, tray):
        for mail in each(tray):
            tray.attempt(mail)
            self.mails.append(mail)
            tray.answer(Outcome(mail.delivery_id, Result.SENT))
            self.told.wait(60)


def taken_for_dead(workspace):
    """What another machine does when this one's lease has run out."""
    Claim.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    sending.recover(workspace.state / "another machine", sending.Rules(workspace.config.sending, lambda _: None))


@pytest.mark.parametrize(("decides", "meanwhile"), [("hold", "unknown"), ("assume-sent", "sent")])
@pytest.mark.parametrize("state", ["sending", "sent"])
def test_a_sender_that_comes_back_sends_what_had_not_left(
    workspace, freeze, memory, cast, ledger, monkeypatch, decides, meanwhile, state
):
    monkeypatch.setattr("broadsheet.sending.ledger.RENEWAL", 0.1)
    edition, box, seen = freeze("weekly"), Waits(), []
    Edition.objects.update(on_unknown=decides)

    def progress(batch):
        if not seen:
            taken_for_dead(workspace)
            seen.extend(sorted(state for state, _ in ledger(edition).values()))
            Edition.objects.update(state=state)
            Timer(1.0, box.told.set).start()

    edition.refresh_from_db()
    pipeline.send(workspace, edition, box, progress)
    assert seen == sorted(["sent", meanwhile, meanwhile])
    assert pipeline.send(workspace, edition, memory).sent == 3
    assert sorted(addresses(box) + addresses(memory)) == [ADA, BEN, CLEO]
    assert set(edition.deliveries.filter(variant__isnull=False).values_list("attempts", flat=True)) == {1}
    assert not Missing.objects.exists()


def test_what_was_under_way_when_a_sender_was_cut_off_is_what_its_answer_says(
    workspace, freeze, cast, ledger, monkeypatch
):
    monkeypatch.setattr("broadsheet.sending.ledger.RENEWAL", 0.1)
    edition, taken = freeze("weekly"), Event()

    class TakesTwo(MemoryOutbox):
        """Has two under way when it is cut off, and forgets one of them."""

        def deliver(self, tray):
            first, second = tray.take(1)[0], tray.take(1)[0]
            tray.attempt(first)
            tray.attempt(second)
            taken.set()
            time.sleep(1.0)
            self.mails.append(first)
            tray.answer(Outcome(first.delivery_id, Result.SENT))
            raise AdapterFailed("The cable was pulled.", permanent=False)

    def stop():
        if taken.is_set():
            taken.clear()
            taken_for_dead(workspace)
        return False

    with pytest.raises(AdapterFailed):
        pipeline.send(workspace, edition, TakesTwo(), stop=stop)
    assert sorted(state for state, _ in ledger(edition).values()) == ["queued", "sent", "unknown"]


def test_a_person_who_settled_it_meanwhile_has_the_last_word(workspace, sending_edition, journal):
    claims.claim(sending_edition.pk, "cut-off", 3)
    taken_for_dead(workspace)
    editions.settle_unknown(sending_edition, "sent", who="test")
    journal("cut-off").close(keep=True)
    pipeline.sweep(workspace)
    assert set(sending_edition.deliveries.filter(variant__isnull=False).values_list("state", flat=True)) == {"sent"}


def test_who_is_suppressed_while_their_copy_is_in_a_senders_hand_is_not_mailed(workspace, freeze, cast, ledger):
    edition, box = freeze("weekly"), Waits()
    left = []

    def progress(batch):
        if not left and box.mails:
            left.extend({ADA, BEN, CLEO} - set(addresses(box)))
            Suppression.objects.create(email_key=left[0], reason="dead")
        elif left:
            box.told.set()

    pipeline.send(workspace, edition, box, progress)
    assert left[0] not in addresses(box)
    assert ledger(edition)[left[0]] == ("suppressed", "suppressed")
    assert len(box.mails) == 2


class FailsAfter:
    """An adapter that breaks down after some mails."""

    def __init__(self, number, *, permanent=False):
        self.number, self.permanent, self.mails, self.closed = number, permanent, [], False

    def open(self):
        """Ready."""

    def deliver(self, tray):
        for mail in each(tray):
            if len(self.mails) == self.number:
                raise AdapterFailed("The provider has closed for the day.", permanent=self.permanent)
            tray.attempt(mail)
            self.mails.append(mail)
            tray.answer(Outcome(mail.delivery_id, Result.SENT))

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


def test_an_adapter_that_can_not_mend_itself_pauses_the_edition_which_says_so(freeze, send, cast):
    edition = freeze("weekly")
    with pytest.raises(AdapterFailed):
        send(edition, FailsAfter(1, permanent=True))
    assert (edition.state, Edition.objects.get().reason) == ("paused", "The provider has closed for the day.")


def test_an_attempt_that_the_adapter_never_answered_is_unknown(freeze, send, cast, ledger):
    class Forgets(FailsAfter):
        def deliver(self, tray):
            [mail] = tray.take(1)
            tray.attempt(mail)
            raise AdapterFailed("The cable was pulled.", permanent=False)

    edition = freeze("weekly")
    with pytest.raises(AdapterFailed):
        send(edition, Forgets(0))
    assert sorted(state for state, _ in ledger(edition).values()) == ["queued", "queued", "unknown"]


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


def test_every_batch_is_recorded_before_it_is_told_of(workspace, freeze, memory, cast):
    edition, told = freeze("weekly"), []

    def progress(batch):
        told.extend(batch.outcomes)
        assert edition.deliveries.filter(state=DeliveryState.SENT).count() == len(told)

    pipeline.send(workspace, edition, memory, progress)
    assert len(told) == 3


def test_a_sender_leaves_neither_claims_nor_a_journal_behind(workspace, freeze, send, memory, cast):
    send(freeze("weekly"), memory)
    assert not Claim.objects.exists()
    assert list(pipeline.journals(workspace).iterdir()) == []
