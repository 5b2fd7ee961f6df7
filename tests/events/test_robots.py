"""Whose clicks they are."""

import pytest

from broadsheet.events.robots import MANY, Hit, judged, known_robot
from broadsheet.models import EventKind

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def click(link=1, at=100.0, **more):
    return Hit(EventKind.CLICKED, 1, at, "somebody", link_id=link, **more)


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "curl/8.5.0",
        "python-requests/2.32",
        "Mozilla/5.0 (compatible; bingbot/2.0)",
        "Mozilla/5.0 (compatible; Barracuda Sentinel)",
        "Mozilla/5.0 HeadlessChrome/129.0",
        "Go-http-client/2.0",
    ],
)
def test_a_known_robot_is_known(agent):
    assert known_robot(agent)


@pytest.mark.parametrize(
    "agent",
    [
        FIREFOX,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1",
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    ],
)
def test_a_person_is_none(agent):
    assert not known_robot(agent)


def test_a_click_by_itself_is_a_persons():
    assert [hit.automatic for hit in judged([click()])] == [False]


def test_many_links_at_once_are_a_robots_all_of_them():
    hits = [click(link, 100.0 + link / 10) for link in range(MANY)]
    assert all(hit.automatic for hit in judged(hits))


def test_the_same_link_often_is_an_impatient_persons():
    assert not any(hit.automatic for hit in judged([click(1, 100.0 + each / 10) for each in range(9)]))


def test_many_links_over_minutes_are_a_readers():
    assert not any(hit.automatic for hit in judged([click(link, 100.0 + 60 * link) for link in range(9)]))


def test_whoever_follows_the_hidden_link_is_a_robot_and_the_link_itself_counts_nowhere():
    found = judged([click(1), click(0, trap=True), Hit(EventKind.OPENED, 1, 101.0, "somebody")])
    assert [(hit.kind, hit.automatic) for hit in found] == [(EventKind.CLICKED, True), (EventKind.OPENED, True)]


@pytest.mark.parametrize(("after", "automatic"), [(0.5, True), (2.9, True), (3.5, False)])
def test_nobody_reads_a_mail_within_seconds_of_its_delivery(after, automatic):
    assert judged([click(at=100.0 + after, sent_at=100.0)])[0].automatic is automatic
