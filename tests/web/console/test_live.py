"""An edition while it goes out, and after: numbers, failures, the mail with clicks over it, what can be taken away."""

import json
import re
import time
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from tests.conftest import WEEKLY

from broadsheet.models import Audit, DeliveryState, Edition, EditionState, Link, Tally


@pytest.fixture
def sent(freeze, send, memory, cast):
    """An edition of three copies that went out."""
    edition = freeze()
    send(edition, memory)
    edition.refresh_from_db()
    return edition


def shown(as_role, edition, query="", role="viewer"):
    return as_role(role).get(f"/console/editions/{edition.pk}{query}").content.decode()


def test_failed_copies_go_again_and_it_is_written_down_how_many(as_role, sent):
    sent.deliveries.all()[0].delete()
    sent.deliveries.update(state=DeliveryState.FAILED, reason="550 no such user")
    page = shown(as_role, sent, role="publisher")
    assert "Send the failed ones again" in page
    assert "550 no such user" in page
    page = as_role("publisher").post(f"/console/editions/{sent.pk}/resend", follow=True).content.decode()
    assert "2 failed copies go again." in page
    sent.refresh_from_db()
    row = Audit.objects.get()
    assert (row.what, row.target, row.before) == ("edition-resend", f"edition {sent.pk}", "sent")
    assert (row.after, sent.state) == ("sending: 2 failed copies go again", EditionState.SENDING)


@pytest.mark.parametrize(
    ("as_", "after", "state"),
    [
        ("sent", "sent: 3 unknown copies counted as sent", DeliveryState.SENT),
        ("queued", "sending: 3 unknown copies to be sent again", DeliveryState.QUEUED),
    ],
)
def test_unknown_copies_are_settled_and_it_is_written_down_how(as_role, sent, as_, after, state):
    sent.deliveries.update(state=DeliveryState.UNKNOWN)
    assert "Settle 3 unknown…" in shown(as_role, sent, role="publisher")
    as_role("publisher").post(f"/console/editions/{sent.pk}/resolve", {"as": as_})
    row = Audit.objects.get()
    assert (row.who, row.what, row.before, row.after) == ("publisher@stillwater.test", "edition-resolve", "sent", after)
    assert set(sent.deliveries.values_list("state", flat=True)) == {state}


def test_unknown_copies_are_not_settled_by_who_does_not_say_how(as_role, sent):
    sent.deliveries.update(state=DeliveryState.UNKNOWN)
    page = as_role("publisher").post(f"/console/editions/{sent.pk}/resolve", follow=True).content.decode()
    assert "Say whether the unknown copies were sent" in page
    assert (Audit.objects.count(), sent.deliveries.filter(state=DeliveryState.UNKNOWN).count()) == (0, 3)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8042", "http://localhost", "https://news.stillwater.test"])
def test_its_pictures_come_from_this_server_whatever_it_was_called_when_it_was_frozen(
    as_role, freeze, cast, write, url
):
    picture = "/i/0123456789abcdef.png"
    write("campaigns/weekly.md", WEEKLY + f"\n![Hills]({url}{picture}) ![Theirs](https://other.example{picture})\n")
    edition = freeze()
    Edition.objects.filter(pk=edition.pk).update(public_url=url)
    page = shown(as_role, edition, "/mail")
    assert f'src="{picture}"' in page
    assert f'src="https://other.example{picture}"' in page


def test_while_it_goes_out_the_page_says_how_fast_and_how_long_still(as_role, sent):
    Edition.objects.filter(pk=sent.pk).update(state="sending")
    copies = sent.deliveries.order_by("pk")
    copies.filter(pk=copies.first().pk).update(state=DeliveryState.QUEUED)
    client, way = as_role("viewer"), f"/console/editions/{sent.pk}/live?state=sending"
    first = client.get(way)
    assert "66 % · measuring the pace…" in first.content.decode()
    assert f"/live?state=sending&amp;had=2&amp;at={int(time.time()) // 100}" in first.content.decode()
    assert "HX-Refresh" not in first.headers
    later = client.get(f"{way}&had=0&at={time.time() - 4}&rate=0").content.decode()
    assert "66 % · 0.5 copies a second · less than a minute left" in later
    slow = client.get(f"{way}&had=1.99&at={time.time() - 29}&rate=0.001").content.decode()
    assert re.search(r"about \d+ min left", slow)


def test_copies_that_wait_for_their_hour_say_when_it_is(as_role, sent):
    Edition.objects.filter(pk=sent.pk).update(state="sending")
    then = timezone.now() + timedelta(days=400)
    sent.deliveries.update(state=DeliveryState.QUEUED, at=then)
    last_look = f"had=0&at={time.time() - 2}&rate=0"
    part = as_role("viewer").get(f"/console/editions/{sent.pk}/live?{last_look}").content.decode()
    assert f"the next copies leave {then.astimezone(ZoneInfo('Europe/Berlin')):%-d %b, %H:%M}" in part


def test_a_page_of_another_state_is_read_anew(as_role, sent):
    part = as_role("viewer").get(f"/console/editions/{sent.pk}/live?state=sending")
    assert part.headers["HX-Refresh"] == "true"


def test_clicks_lie_over_the_mail_where_they_are_counted(as_role, sent):
    way = f"/console/editions/{sent.pk}/mail"
    assert "?clicks" not in shown(as_role, sent), "they are not counted"
    Edition.objects.filter(pk=sent.pk).update(tracking="aggregate")
    link = Link.objects.filter(edition=sent).first() or Link.objects.create(
        edition=sent, url="https://stillwater.example/articles/back-to-the-allotment"
    )
    variant = sent.variants.first()
    for automatic, count in ((False, 41), (True, 7)):
        Tally.objects.create(
            edition=sent, kind="clicked", link_id=link.pk, variant_id=variant.pk, hour=sent.scheduled_for,
            count=count, automatic=automatic,
        )  # fmt: skip
    assert "?clicks" in shown(as_role, sent)
    assert "?clicks" not in shown(as_role, sent, "?mail=plain")
    client = as_role("viewer")
    answer = client.get(way + "?clicks")
    assert "sandbox" in answer.headers["Content-Security-Policy"].split("; ")
    assert ">41</span></a>" in answer.content.decode()
    assert "</span></a>" not in client.get(way).content.decode()


def test_each_different_copy_can_be_looked_at(as_role, sent):
    client, way = as_role("viewer"), f"/console/editions/{sent.pk}/mail"
    for variant in sent.variants.all():
        html = client.get(f"{way}?variant={variant.pk}").content.decode()
        assert ("Pillow moon" in html) == ("pillow-moon" in variant.articles)
    assert client.get(f"{way}?variant=999").status_code == 404
    assert client.get(f"{way}?variant=x").status_code == 200


def test_the_report_is_taken_away_as_json(as_role, sent):
    answer = as_role("viewer").get(f"/console/editions/{sent.pk}/report.json")
    assert answer.headers["Content-Disposition"] == f"attachment; filename={sent.key}.json"
    found = json.loads(answer.content)
    assert (found["edition"], found["sent"], found["bounced"]["count"]) == (sent.pk, 3, 0)
    assert found["scheduled_for"].endswith("+01:00")
