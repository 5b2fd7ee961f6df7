"""Hits become tallies that name nobody, and events of those who agreed."""

import threading
from datetime import UTC, datetime

import pytest
from django.db import DatabaseError

from broadsheet.audience import tracking_consent
from broadsheet.events import counting
from broadsheet.events.counting import AT_MOST, HOLD, HitCounter
from broadsheet.events.robots import Hit
from broadsheet.models import Event, EventKind, Link, Subscriber, Tally

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC).timestamp()


@pytest.fixture
def counter(monkeypatch):
    """A counter that writes when it is told to, not by itself."""
    made = HitCounter()
    monkeypatch.setattr(made, "_run", lambda: None)
    return made


@pytest.fixture
def edition(freeze, cast):
    frozen = freeze("weekly")
    Link.objects.create(edition=frozen, url="https://stillwater.example/a", article="night-harbour")
    return frozen


def clicked(edition, who="x", at=NOON, **more):
    link = Link.objects.get(edition=edition)
    variant = edition.variants.first()
    return Hit(EventKind.CLICKED, edition.pk, at, who, **{"variant_id": variant.pk, "link_id": link.pk, **more})


def counts():
    return {(row.kind, row.automatic): row.count for row in Tally.objects.all()}


def test_hits_wait_until_it_can_be_told_whose_they_are(counter, edition):
    counter.add(clicked(edition))
    assert counter.settle(NOON + HOLD - 1) == 0
    assert counts() == {}
    assert counter.settle(NOON + HOLD) == 1
    assert counts() == {("clicked", False): 1}


def test_hits_that_never_pause_do_not_wait_for_ever(counter, edition):
    for second in range(int(AT_MOST)):
        counter.add(clicked(edition, at=NOON + second))
    assert counter.settle(NOON + AT_MOST) == AT_MOST


def test_counts_of_several_processes_add_up(counter, edition):
    for process in (counter, HitCounter()):
        process._held = [clicked(edition, who=str(each)) for each in range(3)]
        process.settle(NOON + HOLD)
    assert counts() == {("clicked", False): 6}
    assert Tally.objects.count() == 1


def test_an_hour_of_its_own_for_each_hour(counter, edition):
    counter._held = [
        clicked(edition, "a", NOON),
        clicked(edition, "b", NOON + 3599),
        clicked(edition, "c", NOON + 3600),
    ]
    counter.settle(NOON + 9999)
    assert [(row.hour.hour, row.count) for row in Tally.objects.order_by("hour")] == [(12, 2), (13, 1)]


def test_aggregate_hits_leave_nothing_about_a_reader(counter, edition):
    counter._held = [clicked(edition)]
    counter.settle(NOON + HOLD)
    assert not Event.objects.exists()


def test_a_reader_who_agreed_has_an_event_once_however_often_they_click(counter, edition, cast):
    tracking_consent.agree(cast.ada, "Yes, count what I read.", datetime.now(UTC))
    hit = clicked(edition, "reader", subscriber_id=cast.ada.pk, variant_id=0)
    counter._held = [hit, hit]
    counter.settle(NOON + HOLD)
    counter._held = [hit]
    counter.settle(NOON + 2 * HOLD)
    event = Event.objects.get()
    assert (event.subscriber_id, event.edition_id, event.link.article) == (cast.ada.pk, edition.pk, "night-harbour")
    assert counts() == {("clicked", False): 3}
    assert Tally.objects.get().variant_id == edition.deliveries.get(subscriber=cast.ada).variant_id


def test_a_reader_who_withdrew_before_the_click_was_written_is_a_number_only(counter, edition, cast):
    counter._held = [clicked(edition, "reader", subscriber_id=cast.ada.pk)]
    counter.settle(NOON + HOLD)
    assert not Event.objects.exists()
    assert counts() == {("clicked", False): 1}


def test_withdrawing_deletes_what_was_kept_and_nobody_elses(counter, edition, cast):
    for person in (cast.ada, cast.cleo):
        tracking_consent.agree(person, "Yes.", datetime.now(UTC))
    counter._held = [clicked(edition, str(each), subscriber_id=each) for each in (cast.ada.pk, cast.cleo.pk)]
    counter.settle(NOON + HOLD)
    assert tracking_consent.withdraw(cast.ada) == 1
    assert [event.subscriber_id for event in Event.objects.all()] == [cast.cleo.pk]
    assert Subscriber.objects.get(pk=cast.ada.pk).tracking_consent_at is None


def test_what_readers_clicked_is_forgotten_in_time_and_the_totals_stay(counter, edition, cast):
    tracking_consent.agree(cast.ada, "Yes.", datetime.now(UTC))
    counter._held = [clicked(edition, "reader", subscriber_id=cast.ada.pk)]
    counter.settle(NOON + HOLD)
    assert tracking_consent.forget_reading(datetime.fromtimestamp(NOON, UTC)) == 0
    assert tracking_consent.forget_reading(datetime.fromtimestamp(NOON + 1, UTC)) == 1
    assert counts() == {("clicked", False): 1}


def test_a_database_that_is_away_for_a_moment_costs_no_count(counter, edition, monkeypatch):
    counter._held = [clicked(edition)]
    with monkeypatch.context() as away:

        def refuse(hits):
            raise DatabaseError("database is locked")

        away.setattr(counting, "record_hits", refuse)
        assert counter.settle(NOON + HOLD) == 0
    assert counter.settle(NOON + HOLD) == 1
    assert counts() == {("clicked", False): 1}


def test_threads_that_count_at_once_lose_nothing(counter, edition):
    hit = clicked(edition)

    def many():
        for _ in range(500):
            counter.add(hit)

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.settle(NOON + HOLD) == 2000


def test_the_word_for_an_unknown_person_dies_with_the_process():
    one, other = HitCounter(), HitCounter()
    assert one.nobody("10.0.0.1", "Firefox") == one.nobody("10.0.0.1", "Firefox")
    assert one.nobody("10.0.0.1", "Firefox") != other.nobody("10.0.0.1", "Firefox")
