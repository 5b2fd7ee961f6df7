"""When campaigns come out: wall clocks, daylight saving, days off, and each reader's own time."""

import dataclasses
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise, takewhile
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadsheet.timing import (
    firings,
    in_words,
    last_time,
    next_time,
    not_before,
    opens,
    reader_local,
    runs,
    span_in_words,
)
from broadsheet.workspace import NotOn, Schedule

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
LORD_HOWE, KOLKATA = ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kolkata")
ZONES = (BERLIN, NEW_YORK, LORD_HOWE, KOLKATA)


#: A machine that is busy with other things fails nothing.
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def coming(schedule, zone, after, number=4):
    return [f"{each:%Y-%m-%d %H:%M %z}" for each in islice(firings(schedule, zone, after), number)]


# -- daylight saving ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "after", "expected"),
    [
        (BERLIN, utc(2026, 3, 27, 12), ["2026-03-28 02:30 +0100", "2026-03-29 03:00 +0200", "2026-03-30 02:30 +0200"]),
        (NEW_YORK, utc(2026, 3, 7), ["2026-03-07 02:30 -0500", "2026-03-08 03:00 -0400", "2026-03-09 02:30 -0400"]),
        # Lord Howe's clocks move by half an hour: 02:00 to 02:30, so that 02:15 does not exist and 02:30 does
        (LORD_HOWE, utc(2026, 10, 3), ["2026-10-04 02:30 +1100", "2026-10-05 02:30 +1100", "2026-10-06 02:30 +1100"]),
        (KOLKATA, utc(2026, 3, 28), ["2026-03-29 02:30 +0530", "2026-03-30 02:30 +0530", "2026-03-31 02:30 +0530"]),
    ],
)
def test_a_time_that_does_not_exist_moves_to_the_first_that_does(zone, after, expected):
    assert coming(Schedule(cron="30 2 * * *"), zone, after, 3) == expected


def test_half_an_hours_gap_moves_by_less_than_half_an_hour():
    found = coming(Schedule(cron="15 2 * * *"), LORD_HOWE, utc(2026, 10, 2, 20), 2)
    assert found == ["2026-10-04 02:30 +1100", "2026-10-05 02:15 +1100"]


@pytest.mark.parametrize(
    ("zone", "after", "expected"),
    [
        (BERLIN, utc(2026, 10, 24, 12), ["2026-10-25 02:30 +0200", "2026-10-26 02:30 +0100"]),
        (NEW_YORK, utc(2026, 10, 31, 12), ["2026-11-01 01:30 -0400", "2026-11-02 01:30 -0500"]),
        (LORD_HOWE, utc(2026, 4, 4), ["2026-04-05 01:45 +1100", "2026-04-06 01:45 +1030"]),
    ],
)
def test_a_time_that_exists_twice_fires_once_the_first_time(zone, after, expected):
    hour, minute = expected[0][11:16].split(":")
    assert coming(Schedule(cron=f"{int(minute)} {int(hour)} * * *"), zone, after, 2) == expected


def test_between_the_two_it_does_not_fire_again():
    between = utc(2026, 10, 25, 1, 0)  # 02:00 in Berlin for the second time
    assert coming(Schedule(cron="30 2 * * *"), BERLIN, between, 1) == ["2026-10-26 02:30 +0100"]


def test_several_times_in_one_gap_fire_once():
    found = coming(Schedule(cron="0,15,30,45 2,3 * * *"), BERLIN, utc(2026, 3, 29, 0, 0), 3)
    assert found == ["2026-03-29 03:00 +0200", "2026-03-29 03:15 +0200", "2026-03-29 03:30 +0200"]


def test_weeks_keep_the_wall_clock_and_hours_do_not():
    weekly = Schedule(every="1w", start="2026-03-24T09:00")
    assert coming(weekly, BERLIN, utc(2026, 3, 1), 2) == ["2026-03-24 09:00 +0100", "2026-03-31 09:00 +0200"]
    hourly = Schedule(every="12h", start="2026-03-28T09:00")
    assert coming(hourly, BERLIN, utc(2026, 3, 28, 9), 2) == ["2026-03-28 21:00 +0100", "2026-03-29 10:00 +0200"]


# -- the three kinds of times ------------------------------------------------------------------------------------


def test_an_interval_counts_from_its_start_whenever_one_looks():
    fortnightly = Schedule(every="2w", start="2026-01-06T09:00")
    assert coming(fortnightly, BERLIN, utc(2026, 11, 20), 2) == ["2026-11-24 09:00 +0100", "2026-12-08 09:00 +0100"]


def test_single_times_come_in_order_each_once_and_with_an_offset_of_their_own_if_they_say_one():
    single = Schedule(at=["2026-12-03T09:00", "2026-12-01T09:00", "2026-12-01T08:00Z", "2026-12-02T12:00-05:00"])
    expected = ["2026-12-01 09:00 +0100", "2026-12-02 18:00 +0100", "2026-12-03 09:00 +0100"]
    assert coming(single, BERLIN, utc(2026, 1, 1)) == expected


def test_the_moment_itself_is_not_after_itself():
    at = utc(2026, 11, 24, 8)
    assert coming(Schedule(cron="0 9 * * tue"), BERLIN, at, 1) == ["2026-12-01 09:00 +0100"]
    assert coming(Schedule(cron="0 9 * * tue"), BERLIN, at - timedelta(seconds=1), 1) == ["2026-11-24 09:00 +0100"]


# -- days off ----------------------------------------------------------------------------------------------------


def test_days_off_and_skipped_dates_have_no_edition():
    schedule = Schedule(
        cron="0 9 * * *", not_on=NotOn(dates=[date(2026, 12, 26)], weekdays=["sun"]), skip=[date(2026, 12, 25)]
    )
    found = [each[:10] for each in coming(schedule, BERLIN, utc(2026, 12, 24, 12), 2)]
    assert found == ["2026-12-28", "2026-12-29"]


def test_a_date_left_out_is_a_run_with_its_reason_and_a_weekday_off_is_none():
    schedule = Schedule(
        cron="0 9 * * *", not_on=NotOn(dates=[date(2026, 12, 26)], weekdays=["sun"]), skip=[date(2026, 12, 25)]
    )
    found = [(f"{run.at:%d}", run.left_out) for run in islice(runs(schedule, BERLIN, utc(2026, 12, 24, 12)), 3)]
    assert found == [
        ("25", "the campaign's file leaves 2026-12-25 out (`skip`)"),
        ("26", "the campaign's file leaves 2026-12-26 out (`not_on`)"),
        ("28", ""),
    ]


@pytest.mark.parametrize("schedule", [{"cron": "0 9 * * tue"}, {"every": "7d", "start": "2026-01-06T09:00"}])
def test_a_schedule_whose_every_day_is_off_ends(schedule):
    assert coming(Schedule(**schedule, not_on=NotOn(weekdays=["tue"])), BERLIN, utc(2026, 1, 1)) == []


# -- what holds for every schedule -------------------------------------------------------------------------------


@st.composite
def crons(draw):
    minute = draw(st.sampled_from(["0", "30", "15", "*/15", "*/5", "10,50"]))
    hour = draw(st.sampled_from(["*", "0", "1", "2", "3", "1-3", "*/2", "9", "23"]))
    day = draw(st.sampled_from(["*", "*", "1", "1-7", "29"]))
    weekday = draw(st.sampled_from(["*", "*", "sun", "mon-fri", "0", "6-7"]))
    return f"{minute} {hour} {day} * {weekday}"


#: Near the days on which clocks change, and everywhere else.
moments = st.one_of(
    st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    *(
        st.integers(-72, 24).map(lambda hours, day=day: day + timedelta(hours=hours))
        for day in (utc(2026, 3, 29), utc(2026, 10, 25), utc(2026, 3, 8), utc(2026, 11, 1), utc(2026, 4, 5))
    ),
)


def exists(wall, zone):
    return wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) == wall


@settings(SLOW, max_examples=150)
@given(crons(), st.sampled_from(ZONES), moments)
def test_times_only_grow_come_once_and_keep_the_wall_clock_except_in_gaps(cron, zone, after):
    found = list(islice(firings(Schedule(cron=cron), zone, after), 40))
    instants = [each.astimezone(UTC) for each in found]
    assert all(one < two for one, two in pairwise([after, *instants]))
    fields = cron.split()
    for each in found:
        wall = each.replace(tzinfo=None)
        if each.minute not in _every(fields[0], 60) or each.hour not in _every(fields[1], 24):
            assert not exists(wall - timedelta(seconds=1), zone), each  # the first moment after a gap


@settings(SLOW, max_examples=80)
@given(crons(), st.sampled_from(ZONES), moments)
def test_no_wall_time_of_the_cron_is_left_out(cron, zone, after):
    hours, minutes = _every(cron.split()[1], 24), _every(cron.split()[0], 60)
    until = after + timedelta(days=3)
    found = {
        each.astimezone(UTC)
        for each in _until(Schedule(cron=f"{cron.split()[0]} {cron.split()[1]} * * *"), zone, after, until)
    }
    day = after.astimezone(zone).date()
    for offset in range(4):
        for hour in hours:
            for minute in minutes:
                wall = datetime.combine(day + timedelta(days=offset), time(hour, minute))
                moment = wall.replace(tzinfo=zone).astimezone(UTC)
                if exists(wall, zone) and after < moment <= until:
                    assert moment in found


def _until(schedule, zone, after, until):
    return takewhile(lambda each: each.astimezone(UTC) <= until, firings(schedule, zone, after))


def _every(field, size):
    values = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = (f"0-{size - 1}" if span == "*" else span).partition("-")
        values |= set(range(int(first), int(last or first) + 1, int(step or 1)))
    return values


@settings(SLOW, max_examples=60)
@given(
    st.sampled_from(["5m", "6h", "36h", "1d", "3d", "2w"]),
    st.datetimes(datetime(2025, 6, 1), datetime(2027, 1, 1)),
    st.sampled_from(ZONES),
    moments,
)
def test_intervals_only_grow_too_and_looking_later_changes_nothing(every, start, zone, after):
    schedule = Schedule(every=every, start=start)
    found = [each.astimezone(UTC) for each in islice(firings(schedule, zone, after), 12)]
    assert all(one < two for one, two in pairwise([after, *found]))
    assert [each.astimezone(UTC) for each in islice(firings(schedule, zone, found[4]), 7)] == found[5:]


# -- each reader's own time --------------------------------------------------------------------------------------

NOMINAL = datetime(2026, 11, 24, 9, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/Berlin", utc(2026, 11, 24, 8)),
        ("America/New_York", utc(2026, 11, 24, 14)),
        ("Asia/Kolkata", utc(2026, 11, 24, 3, 30)),
        ("Australia/Lord_Howe", utc(2026, 11, 23, 22)),
        ("", utc(2026, 11, 24, 8)),
        ("Middle/Earth", utc(2026, 11, 24, 8)),
        ("Europe", utc(2026, 11, 24, 8)),
        ("../../etc/passwd", utc(2026, 11, 24, 8)),
    ],
)
def test_each_reader_gets_it_at_that_time_on_their_own_clock(zone, expected):
    assert reader_local(NOMINAL, zone, BERLIN) == expected


def test_a_whole_world_of_readers_spans_at_most_26_hours():
    everywhere = [reader_local(NOMINAL, zone, BERLIN) for zone in ("Pacific/Kiritimati", "Etc/GMT+12", "UTC")]
    assert max(everywhere) - min(everywhere) == timedelta(hours=26)
    assert opens(Schedule(cron="0 9 * * tue", deliver="reader-local"), BERLIN, NOMINAL) == min(everywhere)


@settings(SLOW, max_examples=60)
@given(st.sampled_from(["Pacific/Apia", "America/Adak", *(zone.key for zone in ZONES)]), moments)
def test_no_reader_is_due_before_the_edition_opens_nor_26_hours_after(zone, moment):
    schedule = Schedule(cron="0 9 * * *", deliver="reader-local")
    nominal = next(firings(schedule, BERLIN, moment))
    begin = opens(schedule, BERLIN, nominal)
    assert begin <= reader_local(nominal, zone, BERLIN) <= begin + timedelta(hours=26)


def test_a_readers_clock_that_skips_that_time_takes_the_first_that_exists():
    early = datetime(2026, 3, 29, 2, 30, tzinfo=KOLKATA)
    assert reader_local(early, "Europe/Berlin", KOLKATA) == utc(2026, 3, 29, 1)


@pytest.mark.parametrize(
    ("wall", "expected"),
    [("07:30", "24 09:00"), ("09:00", "24 09:00"), ("15:10", "24 15:10"), ("20:00", "24 20:00"), ("20:01", "25 09:00")],
)
def test_a_window_moves_what_is_too_early_or_too_late_to_where_it_begins(wall, expected):
    hour, minute = map(int, wall.split(":"))
    moved = reader_local(NOMINAL.replace(hour=hour, minute=minute), "America/New_York", BERLIN, "09:00-20:00")
    assert f"{moved.astimezone(NEW_YORK):%d %H:%M}" == expected


def test_a_day_off_moves_to_the_next_day_that_is_none():
    saturday = datetime(2026, 12, 26, 9, tzinfo=BERLIN)
    off = NotOn(dates=[date(2026, 12, 28)], weekdays=["sat", "sun"])
    moved = reader_local(saturday, "America/New_York", BERLIN, None, off)
    assert moved.astimezone(NEW_YORK).replace(tzinfo=None) == datetime(2026, 12, 29, 9)


def test_too_late_on_the_eve_of_a_day_off_waits_until_after_it():
    friday = datetime(2026, 11, 27, 21, tzinfo=BERLIN)
    moved = reader_local(friday, "", BERLIN, "09:00-20:00", NotOn(weekdays=["sat", "sun"]))
    assert moved == utc(2026, 11, 30, 8)


def test_together_is_one_moment_but_for_readers_outside_the_window():
    plain = Schedule(cron="0 9 * * tue")
    assert not_before(plain, BERLIN, NOMINAL, "America/New_York") is None
    kept = dataclasses.replace(plain, window="09:00-20:00")
    assert not_before(kept, BERLIN, NOMINAL, "Europe/Berlin") == NOMINAL
    assert not_before(kept, BERLIN, NOMINAL, "America/New_York") == utc(2026, 11, 24, 14)  # it is 03:00 there
    assert not_before(kept, BERLIN, NOMINAL, "Pacific/Auckland") == utc(2026, 11, 24, 20)  # it is 21:00 there


def test_the_editions_time_may_be_given_in_any_zone():
    schedule = Schedule(cron="0 9 * * tue", deliver="reader-local")
    assert not_before(schedule, BERLIN, NOMINAL.astimezone(UTC), "Asia/Kolkata") == utc(2026, 11, 24, 3, 30)
    assert opens(schedule, BERLIN, NOMINAL.astimezone(UTC)) == utc(2026, 11, 23, 19)


# -- the next and the last ---------------------------------------------------------------------------------------


def campaign(schedule):
    return SimpleNamespace(schedule=schedule)


SITE = SimpleNamespace(config=SimpleNamespace(zone=BERLIN))
MONDAY = utc(2026, 11, 23, 12, 0, 42)


def test_the_next_and_the_last_time_come_back_in_the_zone_that_asks():
    weekly = campaign(Schedule(cron="0 9 * * tue"))
    assert next_time(SITE, weekly, MONDAY) == utc(2026, 11, 24, 8)
    assert last_time(SITE, weekly, MONDAY) == utc(2026, 11, 17, 8)
    assert next_time(SITE, weekly, MONDAY).tzinfo is UTC


def test_the_last_time_may_be_this_very_moment_and_is_found_within_a_year():
    assert last_time(SITE, campaign(Schedule(cron="0 9 * * tue")), utc(2026, 11, 24, 8)) == utc(2026, 11, 24, 8)
    assert last_time(SITE, campaign(Schedule(cron="0 8 1 3 *")), MONDAY) == utc(2026, 3, 1, 7)


@pytest.mark.parametrize("schedule", [None, Schedule(at=["2020-01-01T09:00"])])
def test_with_no_time_left_it_is_now_to_the_minute(schedule):
    now = MONDAY.replace(second=0)
    assert (next_time(SITE, campaign(schedule), MONDAY), last_time(SITE, campaign(schedule), MONDAY)) == (now, now)


# -- in words ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 9 * * tue", "every Tuesday at 09:00"),
        ("0 9 * * *", "every day at 09:00"),
        ("30 7 * * 1-5", "Monday to Friday at 07:30"),
        ("0 9 * * mon,thu", "every Monday and Thursday at 09:00"),
        ("0 9,17 * * 0", "every Sunday at 09:00 and 17:00"),
        ("0 8 1 * *", "on the 1st of every month at 08:00"),
        ("0 8 1,22 * *", "on the 1st and 22nd of every month at 08:00"),
        ("0 8 last * *", "on the last day of every month at 08:00"),
        ("0 8 1-7 * mon", "on the first Monday of every month at 08:00"),
        ("0 9 24 12 *", "on the 24th of December at 09:00"),
        ("0 9 * 6-8 fri", "every Friday in June, July and August at 09:00"),
        ("*/15 * * * *", "every 15 minutes"),
        ("* * * * *", "every minute"),
        ("0 * * * *", "every hour"),
        ("0 */2 * * sat", "every 2 hours, on every Saturday"),
        ("3-17 9 * * *", "at the times of the cron rule `3-17 9 * * *`"),
        ("0 9 1-7 * mon,tue", "at the times of the cron rule `0 9 1-7 * mon,tue`"),
    ],
)
def test_a_cron_rule_is_said_as_a_person_would(cron, words):
    assert in_words(Schedule(cron=cron), BERLIN) == f"{words} (Europe/Berlin)"


def test_the_other_kinds_of_times_are_said_too():
    assert in_words(Schedule(every="2w", start="2026-01-06T09:00"), BERLIN) == (
        "every 2 weeks from Tue 6 Jan 2026, 09:00 (Europe/Berlin)"
    )
    assert in_words(Schedule(every="1d", start="2026-01-06T09:00"), KOLKATA).startswith("every day from Tue 6 Jan")
    assert in_words(Schedule(at=["2026-12-01T09:00"]), NEW_YORK) == "Tue 1 Dec 2026, 09:00 (America/New_York)"
    assert in_words(Schedule(cron="0 9 * * *", deliver="reader-local", not_on=NotOn(weekdays=["sun"])), BERLIN) == (
        "every day at 09:00, not on Sundays, each reader's own time (Europe/Berlin where it is unknown)"
    )


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "0 min"),
        (59, "59 min"),
        (60, "1 h"),
        (430, "7 h 10 min"),
        (1440, "1 day"),
        (2880, "2 days"),
        (10080, "1 week"),
        (11599, "1 week 1 day"),
    ],
)
def test_spans_are_said_in_the_units_people_use(minutes, words):
    assert span_in_words(timedelta(minutes=minutes)) == words
