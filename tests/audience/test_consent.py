"""Who may be mailed, and why the others not."""

from datetime import timedelta

import pytest
from pydantic import TypeAdapter
from tests.conftest import WEEKLY

from broadsheet.audience import Target, excluded_by_reason, mailable, may_receive, why_not
from broadsheet.models import Frequency, Subscription, SubscriptionState, Suppression, SuppressionReason
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
    assert may_receive(ids, Target("newsletter")) == {cast.hal.pk: "unsubscribed"}
    Subscription.objects.filter(subscriber=cast.ada).update(state=SubscriptionState.UNSUBSCRIBED)
    Suppression.objects.create(email_key=cast.ben.email_key, reason=SuppressionReason.DEAD)
    assert may_receive(ids, Target("newsletter")) == {
        cast.ada.pk: "unsubscribed",
        cast.ben.pk: "suppressed",
        cast.hal.pk: "unsubscribed",
    }


def test_who_is_suppressed_and_has_left_counts_as_suppressed(cast):
    Subscription.objects.filter(subscriber=cast.gus).update(state=SubscriptionState.UNSUBSCRIBED)
    assert may_receive([cast.gus.pk], Target("newsletter")) == {cast.gus.pk: "suppressed"}


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


# Readers who want fewer mails


@pytest.fixture
def less_often(freeze, send, memory, cast, at):
    """Ada wants the newsletter weekly, Ben monthly, Cleo has paused it; an edition went out to all but Cleo."""
    for person, wish in (
        (cast.ada, {"frequency": Frequency.WEEKLY}),
        (cast.ben, {"frequency": Frequency.MONTHLY}),
        (cast.cleo, {"paused_until": at + timedelta(days=10)}),
    ):
        Subscription.objects.filter(subscriber=person).update(**wish)
    send(freeze("weekly", at), memory)
    assert sorted(mail.rcpt_to for mail in memory.mails) == ["ada@reader.example", "ben@reader.example"]
    return cast


@pytest.mark.parametrize(
    ("after", "mailed"),
    [
        ({"hours": 1}, "dan"),
        ({"days": 6}, "dan"),
        ({"days": 7}, "ada dan"),
        ({"days": 7, "hours": -1}, "ada dan"),  # the clocks went forward
        ({"days": 10, "seconds": -1}, "ada dan"),
        ({"days": 10}, "ada cleo dan"),
        ({"days": 27}, "ada cleo dan"),
        ({"days": 28}, "ada ben cleo dan"),
    ],
)
def test_nobody_is_mailed_more_often_than_they_want_or_while_they_pause(less_often, at, after, mailed):
    target = Target("newsletter", at=at + timedelta(**after))
    assert names(mailable(target)) == mailed
    ids = {person.pk: name for name, person in vars(less_often).items() if name in ("ada", "ben", "cleo", "dan")}
    assert " ".join(sorted(ids[pk] for pk in ids.keys() - may_receive(ids, target).keys())) == mailed


def test_those_who_want_fewer_mails_are_counted_and_told_apart(less_often, at):
    target = Target("newsletter", (SLEEPERS, MOVERS), at=at + timedelta(days=1))
    assert excluded_by_reason(target) == {
        "suppressed": 1,
        "unsubscribed": 1,
        "unconfirmed": 1,
        "paused": 1,
        "wants mail less often": 2,
        "outside the segment": 1,
    }
    assert [why_not(target, person) for person in (less_often.ada, less_often.cleo, less_often.dan)] == [
        "wants mail less often",
        "paused",
        "outside the segment",
    ]


def test_a_suppressed_reader_who_paused_is_counted_once(less_often, at):
    Suppression.objects.create(email_key=less_often.cleo.email_key, reason=SuppressionReason.COMPLAINED)
    counts = excluded_by_reason(Target("newsletter", at=at))
    assert counts["suppressed"] == 2
    assert "paused" not in counts


def test_an_edition_is_not_its_readers_past(less_often, freeze, at):
    edition = freeze("weekly", at)
    target = Target("newsletter", at=at, edition_id=edition.pk)
    assert names(mailable(target)) == "ada ben dan"
    assert may_receive([less_often.ada.pk], target) == {}


def test_an_edition_of_another_list_does_not_count(less_often, at, freeze, join):
    both = join("zoe@reader.example", "mind", lists=["newsletter", "letters"])
    Subscription.objects.update(frequency=Frequency.WEEKLY)
    freeze("letter", at + timedelta(days=1))
    assert both.pk in mailable(Target("newsletter", at=at + timedelta(days=2))).values_list("pk", flat=True)


def test_a_copy_that_was_never_sent_does_not_count(less_often, at):
    less_often.ada.deliveries.update(state="failed")
    assert "ada" in names(mailable(Target("newsletter", at=at + timedelta(days=1))))


def test_who_pauses_after_the_freeze_gets_no_copy(cast, freeze, send, memory, at, ledger):
    edition = freeze("weekly", at)
    Subscription.objects.filter(subscriber=cast.ada).update(paused_until=at + timedelta(days=3))
    send(edition, memory)
    assert ledger(edition)["ada@reader.example"] == ("skipped", "paused")
    assert "ada@reader.example" not in {mail.rcpt_to for mail in memory.mails}


def test_two_editions_at_one_time_give_a_weekly_reader_one_mail(cast, freeze, write, at):
    Subscription.objects.filter(subscriber=cast.ada).update(frequency=Frequency.WEEKLY)
    write("campaigns/extra.md", WEEKLY.replace("Weekly digest", "Extra"))
    first, second = freeze("weekly", at), freeze("extra", at)
    assert cast.ada.deliveries.filter(edition=first).exists()
    assert not cast.ada.deliveries.filter(edition=second).exists()
    assert second.excluded["wants mail less often"] == 1
