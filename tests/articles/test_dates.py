from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from broadsheet.articles.dates import parse_date

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    "value",
    [
        date(2026, 1, 8),
        datetime(2026, 1, 8),
        "2026-01-08",
        "20260108",
        20260108,
        "2026/01/08",
        "2026.01.08",
        "08.01.2026",
        "January 8, 2026",
        "Jan 8, 2026",
        "8 Jan 2026",
        "8 January 2026",
        "8. January 2026",
        "8th January 2026",
        "Thursday, January 8, 2026",
        "  January   8,  2026 ",
    ],
)
def test_a_day_is_its_midnight_in_the_zone(value):
    assert parse_date(value, NEW_YORK) == datetime(2026, 1, 8, tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 1, 8, 14, 30, tzinfo=UTC),
        "2026-01-08T14:30:00Z",
        "2026-01-08T15:30:00+01:00",
        "2026-01-08 15:30:00 +0100",
        "2026-01-08 15:30 +0100",
        "2026-01-08 14:30:00 UTC",
        "2026-01-08T09:30",
        "Thu, 08 Jan 2026 15:30:00 +0100",
        "8 Jan 2026 14:30:00 GMT",
        "January 8, 2026 9:30 AM",
    ],
)
def test_a_moment_is_kept(value):
    assert parse_date(value, NEW_YORK) == datetime(2026, 1, 8, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "01/08/2026",
        "2026",
        2026,
        "2026-02-30",
        True,
        3.5,
        ["2026-01-08"],
        {"day": 8},
        time(7, 30),
        "0001-01-01",
    ],
)
def test_what_is_no_date_or_could_be_two_is_refused(value):
    with pytest.raises(ValueError, match=r"not a date|too far"):
        parse_date(value, ZoneInfo("Asia/Tokyo"))
