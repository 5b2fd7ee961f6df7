"""The numbers of an edition."""

import pytest

from broadsheet import reports
from broadsheet.models import Delivery, DeliveryState, Edition

pytestmark = pytest.mark.django_db


@pytest.fixture
def edition_of(freeze, join):
    """An edition whose copies stand in these states."""

    def made(*states):
        people = [join(f"{number}@reader.example", "sleep") for number in range(len(states))]
        edition = freeze("weekly")
        for person, (state, reason) in zip(people, states, strict=True):
            Delivery.objects.filter(edition=edition, subscriber=person).update(state=state, reason=reason)
        return edition

    return made


def test_every_state_is_counted_once_and_they_add_up(edition_of):
    numbers = reports.numbers(edition_of(*((state, "") for state in DeliveryState.values)))
    assert numbers.readers == len(DeliveryState.values)
    assert (numbers.sent, numbers.failed, numbers.deferred, numbers.unknown) == (1, 1, 1, 1)
    assert numbers.skipped == 3, "suppressed, skipped and cancelled"
    assert numbers.waiting == 1, "queued"


@pytest.mark.parametrize("state", DeliveryState.values)
def test_an_edition_is_finished_when_no_copy_wants_a_sender(edition_of, state):
    numbers = reports.numbers(edition_of((DeliveryState.SENT, ""), (state, "")))
    assert numbers.finished == (state not in DeliveryState.open())


def test_reasons_are_counted_most_frequent_first(edition_of):
    numbers = reports.numbers(
        edition_of(
            (DeliveryState.FAILED, "550 no such user"),
            (DeliveryState.SKIPPED, "unsubscribed"),
            (DeliveryState.SKIPPED, "unsubscribed"),
            (DeliveryState.UNKNOWN, ""),
            (DeliveryState.SENT, ""),
            (DeliveryState.QUEUED, ""),
        )
    )
    assert list(numbers.reasons.items()) == [("unsubscribed", 2), ("550 no such user", 1), ("unknown", 1)]


def test_another_editions_copies_do_not_count(edition_of, freeze, at):
    edition_of((DeliveryState.SENT, ""))
    other = Edition.objects.create(campaign=Edition.objects.get().campaign, scheduled_for=at.replace(year=2027))
    assert reports.numbers(other).readers == 0
