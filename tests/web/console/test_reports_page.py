"""The reports' page: at once among few people, kept and shown with its age among many."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from broadsheet import reports as numbers
from broadsheet.errors import BroadsheetError
from broadsheet.models import Edition, Summary
from broadsheet.sending.adapters.memory import MemoryOutbox
from broadsheet.web.console import keeping
from broadsheet.web.console.keeping import Kept


@pytest.fixture(autouse=True)
def _nothing_is_kept(db):
    cache.clear()


@pytest.fixture
def sent(freeze, send, cast):
    """An edition that went out."""
    edition = freeze()
    send(edition, MemoryOutbox())
    return edition


def test_among_few_people_everything_is_counted_at_once(as_role, sent):
    page = as_role("viewer").get("/console/reports").content.decode()
    assert f"/console/editions/{sent.pk}" in page
    assert "Stillwater Weekly" in page
    assert "Count now" not in page
    assert keeping.kept("reports") is None


def test_among_many_nobody_waits_and_whoever_asks_counts(as_role, sent, monkeypatch):
    monkeypatch.setattr(keeping, "FEW", 0)
    viewer = as_role("viewer")
    page = viewer.get("/console/reports").content.decode()
    assert "Not counted yet" in page
    assert f"/console/editions/{sent.pk}" not in page
    assert 'hx-trigger="submit, load"' in page
    asked = viewer.post("/console/reports/count", headers={"HX-Request": "true"})
    assert (asked.status_code, asked.headers["HX-Refresh"]) == (204, "true")
    page = viewer.get("/console/reports").content.decode()
    assert f"/console/editions/{sent.pk}" in page
    assert "Count now" not in page


def test_what_is_old_is_shown_with_its_age_and_counted_anew(as_role, sent, monkeypatch):
    monkeypatch.setattr(keeping, "FEW", 0)
    viewer = as_role("viewer")
    assert viewer.post("/console/reports/count").url == "/console/reports"
    kept = keeping.kept("reports")
    cache.set("console:reports", Kept(kept.value, timezone.now() - timedelta(hours=2)), timeout=None)
    page = viewer.get("/console/reports").content.decode()
    assert "Counted 2\xa0hours ago" in page
    assert "Count now" in page
    assert f"/console/editions/{sent.pk}" in page


def test_what_another_release_kept_is_not_taken(db):
    cache.set("console:reports", {"of": "another time"}, timeout=None)
    assert keeping.kept("reports") is None


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_the_numbers_of_a_large_edition_are_put_together_beside_and_then_come_by_themselves(
    as_role, sent, later, workspace, kind
):
    Edition.objects.filter(pk=sent.pk).update(audience=10**6)
    Summary.objects.all().delete()
    viewer, way = as_role("viewer"), f"/console/editions/{sent.pk}/report.{kind}"
    answer = viewer.get(way)
    assert (answer.status_code, answer.headers["Refresh"]) == (202, f"1; url={way}?begun=yes")
    assert "Content-Disposition" not in answer.headers
    assert "being put together" in answer.content.decode()
    assert viewer.get(f"{way}?begun=yes").status_code == 202
    assert later() == 1
    answer = viewer.get(f"{way}?begun=yes")
    assert (answer.status_code, f"filename={sent.key}.{kind}" in answer.headers["Content-Disposition"]) == (200, True)
    whole = numbers.report(workspace, Edition.objects.get(pk=sent.pk)).segments
    assert whole == {"sleepers": {"readers": 2, "sent": 2}, "movers": {"readers": 2, "sent": 2}}
    assert all(name in answer.content.decode() for name in whole)


def test_what_can_not_be_put_together_is_given_as_far_as_it_is_known(as_role, sent, later):
    Edition.objects.filter(pk=sent.pk).update(audience=10**6)
    Summary.objects.all().delete()
    viewer, way = as_role("viewer"), f"/console/editions/{sent.pk}/report.csv"
    viewer.get(way)
    keeping.cache.delete(f"console:numbers-{sent.pk}:busy")  # as after two minutes
    assert "state,sent,3,3" in viewer.get(f"{way}?begun=yes").content.decode()


def test_work_that_fails_is_told_in_the_log_and_not_tried_again_at_once(later, caplog):
    def fails():
        raise BroadsheetError("The files are gone.")

    keeping.begin("it", fails)
    assert later() == 1
    assert "The files are gone." in caplog.text
    assert keeping.is_busy("it")
    keeping.begin("it", fails)
    assert later() == 0


def test_what_today_warns_of_is_kept_among_many_and_worked_out_anew_when_it_is_old(as_role, sent, later, monkeypatch):
    said = ["once"]
    monkeypatch.setattr(numbers, "health_of", lambda name: numbers.Health(warning=f"{said[-1]} of {name}"))
    viewer = as_role("viewer")
    assert "once of newsletter" in viewer.get("/console/").content.decode()
    said.append("twice")
    assert "once of newsletter" in viewer.get("/console/").content.decode()
    assert later() == 0
    kept = keeping.kept("health")
    cache.set("console:health", Kept(kept.value, timezone.now() - timedelta(hours=1)), timeout=None)
    assert "once of newsletter" in viewer.get("/console/").content.decode()
    assert later() == 1
    assert "twice of newsletter" in viewer.get("/console/").content.decode()
