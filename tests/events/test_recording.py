"""What a report changes: an event for its copy, a suppression where that is due, and nothing the second time."""

import pytest
from tests.events.conftest import word

from broadsheet.events import Recorder, record_refusals
from broadsheet.models import DeliveryState, Event, Subscription, Suppression
from broadsheet.sending import Outcome, Result

pytestmark = pytest.mark.django_db


def suppressed(reader):
    """The reason why that reader is suppressed, and what is said about it; None if they are not."""
    return Suppression.objects.filter(email_key=reader.email_key).values_list("reason", "detail").first()


def events(copy):
    return list(Event.objects.filter(delivery=copy).values_list("kind", "cause"))


@pytest.mark.parametrize("signed", ["b", "m", "u"])
def test_a_dead_address_is_suppressed_at_once_with_the_reply_and_the_message(copy, report, take, signed):
    ada = copy()
    assert take(report(ada, signed=signed)) == ("bounce", "suppressed: dead")
    assert events(ada) == [("bounced", "dead")]
    reason, detail = suppressed(ada.subscriber)
    assert reason == "dead"
    assert detail == "550 5.1.1 No such user (message 7 from MAILER-DAEMON@mx.example)"


def test_the_same_report_again_or_another_of_the_same_copy_changes_nothing(copy, report, take):
    ada = copy()
    take(report(ada))
    before = list(Event.objects.values()), list(Suppression.objects.values())
    assert take(report(ada)) == ("bounce", "known already")
    assert take(report(ada, "552 5.2.2 full", "5.2.2", number=2)) == ("bounce", "known already")
    assert (list(Event.objects.values()), list(Suppression.objects.values())) == before


def test_dead_counts_although_another_reason_came_first(copy, report, take):
    ada = copy()
    take(report(ada, "451 4.4.1 late", "4.4.1"))
    assert suppressed(ada.subscriber) is None
    take(report(ada))
    assert events(ada) == [("bounced", "dead")]
    assert suppressed(ada.subscriber)[0] == "dead"


@pytest.mark.parametrize(
    ("reply", "status", "cause"),
    [
        ("552 5.2.2 full", "5.2.2", "full"),
        ("550 5.1.1 your IP is blocked", "5.1.1", "policy"),
        ("451 4.4.1 no answer", "4.4.1", "temporary"),
        ("550 no", "5.0.0", "unknown"),
    ],
)
def test_everything_else_is_counted_and_suppresses_after_five_in_a_row(copy, report, take, reply, status, cause):
    copies = [copy(days=days) for days in (5, 4, 3, 2, 1)]
    reader = copies[0].subscriber
    for number, each in enumerate(copies[:4]):
        assert take(report(each, reply, status, number=number)) == ("bounce", f"counted: {cause}")
    assert suppressed(reader) is None
    assert "too many in a row" in take(report(copies[4], reply, status))[1]
    reason, detail = suppressed(reader)
    assert reason == "bouncing"
    assert detail.startswith(f"5 copies in a row came back ({cause}); the last: ")


def test_a_copy_between_that_arrived_begins_the_count_anew(copy, report, take):
    copies = [copy(days=days) for days in range(7, 0, -1)]
    for each in (*copies[:3], *copies[4:]):
        take(report(each, "552 5.2.2 full", "5.2.2"))
    assert suppressed(copies[0].subscriber) is None


def test_reports_in_any_order_come_to_the_same(copy, report, take):
    copies = [copy(days=days) for days in range(6, 0, -1)]
    for position in (4, 0, 3, 1, 2):  # the sixth copy, the latest, has not come back
        take(report(copies[position], "552 5.2.2 full", "5.2.2"))
    assert suppressed(copies[0].subscriber)[0] == "bouncing"


def test_zero_is_no_limit(copy, report, recorder, db):
    from broadsheet.events.bounces import parse

    never = Recorder(recorder.signer, suppress_after=0)
    copies = [copy(days=days) for days in range(6, 0, -1)]
    for each in copies:
        never.record(parse(report(each, "552 5.2.2 full", "5.2.2")))
    assert suppressed(copies[0].subscriber) is None


def test_an_address_behind_the_readers_own_does_not_make_theirs_dead(copy, report, take):
    ada = copy()
    assert take(report(ada, address="ada.at.home@elsewhere.example")) == ("bounce", "counted: unknown")
    assert suppressed(ada.subscriber) is None


def test_a_report_that_nobody_signed_counts_and_suppresses_nobody_at_once(copy, report, take):
    ada = copy()
    assert take(report(ada, signed="")) == ("bounce", "counted: unknown")
    assert events(ada) == [("bounced", "unknown")]
    assert suppressed(ada.subscriber) is None


def test_a_word_signed_with_another_key_says_nothing(copy, report, take):
    ada = copy(days=60)
    forged = report(ada).replace(word(ada, "b").encode(), b"AAAABBBBCCCCDDDDEEEE")
    assert take(forged) == ("bounce", "about nobody who was mailed")
    assert not Event.objects.exists()


@pytest.mark.parametrize("signed", [True, False])
def test_a_complaint_suppresses_at_once(copy, complaint, take, signed):
    ada = copy()
    assert take(complaint(ada, signed=signed)) == ("complaint", "suppressed: complained")
    take(complaint(ada, signed=signed))
    assert events(ada) == [("complained", "")]
    reason, detail = suppressed(ada.subscriber)
    assert (reason, detail) == ("complained", "abuse (message 7 from loop@portal.example)")


def test_a_complaint_stands_above_another_reason(copy, complaint, report, take):
    ada = copy()
    take(report(ada))
    take(complaint(ada))
    assert suppressed(ada.subscriber)[0] == "complained"
    assert {kind for kind, _ in events(ada)} == {"bounced", "complained"}


def test_a_mail_to_the_unsubscribe_address_takes_its_reader_off_the_list(copy, goodbye, take):
    ada = copy()
    assert take(goodbye(ada)) == ("unsubscribe", "left newsletter")
    assert Subscription.objects.get(subscriber=ada.subscriber).state == "unsubscribed"
    assert events(ada) == [("unsubscribed", "")]


def test_so_does_the_one_that_a_mail_program_sends_for_them(copy, goodbye, take):
    assert take(goodbye(copy(), Auto_Submitted="auto-replied"))[0] == "unsubscribe"


def test_a_forged_goodbye_changes_nothing(copy, goodbye, take):
    ada = copy()
    assert take(goodbye(ada, token="AAAABBBBCCCCDDDDEEEE")) == ("other", "nothing to do")
    assert take(goodbye(ada, token=word(ada, "v"))) == ("other", "nothing to do")
    assert Subscription.objects.get(subscriber=ada.subscriber).state == "subscribed"


def test_refusals_at_sending_time_and_reports_are_counted_together(copy, report, take):
    copies = [copy(days=days) for days in (5, 4, 3, 2, 1)]
    for each in copies[:4]:
        take(report(each, "552 5.2.2 full", "5.2.2"))
    type(copies[4]).objects.filter(pk=copies[4].pk).update(state=DeliveryState.FAILED)
    record_refusals([Outcome(copies[4].pk, Result.FAILED, "552 5.2.2 full")], 5)
    assert suppressed(copies[0].subscriber)[0] == "bouncing"


@pytest.mark.parametrize(
    "reply", ["550 5.1.1 your IP is blocked", "550 5.1.1 mailbox full", "550 5.1.1 try again later"]
)
def test_a_refusal_whose_words_speak_against_its_code_suppresses_nobody(copy, reply):
    ada = copy()
    record_refusals([Outcome(ada.pk, Result.FAILED, reply, dead=True)], 5)
    assert events(ada)[0][1] != "dead"
    assert suppressed(ada.subscriber) is None


def test_what_no_server_was_asked_about_is_not_counted(copy):
    copies = [copy(days=days) for days in (6, 5, 4, 3, 2, 1)]
    type(copies[0]).objects.update(state=DeliveryState.FAILED)
    record_refusals([Outcome(each.pk, Result.FAILED, "their data", asked=False) for each in copies], 5)
    assert events(copies[0]) == [("bounced", "")]
    assert suppressed(copies[0].subscriber) is None


def test_what_was_put_off_until_its_time_was_over_is_counted(copy):
    ada = copy()
    type(ada).objects.filter(pk=ada.pk).update(state=DeliveryState.FAILED)
    record_refusals([Outcome(ada.pk, Result.DEFERRED, "451 4.4.1 no answer")], 5)
    assert events(ada) == [("bounced", "temporary")]
