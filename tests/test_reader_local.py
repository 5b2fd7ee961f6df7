"""Copies that leave at each reader's own time of day."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from tests.conftest import WEEKLY

from broadsheet import editions, reports
from broadsheet.models import DeliveryState, Edition, EditionState, Subscriber
from broadsheet.sending import claims
from broadsheet.sending.verdict import Verdict
from broadsheet.timing import not_before

pytestmark = pytest.mark.django_db

#: nine o'clock on a Tuesday in Berlin
AT = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
ZONES = {
    "auckland": "Pacific/Auckland",
    "berlin": "Europe/Berlin",
    "kolkata": "Asia/Kolkata",
    "york": "America/New_York",
    "nobody-knows": "",
    "wrong": "Mars/Olympus",
}


@pytest.fixture
def readers(join):
    """Somebody in each zone, one whose zone nobody knows, one whose zone is none."""
    return {name: join(f"{name}@reader.example", "sleep", time_zone=zone) for name, zone in ZONES.items()}


@pytest.fixture
def local(write):
    """Makes the weekly digest come out at each reader's own time."""

    def made(more=""):
        write("campaigns/weekly.md", WEEKLY.replace("Europe/Berlin}", f"Europe/Berlin, deliver: reader-local{more}}}"))

    return made


def times(edition):
    """When each reader's copy may leave, in UTC."""
    rows = edition.deliveries.values_list("subscriber__email", "at")
    return {email.partition("@")[0]: f"{at:%d %H:%M}" if at else None for email, at in rows}


def test_each_copy_leaves_when_the_readers_clock_shows_the_time(local, freeze, readers):
    local()
    assert times(freeze("weekly", AT)) == {
        "auckland": "02 20:00",
        "kolkata": "03 03:30",
        "berlin": "03 08:00",
        "york": "03 14:00",
        "nobody-knows": "03 08:00",
        "wrong": "03 08:00",
    }


def test_copies_that_leave_together_have_no_time_of_their_own(freeze, readers):
    assert set(times(freeze("weekly", AT)).values()) == {None}


def test_a_window_holds_back_those_for_whom_it_is_night(write, freeze, readers):
    write("campaigns/weekly.md", WEEKLY.replace("Europe/Berlin}", 'Europe/Berlin, window: "09:00-20:00"}'))
    found = times(freeze("weekly", AT))
    assert found["york"] == "03 14:00", "it is three in the morning there"
    assert found["berlin"] == "03 08:00"


def test_who_gets_nothing_has_no_time(local, freeze, join):
    local()
    join("gardener@reader.example", "gardening", time_zone="Asia/Kolkata")
    join("sleeper@reader.example", "sleep", time_zone="Asia/Kolkata")
    first = freeze("weekly", AT - timedelta(days=7))
    first.deliveries.update(state=DeliveryState.SENT)
    second = freeze("weekly", AT)
    second.deliveries.update(state=DeliveryState.SENT)
    third = freeze("weekly", AT + timedelta(days=7))
    assert third.deliveries.get().state == DeliveryState.SKIPPED
    assert times(third) == {"sleeper": None}


def test_a_copy_is_not_claimed_before_its_time(local, freeze, readers, monkeypatch):
    local()
    edition = freeze("weekly", AT)
    Edition.objects.filter(pk=edition.pk).update(state="sending")

    def claimed():
        found = claims.claim(edition.pk, "one", 100)
        rows = Subscriber.objects.filter(pk__in=[row.subscriber for row in found.rows])
        claims.record({row.id: Verdict(DeliveryState.SENT, AT) for row in found.rows})
        claims.let_go([found.pk])
        return {row.email.partition("@")[0] for row in rows}

    monkeypatch.setattr(timezone, "now", lambda: AT - timedelta(seconds=1))
    early = claimed()
    assert early == {"auckland", "kolkata"}
    monkeypatch.setattr(timezone, "now", lambda: AT)
    assert len(claimed()) == 3
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 3, 3, 14, tzinfo=UTC))
    assert claimed() == {"york"}


def test_the_edition_is_sent_zone_after_zone(local, freeze, readers, send, memory, monkeypatch):
    local()
    edition = freeze("weekly", AT)
    expected = (("02 19:59", 0), ("02 20:00", 1), ("03 03:30", 2), ("03 08:00", 5), ("03 14:00", 6))
    for moment, sent in expected:
        now = datetime.strptime(f"2026-03-{moment}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        ready = editions.ready_to_send(now)
        monkeypatch.setattr(timezone, "now", lambda now=now: now)
        if ready:
            send(edition, memory)
        assert len(memory.mails) == sent
    assert Edition.objects.get().state == EditionState.SENT


def test_the_numbers_say_how_many_wait_and_until_when(local, freeze, readers, send, memory, monkeypatch):
    local()
    edition = freeze("weekly", AT)
    monkeypatch.setattr(timezone, "now", lambda: AT)
    assert reports.due_now(edition, AT) == 5
    numbers = send(edition, memory)
    assert (numbers.sent, numbers.waiting, numbers.next_at) == (5, 1, datetime(2026, 3, 3, 14, tzinfo=UTC))
    assert Edition.objects.get().state == EditionState.SENDING
    assert not numbers.finished


def test_moving_the_edition_moves_each_copy_with_it(local, freeze, readers):
    local()
    edition = freeze("weekly", AT)
    editions.reschedule(edition, AT + timedelta(hours=2), who="ada")
    assert times(edition)["york"] == "03 16:00"
    assert times(edition)["auckland"] == "02 22:00"


def test_moved_over_the_change_of_clocks_each_copy_keeps_the_readers_time_of_day(local, workspace, freeze, readers):
    local()
    edition = freeze("weekly", AT)
    schedule = workspace.campaign("weekly").schedule
    later = AT + timedelta(days=7)  # on 8 March, New York's clocks go forward and Berlin's don't
    zone = schedule.zone(workspace.config.zone)
    editions.reschedule(edition, later, who="ada", local=lambda name: not_before(schedule, zone, later, name))
    assert times(edition)["york"] == "10 13:00", "nine o'clock in New York still"
    assert times(edition)["berlin"] == "10 08:00"


def test_a_plan_says_when_it_would_go_in_each_zone(local, plan, readers, join):
    local()
    join("second@reader.example", "sleep", time_zone="America/New_York")
    found = editions.leaving(plan("weekly", AT))
    assert found[0] == ("America/New_York", 2, datetime(2026, 3, 3, 14, tzinfo=UTC))
    assert sum(count for _, count, _ in found) == 7


def test_a_plan_for_one_moment_has_no_zones(plan, readers):
    assert editions.leaving(plan("weekly", AT)) == []
