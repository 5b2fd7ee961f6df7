"""What is due by now: made, late, skipped with the reason, or held for want of approval."""

from datetime import timedelta

import pytest

from broadsheet import approvals, editions, pipeline
from broadsheet.errors import AdapterFailed, BroadsheetError, WrongState
from broadsheet.models import Delivery, Edition
from broadsheet.schedule.ticking import Troubles
from broadsheet.workspace import Workspace

pytestmark = pytest.mark.usefixtures("seen")

SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
WEEKLY = '{cron: "0 9 * * tue", time_zone: Europe/Berlin}'


def test_nothing_is_made_before_its_time(at, nine):
    assert at(nine - SECOND) == []


def test_an_automatic_edition_is_made_at_its_very_second_and_may_be_sent(at, nine, ledger):
    assert at(nine) == [(nine, "approved", "")]
    due = {email for email, (state, _) in ledger(Edition.objects.get()).items() if state == "queued"}
    assert due == {"ada@reader.example", "ben@reader.example", "cleo@reader.example"}


def test_articles_that_were_written_a_moment_ago_are_in_it(at, nine, write):
    write("articles/just-now.md", "---\ntitle: Just now\ndate: 2026-11-24\ntags: [sleep]\n---\nStop press.\n")
    at(nine)
    assert any("just-now" in row.variant.articles for row in Delivery.objects.exclude(variant=None))


def test_ticking_again_changes_nothing(at, nine):
    first = at(nine)
    assert [at(nine + after) for after in (timedelta(0), SECOND, HOUR, 6 * DAY)] == [first] * 4


def test_missed_by_less_than_its_grace_it_is_made_late_and_says_so(at, nine):
    assert at(nine + 5 * HOUR + 59 * MINUTE) == [
        (nine, "approved", "late by 5 h 59 min: the scheduler was not running")
    ]


def test_missed_by_more_than_its_grace_it_is_skipped_with_the_reason(at, nine):
    reason = "missed by 7 h 10 min, more than its grace of 6 h: the scheduler was not running"
    assert at(nine + 7 * HOUR + 10 * MINUTE) == [(nine, "skipped", reason)]
    assert Delivery.objects.count() == 0


def test_after_weeks_each_missed_time_is_a_row_and_the_last_is_sent(at, nine):
    found = at(nine + 2 * 7 * DAY + HOUR)
    assert [(state, reason.partition(",")[0]) for _, state, reason in found] == [
        ("skipped", "missed by 2 weeks 1 h"),
        ("skipped", "missed by 1 week 1 h"),
        ("approved", "late by 1 h: the scheduler was not running"),
    ]


def test_a_late_edition_says_so_also_when_it_is_sent(at, nine, send_due):
    at(nine + HOUR)
    assert len(send_due(nine + HOUR)) == 3
    assert at(nine + HOUR) == [(nine, "sent", "late by 1 h: the scheduler was not running")]


def test_grace_is_the_campaigns_own(at, nine, rule):
    rule('{cron: "0 9 * * tue", time_zone: Europe/Berlin, grace: 10m}')
    assert at(nine + 11 * MINUTE)[0][1:] == (
        "skipped",
        "missed by 11 min, more than its grace of 10 min: the scheduler was not running",
    )


def test_a_clock_set_back_sends_nothing_again(at, nine, watched):
    first = at(nine)
    assert at(nine - HOUR) == first
    assert watched() == nine - HOUR
    assert [at(nine), at(nine + MINUTE)] == [first, first]


def test_a_clock_that_was_far_ahead_loses_nothing_that_is_still_to_come(at, nine):
    found = at(nine + 400 * DAY)
    assert len(found) > 50
    assert at(nine - MINUTE) == []
    assert at(nine) == [(nine, "approved", "")]


def test_a_campaign_first_seen_has_missed_nothing(at, nine, rule, watched):
    rule('{cron: "0 8 * * tue", time_zone: Europe/Berlin}', name="early")
    assert [each[0] for each in at(nine)] == [nine]
    assert watched("early") == nine


def test_a_schedule_that_changes_does_not_reach_back(at, nine, rule):
    at(nine - 3 * HOUR)
    rule('{cron: "0 8 * * mon", time_zone: Europe/Berlin}')
    assert at(nine + MINUTE) == []


def test_a_file_that_is_gone_is_not_watched_and_has_missed_nothing_when_it_is_back(at, nine, workspace, watched):
    file = workspace.root / "campaigns" / "weekly.md"
    text = file.read_text()
    file.unlink()
    at(nine - HOUR)
    assert watched() is None
    file.write_text(text)
    assert at(nine + HOUR) == []


def test_a_skipped_date_is_a_row_with_its_reason_at_its_time_and_not_before(at, nine, rule):
    rule('{cron: "0 9 * * tue", time_zone: Europe/Berlin, skip: [2026-11-24]}')
    assert at(nine - SECOND) == []
    assert at(nine) == [(nine, "skipped", "the campaign's file leaves 2026-11-24 out (`skip`)")]


def test_a_run_that_somebody_skipped_beforehand_stays_skipped(at, nine):
    editions.skip("weekly", nine, "a holiday", list_name="newsletter", who="ann")
    assert at(nine) == [(nine, "skipped", "a holiday")]


@pytest.mark.usefixtures("ask")
def test_an_edition_moved_to_another_time_is_not_made_again_for_the_old_one(at, nine, rule):
    rule(WEEKLY, approval="required")
    at(nine - HOUR)
    editions.reschedule(Edition.objects.get(), nine + 2 * HOUR, who="ann")
    assert [each[0] for each in at(nine + 3 * HOUR)] == [nine + 2 * HOUR]


def test_when_nobody_is_due_anything_new_the_row_says_so(at, nine, send_due):
    for week in range(3):
        found = at(nine + week * 7 * DAY)
        send_due(nine + week * 7 * DAY)
    assert [state for _, state, _ in found] == ["sent", "sent", "skipped"]
    assert found[2][2].startswith("nobody is due anything new")


def test_an_edition_whose_sender_died_after_the_last_copy_is_closed(at, nine, send_due):
    at(nine)
    Edition.objects.update(state="sending")
    Delivery.objects.update(state="sent")
    assert send_due(nine + MINUTE) == []
    assert at(nine + MINUTE)[0][1] == "sent"


# -- trouble -----------------------------------------------------------------------------------------------------


@pytest.fixture
def broken(monkeypatch):
    """Editions can't be made; how often it was tried."""
    tried = []

    def fails(*_arguments, **_more):
        tried.append(1)
        raise BroadsheetError("templates/plain is gone.")

    monkeypatch.setattr(pipeline, "prepare", fails)
    return tried


def test_what_cannot_be_made_is_tried_again_said_once_and_named_when_it_is_late(at, nine, broken, monkeypatch, caplog):
    troubles = Troubles()
    for seconds in range(0, 180, 10):
        assert at(nine + seconds * SECOND, troubles) == []
    assert len(broken) == 3
    assert [record.message for record in caplog.records if "gone" in record.message] == [
        "weekly, 2026-11-24 09:00 CET: templates/plain is gone."
    ]
    monkeypatch.undo()
    assert at(nine + 10 * MINUTE, troubles) == [(nine, "approved", "late by 10 min: templates/plain is gone.")]


def test_what_could_not_be_made_within_its_grace_is_skipped_with_that_reason(at, nine, broken):
    troubles = Troubles()
    at(nine, troubles)
    assert at(nine + 6 * HOUR + MINUTE, troubles)[0][2] == (
        "missed by 6 h 1 min, more than its grace of 6 h: templates/plain is gone."
    )


def test_one_campaigns_fault_does_not_stop_another(at, nine, rule, write, monkeypatch):
    rule('{cron: "0 9 * * tue", time_zone: Europe/Berlin}', name="another")
    at(nine - HOUR)
    real = pipeline.prepare
    monkeypatch.setattr(
        pipeline, "prepare", lambda w, slug, *a, **k: 1 / 0 if slug == "another" else real(w, slug, *a, **k)
    )
    assert at(nine) == [(nine, "approved", "")]


def test_a_file_with_mistakes_catches_up_once_it_is_mended(at, nine, workspace, watched):
    file = workspace.root / "campaigns" / "weekly.md"
    good, since = file.read_text(), watched()
    file.write_text(good.replace("newest: 2", "newest: many"))
    assert at(nine + MINUTE) == []
    assert watched() == since
    file.write_text(good)
    assert at(nine + HOUR) == [(nine, "approved", "late by 1 h: the scheduler was not running")]


# -- approval ----------------------------------------------------------------------------------------------------


@pytest.fixture
def letter(rule):
    """The weekly digest wants approval."""
    rule(WEEKLY, approval="required")


@pytest.mark.usefixtures("letter")
def test_an_edition_that_wants_approval_is_frozen_a_lead_ahead_and_its_approvers_asked_once(at, nine, ask):
    assert at(nine - DAY - SECOND) == []
    assert [each[1] for each in at(nine - DAY)] == ["draft"]
    at(nine - HOUR)
    assert ask == [Edition.objects.get().pk]


def test_the_lead_is_the_campaigns_own(at, nine, ask, rule):
    rule('{cron: "0 9 * * tue", time_zone: Europe/Berlin, lead: 2h}', approval="required")
    assert at(nine - 2 * HOUR - SECOND) == []
    assert [each[:2] for each in at(nine - 2 * HOUR)] == [(nine, "draft")]


@pytest.mark.usefixtures("letter")
def test_unapproved_at_its_time_it_is_held_with_a_reminder_then_daily_and_never_sent(at, nine, ask, send_due):
    at(nine - DAY)
    assert at(nine) == [(nine, "draft", "held: nobody approved it by its time")]
    assert len(ask) == 2
    for hours, reminders in ((1, 2), (23, 2), (24, 3), (47, 3), (48, 4)):
        at(nine + hours * HOUR)
        assert (hours, len(ask)) == (hours, reminders)
    assert send_due(nine + 50 * DAY) == []


@pytest.mark.usefixtures("letter")
def test_a_question_that_could_not_be_mailed_is_mailed_later(at, nine, monkeypatch):
    def refused(*_):
        raise AdapterFailed("no connection", permanent=False)

    troubles, asked = Troubles(), []
    monkeypatch.setattr(approvals, "ask_approval", refused)
    at(nine - DAY, troubles)
    assert Edition.objects.get().asked_at is None
    monkeypatch.setattr(approvals, "ask_approval", lambda _, edition: asked.append(edition))
    at(nine - DAY + 30 * SECOND, troubles)
    assert asked == []
    at(nine - DAY + 2 * MINUTE, troubles)
    assert len(asked) == 1


@pytest.mark.usefixtures("letter", "ask")
def test_approved_before_its_time_it_waits_for_it(at, nine):
    at(nine - DAY)
    editions.approve(Edition.objects.get(), who="ann")
    assert editions.ready_to_send(nine - SECOND) == []
    assert at(nine) == [(nine, "approved", "")]
    assert [each.scheduled_for for each in editions.ready_to_send(nine)] == [nine]


# -- each reader's own time --------------------------------------------------------------------------------------


def test_a_reader_local_edition_is_made_when_the_first_zone_comes_to_its_time(at, nine, rule, cast):
    rule('{cron: "0 9 * * tue", time_zone: Europe/Berlin, deliver: reader-local}')
    assert at(nine - 13 * HOUR - SECOND) == []
    assert at(nine - 13 * HOUR) == [(nine, "approved", "")]


def test_its_copies_leave_when_each_readers_clock_says_so(at, nine, rule, cast):
    for person, zone in ((cast.ada, "Asia/Kolkata"), (cast.ben, "America/New_York")):
        person.time_zone = zone
        person.save()
    rule('{cron: "0 9 * * tue", time_zone: Europe/Berlin, deliver: reader-local}')
    at(nine - 13 * HOUR)
    due = {row.subscriber.email[:3]: row.at for row in Delivery.objects.filter(state="queued").select_related()}
    assert due == {"ada": nine - 4.5 * HOUR, "ben": nine + 6 * HOUR, "cle": nine}
    assert editions.ready_to_send(nine - 5 * HOUR) == []
    assert len(editions.ready_to_send(nine - 4.5 * HOUR)) == 1


# -- paused and retired ------------------------------------------------------------------------------------------


@pytest.fixture
def rest(workspace):
    """Writes the weekly digest's state into its file: ``rest("paused")``; active again without one."""
    file = workspace.root / "campaigns" / "weekly.md"
    text = file.read_text()

    def written(state=""):
        file.write_text(text.replace("list:", f"state: {state}\nlist:", 1) if state else text)

    return written


@pytest.mark.parametrize("state", ["paused", "retired"])
def test_nothing_of_a_campaign_that_rests_comes_out_and_nothing_is_made_up_for(at, nine, rest, watched, state):
    rest(state)
    assert at(nine) == []
    assert watched() is None
    rest()
    assert at(nine + HOUR) == []
    assert at(nine + 7 * DAY) == [(nine + 7 * DAY, "approved", "")]


def test_what_is_approved_already_waits_for_a_yes_when_its_campaign_is_paused(at, nine, rest, send_due):
    at(nine)
    rest("paused")
    assert at(nine) == [(nine, "draft", "its campaign is paused (`state` in campaigns/weekly.md)")]
    assert send_due(nine) == []
    rest()
    editions.approve(Edition.objects.get(), who="ann")
    at(nine)
    assert len(send_due(nine)) == 3


@pytest.mark.usefixtures("letter")
def test_nobody_is_asked_about_a_campaign_that_rests_until_it_comes_out_again(at, nine, rule, rest, ask, workspace):
    at(nine - DAY)
    assert len(ask) == 1
    file = workspace.root / "campaigns" / "weekly.md"
    text = file.read_text()
    file.write_text(text.replace("list:", "state: paused\nlist:", 1))
    at(nine + HOUR)
    assert len(ask) == 1
    file.write_text(text)
    at(nine + HOUR)
    assert len(ask) == 2


def test_an_edition_that_is_going_out_is_not_stopped_by_a_pause_of_its_campaign(at, nine, rest):
    at(nine)
    Edition.objects.update(state="sending")
    rest("paused")
    assert at(nine)[0][1] == "sending"


def test_no_edition_of_a_campaign_that_rests_is_made_by_anybody(nine, rest, workspace, cast):
    rest("retired")
    fresh = Workspace(workspace.root)
    pipeline.collect(fresh)
    with pytest.raises(WrongState, match="its campaign is retired"):
        pipeline.prepare(fresh, "weekly", nine, who="ann")
    with pytest.raises(WrongState, match="its campaign is retired"):
        pipeline.send_now(fresh, fresh.campaign("weekly"), nine, 3, who="ann")
    assert Edition.objects.count() == 0
