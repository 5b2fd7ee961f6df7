"""The calendar: what is on which day, and what people do to one edition."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from broadsheet import editions, pipeline
from broadsheet.models import Audit, Deviation, Edition, Role
from broadsheet.schedule.coming import outlook, readable
from broadsheet.web.console.days import days
from broadsheet.workspace import Workspace

BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)
#: Tuesday, 1 December 2026, 09:00 in Berlin
TUESDAY = datetime(2026, 12, 1, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def today(monkeypatch):
    """It is Thursday, 26 November 2026."""
    moment = datetime(2026, 11, 26, 10, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: moment)
    return moment


@pytest.fixture
def schedule(workspace, write):
    """Gives the weekly digest, or a copy of it, another schedule."""

    def written(rule, name="weekly", **more):
        text = (workspace.root / "campaigns" / "weekly.md").read_text()
        text = re.sub("schedule: .*", f"schedule: {rule}", text)
        for key, value in more.items():
            text = re.sub(f"{key}: .*", f"{key}: {value}", text)
        write(f"campaigns/{name}.md", text)

    return written


@pytest.fixture
def shown(db, workspace, today):
    """The entries of a span: day, time, name, state, label."""

    def found(first, last):
        fresh = Workspace(workspace.root)
        files, _ = readable(fresh)
        seen = outlook(fresh, files, first, last, today)
        by_slug = {file.slug: file for file in files}
        return [
            (f"{day.on:%d}", f"{entry.at:%H:%M}", entry.name, entry.state, entry.label)
            for day in days(BERLIN, by_slug, seen, (first, last), today)
            for entry in day.entries
        ]

    return found


def form(at=TUESDAY, **more):
    return {"campaign": "weekly", "view": "month", "on": "2026-12-01", "time": at.isoformat(), **more}


def entries(page):
    return re.findall(r'<details class="ask entry (\w+)">', page)


# -- what is where -----------------------------------------------------------------------------------------------


def test_each_time_of_a_month_is_on_its_day(shown):
    assert [(day, clock) for day, clock, *_ in shown(date(2026, 12, 1), date(2026, 12, 31))] == [
        (day, "09:00") for day in ("01", "08", "15", "22", "29")
    ]


def test_nothing_is_projected_into_the_past(shown):
    assert shown(date(2026, 11, 1), date(2026, 11, 26)) == []


def test_clocks_that_change_leave_the_time_on_the_wall_alone(shown):
    found = shown(date(2027, 3, 22), date(2027, 4, 4))
    assert [(day, clock) for day, clock, *_ in found] == [("23", "09:00"), ("30", "09:00")]


def test_a_campaign_of_another_zone_is_shown_on_the_sites_clock_also_while_the_two_change_apart(shown, schedule):
    schedule('{cron: "0 9 * * tue", time_zone: America/New_York}')
    found = shown(date(2027, 3, 8), date(2027, 4, 4))  # New York changes on the 14th, Berlin on the 28th
    assert [(day, clock) for day, clock, *_ in found] == [
        ("09", "15:00"), ("16", "14:00"), ("23", "14:00"), ("30", "15:00"),
    ]  # fmt: skip


def test_an_evening_elsewhere_is_on_the_day_that_it_is_here(shown, schedule):
    schedule('{cron: "0 20 * * tue", time_zone: America/New_York}')
    assert shown(date(2026, 12, 1), date(2026, 12, 2))[0][:2] == ("02", "02:00")


def test_what_each_reader_gets_at_their_own_time_is_on_the_day_that_it_is_for_them(shown, schedule):
    schedule('{cron: "0 20 * * tue", time_zone: America/New_York, deliver: reader-local}')
    assert shown(date(2026, 12, 1), date(2026, 12, 2))[0][:2] == ("01", "20:00")


def test_what_comes_out_often_is_one_line_a_day(shown, schedule):
    schedule('{cron: "0 * * * *"}')
    found = shown(date(2026, 12, 1), date(2026, 12, 2))
    assert [(day, state, label) for day, _, _, state, label in found] == [
        ("01", "often", "24 times"), ("02", "often", "24 times"),
    ]  # fmt: skip


def test_an_edition_that_is_frozen_is_there_once_with_its_state(shown, freeze, cast):
    freeze("weekly", TUESDAY)
    assert shown(date(2026, 12, 1), date(2026, 12, 7)) == [("01", "09:00", "Weekly digest", "approved", "Approved")]


def test_what_was_moved_is_on_both_days(shown, workspace, cast):
    file = workspace.campaign("weekly")
    editions.put_off(workspace, file, TUESDAY, TUESDAY + 2 * DAY, who="pia")
    editions.leave_out(workspace, file, TUESDAY + 7 * DAY, who="pia")
    assert [each[:2] + each[3:] for each in shown(date(2026, 12, 1), date(2026, 12, 9))] == [
        ("01", "09:00", "away", "Moved to Thu 3 Dec, 09:00"),
        ("03", "09:00", "ahead", "Moved from Tue 1 Dec"),
        ("08", "09:00", "skipped", "Skipped"),
    ]


def test_what_the_file_leaves_out_is_shown_as_that(shown, schedule):
    schedule('{cron: "0 9 * * tue", time_zone: Europe/Berlin, skip: [2026-12-01]}')
    assert shown(date(2026, 12, 1), date(2026, 12, 2))[0][3] == "skipped"


# -- the page ----------------------------------------------------------------------------------------------------


def test_an_edition_that_was_sent_has_its_result(as_role, freeze, send, memory, cast):
    edition = freeze("weekly", datetime(2026, 11, 24, 8, tzinfo=UTC))
    send(edition, memory)
    page = as_role("viewer").get("/console/calendar").content.decode()
    assert entries(page) == ["sent", "ahead"]  # that of 1 December, in the last week
    assert "3 sent" in page
    assert f'href="/console/editions/{edition.pk}"' in page


@pytest.mark.parametrize("given", ["", "?view=year&on=2026-13-45", "?on=9999-12-31", "?on=0001-01-01&view=week"])
def test_whatever_is_asked_for_a_month_or_a_week_is_shown(as_role, given, cast):
    page = as_role("viewer").get(f"/console/calendar{given}")
    assert page.status_code == 200
    assert "Europe/Berlin" in page.content.decode()
    assert 'aria-current="date"' in page.content.decode() or "Nothing this" in page.content.decode()


def test_a_month_with_nothing_says_so(as_role, workspace, cast):
    (workspace.root / "campaigns" / "weekly.md").unlink()
    page = as_role("viewer").get("/console/calendar?on=2026-12-01").content.decode()
    assert "Nothing this month" in page
    assert "No campaign has a schedule yet" in page


def test_a_file_with_mistakes_is_named_and_the_others_are_shown(as_role, schedule, write, cast):
    write("campaigns/broken.md", "---\nname: Broken\n---\n")
    page = as_role("viewer").get("/console/calendar?on=2026-12-01").content.decode()
    assert "campaigns/broken.md can" in page
    assert entries(page) == ["ahead"] * 5


@pytest.mark.parametrize("role", Role)
def test_only_those_who_publish_see_what_can_be_done(as_role, cast, role):
    page = as_role(role).get("/console/calendar?on=2026-12-01").content.decode()
    assert ("Skip this one" in page) == (role in (Role.PUBLISHER, Role.ADMIN))


def test_a_page_costs_the_same_few_queries_however_much_is_on_it(as_role, freeze, cast, django_assert_max_num_queries):
    client = as_role("viewer")
    for week in range(4):
        freeze("weekly", TUESDAY + week * 7 * DAY)
    with django_assert_max_num_queries(14):
        client.get("/console/calendar?on=2026-12-01")


# -- deeds -------------------------------------------------------------------------------------------------------


def test_skipped_it_says_so_with_an_undo_and_both_are_written_down(as_role, cast):
    client = as_role("publisher")
    page = client.post("/console/calendar/skip", form(why=" a  holiday "), follow=True).content.decode()
    assert "Weekly digest does not come out on Tuesday, 1 December, 09:00 (Europe/Berlin)." in page
    assert entries(page)[0] == "skipped"
    assert Deviation.objects.get().said == "skipped by publisher@stillwater.test: a holiday"
    page = client.post("/console/calendar/undo", form(), follow=True).content.decode()
    assert "comes out on Tuesday, 1 December, at 09:00 (Europe/Berlin), as its schedule says." in page
    assert entries(page) == ["ahead"] * 5
    rows = list(Audit.objects.order_by("pk").values_list("who", "what", "target", "before", "after"))
    who, target = "publisher@stillwater.test", "campaigns/weekly.md 2026-12-01 08:00 UTC"
    skipped = "skipped by publisher@stillwater.test: a holiday"
    assert rows == [
        (who, "calendar-skip", target, "as scheduled", skipped),
        (who, "calendar-undo", target, skipped, "as scheduled"),
    ]


def test_moved_by_the_campaigns_clock(as_role, schedule, cast):
    schedule('{cron: "0 9 * * tue", time_zone: America/New_York}')
    time = datetime(2026, 12, 1, 14, tzinfo=UTC)
    page = as_role("publisher").post("/console/calendar/move", form(time, to="2026-12-02T18:30"), follow=True)
    assert Deviation.objects.get().moved_to == datetime(2026, 12, 2, 23, 30, tzinfo=UTC)
    assert "Wednesday, 2 December, 18:30 instead of Tuesday, 1 December, 09:00" in page.content.decode()


@pytest.mark.parametrize("to", ["", "soon", "2026-11-01T09:00", "2026-12-08T09:00", "0001-01-01T00:00"])
def test_a_time_that_can_not_be_moves_nothing_and_says_why(as_role, cast, to):
    page = as_role("publisher").post("/console/calendar/move", form(to=to), follow=True).content.decode()
    assert 'class="note error"' in page
    assert (Deviation.objects.count(), Audit.objects.count()) == (0, 0)


@pytest.mark.parametrize("given", [{"campaign": "nowhere"}, {"time": "later"}, {"time": ""}, {"campaign": "../weekly"}])
def test_what_is_no_campaign_or_no_time_is_not_found(as_role, cast, given):
    assert as_role("publisher").post("/console/calendar/skip", form(**given)).status_code == 404


def test_what_was_said_of_a_time_that_is_gone_is_told_and_taken_off(as_role, schedule, cast):
    client = as_role("publisher")
    client.post("/console/calendar/skip", form())
    schedule('{cron: "0 10 * * tue", time_zone: Europe/Berlin}')
    page = client.get("/console/calendar?on=2026-12-01").content.decode()
    assert "no longer names that time" in page
    client.post("/console/calendar/forget", form())
    assert Deviation.objects.count() == 0
    assert "no longer names" not in client.get("/console/calendar?on=2026-12-01").content.decode()


# -- send now ----------------------------------------------------------------------------------------------------


def test_whoever_sends_now_types_the_number_of_readers(as_role, workspace, cast):
    client, asked = as_role("publisher"), form()
    pipeline.collect(Workspace(workspace.root))
    page = client.get("/console/calendar/send", asked).content.decode()
    assert "Send Weekly digest now?" in page
    assert (
        '<span class="big">3</span> readers would get it'
        in client.get("/console/calendar/readers", asked).content.decode()
    )
    for typed in ("", "0", "4", "three"):
        refused = client.post("/console/calendar/send", {**asked, "readers": typed}).content.decode()
        assert "Nothing was sent." in refused
        assert Edition.objects.count() == 0
    sent = client.post("/console/calendar/send", {**asked, "readers": "3"})
    edition = Edition.objects.get()
    assert sent.url == f"/console/editions/{edition.pk}"
    assert (edition.state, edition.moved_from) == ("approved", TUESDAY)
    assert [each.pk for each in editions.ready_to_send(timezone.now())] == [edition.pk]
    row = Audit.objects.get()
    assert (row.what, row.after) == ("calendar-send", "sent now to 3")


def test_nobody_else_may_send_now(as_role, cast):
    for role in ("viewer", "editor"):
        client = as_role(role)
        assert client.get("/console/calendar/send", form()).status_code == 403
        assert client.post("/console/calendar/send", form(readers="3")).status_code == 403


def test_a_campaign_without_a_schedule_is_sent_from_its_row_and_not_twice_by_a_double_click(as_role, workspace, cast):
    client = as_role("publisher")
    pipeline.collect(Workspace(workspace.root))
    assert "/console/calendar/send?campaign=letter" in client.get("/console/campaigns").content.decode()
    assert "Send A letter now?" in client.get("/console/calendar/send?campaign=letter").content.decode()
    first = client.post("/console/calendar/send", {"campaign": "letter", "readers": "1"})
    second = client.post("/console/calendar/send", {"campaign": "letter", "readers": "1"})
    assert first.status_code == 302
    assert "was made a moment ago" in second.content.decode() or "it is 0 now" in second.content.decode()
    edition = Edition.objects.get()
    assert (edition.campaign.slug, edition.state, edition.moved_from) == ("letter", "approved", None)
