"""An edition's report: numbers that add up, each with what it is a share of."""

import csv
from datetime import UTC, datetime, timedelta

import pytest

from broadsheet import events, reports
from broadsheet.audience import tracking_consent
from broadsheet.events.counting import record_hits
from broadsheet.events.robots import Hit
from broadsheet.models import Delivery, Edition, Event, EventKind, Link, Subscription, Summary
from broadsheet.reports import Rate
from broadsheet.sending import Outcome, Result
from broadsheet.sending.adapters.memory import MemoryOutbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def edition(workspace, write, freeze, send, cast):
    """An edition that counts clicks: Ben's address does not exist, the others got theirs."""
    campaign = workspace.root / "campaigns/weekly.md"
    write("campaigns/weekly.md", campaign.read_text().replace("approval:", "tracking: aggregate\napproval:"))
    made = freeze("weekly")
    gone = Outcome(0, Result.FAILED, "550 5.1.1 gone", dead=True)
    send(made, MemoryOutbox(refuse={"ben@reader.example": gone}))
    made.refresh_from_db()
    return made


def click(edition, article, times=1, *, automatic=False):
    link = Link.objects.get(edition=edition, article=article)
    variant = edition.variants.first()
    at = edition.scheduled_for.timestamp() + 60
    hit = Hit(EventKind.CLICKED, edition.pk, at, "x", variant.pk, link.pk, automatic=automatic)
    record_hits([hit] * times)


def happened(edition, person, kind, detail=""):
    delivery = Delivery.objects.get(edition=edition, subscriber=person)
    Event.of(delivery, kind, datetime.now(UTC), detail=detail).save()


def test_what_was_sent_and_what_failed_add_up_to_the_readers(workspace, edition):
    found = reports.report(workspace, edition)
    assert (found.readers, found.sent, found.failed) == (3, 2, Rate(1, 3, "readers"))
    assert found.reasons == {"550 5.1.1 gone": 1}
    assert found.bounced == Rate(1, 3, "readers")


def test_complaints_and_leavings_are_shares_of_what_was_sent(workspace, edition, cast):
    happened(edition, cast.ada, EventKind.COMPLAINED)
    happened(edition, cast.cleo, EventKind.UNSUBSCRIBED, "too many mails")
    found = reports.report(workspace, edition)
    assert found.complained == Rate(1, 2, "sent")
    assert str(found.unsubscribed) == "1 (50.00% of 2 sent)"
    assert found.unsubscribe_reasons == {"too many mails": 1}


def test_why_readers_left_is_what_they_said_on_the_page(workspace, edition, cast):
    for person in (cast.ada, cast.cleo):
        events.unsubscribed(person.pk, "newsletter", how="one-click", edition_id=edition.pk)
    events.said_why(cast.ada.pk, "newsletter", "too many  mails")
    events.said_why(cast.cleo.pk, "newsletter", " ")
    found = reports.report(workspace, edition)
    assert found.unsubscribe_reasons == {"too many mails": 1, "not said (one-click)": 1}


def test_clicks_by_link_and_article_leave_robots_out(workspace, edition):
    click(edition, "back-to-the-allotment", 3)
    click(edition, "pillow-moon", 1)
    click(edition, "pillow-moon", 40, automatic=True)
    found = reports.report(workspace, edition)
    assert found.clicked.count == 4
    assert found.clicks_by_robots == 40
    assert [(each["article"], each["clicks"]) for each in found.articles][:2] == [
        ("back-to-the-allotment", 3),
        ("pillow-moon", 1),
    ]
    assert found.readers_clicked is None, "nobody is counted one by one"


def test_by_variant_domain_segment_and_hour(workspace, edition):
    click(edition, "back-to-the-allotment", 2)
    found = reports.report(workspace, edition)
    assert sum(each["readers"] for each in found.variants) == 3
    assert sum(each["clicks"] for each in found.variants) == 2
    assert found.domains == [{"domain": "reader.example", "readers": 3, "sent": 2, "failed": 1, "deferred": 0}]
    assert found.segments == {"sleepers": {"readers": 2, "sent": 2}, "movers": {"readers": 2, "sent": 1}}
    assert sum(each["sent"] for each in found.hours) == 2
    assert sum(each["clicked"] for each in found.hours) == 2


def test_a_finished_editions_summary_is_made_once(workspace, edition, django_assert_num_queries):
    assert Summary.objects.get(edition=edition).final
    with django_assert_num_queries(1):
        reports.summary_of(edition)


def test_failed_copies_that_go_again_make_it_anew(workspace, edition, cast):
    from broadsheet import editions

    editions.resend_failed(edition, who="test")
    assert not Summary.objects.exists()
    assert reports.report(workspace, edition).states == {"sent": 2, "queued": 1}


def test_a_report_outlives_its_campaign(workspace, edition):
    known = reports.report(workspace, edition).segments
    assert len(known) == 2
    (workspace.root / "campaigns/weekly.md").unlink()
    found = reports.report(workspace, edition)
    assert (found.sent, found.segments) == (2, known)
    Summary.objects.all().delete()
    assert reports.report(workspace, edition).segments == {}


def test_how_many_readers_clicked_stays_when_who_they_are_is_forgotten(workspace, edition, cast):
    Edition.objects.filter(pk=edition.pk).update(tracking="individual")
    edition.refresh_from_db()
    for person in (cast.ada, cast.cleo):
        happened(edition, person, EventKind.CLICKED)
    assert reports.report(workspace, edition).readers_clicked == 2
    now = datetime.now(UTC)
    for before in (now - timedelta(days=1), now + timedelta(seconds=1)):
        reports.fold_reading(before)
        tracking_consent.forget_reading(before)
    assert not Event.objects.filter(kind=EventKind.CLICKED).exists()
    reports.fold_reading(now + timedelta(seconds=1))
    assert reports.report(workspace, edition).readers_clicked == 2
    reports.summarise(edition)
    assert reports.report(workspace, edition).readers_clicked == 2


def test_the_csv_has_clicks_by_variant_and_hour(workspace, edition):
    click(edition, "pillow-moon", 2)
    found = reports.report(workspace, edition)
    lines = list(csv.reader(reports.as_csv(found).splitlines()))
    [variant] = [each for each in found.variants if each["clicks"]]
    assert ["variant's clicks", str(variant["variant"]), "2", str(variant["sent"])] in lines
    assert [line[2:] for line in lines if line[0] == "hour's clicks" and line[2] != "0"] == [["2", "2"]]


def test_a_share_of_nothing_is_nothing():
    assert Rate(0, 0, "sent").share == 0


# Compared


def test_editions_side_by_side_newest_first(workspace, edition, freeze, send, at):
    from broadsheet import pipeline

    later, _ = pipeline.publish(workspace, "weekly", at + timedelta(days=7), MemoryOutbox())
    click(edition, "pillow-moon", 2)
    rows = reports.compared(edition.campaign)
    assert [row.edition.pk for row in rows] == [
        pk for pk in (later.pk, edition.pk) if later.state == "sent" or pk != later.pk
    ]
    assert rows[-1].clicked == Rate(2, 2, "sent")


def test_articles_by_what_readers_did(edition):
    click(edition, "pillow-moon", 2)
    ranked = reports.articles_ranked(edition.scheduled_for)
    assert (ranked[0].slug, ranked[0].clicks, ranked[0].editions) == ("pillow-moon", 2, 1)
    assert ranked[0].title == "Pillow moon"
    assert reports.articles_ranked(edition.scheduled_for + timedelta(days=1)) == []


def test_a_lists_growth_day_by_day(join, at):
    first, second = join("a@reader.example"), join("b@reader.example")
    join("p@reader.example", state="pending")
    Subscription.objects.filter(subscriber=first).update(consent_at=at - timedelta(days=2))
    Subscription.objects.filter(subscriber=second).update(
        consent_at=at - timedelta(days=1), left_at=at, state="unsubscribed"
    )
    days = reports.growth("newsletter", at.date(), days=4)
    assert [(day.joined, day.left, day.size) for day in days] == [(0, 0, 0), (1, 0, 1), (1, 0, 2), (0, 1, 1)]


# Health


@pytest.fixture
def enough(monkeypatch):
    """Two readers are enough to judge by."""
    monkeypatch.setattr(reports.health, "ENOUGH", 2)


def test_a_list_of_few_readers_is_not_judged(edition):
    assert reports.health_of("newsletter") == reports.Health()


def test_many_bounces_hold_the_next_edition_until_somebody_says_yes(workspace, write, edition, enough, freeze, at):
    health = reports.health_of("newsletter")
    assert "33.33% bounces (1 of 3)" in health.hold
    write(
        "campaigns/weekly.md",
        (workspace.root / "campaigns/weekly.md").read_text().replace("newest:", "repeat: allow\n  newest:"),
    )
    held = freeze("weekly", at + timedelta(days=7))
    assert (held.state, held.reason) == ("draft", health.hold[:300])


def test_complaints_near_the_limit_are_a_warning(edition, enough, cast, monkeypatch):
    Event.objects.all().delete()
    happened(edition, cast.ada, EventKind.COMPLAINED)
    monkeypatch.setattr(reports.health, "COMPLAINTS", (0.4, 0.6))
    health = reports.health_of("newsletter")
    assert health.hold == ""
    assert "50.00% complaints (1 of 2)" in health.warning


def test_an_edition_that_was_called_off_on_the_way_counts(edition, enough):
    Edition.objects.filter(pk=edition.pk).update(state="cancelled")
    assert "33.33% bounces (1 of 3)" in reports.health_of("newsletter").hold


def test_another_lists_editions_do_not_count(edition, enough):
    assert reports.health_of("letters") == reports.Health()
