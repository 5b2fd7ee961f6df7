"""The next and the last time of a campaign, as its file says it."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from broadsheet import timing
from broadsheet.workspace.campaign import Schedule

MONDAY = datetime(2026, 11, 23, 12, 0, 42, 7, tzinfo=UTC)


@pytest.fixture
def due(workspace):
    """The next and the last time of a campaign with that cron time, seen from a moment."""

    def times(cron, now=MONDAY, time_zone="Europe/Berlin"):
        set_for = Schedule(cron=cron, time_zone=time_zone) if cron else None
        campaign = dataclasses.replace(workspace.campaign("weekly"), schedule=set_for)
        return timing.next_time(workspace, campaign, now), timing.last_time(workspace, campaign, now)

    return times


def test_the_next_and_the_last_time_are_in_the_campaigns_zone(due):
    assert due("0 9 * * tue") == (datetime(2026, 11, 24, 8, tzinfo=UTC), datetime(2026, 11, 17, 8, tzinfo=UTC))


def test_without_a_zone_of_its_own_a_campaign_takes_the_sites(due):
    assert due("0 9 * * tue", time_zone=None)[0] == datetime(2026, 11, 24, 8, tzinfo=UTC)


def test_without_a_schedule_it_is_now_to_the_minute(due):
    assert due(None) == (MONDAY.replace(second=0, microsecond=0),) * 2


@pytest.mark.parametrize(
    ("field", "days"),
    [
        ("0", "Sun"),
        ("7", "Sun"),
        ("1", "Mon"),
        ("2", "Tue"),
        ("6", "Sat"),
        ("tue", "Tue"),
        ("1-3", "Mon Tue Wed"),
        ("0-1", "Mon Sun"),
        ("5-7", "Fri Sat Sun"),
        ("1,3,fri", "Fri Mon Wed"),
        ("1-5/2", "Fri Mon Wed"),
        ("mon-wed", "Mon Tue Wed"),
        ("*", "Fri Mon Sat Sun Thu Tue Wed"),
    ],
)
def test_weekdays_are_counted_as_cron_counts_them(due, field, days):
    found, now = set(), MONDAY
    for _ in range(7):
        now = due(f"0 9 * * {field}", now)[0]
        found.add(f"{now:%a}")
        now += timedelta(hours=1)
    assert found == set(days.split())


def test_the_clock_time_stays_the_same_when_daylight_saving_ends(due):
    before = due("0 9 * * *", datetime(2026, 10, 24, 0, tzinfo=UTC))[0]
    after = due("0 9 * * *", datetime(2026, 10, 25, 0, tzinfo=UTC))[0]
    assert (before.hour, after.hour) == (7, 8)


def test_an_hour_that_is_skipped_and_one_that_comes_twice_each_give_one_time(due):
    spring = due("30 2 * * *", datetime(2026, 3, 28, 12, tzinfo=UTC))[0]
    assert spring == datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "the first time that exists"
    first = due("30 2 * * *", datetime(2026, 10, 24, 12, tzinfo=UTC))[0]
    second = due("30 2 * * *", first.replace(second=1))[0]
    assert second.date() > first.date()


def test_the_last_time_of_a_rare_campaign_is_found_within_a_year(due):
    assert due("0 8 1 3 *")[1] == datetime(2026, 3, 1, 7, tzinfo=UTC)


def test_a_campaign_that_never_came_out_within_a_year_is_due_now(due):
    assert due("0 9 29 2 *")[1] == MONDAY.replace(second=0, microsecond=0)


def test_the_same_moment_gives_the_same_last_time_all_week(due):
    assert len({due("0 9 * * tue", datetime(2026, 11, day, 23, tzinfo=UTC))[1] for day in range(17, 24)}) == 1
