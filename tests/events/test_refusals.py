"""Permanent refusals: an event for each, and a suppression where the address is dead."""

import pytest

from broadsheet.events import record_refusals
from broadsheet.models import Delivery, Event, Suppression
from broadsheet.sending import Outcome, Result

pytestmark = pytest.mark.django_db


@pytest.fixture
def outcome(freeze, cast):
    """An outcome for Ada's copy of the weekly digest."""
    delivery = Delivery.objects.get(edition=freeze("weekly"), subscriber=cast.ada)

    def made(result=Result.FAILED, reply="550 5.1.1 gone", dead=True):
        return Outcome(delivery.pk, result, reply, dead)

    return made


def suppressed():
    return list(Suppression.objects.filter(email_key="ada@reader.example").values_list("reason", "detail"))


def test_a_dead_address_is_suppressed_with_the_servers_words(outcome):
    record_refusals([outcome()])
    assert Event.objects.get().detail == "550 5.1.1 gone"
    assert suppressed() == [("dead", "550 5.1.1 gone")]


def test_a_refusal_for_another_reason_suppresses_nobody(outcome):
    record_refusals([outcome(reply="550 5.7.1 policy", dead=False)])
    assert Event.objects.count() == 1
    assert suppressed() == []


@pytest.mark.parametrize("result", [Result.SENT, Result.DEFERRED, Result.UNKNOWN])
def test_what_is_no_permanent_refusal_leaves_no_trace(outcome, result):
    record_refusals([outcome(result)])
    assert not Event.objects.exists()
    assert suppressed() == []


def test_the_same_refusal_twice_changes_nothing(outcome):
    record_refusals([outcome()])
    record_refusals([outcome(reply="550 5.1.1 still gone")])
    assert Event.objects.get().detail == "550 5.1.1 gone"
    assert suppressed() == [("dead", "550 5.1.1 gone")]


def test_an_earlier_suppression_keeps_its_reason(outcome):
    Suppression.objects.create(email_key="ada@reader.example", reason="complained")
    record_refusals([outcome()])
    assert suppressed() == [("complained", "")]
