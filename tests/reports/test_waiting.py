"""No page waits for a large edition to be broken down; who can wait gets it all."""

from datetime import timedelta

import pytest
from django.utils import timezone

from broadsheet import reports
from broadsheet.models import Edition, EditionState, Summary
from broadsheet.reports import summary


@pytest.fixture
def large(freeze, cast, monkeypatch):
    """An edition that counts as large, and half sent."""
    monkeypatch.setattr(summary, "FEW", 0)
    edition = freeze()
    first = edition.deliveries.order_by("pk").first()
    edition.deliveries.filter(pk=first.pk).update(state="sent", at=timezone.now())
    Edition.objects.filter(pk=edition.pk).update(state=EditionState.SENDING)
    edition.refresh_from_db()
    return edition


def test_without_a_kept_summary_there_are_the_states_and_nothing_is_kept(workspace, large):
    found = reports.report(workspace, large, wait=False)
    assert found.states == {"sent": 1, "queued": 2}
    assert (found.domains, found.variants, found.segments) == ([], [], {})
    assert not Summary.objects.exists()


def test_a_kept_one_is_shown_with_its_age_however_old(workspace, large):
    kept = reports.summarise(large)
    then = timezone.now() - timedelta(hours=3)
    Summary.objects.filter(pk=kept.pk).update(made_at=then)
    large.deliveries.filter(state="queued").update(state="sent")
    found = reports.report(workspace, large, wait=False)
    assert (found.as_of, found.states) == (then, {"sent": 1, "queued": 2})
    assert found.domains


def test_who_can_wait_gets_it_anew(workspace, large):
    found = reports.report(workspace, large)
    assert found.domains
    assert found.variants
    assert Summary.objects.get().made_at == found.as_of


def test_a_small_one_is_broken_down_at_once(workspace, freeze, cast):
    edition = freeze()
    assert reports.report(workspace, edition, wait=False).domains
    assert Summary.objects.exists()


def test_states_are_those_that_were_kept_once_they_are_final(large):
    assert reports.summary.states_of(large) == {"sent": 1, "queued": 2}
    large.deliveries.update(state="sent")
    Edition.objects.filter(pk=large.pk).update(state=EditionState.SENT)
    large.refresh_from_db()
    reports.summarise(large)
    large.deliveries.update(state="failed")
    assert reports.summary.states_of(large) == {"sent": 3}
