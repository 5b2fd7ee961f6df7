"""Readers who leave, and who change their mind. Everything may happen twice and changes nothing the second time."""

from datetime import timedelta

import pytest
from django.utils import timezone

from broadsheet import events
from broadsheet.models import Event, EventKind, PersonNote, Subscription, SubscriptionState

pytestmark = pytest.mark.django_db


@pytest.fixture
def edition(freeze, send, memory, cast):
    """An edition that Ada, Ben and Cleo got."""
    edition = freeze("weekly")
    send(edition, memory)
    return edition


def state(person, list_name="newsletter"):
    return Subscription.objects.get(subscriber=person, list_name=list_name).state


def rows():
    return [list(model.objects.order_by("pk").values()) for model in (Subscription, Event, PersonNote)]


def test_leaving_takes_the_reader_off_the_list_and_keeps_an_event(edition, cast):
    events.unsubscribed(cast.ada.pk, "newsletter", how="one-click", edition_id=edition.pk)
    left = Subscription.objects.get(subscriber=cast.ada)
    assert (left.state, left.left_at is not None) == (SubscriptionState.UNSUBSCRIBED, True)
    event = Event.objects.get()
    assert (event.kind, event.detail, event.delivery.subscriber) == (
        EventKind.UNSUBSCRIBED,
        "not said (one-click)",
        cast.ada,
    )


def test_leaving_twice_changes_nothing_the_second_time(edition, cast):
    events.unsubscribed(cast.ada.pk, "newsletter", how="one-click", edition_id=edition.pk)
    before = rows()
    events.unsubscribed(cast.ada.pk, "newsletter", how="page", edition_id=edition.pk)
    assert rows() == before


def test_leaving_one_list_leaves_the_others_and_other_readers_alone(edition, cast):
    Subscription.objects.create(subscriber=cast.ada, list_name="letters", state="subscribed")
    events.unsubscribed(cast.ada.pk, "newsletter", how="page")
    assert state(cast.ada, "letters") == "subscribed"
    assert state(cast.ben) == "subscribed"


def test_who_changes_their_mind_is_back_with_the_evidence(edition, cast):
    agreed = Subscription.objects.filter(subscriber=cast.ada)
    agreed.update(consent_how="import", consent_detail="a.csv", consent_network="192.0.2.0", consent_wording="Yes.")
    before = agreed.values().get()
    events.unsubscribed(cast.ada.pk, "newsletter", how="page", edition_id=edition.pk)
    events.said_why(cast.ada.pk, "newsletter", "too many  mails\n")
    assert Subscription.objects.get(subscriber=cast.ada).left_reason == "too many mails"
    left_at = agreed.get().left_at
    events.resubscribed(cast.ada.pk, "newsletter", "198.51.100.0")
    assert agreed.values().get() == before, "the consent they gave before, as it was"
    assert not Event.objects.exists()
    (note,) = PersonNote.objects.filter(email_key="ada@reader.example")
    assert note.what == f"undid leaving newsletter, left at {left_at.isoformat()} (too many mails)"
    assert (note.who, timezone.now() - note.at < timedelta(minutes=1)) == ("the reader, from 198.51.100.0", True)
    before = rows()
    events.resubscribed(cast.ada.pk, "newsletter", "198.51.100.0")
    assert rows() == before


def test_all_lists_are_left_at_once_and_come_back_at_once(edition, cast):
    on = {"letters": "subscribed", "clinic": "pending", "gone": "unsubscribed"}
    for name, stands in on.items():
        asked = None if stands == "pending" else edition.scheduled_for
        Subscription.objects.create(
            subscriber=cast.ada, list_name=name, state=stands, consent_at=asked, left_at=edition.scheduled_for
        )
    events.unsubscribed(cast.ada.pk, None, how="page", edition_id=edition.pk)
    assert {row.state for row in cast.ada.subscriptions.all()} == {"unsubscribed"}
    events.resubscribed(cast.ada.pk, "newsletter")
    now = dict(cast.ada.subscriptions.values_list("list_name", "state"))
    assert now == {
        **on,
        "newsletter": "subscribed",
    }  # what was never agreed to still waits; what was left before is left


def test_undoing_what_was_never_done_subscribes_nobody(cast):
    events.resubscribed(cast.fay.pk, "newsletter")
    assert state(cast.fay) == "pending"


def test_who_was_never_on_the_list_is_nobody(cast):
    events.unsubscribed(cast.hal.pk, "newsletter", how="page")
    events.unsubscribed(999, "newsletter", how="page")
    events.resubscribed(999, None)
    assert state(cast.hal, "letters") == "subscribed"


def test_who_got_no_copy_can_leave_as_well(edition, cast):
    events.unsubscribed(cast.dan.pk, "newsletter", how="page", edition_id=edition.pk)
    assert state(cast.dan) == "unsubscribed"
    assert not Event.objects.exists()
