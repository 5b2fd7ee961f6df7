"""Who may be mailed, and why the others not."""

import pytest
from pydantic import TypeAdapter

from broadsheet.audience import Target, excluded_by_reason, mailable, may_receive, why_not
from broadsheet.models import Subscription, SubscriptionState, Suppression, SuppressionReason
from broadsheet.workspace import Segment

pytestmark = pytest.mark.django_db

SLEEPERS = TypeAdapter(Segment).validate_python({"all": [{"interests": {"any": ["sleep"]}}]})
MOVERS = TypeAdapter(Segment).validate_python({"all": [{"interests": {"any": ["movement"]}}]})
EVERYBODY = Segment()


def names(query):
    return " ".join(sorted(row.email.partition("@")[0] for row in query))


def test_only_subscribed_and_unsuppressed_people_may_be_mailed(cast):
    assert names(mailable(Target("newsletter"))) == "ada ben cleo dan"
    assert names(mailable(Target("letters"))) == "hal"
    assert names(mailable(Target("no such list"))) == ""


def test_someone_in_two_segments_is_there_once(cast):
    assert names(mailable(Target("newsletter", (SLEEPERS,)))) == "ada cleo"
    assert names(mailable(Target("newsletter", (SLEEPERS, MOVERS)))) == "ada ben cleo"


def test_a_segment_of_everybody_makes_the_union_everybody(cast):
    assert names(mailable(Target("newsletter", (EVERYBODY, MOVERS)))) == "ada ben cleo dan"
    assert names(mailable(Target("newsletter", (MOVERS, EVERYBODY)))) == "ada ben cleo dan"


def test_everyone_left_out_is_counted_once_and_under_one_reason(cast):
    assert excluded_by_reason(Target("newsletter", (SLEEPERS, MOVERS))) == {
        "suppressed": 1,
        "unsubscribed": 1,
        "unconfirmed": 1,
        "outside the segment": 1,
    }


def test_someone_with_several_reasons_is_counted_under_the_gravest(cast):
    for person in (cast.eve, cast.fay, cast.dan):
        Suppression.objects.create(email_key=person.email_key, reason=SuppressionReason.COMPLAINED)
    assert excluded_by_reason(Target("newsletter", (SLEEPERS,))) == {"suppressed": 4, "outside the segment": 1}


def test_the_mailed_and_the_left_out_add_up_to_the_list(cast):
    for segments in ((), (SLEEPERS,), (SLEEPERS, MOVERS), (EVERYBODY,)):
        left_out = sum(excluded_by_reason(Target("newsletter", segments)).values())
        ever = Subscription.objects.filter(list_name="newsletter").count()
        assert mailable(Target("newsletter", segments)).count() + left_out == ever


def test_at_the_moment_of_sending_the_present_state_counts(cast):
    ids = [cast.ada.pk, cast.ben.pk, cast.cleo.pk, cast.hal.pk]
    assert may_receive(ids, "newsletter") == {cast.hal.pk: "unsubscribed"}
    Subscription.objects.filter(subscriber=cast.ada).update(state=SubscriptionState.UNSUBSCRIBED)
    Suppression.objects.create(email_key=cast.ben.email_key, reason=SuppressionReason.DEAD)
    assert may_receive(ids, "newsletter") == {
        cast.ada.pk: "unsubscribed",
        cast.ben.pk: "suppressed",
        cast.hal.pk: "unsubscribed",
    }


def test_who_is_suppressed_and_has_left_counts_as_suppressed(cast):
    Subscription.objects.filter(subscriber=cast.gus).update(state=SubscriptionState.UNSUBSCRIBED)
    assert may_receive([cast.gus.pk], "newsletter") == {cast.gus.pk: "suppressed"}


def test_of_one_person_it_says_why_they_are_not_mailed(cast):
    target = Target("newsletter", (SLEEPERS, MOVERS), (MOVERS,))
    assert {name: why_not(target, person) for name, person in vars(cast).items()} == {
        "ada": "",
        "ben": "excluded",
        "cleo": "excluded",
        "dan": "outside the segment",
        "eve": "unsubscribed",
        "fay": "unconfirmed",
        "gus": "suppressed",
        "hal": "never was on the list newsletter",
    }


def test_the_excluded_are_left_out_and_counted(cast):
    target = Target("newsletter", (), (MOVERS, SLEEPERS))
    assert names(mailable(target)) == "dan"
    assert excluded_by_reason(target)["excluded"] == 3


def test_excluding_everybody_leaves_nobody(cast):
    target = Target("newsletter", (), (EVERYBODY,))
    assert names(mailable(target)) == ""
    assert excluded_by_reason(target)["excluded"] == 4
