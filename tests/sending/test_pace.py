"""The pace: met and never exceeded, by one sender or several, and told beforehand."""

import json
import os
import subprocess
import sys
import time
from bisect import bisect_left
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from tests.conftest import fill

from broadsheet import pipeline
from broadsheet.conf import Pace, Sending, WarmUp
from broadsheet.models import PaceBucket
from broadsheet.sending import Outcome, Result
from broadsheet.sending.adapters.memory import MemoryOutbox
from broadsheet.sending.breaker import WINDOW, Breaker
from broadsheet.sending.pace import BURST, Granted, Moments, give_back, reserve, time_needed, warm_up_cap
from broadsheet.sending.tray import each as mails_of
from broadsheet.sending.verdict import Tried, verdict

RATE = 50.0

#: A sender's side of the pace, without the mail: one that reserves moments and lets messages go at them.
SENDER = """
import json, sys, time
from broadsheet.cli.setup import ready
ready()
from broadsheet.conf import Pace
from broadsheet.sending.pace import Moments, reserve
pace, moments, went, last = Pace(per_second=50.0), Moments(50.0), [], 0.0
print("ready", flush=True)
seconds = float(sys.stdin.readline())
end = time.monotonic() + seconds
while (now := time.monotonic()) < end:
    if moments.wants(now, 50.0) and now - last > 0.05:
        moments.add(reserve("default", pace, 100))
        last = now
    while moments.take(time.monotonic()):
        went.append(time.time())
    time.sleep(0.005)
print(json.dumps(went))
"""


@pytest.mark.django_db
@pytest.mark.parametrize("rate", [5.0, 50.0, 2000.0])
def test_a_moment_that_was_just_granted_can_still_be_used(rate):
    """After a pause the timeline lies behind; its moments are not lost before anybody can look."""
    reserve("default", Pace(per_second=rate), 1)
    PaceBucket.objects.update(next_at=time.time() - 60)
    moments = Moments(rate)
    moments.add(reserve("default", Pace(per_second=rate), 1))
    assert moments.ready(time.monotonic() + BURST / 3)


def most_in(moments, seconds):
    """The most moments in any span of so many seconds."""
    return max(bisect_left(moments, moment + seconds) - index for index, moment in enumerate(moments))


@pytest.mark.clock
@pytest.mark.parametrize("senders", [4])
@pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])
def test_fifty_a_second_are_met_and_never_exceeded_by_more_than_one_burst(tmp_path, request, vendor, senders):
    seconds, within = (60.0, 0.02) if os.environ.get("LONG") else (4.0, 0.06)  # 2% of a few seconds are a few messages
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("BROADSHEET", "DJANGO"))}
    if vendor == "postgresql":
        environment["BROADSHEET_DATABASE"] = request.getfixturevalue("database")
    folder = fill(tmp_path / "workspace").root
    running = [
        subprocess.Popen(
            [sys.executable, "-c", SENDER], cwd=folder, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for _ in range(senders)
    ]  # fmt: skip
    for each in running:
        assert each.stdout.readline() == "ready\n"
    moments = []
    for each in running:
        each.stdin.write(f"{seconds}\n")
        each.stdin.flush()
    for each in running:
        out, _ = each.communicate(timeout=seconds + 60)
        moments += json.loads(out)
    moments.sort()
    begun = moments[0]
    inside = [moment for moment in moments if moment < begun + seconds - 0.5]
    wanted = RATE * (seconds - 0.5)
    assert wanted * (1 - within) <= len(inside) <= wanted * (1 + within) + RATE * BURST + 1
    assert most_in(moments, 1.0) <= RATE * (1 + BURST) + 1


def test_a_sender_that_was_held_up_does_not_catch_up_beyond_one_burst():
    moments = Moments(RATE)
    begun = time.monotonic()
    moments.add(Granted(tuple(begun + each / RATE for each in range(50)), begun))
    late = begun + 1.0
    went = sum(moments.take(late) for _ in range(50))
    assert went <= RATE * BURST + 1
    assert went + moments.lost == 50
    assert not moments.ready(late)


def test_without_a_rate_what_a_cap_left_over_stays_good():
    moments = Moments()
    moments.add(Granted((time.monotonic(),) * 5, time.monotonic()))
    assert sum(moments.take(time.monotonic() + 3600) for _ in range(6)) == 5


@pytest.mark.django_db
def test_a_cap_of_an_hour_lets_no_more_through_and_says_when_it_goes_on():
    pace = Pace(per_hour=100)
    granted = [len(reserve("default", pace, 30).moments) for _ in range(5)]
    assert granted == [30, 30, 30, 10, 0]
    refused = reserve("default", pace, 1)
    assert 3540 <= refused.until - refused.now <= 3660
    give_back("default", pace, 5)
    assert len(reserve("default", pace, 30).moments) == 5


@pytest.mark.django_db
def test_cells_of_an_hour_ago_do_not_count_and_are_forgotten():
    pace = Pace(per_hour=10, per_day=15)
    reserve("default", pace, 10)
    bucket = PaceBucket.objects.get()
    bucket.counts = {
        f"{name[0]}{int(name[1:]) - {'m': 61, 'q': 5}[name[0]]}": count for name, count in bucket.counts.items()
    }
    bucket.save()
    assert len(reserve("default", pace, 30).moments) == 5, "the day's cap is left"
    assert not any(name.startswith("m") and count == 10 for name, count in PaceBucket.objects.get().counts.items())


@pytest.mark.django_db
def test_domains_have_timelines_of_their_own():
    pace = Pace(per_second=100, domains={"slow.example": 4})
    assert len(reserve("default", pace, 50, "slow.example").moments) == 1
    assert len(reserve("default", pace, 50).moments) == 25


def test_a_warm_up_caps_its_days_and_nothing_after_them():
    pace = Pace(warm_up=WarmUp(start=date(2026, 12, 1), per_day=(500, 1000)))
    days = [date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 2), date(2026, 12, 3)]
    assert [warm_up_cap(pace, day) for day in days] == [500, 500, 1000, None]


@pytest.mark.parametrize(
    ("pace", "needed"),
    [
        (Pace(), timedelta(0)),
        (Pace(per_second=50), timedelta(seconds=200)),
        (Pace(per_second=50, domains={"slow.example": 2}), timedelta(seconds=1000)),
        (Pace(per_hour=4000), timedelta(hours=2)),
        (Pace(per_day=5000), timedelta(days=1)),
        (Pace(warm_up=WarmUp(start=date(2026, 12, 1), per_day=(500, 1000, 5000))), timedelta(days=3)),
    ],
)
def test_how_long_ten_thousand_messages_take_is_known_beforehand(pace, needed):
    assert time_needed(pace, 10_000, {"slow.example": 2000}, date(2026, 12, 1)) == needed


class Timed(MemoryOutbox):
    """Notes when each mail left."""

    def __init__(self):
        super().__init__()
        self.at = []

    def deliver(self, tray):
        for mail in mails_of(tray):
            self.at.append((time.monotonic(), mail.rcpt_to))
            tray.attempt(mail)
            tray.answer(Outcome(mail.delivery_id, Result.SENT))


@pytest.mark.clock
@pytest.mark.django_db
def test_copies_for_a_slow_domain_are_put_off_while_the_others_go_on(freeze, send, join, settings):
    for number in range(16):
        join(f"r{number}@{'slow.example' if number % 2 else 'quick.example'}", "sleep")
    workspace = settings.WORKSPACE
    workspace.__dict__["config"] = replace(workspace.config, pace={"default": Pace(domains={"slow.example": 2.0})})
    box = Timed()
    assert send(freeze("weekly"), box).sent == 16
    quick = [at for at, to in box.at if "quick" in to]
    slow = sorted(at for at, to in box.at if "slow" in to)
    assert max(quick) - min(quick) < 1
    assert slow[-1] - slow[0] >= 7 / 2 - BURST - 0.1
    assert most_in(slow, 1.0) <= 3


@pytest.mark.django_db
def test_a_cap_that_is_used_up_ends_the_sending_and_says_until_when(freeze, join, settings, at):
    for number in range(5):
        join(f"r{number}@reader.example", "sleep")
    workspace, said = settings.WORKSPACE, []
    workspace.__dict__["config"] = replace(workspace.config, pace={"default": Pace(per_day=3)})
    edition = freeze("weekly")
    numbers = pipeline.send(workspace, edition, MemoryOutbox(), said.append)
    assert (numbers.sent, numbers.waiting, edition.state) == (3, 2, "sending")
    assert said[-1].held_until - datetime.now(UTC) > timedelta(hours=23)
    assert pipeline.send(workspace, edition, MemoryOutbox()).sent == 3


# Retries and the breaker


NOW = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)


def test_waits_grow_from_five_minutes_to_six_hours_and_end_within_a_day():
    outcome, tried, now, waits = Outcome(1, Result.DEFERRED, "451 later"), Tried(0, None), NOW, []
    while (found := verdict(outcome, tried, "hold", Sending(), now)).state == "deferred":
        waits.append(found.at - now)
        now, tried = found.at, Tried(tried.attempts + 1, found.deferred_since)
    assert [wait.total_seconds() / 60 for wait in waits] == [5, 15, 45, 135, 360, 360, 360]
    assert (found.state, found.reason) == ("failed", "given up after 8 attempts: 451 later")
    assert now - NOW < timedelta(hours=24)


def test_who_was_away_for_a_day_gives_up_at_the_next_refusal():
    found = verdict(Outcome(1, Result.DEFERRED, "451"), Tried(1, NOW - timedelta(hours=24)), "hold", Sending(), NOW)
    assert found.state == "failed"


def refused(number, reply="550 5.7.1 blocked <r{0}@reader.example>"):
    return [Outcome(index, Result.FAILED, reply.format(index)) for index in range(number)]


def taken(number):
    return [Outcome(index, Result.SENT) for index in range(number)]


def test_failures_in_a_row_trip_the_breaker_which_says_the_commonest_reason():
    breaker = Breaker(Sending(pause_after=10))
    assert breaker.after([*refused(9), *taken(1), *refused(9)]) == ""
    assert breaker.after([Outcome(1, Result.DEFERRED, "451"), *refused(1)]) == (
        "10 failures in a row, most often: 550 5.7.1 blocked …"
    )


def test_a_share_of_failures_trips_it_once_there_are_enough():
    breaker = Breaker(Sending(pause_after=0, pause_share=20))
    few = [each for _ in range(WINDOW // 4 - 1) for each in (*refused(1), *taken(1))]
    assert breaker.after(few) == ""
    assert "of the last 200 copies failed" in breaker.after([*taken(WINDOW // 2), *few])


def test_nothing_trips_a_breaker_that_is_off():
    assert Breaker(Sending(pause_after=0, pause_share=0)).after(refused(1000)) == ""


@pytest.mark.django_db
def test_an_edition_that_mostly_fails_is_paused_with_the_reason(freeze, send, memory, cast, settings):
    workspace = settings.WORKSPACE
    workspace.__dict__["config"] = replace(workspace.config, sending=Sending(pause_after=2))
    memory._refuse = {row.email: Outcome(0, Result.FAILED, "554 5.7.1 go away") for row in vars(cast).values()}
    edition = freeze("weekly")
    send(edition, memory)
    edition.refresh_from_db()
    assert (edition.state, edition.reason) == ("paused", "2 failures in a row, most often: 554 5.7.1 go away")
