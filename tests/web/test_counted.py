"""Counted links: what a mail holds, where they lead, and what is kept."""

import re
import time
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from django.test import Client

from broadsheet import pipeline
from broadsheet.audience import tracking_consent
from broadsheet.events.counting import HITS
from broadsheet.models import Event, Link, Tally
from broadsheet.sending.adapters.memory import MemoryOutbox
from broadsheet.web.public import counted

PERSON = {"headers": {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}}
PUBLIC = "https://news.stillwater.example"


@pytest.fixture(autouse=True)
def _fresh():
    """Nothing is known from the test before."""
    counted._link.cache_clear()
    counted._edition_of.cache_clear()
    yield
    HITS._held.clear()


@pytest.fixture
def edition(tracked_workspace, cast, send):
    """Sends an edition that counts as told: the edition, and each reader's HTML."""

    def sent(tracking, without="none"):
        campaign = tracked_workspace.root / "campaigns/weekly.md"
        words = campaign.read_text().replace(
            "approval: automatic", f"approval: automatic\ntracking: {tracking}\nwithout_consent: {without}"
        )
        campaign.write_text(words)
        box = MemoryOutbox()
        made, _ = pipeline.publish(tracked_workspace, "weekly", datetime(2026, 3, 3, 9, tzinfo=UTC), box)
        return made, {mail.rcpt_to.partition("@")[0]: html_of(mail) for mail in box.mails}

    return sent


@pytest.fixture
def tracked_workspace(tmp_path, settings):
    from tests.conftest import fill

    settings.WORKSPACE = fill(tmp_path / "tracked")
    settings.ALLOWED_HOSTS = ["*"]
    return settings.WORKSPACE


def html_of(mail):
    return message_from_bytes(mail.content, policy=policy.default).get_body(("html",)).get_content()


def path(address):
    assert address.startswith(PUBLIC)
    return address.removeprefix(PUBLIC)


def counted_links(html, purpose):
    return re.findall(rf'href="({PUBLIC}/{purpose}/[^"]+)"', html)


def settle():
    return HITS.settle(time.time(), all_of_them=True)


def test_by_default_links_stay_as_they_are(edition):
    _, mails = edition("none")
    assert "https://stillwater.example/" in mails["ada"]
    assert not re.search(rf"{PUBLIC}/[lkowtr]/", mails["ada"])
    assert "<img" not in mails["ada"]
    assert not Link.objects.exists()


def test_aggregate_links_are_the_variants_and_the_readers_own_are_never_counted(edition):
    made, mails = edition("aggregate")
    assert "https://stillwater.example/" not in mails["ada"]
    assert counted_links(mails["ada"], "l")
    assert f'href="{PUBLIC}/u/' in mails["ada"]
    assert f'href="{PUBLIC}/v/' in mails["ada"]
    assert {link.article for link in Link.objects.filter(edition=made)} >= {"back-to-the-allotment", "pillow-moon"}


def test_two_readers_of_a_variant_have_the_same_aggregate_links(edition, join):
    join("zoe@reader.example", "sleep")
    _, mails = edition("aggregate")
    assert counted_links(mails["ada"], "l") == counted_links(mails["zoe"], "l")
    assert counted_links(mails["ada"], "l") != counted_links(mails["ben"], "l")


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_link_leads_to_its_article_at_once(edition, method):
    _, mails = edition("aggregate")
    answer = getattr(Client(), method)(path(counted_links(mails["ada"], "l")[0]), **PERSON)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("https://stillwater.example/")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in answer.headers


def test_clicks_and_opens_are_counted_by_variant_and_link(edition):
    made, mails = edition("aggregate")
    link = counted_links(mails["ada"], "l")[0]
    picture = re.search(rf'src="({PUBLIC}/o/[^"]+)"', mails["ada"])[1]
    Client().get(path(link), **PERSON)
    answer = Client().get(path(picture), **PERSON)
    assert answer.headers["Content-Type"] == "image/gif"
    assert settle() == 2
    rows = {row.kind: row for row in Tally.objects.all()}
    assert (rows["clicked"].count, rows["opened"].count) == (1, 1)
    assert (
        Link.objects.get(pk=rows["clicked"].link_id).url == "https://stillwater.example/articles/back-to-the-allotment"
    )
    assert rows["clicked"].variant_id in set(made.variants.values_list("pk", flat=True))
    assert not Event.objects.exists()


def test_a_robot_is_kept_apart(edition):
    _, mails = edition("aggregate")
    links = counted_links(mails["ada"], "l")
    Client().get(path(links[0]), headers={"User-Agent": "curl/8"})
    Client().head(path(links[0]), **PERSON)
    settle()
    Client().get(path(re.search(rf'href="({PUBLIC}/t/[^"]+)"', mails["ada"])[1]), **PERSON)
    Client().get(path(links[0]), **PERSON)
    settle()
    assert [(row.automatic, row.count) for row in Tally.objects.all()] == [(True, 3)]


@pytest.mark.parametrize(("proxy", "robots"), [("127.0.0.1", False), ("203.0.113.9", True)])
def test_people_behind_a_trusted_proxy_are_told_apart_and_others_are_what_their_connection_says(edition, proxy, robots):
    _, mails = edition("aggregate")
    trap = re.search(rf'href="({PUBLIC}/t/[^"]+)"', mails["ada"])[1]
    for number, link in enumerate((trap, counted_links(mails["ada"], "l")[0])):  # a robot, then somebody else
        Client().get(path(link), REMOTE_ADDR=proxy, HTTP_X_FORWARDED_FOR=f"198.51.100.{number}", **PERSON)
    settle()
    assert [row.automatic for row in Tally.objects.all()] == [robots]


def test_individual_counts_only_those_who_agreed(edition, cast):
    tracking_consent.agree(cast.ada, "Yes, count what I read.", datetime.now(UTC))
    _, mails = edition("individual")
    assert counted_links(mails["ada"], "k")
    assert not counted_links(mails["ada"], "l")
    assert not re.search(rf"{PUBLIC}/[lkowtr]/", mails["ben"])
    Client().get(path(counted_links(mails["ada"], "k")[0]), **PERSON)
    Client().get(path(re.search(rf'src="({PUBLIC}/w/[^"]+)"', mails["ada"])[1]), **PERSON)
    settle()
    assert {(event.kind, event.subscriber_id) for event in Event.objects.all()} == {
        ("clicked", cast.ada.pk),
        ("opened", cast.ada.pk),
    }


def test_the_others_may_be_counted_without_a_name(edition, cast):
    tracking_consent.agree(cast.ada, "Yes.", datetime.now(UTC))
    _, mails = edition("individual", "aggregate")
    assert counted_links(mails["ada"], "k")
    assert counted_links(mails["ben"], "l")


@pytest.mark.parametrize("purpose", ["l", "k", "o", "w", "t", "r"])
@pytest.mark.parametrize("token", ["x", "AAAA", "https://evil.example", "a" * 400])
def test_a_foreign_word_leads_nowhere(db, tracked_workspace, purpose, token):
    assert Client().get(f"/{purpose}/{token}").status_code in (404, 400)


def test_a_word_of_one_purpose_is_none_of_another(edition):
    _, mails = edition("aggregate")
    word = counted_links(mails["ada"], "l")[0].rpartition("/")[2]
    assert Client().get(f"/k/{word}").status_code == 404
    assert Client().get(f"/u/{word}").status_code == 404


def test_posting_is_refused_and_counts_nothing(edition):
    _, mails = edition("aggregate")
    assert Client().post(path(counted_links(mails["ada"], "l")[0])).status_code == 405
    assert settle() == 0


def test_the_text_part_is_never_counted(tracked_workspace, cast, edition):
    box = MemoryOutbox()
    edition("aggregate")
    made = Link.objects.first().edition
    made.deliveries.update(state="queued", at=None)
    type(made).objects.filter(pk=made.pk).update(state="sending")
    pipeline.send(tracked_workspace, made, box)
    text = message_from_bytes(box.mails[0].content, policy=policy.default).get_body(("plain",)).get_content()
    assert "https://stillwater.example/" in text
    assert f"{PUBLIC}/l/" not in text
