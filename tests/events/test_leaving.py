"""Readers who leave, and who change their mind. Everything may happen twice and changes nothing the second time."""

import pytest

from broadsheet import events
from broadsheet.models import Event, EventKind, Subscription, SubscriptionState

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
    return [list(model.objects.order_by("pk").values()) for model in (Subscription, Event)]


def test_leaving_takes_the_reader_off_the_editions_list_and_keeps_an_event(edition, cast):
    events.unsubscribed(edition.pk, cast.ada.pk, how="one-click")
    left = Subscription.objects.get(subscriber=cast.ada)
    assert (left.state, left.left_at is not None) == (SubscriptionState.UNSUBSCRIBED, True)
    event = Event.objects.get()
    assert (event.kind, event.detail, event.delivery.subscriber) == (EventKind.UNSUBSCRIBED, "one-click", cast.ada)


def test_leaving_twice_changes_nothing_the_second_time(edition, cast):
    events.unsubscribed(edition.pk, cast.ada.pk, how="one-click")
    before = rows()
    events.unsubscribed(edition.pk, cast.ada.pk, how="page")
    assert rows() == before


def test_leaving_one_list_leaves_the_others_and_other_readers_alone(edition, cast):
    Subscription.objects.create(subscriber=cast.ada, list_name="letters", state="subscribed")
    events.unsubscribed(edition.pk, cast.ada.pk, how="page")
    assert state(cast.ada, "letters") == "subscribed"
    assert state(cast.ben) == "subscribed"


def test_who_changes_their_mind_is_back_with_the_evidence(edition, cast):
    events.unsubscribed(edition.pk, cast.ada.pk, how="page")
    events.resubscribed(edition.pk, cast.ada.pk)
    back = Subscription.objects.get(subscriber=cast.ada)
    assert (back.state, back.left_at) == ("subscribed", None)
    assert (back.consent_how, back.consent_detail) == ("form", "undid an unsubscribe")
    assert not Event.objects.exists()
    before = rows()
    events.resubscribed(edition.pk, cast.ada.pk)
    assert rows() == before


def test_undoing_what_was_never_done_subscribes_nobody(edition, cast):
    events.resubscribed(edition.pk, cast.fay.pk)
    assert state(cast.fay) == "pending"


def test_who_was_never_on_the_list_or_got_no_such_edition_is_nobody(edition, cast):
    assert events.unsubscribed(edition.pk, cast.hal.pk, how="page") is None
    assert events.unsubscribed(999, cast.ada.pk, how="page") is None
    assert events.resubscribed(999, cast.ada.pk) is None
    assert state(cast.hal, "letters") == "subscribed"


def test_who_is_on_the_list_and_got_no_copy_can_leave_as_well(edition, cast):
    events.unsubscribed(edition.pk, cast.dan.pk, how="page")
    assert state(cast.dan) == "unsubscribed"
