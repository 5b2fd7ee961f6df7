"""The reports' page: at once among few people, kept and shown with its age among many."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from broadsheet.sending.adapters.memory import MemoryOutbox
from broadsheet.web.console import keeping, reports
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
    monkeypatch.setattr(reports, "FEW", 0)
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
    monkeypatch.setattr(reports, "FEW", 0)
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
