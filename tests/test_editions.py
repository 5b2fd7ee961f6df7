"""Editions: planned without a trace, frozen once, one row for each reader, and numbers that add up."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from tests.conftest import AT, SEGMENTS, WEEKLY

from broadsheet import editions, pipeline, reports
from broadsheet.errors import PlanOutdated, UnknownName, WrongState
from broadsheet.models import (
    Article,
    Campaign,
    Delivery,
    DeliveryState,
    Edition,
    EditionState,
    Subscription,
    SubscriptionState,
    Suppression,
    Variant,
)
from broadsheet.selection import HAD_ALL
from broadsheet.workspace import Workspace

pytestmark = pytest.mark.django_db

WEEK = timedelta(days=7)
OTHER = "---\nname: x\nlist: newsletter\ntemplate: plain\nsubject: x\narticles: {newest: 2}\n---\nHello.\n"


def rows():
    models = (Edition, Variant, Delivery, Campaign)
    return [list(model.objects.order_by("pk").values()) for model in models]


def got(edition):
    """Who gets which articles."""
    found = edition.deliveries.select_related("subscriber", "variant").filter(variant__isnull=False)
    return {row.subscriber.email.partition("@")[0]: " ".join(row.variant.articles) for row in found}


# Planning


def test_a_plan_says_who_gets_what_and_who_not_and_why(plan, cast):
    planned = plan("weekly")
    assert {variant.slugs: variant.readers for variant in planned.variants} == {
        ("back-to-the-allotment", "pillow-moon"): 1,
        ("back-to-the-allotment", "eleven-lengths"): 2,
    }
    assert planned.variants[0].readers == 2, "most readers first"
    assert planned.excluded == {"suppressed": 1, "unsubscribed": 1, "unconfirmed": 1, "outside the segment": 1}
    assert planned.readers == 3
    assert planned.audience == planned.readers + sum(planned.excluded.values()) == 7


def test_planning_leaves_nothing_behind(plan, cast):
    plan("weekly")
    before = rows()
    plan("weekly")
    assert rows() == before == [[], [], [], []]


def test_someone_in_two_segments_gets_one_copy(freeze, cast):
    edition = freeze("weekly")
    assert edition.deliveries.filter(subscriber=cast.cleo).count() == 1
    assert got(edition) == {
        "ada": "back-to-the-allotment pillow-moon",
        "ben": "back-to-the-allotment eleven-lengths",
        "cleo": "back-to-the-allotment eleven-lengths",
    }


def test_a_plan_says_of_one_reader_what_they_get_or_why_not(plan, cast):
    planned = plan("weekly")
    assert editions.variant_of(planned, cast.ada.pk).slugs == ("back-to-the-allotment", "pillow-moon")
    assert "outside its segment" in editions.variant_of(planned, cast.dan.pk)


def test_a_campaign_whose_every_reader_is_excluded_is_skipped(freeze, cast, write):
    write("subscribers/segments.yaml", SEGMENTS + "  everybody: {}\n")
    write("campaigns/weekly.md", WEEKLY.replace("segment: [sleepers, movers]", "exclude: [everybody]"))
    edition = freeze("weekly")
    assert (edition.state, edition.excluded["excluded"]) == (EditionState.SKIPPED, 4)
    assert edition.reason == "nobody is due anything new (1 suppressed, 1 unsubscribed, 1 unconfirmed, 4 excluded)"


# Freezing


def test_a_frozen_edition_keeps_all_a_sender_needs(freeze, cast, at):
    edition = freeze("weekly")
    assert (edition.campaign.slug, edition.scheduled_for, edition.state) == ("weekly", at, EditionState.APPROVED)
    assert (edition.list_name, edition.adapter) == ("newsletter", "default")
    assert (edition.mail_from, edition.mail_domain) == ("hello@news.stillwater.example", "news.stillwater.example")
    assert edition.public_url == "https://news.stillwater.example"
    assert edition.key == "weekly-20260303T0900"
    assert set(edition.deliveries.values_list("state", flat=True)) == {DeliveryState.QUEUED}
    assert all(bytes(variant.message) for variant in edition.variants.all())


def test_freezing_twice_gives_the_same_edition_and_no_new_rows(freeze, cast):
    first = freeze("weekly")
    before = rows()
    assert freeze("weekly") == first
    assert rows() == before


def test_a_second_firing_after_a_change_still_finds_the_first_edition(freeze, cast, join):
    first = freeze("weekly")
    before = rows()
    join("late@reader.example", "sleep")
    Article.objects.all().update(title="Another title")
    assert freeze("weekly") == first
    assert rows() == before


def test_one_campaign_and_time_is_one_edition_in_the_database_itself(freeze, cast, at):
    edition = freeze("weekly")
    with pytest.raises(IntegrityError), transaction.atomic():
        Edition.objects.create(campaign=edition.campaign, scheduled_for=at)


def test_one_edition_and_reader_is_one_delivery_in_the_database_itself(freeze, cast):
    edition = freeze("weekly")
    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.create(edition=edition, subscriber=cast.ada)


def test_one_set_of_articles_is_one_variant_in_the_database_itself(freeze, cast):
    variant = freeze("weekly").variants.first()
    with pytest.raises(IntegrityError), transaction.atomic():
        Variant.objects.create(edition=variant.edition, key=variant.key, message=b"")


def test_next_weeks_edition_brings_only_what_is_new_to_each(freeze, send, memory, cast, at):
    send(freeze("weekly"), memory)
    assert got(freeze("weekly", at + WEEK)) == {"ada": "night-harbour", "cleo": "pillow-moon night-harbour"}


def test_a_reader_with_too_few_new_articles_has_a_row_that_says_so(freeze, send, memory, cast, ledger, at):
    send(freeze("weekly"), memory)
    edition = freeze("weekly", at + WEEK)
    assert ledger(edition)["ben@reader.example"] == (DeliveryState.SKIPPED, HAD_ALL)
    assert edition.excluded[HAD_ALL] == 1
    assert reports.numbers(edition).skipped == 1


def test_when_nobody_is_due_anything_the_edition_is_skipped_and_says_why(freeze, send, memory, cast, ledger, at):
    for week in range(2):
        send(freeze("weekly", at + week * WEEK), memory)
    edition = freeze("weekly", at + 2 * WEEK)
    assert edition.state == EditionState.SKIPPED
    assert edition.reason.startswith("nobody is due anything new (")
    assert {state for state, _ in ledger(edition).values()} == {DeliveryState.SKIPPED}
    mails = len(memory.mails)
    numbers = send(edition, memory)
    edition.refresh_from_db()
    assert (len(memory.mails), edition.state, numbers.skipped) == (mails, EditionState.SKIPPED, 3)


def test_an_edition_for_an_empty_list_is_skipped(freeze, db):
    edition = freeze("weekly")
    assert (edition.state, edition.audience, edition.deliveries.count()) == (EditionState.SKIPPED, 0, 0)


def test_an_article_dated_after_the_edition_waits_for_the_next(freeze, cast, write, at):
    write("articles/soon.md", "---\ntitle: Soon\ndate: 2026-03-05\ntags: [sleep]\n---\nSoon.\n")
    assert "soon" not in got(freeze("weekly"))["ada"]
    assert "soon" in got(freeze("weekly", at + WEEK))["ada"]


@pytest.mark.parametrize(
    ("repeat", "again"),
    [("never", set()), ("per-campaign", {"hal"}), ("allow", {"hal"})],
)
def test_repeat_says_whether_other_campaigns_count(freeze, write, cast, repeat, again):
    rules = "tags: {any: [mind]}, newest: 1"
    letter = "---\nname: x\nlist: letters\ntemplate: plain\nsubject: x\narticles: {%s, repeat: %s}\n---\nHello.\n"
    write("campaigns/first.md", letter % (rules, "never"))
    write("campaigns/second.md", letter % (rules, repeat))
    assert set(got(freeze("first"))) == {"hal"}
    assert set(got(freeze("second"))) == again


def test_repeat_per_campaign_still_minds_its_own_editions(freeze, write, cast, at):
    rules = "tags: {any: [mind]}, newest: 1"
    for slug, repeat in (("per", "per-campaign"), ("allow", "allow")):
        write(
            f"campaigns/{slug}.md",
            f"---\nname: x\nlist: letters\ntemplate: plain\nsubject: x\narticles: {{{rules}, repeat: {repeat}}}\n---\n",
        )
        freeze(slug)
    assert got(freeze("per", at + WEEK)) == {}
    assert got(freeze("allow", at + WEEK)) == {"hal": "pillow-moon"}


@pytest.mark.parametrize("state", [DeliveryState.FAILED, DeliveryState.SUPPRESSED, DeliveryState.SKIPPED])
def test_an_article_that_never_reached_its_reader_is_due_again(freeze, cast, at, state):
    freeze("weekly").deliveries.update(state=state)
    assert got(freeze("weekly", at + WEEK))["ada"] == "back-to-the-allotment pillow-moon"


@pytest.mark.parametrize(
    "state", [DeliveryState.SENT, DeliveryState.UNKNOWN, DeliveryState.QUEUED, DeliveryState.DEFERRED]
)
def test_an_article_that_reached_or_may_reach_its_reader_is_not_due_again(freeze, cast, at, state):
    freeze("weekly").deliveries.update(state=state)
    assert got(freeze("weekly", at + WEEK))["ada"] == "night-harbour"


# Between plan and freeze


@pytest.fixture
def meanwhile(workspace, db, at):
    """Plans and compiles, lets something happen, then freezes; the edition."""

    def frozen(happens):
        pipeline.collect(workspace)
        planned = pipeline.select(workspace, workspace.campaign("weekly"), at)
        printed = pipeline.press(workspace, planned)
        happens()
        return pipeline.freeze(workspace, planned, printed, who="test")

    return frozen


def test_who_leaves_between_plan_and_freeze_is_not_mailed(meanwhile, send, memory, cast, ledger):
    edition = meanwhile(lambda: Subscription.objects.filter(subscriber=cast.ada).update(state="unsubscribed"))
    numbers = send(edition, memory)
    assert ledger(edition)["ada@reader.example"] == (DeliveryState.SKIPPED, "unsubscribed")
    assert "ada@reader.example" not in [mail.rcpt_to for mail in memory.mails]
    assert (numbers.sent, numbers.skipped) == (2, 1)


def test_who_is_suppressed_between_plan_and_freeze_is_not_mailed(meanwhile, send, memory, cast, ledger):
    edition = meanwhile(lambda: Suppression.objects.create(email_key=cast.ben.email_key, reason="dead"))
    send(edition, memory)
    assert ledger(edition)["ben@reader.example"] == (DeliveryState.SUPPRESSED, "suppressed")
    assert sorted(mail.rcpt_to for mail in memory.mails) == ["ada@reader.example", "cleo@reader.example"]


def test_who_joins_between_plan_and_freeze_waits_for_the_next_edition(meanwhile, join, cast):
    edition = meanwhile(lambda: join("late@reader.example", "sleep"))
    assert set(got(edition)) == {"ada", "ben", "cleo"}


def test_whose_interests_change_between_plan_and_freeze_gets_what_was_planned(meanwhile, cast):
    from broadsheet.audience import set_interests

    edition = meanwhile(lambda: set_interests(cast.ada, ["movement"]))
    assert got(edition)["ada"] == "back-to-the-allotment pillow-moon"


def test_who_is_erased_between_plan_and_freeze_has_no_row_and_breaks_nothing(meanwhile, send, memory, cast):
    edition = meanwhile(cast.ada.delete)
    assert set(got(edition)) == {"ben", "cleo"}
    assert send(edition, memory).sent == 2


def test_a_plan_is_outdated_once_another_edition_was_frozen(meanwhile, freeze, cast):
    with pytest.raises(PlanOutdated, match="try again"):
        meanwhile(lambda: freeze("weekly", AT + WEEK))
    assert Edition.objects.count() == 1, "nothing of it was written"


def test_a_plan_is_outdated_once_failed_copies_go_again(meanwhile, freeze, send, memory, cast):
    other = freeze("weekly", AT - WEEK)
    send(other, memory)
    other.deliveries.filter(subscriber=cast.ada).update(state=DeliveryState.FAILED)
    with pytest.raises(PlanOutdated):
        meanwhile(lambda: editions.resend_failed(Edition.objects.get(pk=other.pk), who="test"))


@pytest.mark.parametrize("repeat", ["never", "per-campaign", "allow"])
def test_what_gives_nobody_anything_outdates_no_plan(
    meanwhile, freeze, send, memory, cast, at, write, workspace, repeat
):
    sent = freeze("weekly", at - WEEK)
    due = freeze("weekly", at - 2 * WEEK)

    def happens():
        editions.skip("weekly", at + WEEK, "left out", list_name="newsletter", who="test")
        editions.cancel(Edition.objects.get(pk=sent.pk), who="test")
        send(due, memory)

    write("campaigns/weekly.md", WEEKLY.replace("newest: 2", f"newest: 2\n  repeat: {repeat}"))
    assert meanwhile(happens).state != EditionState.DRAFT


def test_a_plan_that_minds_no_history_is_never_outdated(meanwhile, freeze, cast, write):
    write("campaigns/weekly.md", WEEKLY.replace("newest: 2", "newest: 2\n  repeat: allow"))
    write("campaigns/other.md", OTHER)
    edition = meanwhile(lambda: freeze("other"))
    assert set(got(edition)) == {"ada", "ben", "cleo"}


def test_two_campaigns_planned_at_once_give_nobody_one_article_twice(workspace, freeze, write, cast, monkeypatch, at):
    write("campaigns/other.md", OTHER)
    press, pressed = pipeline.press, []

    def other_comes_between(space, planned):
        if not pressed:
            pressed.append(planned)
            freeze("other", at)
        return press(space, planned)

    pipeline.collect(workspace)
    monkeypatch.setattr(pipeline, "press", other_comes_between)
    edition = pipeline.prepare(workspace, "weekly", at, who="test")
    assert edition.campaign.slug == "weekly"
    assert Edition.objects.count() == 2
    for person in (cast.ada, cast.ben, cast.cleo):
        had = [
            slug
            for row in Delivery.objects.filter(subscriber=person, variant__isnull=False).select_related("variant")
            for slug in row.variant.articles
        ]
        assert len(set(had)) == len(had) > 0


def test_preparing_gives_up_in_the_end_when_others_are_always_faster(workspace, freeze, write, cast, monkeypatch, at):
    write("campaigns/other.md", OTHER.replace("newest: 2", "newest: 1, repeat: allow"))
    press, times = pipeline.press, iter(range(1, 100))

    def others_come_between(space, planned):
        if planned.campaign.slug == "weekly":
            monkeypatch.setattr(pipeline, "press", press)
            freeze("other", at + next(times) * WEEK)
            monkeypatch.setattr(pipeline, "press", others_come_between)
        return press(space, planned)

    monkeypatch.setattr(pipeline, "press", others_come_between)
    with pytest.raises(PlanOutdated):
        pipeline.prepare(workspace, "weekly", at, who="test")
    assert Edition.objects.filter(campaign__slug="other").count() == pipeline.PLANS


def test_preparing_again_finds_the_edition(workspace, cast, at):
    pipeline.collect(workspace)
    first = pipeline.prepare(workspace, "weekly", at, who="test")
    assert pipeline.prepare(workspace, "weekly", at, who="test") == first


def test_plans_leave_no_table_once_they_are_frozen(freeze, cast):
    freeze("weekly")
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_temp_master WHERE name LIKE 'plan_%'")
        assert cursor.fetchall() == []


# Everything else


def test_an_edition_that_is_not_there_names_those_that_are(freeze, cast):
    edition = freeze("weekly")
    assert pipeline.known_edition(edition.pk) == edition
    with pytest.raises(UnknownName, match=f"no edition named “999”. There is: {edition.pk}"):
        pipeline.known_edition(999)


def test_the_migrations_say_all_that_the_models_do():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_a_person_who_subscribes_again_is_planned_for_again(plan, cast):
    Subscription.objects.filter(subscriber=cast.eve).update(state=SubscriptionState.SUBSCRIBED)
    assert plan("weekly").readers == 4


def test_old_plans_leave_no_tables_behind(cast, plan):
    made = [plan("weekly") for _ in range(12)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_temp_master WHERE type = 'table' AND name LIKE 'plan%'")
        kept = {name for (name,) in cursor.fetchall()}
    assert kept == {each.table for each in made[-8:]}


def test_the_latest_edition_of_a_campaign_is_found_without_its_time(cast, freeze, at):
    assert editions.latest("weekly") is None
    first = freeze("weekly")
    assert editions.latest("weekly") == first
    editions.skip("weekly", at.replace(year=2027), "a try", list_name="newsletter", who="test")
    assert editions.latest("weekly") == first
    editions.cancel(first, who="test")
    assert editions.latest("weekly") is None


# Freezing anew


@pytest.fixture
def draft(freeze, write, cast):
    """An edition of the weekly that wants approval, and has it."""
    write("campaigns/weekly.md", WEEKLY.replace("automatic", "required"))
    edition = freeze("weekly")
    editions.approve(edition, who="ada", content_hash=edition.content_hash)
    return edition


def test_what_was_sent_back_wants_a_yes_though_its_campaign_asks_nobody(freeze, workspace, write, cast):
    edition = freeze("weekly")
    assert edition.state == EditionState.APPROVED
    editions.send_back(edition, who="ada", why="an old story")
    write("campaigns/weekly.md", WEEKLY + "\nA line that was not there.\n")
    pipeline.refreeze(Workspace(workspace.root), edition, who="ben")
    assert (edition.state, edition.approved_hash) == (EditionState.DRAFT, "")
    assert "waited for a yes" in edition.reason


def test_an_edit_after_approval_is_frozen_anew_and_wants_a_new_approval(draft, workspace, write, cast):
    old = draft.content_hash
    write("campaigns/weekly.md", WEEKLY.replace("automatic", "required") + "\nA line that was not there.\n")
    changes = pipeline.refreeze(Workspace(workspace.root), draft, who="ben")
    assert changes.changed
    assert all(each.what == "other text" and each.then.readers == each.now.readers for each in changes.changed)
    new = [words.text for words in changes.changed[0].words[0] if words.fate == "new"]
    assert new == ["A line that was not there."]
    assert {words.fate for each in changes.changed for passage in each.words for words in passage} == {"new"}
    assert (draft.state, draft.approved_hash, draft.content_hash == old) == ("draft", "", False)
    assert [(each.before, each.after, each.who, each.why) for each in draft.moves.all()][-1] == (
        "approved", "draft", "ben", "frozen anew",
    )  # fmt: skip
    with pytest.raises(WrongState, match="waits for approval"):
        editions.begin(draft, who="send")
    with pytest.raises(WrongState, match="has changed since you looked"):
        editions.approve(draft, who="ada", content_hash=old)
    editions.approve(draft, who="ada", content_hash=draft.content_hash)
    assert draft.deliveries.filter(state="queued").count() == 3


def test_an_edition_that_nothing_changed_for_stays_approved(draft, workspace, cast):
    moves = draft.moves.count()
    assert pipeline.refreeze(Workspace(workspace.root), draft, who="ben").nothing
    draft.refresh_from_db()
    assert (draft.state, draft.moves.count()) == ("approved", moves)


def test_freezing_anew_takes_the_readers_and_articles_of_now(draft, workspace, cast, write):
    before = got(draft)
    Subscription.objects.filter(subscriber=cast.ada).update(state="unsubscribed")
    write("campaigns/weekly.md", WEEKLY.replace("automatic", "required").replace("newest: 2", "newest: 1"))
    changes = pipeline.refreeze(Workspace(workspace.root), draft, who="ben")
    assert changes.readers == (3, 2)
    assert changes.excluded["unsubscribed"][1] == changes.excluded["unsubscribed"][0] + 1
    assert set(got(draft)) == set(before) - {"ada"}
    assert draft.excluded["unsubscribed"] == changes.excluded["unsubscribed"][1]


def test_an_edition_that_has_begun_is_not_frozen_anew(freeze, workspace, cast):
    edition = freeze("weekly")
    editions.begin(edition, who="send")
    before = rows()
    with pytest.raises(WrongState, match="is sending; only one that has not begun can be frozen anew"):
        pipeline.refreeze(workspace, edition, who="ben")
    assert rows() == before


def test_a_plan_made_before_another_edition_was_frozen_anew_is_out_of_date(draft, workspace, cast, write):
    write("campaigns/other.md", OTHER)
    fresh = Workspace(workspace.root)
    planned = pipeline.select(fresh, fresh.campaign("other"), AT + WEEK)
    write("campaigns/weekly.md", WEEKLY.replace("automatic", "required").replace("newest: 2", "newest: 1"))
    pipeline.refreeze(Workspace(workspace.root), draft, who="ben")
    with pytest.raises(PlanOutdated):
        pipeline.freeze(fresh, planned, pipeline.press(fresh, planned), who="test")
