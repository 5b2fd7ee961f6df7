"""Clicks laid over a mail, and how fast an edition goes out."""

import pytest

from broadsheet.web.console.heat import with_clicks
from broadsheet.web.console.speed import Speed

MAIL = (
    '<p><a style="color:red" href="https://a.example/?x=1&amp;y=2">One</a> <A HREF=\'https://b.example/\'><b>Two</b></A>'
    ' <a href="https://c.example/">Three</a> <a name="here">No link</a> <a href="mailto:x@y.example">Write</a></p>'
)


def test_each_counted_link_has_its_number_behind_its_words():
    shown = with_clicks(MAIL, {"https://a.example/?x=1&y=2": 1200, "https://b.example/": 1})
    assert ">One<span " in shown
    assert ">1,200</span></a>" in shown
    assert "</b><span " in shown
    assert 'title="1 click, 0% of all"' in shown
    assert ">Three</a>" in shown
    assert '<a name="here">No link</a> <a href="mailto:x@y.example">Write</a>' in shown


def test_hotter_links_have_another_ground():
    shown = with_clicks(MAIL, {"https://a.example/?x=1&y=2": 8, "https://b.example/": 2, "https://c.example/": 0})
    assert len({part.partition(";")[0] for part in shown.split("background:")[1:]}) == 3


def test_a_mail_without_counted_links_is_as_it_was():
    assert with_clicks(MAIL, {}) == MAIL


def test_the_first_look_knows_no_speed_and_the_next_one_does():
    first = Speed.of({}, 100, 1000.0)
    assert (first.rate, first.left(10)) == (0.0, None)
    given = dict(each.split("=") for each in first.query.split("&"))
    second = Speed.of(given, 140, 1002.0)
    assert second.rate == 20.0
    assert second.left(100).total_seconds() == 5
    given = dict(each.split("=") for each in second.query.split("&"))
    assert 20 < Speed.of(given, 240, 1004.0).rate < 50, "one leap does not count for all"


@pytest.mark.parametrize(
    "given",
    [
        {"had": "x", "at": "1", "rate": "1"},
        {"had": "1", "at": "nan", "rate": "1"},
        {"had": "1", "at": "999", "rate": "inf"},
        {"had": "1", "at": "10", "rate": "5"},
        {"had": "500", "at": "999", "rate": "5"},
        {"had": "1", "at": "1002", "rate": "5"},
    ],
)
def test_what_an_address_makes_up_is_not_believed(given):
    assert Speed.of(given, 100, 1000.0).rate == 0.0
