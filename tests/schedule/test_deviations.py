"""Single times that people skip and move: what the scheduler makes of them, and how they are undone."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from broadsheet import editions, pipeline
from broadsheet.errors import WrongState
from broadsheet.models import Delivery, Deviation, Edition
from broadsheet.workspace import Workspace, make_workspace

SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
WEEK = 7 * DAY
WEEKLY = '{cron: "0 9 * * tue", time_zone: Europe/Berlin}'


@pytest.fixture(autouse=True)
def today(monkeypatch, seen, nine):
    """The clock that people's deeds are judged by: the Saturday before, unless the test sets it."""

    def clock(moment):
        monkeypatch.setattr(timezone, "now", lambda: moment)

    clock(nine - 3 * DAY)
    return clock


@pytest.fixture
def do(workspace):
    """Does something to a time of the weekly digest: ``do(editions.leave_out, time, …)``."""

    def done(act, *arguments, slug="weekly", **more):
        fresh = Workspace(workspace.root)
        return act(fresh, fresh.campaign(slug), *arguments, who="pia", **more)

    return done


def test_a_time_that_somebody_skipped_is_a_row_with_who_and_why_and_the_next_one_comes(at, nine, do):
    do(editions.leave_out, nine, why="a holiday")
    assert at(nine - SECOND) == []
    assert at(nine) == [(nine, "skipped", "skipped by pia: a holiday")]
    assert at(nine + WEEK)[1:] == [(nine + WEEK, "approved", "")]


def test_a_skip_that_was_undone_leaves_nothing_behind(at, nine, do):
    do(editions.leave_out, nine)
    assert do(pipeline.reinstate, nine) == "skipped"
    assert Deviation.objects.count() == 0
    assert at(nine) == [(nine, "approved", "")]


@pytest.mark.parametrize("by", [2 * DAY, -DAY], ids=["later", "earlier"])
def test_a_time_that_was_moved_comes_out_then_and_only_then(at, nine, do, by):
    do(editions.put_off, nine, nine + by)
    assert at(nine + min(by, timedelta(0)) - SECOND) == []
    moments = sorted([nine, nine + by, nine + by + MINUTE])
    found = [at(moment) for moment in moments][-1]
    assert found == [(nine + by, "approved", "")]
    assert Edition.objects.get().moved_from == nine
    assert [each[0] for each in at(nine + WEEK)] == [nine + by, nine + WEEK]


def test_what_was_moved_may_be_moved_again_but_not_back_into_the_past(at, nine, do, today):
    do(editions.put_off, nine, nine + DAY)
    do(editions.put_off, nine, nine + 2 * DAY)
    assert at(nine + DAY) == []
    today(nine + DAY)
    with pytest.raises(WrongState, match="has passed"):
        do(pipeline.reinstate, nine)
    assert at(nine + 2 * DAY)[0][0] == nine + 2 * DAY


@pytest.mark.usefixtures("ask")
@pytest.mark.parametrize("state", ["draft", "approved"])
def test_a_skipped_edition_that_was_frozen_is_called_off_and_frozen_anew_when_that_is_undone(at, nine, do, rule, state):
    rule(WEEKLY, approval="required")
    at(nine - HOUR)
    edition = Edition.objects.get()
    if state == "approved":
        editions.approve(edition, who="ann")
    do(editions.leave_out, nine)
    assert at(nine - HOUR) == [(nine, "skipped", "skipped by pia")]
    assert set(Delivery.objects.values_list("state", flat=True)) == {"cancelled"}
    assert editions.ready_to_send(nine) == []

    do(pipeline.reinstate, nine)
    assert at(nine - HOUR) == [(nine, "draft", "")], "an approval of what was there is void"
    assert Delivery.objects.filter(state="queued").count() == 3
    editions.approve(Edition.objects.get(), who="ann")
    assert [each.pk for each in editions.ready_to_send(nine)] == [edition.pk]


@pytest.mark.usefixtures("ask")
def test_a_frozen_edition_moves_with_its_time_and_back_and_keeps_its_approval(at, nine, do, rule):
    rule(WEEKLY, approval="required")
    at(nine - HOUR)
    editions.approve(Edition.objects.get(), who="ann")
    do(editions.put_off, nine, nine + DAY)
    assert at(nine + HOUR) == [(nine + DAY, "approved", "")]
    do(pipeline.reinstate, nine)
    assert at(nine - HOUR) == [(nine, "approved", "")]
    assert Edition.objects.get().moved_from is None


@pytest.mark.usefixtures("ask")
def test_a_moved_edition_that_was_skipped_comes_back_to_its_own_time(at, nine, do, rule):
    rule(WEEKLY, approval="required")
    at(nine - HOUR)
    do(editions.put_off, nine, nine + DAY)
    do(editions.leave_out, nine)
    assert at(nine - HOUR)[0][:2] == (nine + DAY, "skipped")
    do(pipeline.reinstate, nine)
    assert at(nine - HOUR) == [(nine, "draft", "")]
    assert Deviation.objects.count() == 0


def test_each_readers_own_time_moves_with_the_edition(at, nine, do, rule, cast):
    cast.ada.time_zone = "Asia/Kolkata"
    cast.ada.save()
    rule('{cron: "0 9 * * tue", time_zone: Europe/Berlin, deliver: reader-local}')
    do(editions.put_off, nine, nine + DAY)
    assert at(nine) == []
    assert at(nine + DAY - 13 * HOUR) == [(nine + DAY, "approved", "")]
    due = {row.subscriber.email[:3]: row.at for row in Delivery.objects.filter(state="queued").select_related()}
    assert due["ada"] == nine + DAY - 4.5 * HOUR
    assert due["ben"] == nine + DAY


def test_a_schedule_that_no_longer_names_the_time_has_nothing_to_move_or_skip(at, nine, do, rule):
    do(editions.put_off, nine, nine + DAY)
    do(editions.leave_out, nine + WEEK)
    rule('{cron: "0 10 * * tue", time_zone: Europe/Berlin}')
    found = at(nine + WEEK + HOUR)
    assert [(each[0], each[1]) for each in found if each[1] == "approved"] == [(nine + WEEK + HOUR, "approved")]
    assert nine + DAY not in [each[0] for each in found]


@pytest.mark.parametrize(
    ("by", "schedule", "words"),
    [
        (WEEK, WEEKLY, "already"),
        (timedelta(0), WEEKLY, "its own time"),
        (-3 * DAY, WEEKLY, "past, or too near"),
        (DAY, '{cron: "0 9 * * tue", time_zone: Europe/Berlin, not_on: {dates: [2026-11-25]}}', "does not come out on"),
        (DAY, '{cron: "0 9 * * tue", time_zone: Europe/Berlin, not_on: {weekdays: [wed]}}', "does not come out on"),
        (DAY, '{cron: "0 9 * * tue", time_zone: Europe/Berlin, skip: [2026-11-25]}', "does not come out on"),
    ],
)
def test_a_time_that_can_not_be_is_refused_with_the_reason(nine, do, rule, by, schedule, words):
    rule(schedule)
    with pytest.raises(WrongState, match=words):
        do(editions.put_off, nine, nine + by)
    assert Deviation.objects.count() == 0


@pytest.mark.parametrize("time", [timedelta(0), WEEK])
def test_two_editions_are_not_moved_to_one_time(nine, do, time):
    do(editions.put_off, nine, nine + 2 * DAY)
    with pytest.raises(WrongState, match="already"):
        do(editions.put_off, nine + WEEK, nine + 2 * DAY)
    with pytest.raises(WrongState, match="no time of"):
        do(editions.leave_out, nine + HOUR)


def test_a_time_that_was_moved_away_is_free_for_another(at, nine, do):
    do(editions.put_off, nine + WEEK, nine + WEEK + DAY)
    do(editions.put_off, nine, nine + WEEK)
    with pytest.raises(WrongState, match="Undo that first"):
        do(pipeline.reinstate, nine + WEEK)
    assert [each[0] for each in at(nine + WEEK)] == [nine + WEEK]
    assert Edition.objects.get().moved_from == nine
    assert [each[0] for each in at(nine + WEEK + DAY)] == [nine + WEEK, nine + WEEK + DAY]


def test_what_has_begun_can_not_be_skipped_or_moved(at, nine, do, send_due, today):
    at(nine)
    send_due(nine)
    for act, more in ((editions.leave_out, ()), (editions.put_off, (nine + DAY,))):
        with pytest.raises(WrongState, match="has not begun"):
            do(act, nine, *more)
    today(nine + 8 * DAY)
    with pytest.raises(WrongState, match="has passed"):
        do(editions.leave_out, nine + WEEK)


def test_a_scheduler_that_looked_before_the_skip_was_written_makes_no_edition(at, nine, do, workspace, cast):
    planned = pipeline.select(workspace, workspace.campaign("weekly"), nine)  # as its tick at nine would
    printed = pipeline.press(workspace, planned)
    do(editions.leave_out, nine)
    with pytest.raises(WrongState, match="skipped by pia"):
        pipeline.freeze(workspace, planned, printed, who="scheduler")
    assert Edition.objects.count() == 0
    assert at(nine) == [(nine, "skipped", "skipped by pia")]


# -- now ---------------------------------------------------------------------------------------------------------


def test_sent_now_it_does_not_come_again_at_its_time(at, nine, do, send_due):
    edition = do(pipeline.send_now, nine, 3)
    now = nine - 3 * DAY
    assert (edition.scheduled_for, edition.moved_from, edition.state) == (now, nine, "approved")
    assert len(send_due(now)) == 3
    assert [(each[0], each[1]) for each in at(nine)] == [(now, "sent")]


def test_another_number_of_readers_sends_nothing_and_leaves_the_schedule_alone(at, nine, do):
    with pytest.raises(WrongState, match="it is 3 now"):
        do(pipeline.send_now, nine, 4)
    assert (Edition.objects.count(), Deviation.objects.count()) == (0, 0)
    assert at(nine) == [(nine, "approved", "")]


def test_whoever_is_second_to_send_it_now_sends_nothing(at, nine, do, workspace, today, write):
    file = workspace.root / "campaigns" / "weekly.md"
    file.write_text(file.read_text().replace("newest: 2", "newest: 2\n  repeat: allow"))
    fresh = Workspace(workspace.root)
    do(pipeline.send_now, nine, 3)
    today(nine - 3 * DAY + 5 * SECOND)
    with pytest.raises(WrongState, match="was made for that time meanwhile"):  # one that counted before it was there
        editions.pull_forward(fresh, fresh.campaign("weekly"), nine, timezone.now(), who="ann")
    assert Edition.objects.count() == 1


def test_what_somebody_skipped_is_not_sent_now_by_another(nine, do):
    do(editions.leave_out, nine)
    with pytest.raises(WrongState, match="is skipped"):
        do(pipeline.send_now, nine, 3)
    assert Edition.objects.count() == 0


@pytest.mark.usefixtures("ask")
def test_a_draft_that_waits_for_approval_is_sent_now_as_it_is_frozen(at, nine, do, rule, today):
    rule(WEEKLY, approval="required")
    at(nine - HOUR)
    today(nine - HOUR)
    frozen = Edition.objects.get()
    with pytest.raises(WrongState, match="it is 3 now"):
        do(pipeline.send_now, nine, 2)
    edition = do(pipeline.send_now, nine, 3)
    assert (edition.pk, edition.content_hash, edition.state) == (frozen.pk, frozen.content_hash, "approved")
    assert [each.pk for each in editions.ready_to_send(nine - HOUR)] == [frozen.pk]


# -- as processes, on both databases -----------------------------------------------------------------------------

#: People skip the next time and move the one after; what each command says of it, as one JSON document.
_STORY = """
import json
from datetime import datetime, timedelta
from typer.testing import CliRunner
from broadsheet.cli import app
from broadsheet.cli.setup import ready
workspace = ready()
from broadsheet import editions

def said(*arguments):
    done = CliRunner().invoke(app, arguments)
    return {"code": done.exit_code, "out": done.stdout, "err": done.stderr, "error": str(done.exception or "")}

def coming():
    (facts,) = [each for each in json.loads(said("schedule", "--json")["out"]) if each["campaign"] == "weekly-digest"]
    return facts

said("subscribers", "import", "subscribers/people.csv")
before = coming()
first, second = (datetime.fromisoformat(each) for each in before["firings"][:2])
file = workspace.campaign("weekly-digest")
editions.leave_out(workspace, file, first, who="pia")
editions.put_off(workspace, file, second, second + timedelta(days=1), who="pia")
print(json.dumps({
    "before": before,
    "after": coming(),
    "table": said("schedule"),
    "editions": said("editions"),
    "left out": said("plan", "weekly-digest", "--at", first.isoformat(), "--json"),
    "plan": said("plan", "weekly-digest", "--json"),
    "send": said("send", "weekly-digest", "--at", first.isoformat(), "--yes"),
}))
"""

#: A scheduler's look at a moment, watching since an hour before; the editions there are then.
_TICK = """
import sys
from datetime import datetime, timedelta
from broadsheet.cli.setup import ready
workspace = ready()
from broadsheet.models import Campaign, Edition
from broadsheet.schedule.ticking import tick
at = datetime.fromisoformat(sys.argv[1])
Campaign.objects.get_or_create(slug="weekly-digest")
Campaign.objects.filter(slug="weekly-digest").update(watched_since=at - timedelta(hours=1))
tick(workspace, at)
for edition in Edition.objects.filter(campaign__slug="weekly-digest"):
    print(edition.scheduled_for.isoformat(), edition.state)
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_command_tells_and_two_schedulers_obey_on_both_databases(kind, tmp_path, request):
    environment = {name: each for name, each in os.environ.items() if not name.startswith(("BROADSHEET", "DJANGO"))}
    environment["COLUMNS"] = "200"
    if kind == "postgresql":
        environment["BROADSHEET_DATABASE"] = request.getfixturevalue("database")
    root = make_workspace(tmp_path / "of-its-own").root

    def start(script, *arguments):
        command = [sys.executable, "-c", script, *arguments]
        return subprocess.Popen(
            command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def done(process):
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        return out

    told = json.loads(done(start(_STORY)))
    first, second, third = (datetime.fromisoformat(each) for each in told["before"]["firings"][:3])
    moved = second + DAY
    assert told["before"]["changed"] == []
    assert [datetime.fromisoformat(each) for each in told["after"]["firings"][:2]] == [moved, third]
    assert [each["said"] for each in told["after"]["changed"]] == ["skipped by pia", "moved by pia"]
    assert "skipped by pia" in told["table"]["out"]
    assert "skipped by pia" in told["editions"]["err"]
    assert json.loads(told["left out"]["out"])["left_out"] == "skipped by pia"
    assert json.loads(told["plan"]["out"])["scheduled_for"] == told["after"]["firings"][0]
    assert "was skipped by pia" in told["send"]["error"]

    together = [start(_TICK, moved.isoformat()) for _ in range(2)]
    assert {done(process).strip() for process in together} == {f"{moved.astimezone(UTC).isoformat()} approved"}
    assert done(start(_TICK, first.isoformat())).splitlines()[-1] == f"{first.astimezone(UTC).isoformat()} skipped"
