"""What readers may change, and their data: both by links that are theirs alone."""

import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from broadsheet.audience import tracking_consent
from broadsheet.models import Delivery, Erased, Errand, Event, EventKind, Subscriber, Subscription


@pytest.fixture
def browser():
    return Client(enforce_csrf_checks=True)


def row(list_name="newsletter"):
    return Subscription.objects.get(list_name=list_name)


def test_name_language_zone_and_interests_are_saved(browser, ada):
    form = {"about": "1", "first_name": " Ada\x07  Maria ", "last_name": "King", "language": "de"}
    page = browser.post(ada.path("p"), {**form, "time_zone": "Europe/Berlin", "interest": "movement"}).content.decode()
    ada.reader.refresh_from_db()
    assert (ada.reader.first_name, ada.reader.last_name) == ("Ada Maria", "King")
    assert (ada.reader.language, ada.reader.time_zone) == ("de", "Europe/Berlin")
    assert ada.reader.interests.tags == ["movement"]
    assert 'lang="de"' in page
    assert "Gespeichert. Ab der nächsten E-Mail gilt es." in page  # said in the language just chosen


@pytest.mark.parametrize(
    ("field", "value"), [("language", "tlh"), ("time_zone", "Mars/Olympus"), ("time_zone", "../etc")]
)
def test_what_is_not_offered_is_not_saved(browser, ada, field, value):
    ada.reader.language, ada.reader.time_zone = "pt-br", "Asia/Kolkata"
    ada.reader.save()
    browser.post(ada.path("p"), {"about": "1", "language": "pt-br", "time_zone": "Asia/Kolkata", field: value})
    ada.reader.refresh_from_db()
    assert (ada.reader.language, ada.reader.time_zone) == ("pt-br", "Asia/Kolkata")


def test_a_language_the_pages_are_not_written_in_stays_the_readers(browser, ada):
    ada.reader.language = "pt-br"
    ada.reader.save()
    page = browser.get(ada.path("p"))
    assert '<option value="pt-br" lang="pt-br" selected>' in page.content.decode()
    assert page.headers["Content-Language"] == "en"


@pytest.mark.parametrize(("name", "days"), [("every", None), ("weekly", 7), ("monthly", 28)])
def test_how_often_is_saved_for_one_list(browser, ada, name, days):
    Subscription.objects.update(frequency=7)
    page = browser.post(ada.path("p"), {"wishes": "newsletter", "frequency": name, "paused_until": ""}).content.decode()
    assert "This is how Stillwater Weekly will come to you" in page
    assert (row().frequency, row("letters").frequency) == (days, 7)


def test_a_pause_ends_at_midnight_where_the_reader_lives(browser, ada):
    ada.reader.time_zone = "America/New_York"
    ada.reader.save()
    day = (timezone.now() + timedelta(days=40)).date()
    page = browser.post(ada.path("p"), {"wishes": "newsletter", "frequency": "every", "paused_until": day.isoformat()})
    expected = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("America/New_York"))
    assert row().paused_until == expected
    assert "Paused: no mail before" in page.content.decode()
    assert f'value="{day.isoformat()}"' in page.content.decode()
    browser.post(ada.path("p"), {"wishes": "newsletter", "frequency": "every", "paused_until": ""})
    assert row().paused_until is None


@pytest.mark.parametrize("day", ["tomorrow", "2027-13-01", "31.1.2027", "9999-12-31", "0001-01-01x"])
def test_a_day_that_is_none_changes_nothing_and_is_said(browser, ada, day):
    page = browser.post(ada.path("p"), {"wishes": "newsletter", "frequency": "weekly", "paused_until": day})
    assert 'role="alert"' in page.content.decode()
    assert (row().frequency, row().paused_until) == (None, None)


def test_a_pause_that_is_over_is_none(browser, ada):
    browser.post(ada.path("p"), {"wishes": "newsletter", "frequency": "weekly", "paused_until": "2020-01-01"})
    assert (row().frequency, row().paused_until) == (7, None)


@pytest.mark.parametrize("form", [{"leave": "newsletter\0"}, {"wishes": "newsletter\0", "frequency": "weekly"}])
def test_a_sign_that_postgresql_can_not_keep_is_no_part_of_a_lists_name(browser, ada, form):
    assert browser.post(ada.path("p"), form).status_code == 200
    assert (row().state == "unsubscribed", row().frequency == 7) == ("leave" in form, "wishes" in form)


def test_nobody_can_change_a_list_they_are_not_on(browser, ada):
    browser.post(ada.path("p"), {"wishes": "friends", "frequency": "weekly"})
    assert Subscription.objects.filter(frequency=7).count() == 0


# Being counted


@pytest.fixture
def campaign(workspace):
    """Writes a campaign's file with that tracking."""

    def written(tracking):
        path = workspace.root / "campaigns/counted.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"---\nname: Counted\nlist: newsletter\ntracking: {tracking}\n---\n")

    return written


def copy_events(ada):
    copy = Delivery.objects.get(subscriber=ada.reader)
    Event.once(copy, EventKind.OPENED, timezone.now())
    Event.once(copy, EventKind.DELIVERED, timezone.now())


@pytest.mark.parametrize("tracking", ["none", "aggregate"])
def test_who_is_never_counted_by_name_is_not_asked_whether_they_agree(browser, ada, campaign, tracking):
    campaign(tracking)
    assert 'name="counting"' not in browser.get(ada.path("p")).content.decode()
    browser.post(ada.path("p"), {"counting": "yes"})
    ada.reader.refresh_from_db()
    assert ada.reader.tracking_consent_at is None


def test_agreeing_keeps_when_and_the_words_as_they_were_read(browser, ada, campaign):
    campaign("individual")
    ada.reader.language = "fr"
    ada.reader.save()
    asked = browser.get(ada.path("p")).content.decode()
    assert "Ce que vous ouvrez" in asked
    browser.post(ada.path("p"), {"counting": "yes"})
    ada.reader.refresh_from_db()
    assert timezone.now() - ada.reader.tracking_consent_at < timedelta(minutes=1)
    assert ada.reader.tracking_consent_wording in asked
    first = ada.reader.tracking_consent_at
    browser.post(ada.path("p") + "?lang=de", {"counting": "yes"})
    ada.reader.refresh_from_db()
    assert ada.reader.tracking_consent_at == first


def test_taking_it_back_deletes_what_was_kept_and_nothing_else(browser, ada, campaign):
    campaign("individual")
    browser.post(ada.path("p"), {"counting": "yes"})
    copy_events(ada)
    campaign("none")  # it stays offered to who once agreed
    assert 'name="counting" value="no"' in browser.get(ada.path("p")).content.decode()
    for _ in range(2):
        said = browser.post(ada.path("p"), {"counting": "no"}).content.decode()
        assert "What was recorded of your reading is deleted" in said
    assert [event.kind for event in Event.objects.all()] == ["delivered"]
    ada.reader.refresh_from_db()
    assert (ada.reader.tracking_consent_at, ada.reader.tracking_consent_wording) == (None, "")
    assert 'name="counting"' not in browser.get(ada.path("p")).content.decode()


def test_reading_the_page_agrees_to_nothing_and_broken_files_ask_nothing(browser, ada, campaign):
    campaign("individual")
    browser.get(ada.path("p") + "?counting=yes")
    ada.reader.refresh_from_db()
    assert ada.reader.tracking_consent_at is None
    campaign("[")
    assert 'name="counting"' not in browser.get(ada.path("p")).content.decode()


# My data


@pytest.fixture
def ask(browser, ada, written, link_in):
    """Asks for the mailed link to get or erase the data; its path."""

    def asked(purpose):
        page = browser.post(ada.path("p"), {"data": purpose}).content.decode()
        assert "We have written to your address" in page
        (mail,) = written()
        assert mail["To"] == "Ada Lovelace <ada@reader.example>"
        return link_in(mail, purpose)

    return asked


def test_all_that_is_kept_comes_as_json_after_a_click_behind_the_mail(browser, ada, ask):
    tracking_consent.agree(ada.reader, "Count what I read.", timezone.now())
    path = ask("d")
    assert len(path) < 60
    assert "Download" in browser.get(path).content.decode()
    answer = browser.post(path)
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="my-data-')
    assert answer.headers["Content-Type"] == "application/json"
    held = json.loads(answer.content)
    assert (held["email"], held["first_name"], held["interests"]) == ("ada@reader.example", "Ada", ["sleep"])
    assert {each["list"] for each in held["subscriptions"]} == {"newsletter", "letters"}
    assert any("weekly-digest" in each["what"] for each in held["history"])
    assert held["tracking_consent_wording"] == "Count what I read."


def test_erasing_takes_a_mail_a_page_and_a_click(browser, ada, ask):
    path, own = ask("e"), ada.path("p")
    assert "Erase everything" in browser.get(path).content.decode()
    assert Subscriber.objects.exists()
    for _ in range(2):  # a second click finds nobody, and nothing is wrong
        answer = browser.post(path)
        assert answer.status_code == 200
        assert "Nothing is kept about you" in answer.content.decode()
    assert not Subscriber.objects.exists()
    assert not Subscription.objects.exists()
    assert Erased.objects.count() == 1
    assert browser.get(own).status_code == 404


@pytest.mark.parametrize("purpose", ["d", "e"])
def test_a_link_to_data_is_good_for_a_day(browser, ada, ask, purpose, monkeypatch):
    path = ask(purpose)
    later = timezone.now() + timedelta(days=1, minutes=2)
    monkeypatch.setattr(timezone, "now", lambda: later)
    for answer in (browser.get(path), browser.post(path)):
        assert answer.status_code == 410
    assert Subscriber.objects.exists()


def test_a_link_to_get_data_erases_nobody(browser, ada, ask):
    assert browser.post(ask("d").replace("/d/", "/e/")).status_code == 404
    assert Subscriber.objects.exists()


def test_data_can_be_asked_for_only_so_often(browser, ada):
    pages = [browser.post(ada.path("p"), {"data": "d"}).content.decode() for _ in range(4)]
    assert ["already" in page for page in pages] == [False, False, False, True]
    assert Errand.objects.count() == 3
