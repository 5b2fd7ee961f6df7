"""The subscribers' pages: reading changes nothing, posting acts, nothing is told to who has no link."""

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone, translation
from django.utils.translation import gettext

from broadsheet import events, pipeline
from broadsheet.audience import everything, suppress
from broadsheet.models import Event, Subscriber, Subscription, SuppressionReason
from broadsheet.notices.links import Asked, confirmation
from broadsheet.web.headers import strict_headers


@pytest.fixture
def browser():
    """A client that checks CSRF tokens, as browsers and providers meet it."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture(params=["get", "head"])
def read(request, browser):
    return getattr(browser, request.param)


# Leaving a list


def test_reading_the_unsubscribe_page_changes_nothing(read, ada):
    response = read(ada.path("u"))
    assert response.status_code == 200
    assert ada.state("newsletter") == "subscribed"
    assert not Event.objects.exists()


def test_the_page_names_the_list_and_has_one_button(browser, ada):
    page = browser.get(ada.path("u")).content.decode()
    assert "Leave Stillwater Weekly?" in page
    assert page.count("<button") == 1


ONE_CLICK = "List-Unsubscribe=One-Click"
BODIES = {
    "one click, as RFC 8058 has it": (ONE_CLICK, "application/x-www-form-urlencoded"),
    "one click as multipart": (
        f'--b\r\nContent-Disposition: form-data; name="{ONE_CLICK.partition("=")[0]}"\r\n\r\nOne-Click\r\n--b--\r\n',
        "multipart/form-data; boundary=b",
    ),
    "the page's own form": ("leave=1", "application/x-www-form-urlencoded"),
    "no body": ("", "application/x-www-form-urlencoded"),
    "no content type": ("", ""),
    "another type": (ONE_CLICK, "text/plain"),
    "json": ("{}", "application/json"),
    "broken multipart": ("--x", "multipart/form-data"),
    "multipart cut off": ("--b\r\nContent-Dis", "multipart/form-data; boundary=b"),
    "another charset": (ONE_CLICK, "application/x-www-form-urlencoded; charset=latin-1"),
    "no charset at all": (ONE_CLICK, "application/x-www-form-urlencoded; charset=nonsense"),
    "bytes": (b"\xff\xfe\x00=%", "application/x-www-form-urlencoded"),
    "too many fields": ("&".join(f"a{n}=1" for n in range(2000)), "application/x-www-form-urlencoded"),
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_post_leaves_the_list_whatever_its_body(browser, ada, kind):
    body, content_type = BODIES[kind]
    response = browser.generic("POST", ada.path("u"), body, content_type=content_type)
    assert response.status_code == 200  # no redirect
    assert "You have left Stillwater Weekly" in response.content.decode()
    assert ada.state("newsletter") == "unsubscribed"
    assert ada.state("letters") == "subscribed"


def test_how_they_left_is_kept(browser, ada):
    browser.post(ada.path("u"), {"List-Unsubscribe": "One-Click"})
    assert [(event.kind, event.detail) for event in Event.objects.all()] == [("unsubscribed", "not said (one-click)")]


def test_posting_twice_is_as_good_as_once(browser, ada):
    pages = [browser.post(ada.path("u"), {"List-Unsubscribe": "One-Click"}) for _ in range(2)]
    assert [page.status_code for page in pages] == [200, 200]
    assert ada.state("newsletter") == "unsubscribed"
    assert Event.objects.count() == 1


def test_it_can_be_undone(browser, ada):
    browser.post(ada.path("u"))
    page = browser.get(ada.path("u")).content.decode()
    assert "Undo" in page
    page = browser.post(ada.path("u"), {"undo": "1"}, REMOTE_ADDR="198.51.100.7").content.decode()
    assert "You are on Stillwater Weekly again" in page
    assert ada.state("newsletter") == "subscribed"
    (line,) = [
        line for line in everything(ada.reader)["history"] if line["what"].startswith("undid leaving newsletter")
    ]
    assert line["detail"] == "the reader, from 198.51.100.0"


KEPT_OUT = {
    "en": ("Your address gets no mail from us", "nothing is sent to your address"),
    "de": ("An Ihre Adresse schicken wir nichts", "wird nichts geschickt"),
    "es": ("Su dirección no recibe correo nuestro", "no se envía nada"),
    "fr": ("Votre adresse ne reçoit aucun message", "rien n’est envoyé"),
}


@pytest.mark.parametrize("language", KEPT_OUT)
@pytest.mark.parametrize("way", [{"undo": "1"}, {"fewer": "weekly"}])
def test_who_is_suppressed_is_not_told_that_mail_will_come(browser, ada, language, way):
    Subscriber.objects.update(language=language)
    browser.post(ada.path("u"))
    suppress("ada@reader.example", SuppressionReason.COMPLAINED)
    page = browser.post(ada.path("u"), way).content.decode()
    for words in (*KEPT_OUT[language], "mailto:news@localhost.test"):
        assert words in page
    with translation.override(language):
        for words in ("The next mail will come to you as before.", "It comes to you less often from now on."):
            assert gettext(words) not in page
    assert ada.state("newsletter") == "subscribed"
    assert KEPT_OUT[language][0] in browser.get(ada.path("p")).content.decode()


def test_who_confirms_and_was_suppressed_meanwhile_is_told_so(browser, ada, workspace):
    row = Subscription.objects.get(subscriber=ada.reader, list_name="letters")
    Subscription.objects.filter(pk=row.pk).update(state="pending")
    suppress("ada@reader.example", SuppressionReason.BOUNCING)
    path = confirmation(workspace, Asked(row.pk, timezone.now())).removeprefix(workspace.config.public.url)
    for page in (browser.post(path), browser.get(path)):
        assert "Your address gets no mail from us" in page.content.decode()
        assert "The next mail will come to you" not in page.content.decode()


def test_a_mail_of_an_edition_that_is_gone_takes_its_reader_off_every_list(browser, ada):
    path = ada.path("u")
    ada.edition.delete()
    assert "Leave Stillwater?" in browser.get(path).content.decode()
    for _ in range(2):
        answer = browser.post(path, {"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
        assert "You have left Stillwater" in answer.content.decode()
        assert (ada.state("newsletter"), ada.state("letters")) == ("unsubscribed", "unsubscribed")
    assert "You are on Stillwater again" in browser.post(path, {"undo": "1"}).content.decode()
    assert (ada.state("newsletter"), ada.state("letters")) == ("subscribed", "subscribed")


def test_all_lists_can_be_left_and_come_back(browser, ada):
    page = browser.get(ada.path("u")).content.decode()
    assert "All mails of Stillwater" in page
    browser.post(ada.path("u"), {"leave": "all"})
    assert (ada.state("newsletter"), ada.state("letters")) == ("unsubscribed", "unsubscribed")
    browser.post(ada.path("u"), {"undo": "1"})
    assert (ada.state("newsletter"), ada.state("letters")) == ("subscribed", "subscribed")


def test_one_click_leaves_one_list_whatever_else_is_in_the_body(browser, ada):
    for extra in ({"undo": "1"}, {"fewer": "weekly"}, {"leave": "all"}, {"why": "x"}):
        answer = browser.post(ada.path("u"), {"List-Unsubscribe": "One-Click", **extra})
        assert answer.status_code == 200
        assert ada.state("newsletter") == "unsubscribed"
        assert ada.state("letters") == "subscribed"


@pytest.mark.parametrize(
    ("wish", "frequency", "pauses"), [("weekly", 7, False), ("monthly", 28, False), ("pause", None, True)]
)
@pytest.mark.parametrize("has_left", [True, False])
def test_fewer_mails_instead_is_kept_and_brings_the_reader_back(browser, ada, wish, frequency, pauses, has_left):
    if has_left:
        browser.post(ada.path("u"))
    page = browser.post(ada.path("u"), {"fewer": wish}).content.decode()
    assert "You stay on Stillwater Weekly" in page
    row = Subscription.objects.get(subscriber=ada.reader, list_name="newsletter")
    assert (row.state, row.frequency, row.paused_until is not None) == ("subscribed", frequency, pauses)


def test_a_reason_is_kept(browser, ada):
    browser.post(ada.path("u"))
    page = browser.post(ada.path("u"), {"why": "other", "words": "Moved\0 to\n the sea"}).content.decode()
    assert "Thank you for telling us." in page
    row = Subscription.objects.get(subscriber=ada.reader, list_name="newsletter")
    assert (row.state, row.left_reason) == ("unsubscribed", "other: Moved to the sea")


def test_a_reason_from_somebody_who_has_not_left_takes_nobody_off(browser, ada):
    browser.post(ada.path("u"), {"why": "other"})
    assert ada.state("newsletter") == "subscribed"


def test_leaving_works_when_the_list_is_no_longer_in_the_files(browser, ada, workspace):
    workspace.lists.lists.pop("newsletter")
    response = browser.post(ada.path("u"))
    assert "You have left newsletter" in response.content.decode()
    assert ada.state("newsletter") == "unsubscribed"


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
def test_other_methods_are_refused(browser, ada, method):
    assert getattr(browser, method)(ada.path("u")).status_code == 405
    assert ada.state("newsletter") == "subscribed"


# Words that were not signed here


def tampered(path):
    changed = "A" if path[5] != "A" else "B"
    return [path[:5] + changed + path[6:], path[:-3], path + "A", path[:3] + "x", path + "%00", path[:3] + "é" * 20]


@pytest.mark.parametrize("purpose", ["u", "v", "p"])
def test_a_changed_word_is_a_plain_404_and_does_nothing(browser, ada, purpose):
    nowhere = browser.get("/nowhere")
    for path in tampered(ada.path(purpose)):
        for response in (browser.get(path), browser.post(path, {"leave": "newsletter"})):
            assert response.status_code in (404, 405)  # 405: posted where nothing is to be posted
            if response.status_code == 404:
                assert response.content == nowhere.content
    assert ada.state("newsletter") == "subscribed"


@pytest.mark.parametrize(("purpose", "other"), [("u", "v"), ("v", "u"), ("v", "p"), ("p", "u")])
def test_a_word_is_good_for_its_purpose_only(browser, ada, purpose, other):
    assert browser.get(ada.path(purpose).replace(f"/{purpose}/", f"/{other}/")).status_code == 404


def test_the_word_of_somebody_who_is_gone_is_a_404_but_they_have_left(browser, ada):
    paths = [ada.path(purpose) for purpose in "vp"]
    leave = ada.path("u")
    ada.reader.delete()
    assert [browser.get(path).status_code for path in paths] == [404, 404]
    for answer in (browser.get(leave), browser.post(leave)):  # a mail program's own button must not fail
        assert answer.status_code == 200
        assert "You have left Stillwater Weekly" in answer.content.decode()
        assert "<button" not in answer.content.decode()


# View in browser


def test_the_mail_is_shown_as_the_reader_got_it_and_can_run_nothing(browser, ada, monkeypatch):
    asked = []
    monkeypatch.setattr(pipeline, "as_reader_got_it", lambda *who: asked.append(who) or "<!doctype html><p>Hi Ada")
    response = browser.get(ada.path("v"))
    assert response.content == b"<!doctype html><p>Hi Ada"
    assert asked == [(ada.edition.pk, ada.reader.pk)]
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy


def test_who_got_no_copy_has_nothing_to_view(browser, ada, monkeypatch):
    monkeypatch.setattr(pipeline, "as_reader_got_it", lambda *_: None)
    assert browser.get(ada.path("v")).status_code == 404


# Preferences


def test_reading_the_preferences_changes_nothing(read, ada):
    before = list(Subscription.objects.values())
    response = read(ada.path("p"))
    assert response.status_code == 200
    assert list(Subscription.objects.values()) == before


def test_the_preferences_show_name_lists_and_interests(browser, ada):
    page = browser.get(ada.path("p")).content.decode()
    assert 'value="Ada"' in page
    assert 'value="Lovelace"' in page
    assert "ada@reader.example" not in page  # the mail may have been passed on
    assert "Stillwater Weekly" in page
    assert "A Letter from the Clinic" in page
    assert 'value="sleep" checked' in page
    assert 'value="movement">' in page


def test_interests_are_saved_and_unknown_ones_are_not(browser, ada):
    response = browser.post(ada.path("p"), {"about": "1", "interest": ["movement", "chronic pain", "made up"]})
    assert "Saved" in response.content.decode()
    ada.reader.refresh_from_db()
    assert ada.reader.interests.tags == ["chronic pain", "movement"]


def test_no_interest_at_all_can_be_saved(browser, ada):
    browser.post(ada.path("p"), {"about": "1"})
    ada.reader.refresh_from_db()
    assert ada.reader.interests.tags == []


@pytest.mark.parametrize(("leaving", "staying"), [("newsletter", "letters"), ("letters", "newsletter")])
def test_any_list_can_be_left_from_the_preferences(browser, ada, leaving, staying):
    response = browser.post(ada.path("p"), {"leave": leaving})
    assert "You have left" in response.content.decode()
    assert (ada.state(leaving), ada.state(staying)) == ("unsubscribed", "subscribed")
    assert Subscription.objects.get(list_name=leaving).left_at


@pytest.mark.parametrize("form", [{}, {"leave": "no-such-list"}, {"leave": ""}, {"interest": "movement"}])
def test_a_form_that_asks_for_nothing_changes_nothing(browser, ada, form):
    before = list(Subscription.objects.values())
    assert browser.post(ada.path("p"), form).status_code == 200
    ada.reader.refresh_from_db()
    assert list(Subscription.objects.values()) == before
    assert ada.reader.interests.tags == ["sleep"]


def test_a_name_with_markup_in_it_is_shown_as_text(browser, ada):
    ada.reader.first_name = "<img src=x onerror=alert(1)>"
    ada.reader.save()
    assert "<img" not in browser.get(ada.path("p")).content.decode()


# Every page


def test_the_home_page_says_what_this_server_is(browser, workspace):
    page = browser.get("/").content.decode()
    assert "The newsletters of Stillwater" in page
    assert "https://stillwater.example" in page


@pytest.mark.parametrize("path", ["/", "/nowhere", "u", "v", "p"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_every_answer_is_strict_and_sets_no_cookie(browser, ada, path, method, monkeypatch):
    monkeypatch.setattr(pipeline, "as_reader_got_it", lambda *_: "<p>Hi")
    response = getattr(browser, method)(ada.path(path) if len(path) == 1 and path != "/" else path)
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Robots-Tag"] == "noindex"
    assert response.headers["Cache-Control"] == (
        "public, max-age=300" if response.status_code == 200 and path == "/" else "no-store"
    )
    assert not response.cookies


def test_a_fault_of_ours_is_a_plain_page_that_tells_nothing(ada, monkeypatch):
    client = Client(raise_request_exception=False)
    monkeypatch.setattr(events, "unsubscribed", lambda *_, **__: 1 / 0)
    response = client.post(ada.path("u"))
    assert response.status_code == 500
    assert "Something went wrong here" in response.content.decode()
    assert "ZeroDivision" not in response.content.decode()


def test_the_inbox_is_not_served_to_subscribers(browser, ada):
    assert browser.get("/inbox/").status_code == 404
    assert browser.get("/inbox.json").status_code == 404


def test_whoever_asks_too_often_is_told_when_to_come_back(rf):
    assert strict_headers(lambda _: HttpResponse(status=429))(rf.get("/console/")).headers["Retry-After"] == "300"
    assert "Retry-After" not in strict_headers(lambda _: HttpResponse())(rf.get("/"))
