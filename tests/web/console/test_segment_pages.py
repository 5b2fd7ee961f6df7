"""Segments in the console: read aloud, counted when somebody looks, and kept."""

from datetime import timedelta

import pytest
from django.utils import timezone

from broadsheet.models import SegmentSize


def test_each_segment_is_read_aloud_and_counted_once_asked(as_role, cast):
    browser = as_role("viewer")
    first = browser.get("/console/segments").content.decode()
    assert "People interested in sleep" in first
    assert first.count("not counted yet") == 3
    assert first.count("submit, load") == 3
    assert browser.post("/console/segments/sleepers/count").url == "/console/segments"
    assert SegmentSize.objects.get(name="sleepers").size == 6
    then = browser.get("/console/segments").content.decode()
    assert then.count("submit, load") == 2
    assert "counted <time" in then


def test_a_part_of_the_page_gets_the_number_alone(as_role, cast):
    part = as_role("publisher").post("/console/segments/movers/count", headers={"HX-Request": "true"}).content.decode()
    assert part.startswith("<form")
    assert '<span class="big">2</span>' in part
    assert "load" not in part


def test_an_old_number_is_shown_with_its_age_and_asked_for_anew(as_role, cast):
    browser = as_role("publisher")
    browser.post("/console/segments/sleepers/count")
    SegmentSize.objects.update(counted_at=timezone.now() - timedelta(hours=3))
    shown = browser.get("/console/segments").content.decode()
    assert "3\xa0hours ago" in shown
    assert shown.count("submit, load") == 3


def test_a_number_of_other_rules_is_not_shown(as_role, cast, write):
    browser = as_role("publisher")
    browser.post("/console/segments/sleepers/count")
    write("subscribers/segments.yaml", "segments: {sleepers: {all: [{interests: {any: [movement]}}]}}\n")
    assert "not counted yet" in browser.get("/console/segments").content.decode()


@pytest.mark.parametrize("text", ["segments: {a: {all: [{nonsense: 1}]}}\n", "segments: [\n", "\x00"])
def test_a_broken_file_is_said_not_to_be_readable(as_role, write, text):
    write("subscribers/segments.yaml", text)
    browser = as_role("publisher")
    answer = browser.get("/console/segments")
    assert answer.status_code == 200
    assert "segments.yaml" in answer.context["wrong"]
    assert browser.post("/console/segments/a/count").status_code == 302


def test_no_segments_and_one_that_nobody_knows(as_role, workspace):
    (workspace.root / "subscribers/segments.yaml").unlink()
    browser = as_role("publisher")
    assert "No segments yet" in browser.get("/console/segments").content.decode()
    assert browser.post("/console/segments/nobody/count").status_code == 404
    assert browser.get("/console/segments/nobody/count").status_code == 405


def test_titles_are_escaped(as_role, write):
    write("subscribers/segments.yaml", "segments: {a: {title: '<b>x</b>', all: [{domain: ['<i>.example']}]}}\n")
    shown = as_role("publisher").get("/console/segments").content.decode()
    assert "<b>x" not in shown
    assert "<i>.example" not in shown
