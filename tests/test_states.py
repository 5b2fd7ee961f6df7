"""Editions' states: the allowed moves and no others, each with its trace, and what each means for the copies."""

from datetime import timedelta
from itertools import product
from threading import Event, Timer

import pytest
from django.utils import timezone
from tests.conftest import WEEKLY

from broadsheet import editions, pipeline
from broadsheet.editions import MOVES
from broadsheet.errors import WrongState
from broadsheet.models import Delivery, DeliveryState, Edition, EditionState
from broadsheet.sending import Outcome, Result, claims
from broadsheet.sending.adapters.memory import MemoryOutbox
from broadsheet.sending.tray import each
from broadsheet.sending.verdict import Verdict

pytestmark = pytest.mark.django_db

PAIRS = list(product(EditionState.values, repeat=2))


@pytest.fixture
def draft(freeze, write, cast):
    """An edition of three copies that waits for approval."""
    write("campaigns/weekly.md", WEEKLY.replace("approval: automatic", "approval: required"))
    return freeze("weekly")


@pytest.fixture
def in_state(freeze, cast):
    """An edition that is in that state."""

    def put(state):
        edition = freeze("weekly")
        Edition.objects.filter(pk=edition.pk).update(state=state)
        edition.refresh_from_db()
        return edition

    return put


def last_move(edition):
    move = edition.moves.last()
    return move.before, move.after, move.who, move.why


@pytest.mark.parametrize(("before", "after"), [pair for pair in PAIRS if pair[1] not in MOVES[pair[0]]])
def test_a_move_that_is_not_in_the_table_is_refused_and_leaves_no_trace(in_state, before, after):
    edition = in_state(before)
    moves = edition.moves.count()
    with pytest.raises(WrongState, match=f"Edition {edition.pk} is {before}, so it can't become {after}; it can"):
        editions.move(edition, after, who="test")
    edition.refresh_from_db()
    assert (edition.state, edition.moves.count()) == (before, moves)


@pytest.mark.parametrize(("before", "after"), [pair for pair in PAIRS if pair[1] in MOVES[pair[0]]])
def test_each_allowed_move_has_a_row_with_who_when_and_why(in_state, before, after):
    edition = in_state(before)
    started = timezone.now()
    editions.move(edition, after, who="ada", why="because")
    edition.refresh_from_db()
    assert (edition.state, edition.reason) == (after, "because")
    assert last_move(edition) == (before, after, "ada", "because")
    assert started <= edition.moves.last().at <= timezone.now()


def test_every_state_has_its_moves():
    assert set(MOVES) == set(EditionState.values)


def test_freezing_is_the_first_move(draft):
    assert last_move(draft) == ("", "draft", "test", "frozen")


def test_a_move_from_a_state_that_is_over_meanwhile_is_refused(draft):
    mine = Edition.objects.get(pk=draft.pk)
    editions.cancel(draft, who="somebody else")
    with pytest.raises(WrongState, match="became cancelled meanwhile; look again"):
        editions.move(mine, EditionState.APPROVED, who="test")
    assert mine.moves.last().who == "somebody else"


# Approval


def test_an_edition_that_nobody_approved_is_never_sent(draft, workspace, memory):
    for state in (EditionState.DRAFT, EditionState.PROOFED):
        Edition.objects.filter(pk=draft.pk).update(state=state)
        with pytest.raises(WrongState, match=f"Edition {draft.pk} waits for approval: broadsheet edition"):
            pipeline.send(workspace, draft, memory)
    assert memory.mails == []
    assert set(draft.deliveries.values_list("state", flat=True)) == {DeliveryState.QUEUED}


def test_an_approved_edition_is_sent(draft, send, memory):
    editions.approve(draft, who="ada", content_hash=draft.content_hash)
    assert (draft.state, draft.approved_hash) == (EditionState.APPROVED, draft.content_hash)
    assert send(draft, memory).sent == 3


def test_approving_what_has_changed_since_it_was_looked_at_is_refused(draft):
    with pytest.raises(WrongState, match="has changed since you looked at it"):
        editions.approve(draft, who="ada", content_hash="0" * 64)
    assert Edition.objects.get().state == EditionState.DRAFT


def test_what_changed_after_its_approval_needs_a_new_one(draft, send, memory):
    editions.approve(draft, who="ada")
    Edition.objects.filter(pk=draft.pk).update(content_hash="1" * 64)
    with pytest.raises(WrongState, match="has changed since it was approved"):
        send(draft, memory)
    assert memory.mails == []
    editions.move(draft, EditionState.DRAFT, who="ada", why="changed")
    editions.approve(draft, who="ada")
    assert send(draft, memory).sent == 3


def test_the_hash_is_of_what_is_frozen(freeze, cast, at, write):
    first, same = freeze("letter"), freeze("letter", at + timedelta(days=7))
    write("campaigns/letter.md", (pipeline_text := "---\nname: x\nlist: letters\ntemplate: plain\nsubject: New\n---\n"))
    other = freeze("letter", at + timedelta(days=14))
    assert pipeline_text
    assert len({first.content_hash, other.content_hash}) == 2
    assert len(same.content_hash) == 64


def test_two_senders_that_begin_at_once_both_send(draft):
    editions.approve(draft, who="ada")
    mine, other = Edition.objects.get(pk=draft.pk), Edition.objects.get(pk=draft.pk)
    assert editions.begin(mine, who="one")
    assert editions.begin(other, who="two")
    assert draft.moves.filter(after=EditionState.SENDING).count() == 1


# Pause, resume, cancel


class Slow(MemoryOutbox):
    """Takes one mail, and the next when the sender's answer was recorded and somebody has done something."""

    def __init__(self):
        super().__init__()
        self.go_on = Event()

    def deliver(self, tray):
        for mail in each(tray):
            tray.attempt(mail)
            self.mails.append(mail)
            tray.answer(Outcome(mail.delivery_id, Result.SENT))
            self.go_on.wait(60)


def after_first(box, does):
    """A sender's progress: once the first copy is recorded, something happens, and the adapter goes on after a round."""
    seen = []

    def progress(batch):
        if not seen:
            seen.append(does())
            Timer(0.5, box.go_on.set).start()

    return progress


def test_a_pause_takes_effect_at_once_and_resuming_goes_on(workspace, freeze, send, cast, memory, ledger):
    edition, box = freeze("weekly"), Slow()
    pauses = lambda: editions.move(Edition.objects.get(), EditionState.PAUSED, who="ada", why="a typo")  # noqa: E731
    numbers = pipeline.send(workspace, edition, box, after_first(box, pauses))
    edition.refresh_from_db()
    assert (edition.state, edition.reason) == (EditionState.PAUSED, "a typo")
    assert (len(box.mails), numbers.sent, numbers.waiting) == (1, 1, 2)
    with pytest.raises(WrongState, match=f"is paused: broadsheet edition {edition.pk} resume"):
        send(edition, memory)
    editions.move(edition, EditionState.SENDING, who="ada")
    assert send(edition, memory).sent == 3
    assert len({mail.rcpt_to for mail in (*box.mails, *memory.mails)}) == 3
    assert Edition.objects.get().state == EditionState.SENT


def test_cancelling_leaves_the_waiting_copies_cancelled(workspace, freeze, send, cast, ledger, memory):
    edition, box = freeze("weekly"), Slow()
    cancels = lambda: editions.cancel(Edition.objects.get(), who="ada", why="wrong list")  # noqa: E731
    numbers = pipeline.send(workspace, edition, box, after_first(box, cancels))
    edition.refresh_from_db()
    assert (edition.state, len(box.mails), numbers.sent, numbers.skipped) == (EditionState.CANCELLED, 1, 1, 2)
    assert sorted(ledger(edition).values()) == [
        ("cancelled", "the edition was cancelled"),
        ("cancelled", "the edition was cancelled"),
        ("sent", ""),
    ]
    send(edition, memory)
    assert memory.mails == []


def test_cancelling_leaves_alone_what_a_sender_has_in_hand_until_it_lets_go(in_state):
    edition = in_state(EditionState.SENDING)
    claimed = claims.claim(edition.pk, "one", 2)
    assert editions.cancel(edition, who="ada") == 1
    claims.let_go([claimed.pk])
    assert editions.call_off_waiting(edition) == 2


def test_what_was_sent_while_somebody_cancelled_is_sent(in_state):
    edition = in_state(EditionState.SENDING)
    row = claims.claim(edition.pk, "one", 1).rows[0]
    Delivery.objects.filter(pk=row.id).update(state=DeliveryState.CANCELLED)
    claims.record({row.id: Verdict(DeliveryState.SENT, timezone.now())})
    assert Delivery.objects.get(pk=row.id).state == DeliveryState.SENT


# Failed copies again


def test_failed_copies_go_again_and_the_others_do_not(freeze, send, memory, cast):
    edition = freeze("weekly")
    send(edition, memory)
    edition.deliveries.filter(subscriber=cast.ben).update(state=DeliveryState.FAILED, attempts=8, reason="552 full")
    assert editions.resend_failed(edition, who="ada") == 1
    assert last_move(edition) == ("sent", "sending", "ada", "1 failed copy goes again")
    memory.mails.clear()
    assert send(edition, memory).sent == 3
    assert [mail.rcpt_to for mail in memory.mails] == ["ben@reader.example"]


def test_with_nothing_failed_nothing_moves(freeze, send, memory, cast):
    edition = freeze("weekly")
    send(edition, memory)
    assert editions.resend_failed(edition, who="ada") == 0
    assert (edition.state, last_move(edition)[1]) == (EditionState.SENT, "sent")


def test_a_paused_edition_stays_paused_when_its_failed_copies_are_queued_again(in_state):
    edition = in_state(EditionState.PAUSED)
    edition.deliveries.update(state=DeliveryState.FAILED)
    assert editions.resend_failed(edition, who="ada") == 3
    assert Edition.objects.get().state == EditionState.PAUSED
    assert last_move(edition) == ("paused", "paused", "ada", "3 failed copies go again")


def test_a_cancelled_edition_sends_nothing_again(in_state):
    edition = in_state(EditionState.CANCELLED)
    edition.deliveries.update(state=DeliveryState.FAILED)
    with pytest.raises(WrongState):
        editions.resend_failed(edition, who="ada")
    assert set(Delivery.objects.values_list("state", flat=True)) == {DeliveryState.FAILED}


# Copies of which nobody knows


@pytest.mark.parametrize(
    ("as_", "state", "why"),
    [("sent", "sent", "3 unknown copies counted as sent"), ("queued", "sending", "3 unknown copies to be sent again")],
)
def test_unknown_copies_are_settled_by_somebody_and_an_edition_that_was_over_goes_on(
    in_state, send, memory, as_, state, why
):
    edition = in_state(EditionState.SENT)
    edition.deliveries.update(state=DeliveryState.UNKNOWN)
    assert editions.settle_unknown(edition, as_, who="ada") == 3
    edition.refresh_from_db()
    assert last_move(edition) == ("sent", state, "ada", why)
    send(edition, memory)
    edition.refresh_from_db()
    assert (edition.state, len(memory.mails)) == (EditionState.SENT, 3 if as_ == "queued" else 0)


def test_unknown_copies_of_a_cancelled_edition_are_never_sent_again(in_state):
    edition = in_state(EditionState.CANCELLED)
    edition.deliveries.update(state=DeliveryState.UNKNOWN)
    with pytest.raises(WrongState, match="nothing of it is sent again"):
        editions.settle_unknown(edition, "queued", who="ada")
    assert editions.settle_unknown(edition, "sent", who="ada") == 3


# No


@pytest.mark.parametrize("state", [EditionState.DRAFT, EditionState.PROOFED, EditionState.APPROVED])
def test_what_has_not_begun_can_be_sent_back_and_is_not_sent_then(in_state, workspace, memory, state):
    edition = in_state(state)
    editions.send_back(edition, who="ada", why="a wrong picture")
    assert (edition.state, edition.reason) == (EditionState.DRAFT, "a wrong picture")
    assert last_move(edition) == (state, "draft", "ada", "a wrong picture")
    with pytest.raises(WrongState, match="waits for approval"):
        pipeline.send(workspace, edition, memory)


@pytest.mark.parametrize("state", [EditionState.SENDING, EditionState.SENT, EditionState.CANCELLED])
def test_what_has_begun_or_is_over_can_not_be_sent_back(in_state, state):
    with pytest.raises(WrongState, match="has not begun"):
        editions.send_back(in_state(state), who="ada", why="late")


def test_what_is_sent_back_does_not_outdate_the_plans_of_others(in_state, plan):
    edition = in_state(EditionState.DRAFT)
    planned = plan("letter")
    editions.send_back(edition, who="ada", why="a wrong picture")
    assert plan("letter").newest_move == planned.newest_move


# Another time


def test_an_edition_that_has_not_begun_moves_to_another_time(draft, at):
    editions.reschedule(draft, at + timedelta(days=1), who="ada")
    assert draft.scheduled_for == at + timedelta(days=1)
    assert last_move(draft) == ("draft", "draft", "ada", "moved from 2026-03-03 09:00 UTC")


@pytest.mark.parametrize("state", ["sending", "paused", "sent", "skipped", "cancelled", "failed"])
def test_an_edition_that_has_begun_or_is_over_can_not_be_moved(in_state, at, state):
    with pytest.raises(WrongState, match=f"is {state}; only one that has not begun can be moved"):
        editions.reschedule(in_state(state), at + timedelta(days=1), who="ada")


def test_a_time_that_has_an_edition_already_is_taken(freeze, cast, at):
    first = freeze("weekly")
    freeze("weekly", at + timedelta(days=7))
    with pytest.raises(WrongState, match="weekly has an edition at that time already"):
        editions.reschedule(first, at + timedelta(days=7), who="ada")


# Due, held, skipped


def test_what_is_ready_is_approved_and_due_or_sending_with_copies_due(freeze, write, cast, at):
    approved = freeze("weekly")
    letter = freeze("letter")
    assert letter.state == EditionState.DRAFT
    assert editions.ready_to_send(at - timedelta(seconds=1)) == []
    assert editions.ready_to_send(at) == [approved]
    assert editions.unapproved(at) == [letter]
    assert editions.unapproved(at - timedelta(seconds=1)) == []
    Edition.objects.filter(pk=approved.pk).update(state=EditionState.SENDING)
    approved.deliveries.update(state=DeliveryState.DEFERRED, at=at + timedelta(hours=1))
    assert editions.ready_to_send(at) == []
    assert editions.ready_to_send(at + timedelta(hours=1)) == [approved]


def test_a_run_that_did_not_happen_is_a_row_with_its_reason(db, at):
    edition = editions.skip("weekly", at, "left out by the file", list_name="newsletter", who="scheduler")
    assert (edition.state, edition.reason) == (EditionState.SKIPPED, "left out by the file")
    assert last_move(edition) == ("", "skipped", "scheduler", "left out by the file")
    assert editions.skip("weekly", at, "again", list_name="newsletter", who="scheduler") == edition
    assert edition.moves.count() == 1
