"""The sample year: plausible, marked, the same from the same seed, and never among real people."""

import random
import re
import sqlite3
import urllib.request
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import Count, Sum

from broadsheet import reports
from broadsheet.cli.year import story
from broadsheet.cli.year.files import add_broken_feed, lay_out
from broadsheet.cli.year.people import everybody
from broadsheet.errors import BroadsheetError
from broadsheet.models import (
    Audit,
    Campaign,
    Delivery,
    Edition,
    EditionState,
    Event,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    Tally,
)

NOW = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
WEEKS = 5

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def made(tmp_path_factory, django_db_setup, django_db_blocker):
    """The last weeks of a year, in a database that is put back afterwards."""
    from django.db import transaction

    workspace = lay_out(tmp_path_factory.mktemp("year") / "year", NOW, random.Random(3))
    with django_db_blocker.unblock(), transaction.atomic():
        story.make(workspace, NOW, 3, WEEKS)
        yield add_broken_feed(workspace)
        transaction.set_rollback(True)


def drawn():
    """What there is, in numbers that would differ with any other draw."""
    return {
        "people": list(Subscriber.objects.order_by("pk").values_list("email", "created_at")[:500]),
        "copies": list(Delivery.objects.order_by("pk").values_list("state", "at")[:2000]),
        "counted": Tally.objects.aggregate(all=Sum("count"))["all"],
        "events": list(Event.objects.values_list("kind").annotate(Count("pk")).order_by("kind")),
    }


def test_every_campaign_came_out_and_every_copy_has_its_fate(made):
    sent = dict(
        Edition.objects.filter(state=EditionState.SENT).values_list("campaign__slug").annotate(Count("pk")).order_by()
    )
    assert sent["weekly-digest"] == WEEKS
    assert set(sent) == {"weekly-digest", "monthly-letter", "research-notes", "kitchen-notes", "course-dates"}
    for edition in Edition.objects.filter(state=EditionState.SENT):
        numbers = reports.numbers(edition)
        assert numbers.finished, edition
        assert numbers.sent > 100, edition
        assert edition.summary.final, edition
        assert abs(edition.finished_at - edition.scheduled_for) < timedelta(hours=1), edition
        assert [move.at for move in edition.moves.all()] == sorted(move.at for move in edition.moves.all()), edition


def test_lists_grow_and_people_leave_for_reasons(made):
    for name in made.lists.lists:
        days = reports.growth(name, NOW.date(), days=40)
        assert days[0].size < days[-1].size, name
    left = Subscription.objects.filter(state=SubscriptionState.UNSUBSCRIBED)
    assert left.filter(left_at__lt=NOW).count() == left.count() > 20
    assert left.exclude(left_reason="").exists()
    assert Event.objects.filter(kind="unsubscribed").count() == left.count()


def test_more_join_in_the_middle_of_the_week_than_at_its_end():
    days = [each.joined.weekday() for each in everybody_of_a_year() if each.joined > NOW - timedelta(days=365)]
    assert days.count(1) > 1.5 * days.count(5)


def everybody_of_a_year():
    return everybody(NOW, random.Random(1))


def test_nothing_happened_in_the_future(made):
    for model, field in ((Event, "at"), (Tally, "hour"), (Audit, "at"), (Subscriber, "created_at")):
        assert not model.objects.filter(**{f"{field}__gt": NOW}).exists(), model
    assert not Suppression.objects.filter(created_at__gt=NOW).exists()


def test_clicks_are_of_links_and_articles_that_the_variant_has(made):
    edition = Edition.objects.filter(campaign__slug="weekly-digest", state=EditionState.SENT)[0]
    found = reports.report(made, edition)
    assert 0.15 < found.opened.share < 0.6
    assert 0.02 < found.clicked.share < 0.25
    assert found.clicks_by_robots
    assert len([each for each in found.articles if each["clicks"]]) >= 3
    assert found.bounces_by_class.get("dead")
    assert found.unsubscribe_reasons


def test_the_day_it_is_made_has_something_of_everything(made):
    states = dict(Edition.objects.values_list("state").annotate(Count("pk")).order_by())
    assert (states["draft"], states["paused"]) == (2, 1)
    held = Edition.objects.get(campaign__slug="course-dates", state=EditionState.DRAFT)
    assert "complaints" in held.reason
    assert Delivery.objects.filter(state="unknown").count() == 3
    paused = Edition.objects.get(state=EditionState.PAUSED)
    assert {"sent", "queued", "deferred"} <= set(paused.deliveries.values_list("state", flat=True))


def test_the_console_says_that_it_is_made_up(made, client, settings):
    from broadsheet import staff
    from broadsheet.models import Role

    settings.WORKSPACE = made
    client.force_login(
        staff.add("a@stillwater.test", Role.ADMIN, by="test").user, backend="django.contrib.auth.backends.ModelBackend"
    )
    assert "Sample data" not in client.get("/console/").content.decode()
    made.sample_note.parent.mkdir(parents=True, exist_ok=True)
    made.sample_note.write_text("{}")
    page = client.get("/console/").content.decode()
    assert "Sample data" in page
    assert "Open Rehab Journal can&#x27;t be read" in page
    assert Campaign.objects.count() == 5


def test_it_is_never_made_among_real_people(made):
    before = drawn()
    with pytest.raises(BroadsheetError, match="needs a database of its own"):
        story.make(made, NOW, 3, 1)
    assert drawn() == before


def test_the_same_seed_and_time_make_the_same_year(made, tmp_path):
    from django.db import connection, transaction

    first = drawn()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA defer_foreign_keys = ON")
            for table in connection.introspection.table_names():
                if table.startswith("broadsheet_") and table != "broadsheet_cache":
                    cursor.execute(f"DELETE FROM {table}")
            cursor.execute("DELETE FROM sqlite_sequence")
        story.make(lay_out(tmp_path / "again", NOW, random.Random(3)), NOW, 3, WEEKS)
        again = drawn()
        transaction.set_rollback(True)
    assert again == first


# The command


def test_the_command_makes_it_beside_the_workspace_serves_it_and_keeps_it(starts, run, tmp_path):
    assert run("init", "letter", cwd=tmp_path).code == 0
    root = tmp_path / "letter"
    serve = ("demo", "--serve", "--port", "0", "--weeks", "1")
    first, said = served(starts(*serve, cwd=root))
    assert "Making a year" in said
    assert "Sign in as admin@stillwater.example" in said
    assert first == 200
    assert sorted(path.name for path in (root / ".broadsheet").iterdir()) == ["year"]
    assert not (root / "campaigns" / "kitchen-notes.md").exists()
    again, said_again = served(starts(*serve, cwd=root))
    with closing(sqlite3.connect(root / ".broadsheet" / "year" / ".broadsheet" / "broadsheet.sqlite3")) as database:
        urls = database.execute("SELECT DISTINCT public_url FROM broadsheet_edition").fetchall()
    assert [f"{url}/" for (url,) in urls] == re.findall(r"(http://\S+)console/", said_again), "where it is served now"
    assert "Making a year" not in said_again
    assert again == 200
    password = re.compile(r"password (\S+)")
    assert password.search(said)[1] == password.search(said_again)[1]


def served(process):
    """What the sign-in page answers while it is served, and what was said on the way."""
    said = ""
    try:
        for line in process.stderr:
            said += line
            if "inbox at" in line:
                break
        address = re.search(r"(http://\S+)console/", said)[1]
        with urllib.request.urlopen(f"{address}console/account/login/") as answer:
            return answer.status, said
    finally:
        process.terminate()
        assert process.wait(90) == 0
        process.stdout.close()
        process.stderr.close()
