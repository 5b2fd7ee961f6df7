"""Joining a list: by page, by a pasted form, by script; and the yes that makes it count."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from broadsheet import notices
from broadsheet.audience import everything, suppress
from broadsheet.models import Allowance, Errand, Subscriber, Subscription, SuppressionReason
from broadsheet.notices import joining
from broadsheet.notices.links import CONFIRM, address, minute

PAGE = "/subscribe/newsletter"
ZOE = {"email": "Zoe@reader.example", "first_name": " Zoe ", "interest": ["sleep", "made up"], "frequency": "weekly"}


@pytest.fixture
def browser():
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def row(db):
    """The subscription of an address to a list."""
    return lambda email="zoe@reader.example", list_name="newsletter": Subscription.objects.select_related(
        "subscriber__interests"
    ).get(subscriber__email_key=email, list_name=list_name)


@pytest.fixture
def later(monkeypatch):
    """Moves the clock of requests to join and of links."""

    def move(**span):
        now = timezone.now() + timedelta(**span)
        monkeypatch.setattr(timezone, "now", lambda: now)

    return move


# The page


def test_the_page_says_what_the_list_is_and_what_one_agrees_to(browser, ada):
    page = browser.get(PAGE).content.decode()
    for words in ("Stillwater Weekly", "New articles every Tuesday.", "chronic pain", "at most weekly"):
        assert words in page
    assert "I want to get Stillwater Weekly by email. I can leave at any time" in page


@pytest.mark.parametrize("name", ["friends", "nothing", "news%00letter"])
@pytest.mark.parametrize("rest", ["", "/form"])
def test_a_private_list_is_no_more_there_than_one_that_is_not(browser, ada, name, rest):
    nowhere = browser.get("/nowhere").content
    for answer in (browser.get(f"/subscribe/{name}{rest}"), browser.post(f"/subscribe/{name}", ZOE)):
        assert (answer.status_code, answer.content) == (404, nowhere)
    assert not Errand.objects.exists()


def test_a_newcomer_is_on_the_list_after_the_button_behind_the_mail(browser, ada, written, link_in, row):
    page = browser.post(PAGE, ZOE, HTTP_USER_AGENT="x", REMOTE_ADDR="192.0.2.17").content.decode()
    assert "Please look into your mailbox" in page
    (mail,) = written()
    assert (mail["To"], mail["Subject"]) == ("Zoe <Zoe@reader.example>", "Please confirm: Stillwater Weekly")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe"] is None  # there is nothing to leave yet
    path = link_in(mail, "c")
    assert len(path) < 60
    for _ in range(3):  # a scanner opens it
        assert "Get Stillwater Weekly?" in browser.get(path).content.decode()
        assert browser.head(path).status_code == 200
    assert row().state == "pending"
    for _ in range(2):
        answer = browser.post(path, REMOTE_ADDR="198.51.100.7")
        assert answer.status_code == 200
        assert "You are on Stillwater Weekly" in answer.content.decode()
    found = row()
    assert (found.state, found.frequency, found.subscriber.first_name) == ("subscribed", 7, "Zoe")
    assert found.subscriber.interests.tags == ["sleep"]
    assert (found.consent_how, found.consent_network) == ("form", "198.51.100.0")
    assert found.consent_wording.startswith("I want to get Stillwater Weekly by email.")
    assert found.consent_detail.startswith("subscribe page; from 192.0.2.0; confirmed by mail, asked 20")
    assert found.consent_at


def test_the_welcome_mail_has_links_that_work_and_one_click(browser, ada, written, link_in, row):
    browser.post(PAGE, ZOE)
    browser.post(link_in(written()[0], "c"))
    (mail,) = written()
    assert mail["Subject"] == "Welcome to Stillwater Weekly"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    leave = mail["List-Unsubscribe"].strip("<>").removeprefix("http://127.0.0.1:8000")
    assert "Your preferences" in browser.get(link_in(mail, "p")).content.decode()
    assert browser.post(leave, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert row().state == "unsubscribed"


def test_a_list_without_a_welcome_template_welcomes_nobody(browser, ada, written, link_in):
    browser.post("/subscribe/letters", ZOE)
    browser.post(link_in(written()[0], "c"))
    assert written() == []


def test_a_list_of_single_opt_in_has_its_newcomers_at_once_and_asks_who_had_left(browser, ada, written, row):
    assert "Thank you" in browser.post("/subscribe/at-once", ZOE).content.decode()
    assert written() == []
    assert row(list_name="at-once").state == "subscribed"
    Subscription.objects.update(state="unsubscribed", left_at=timezone.now(), asked_at=None)
    browser.post("/subscribe/at-once", ZOE)
    (mail,) = written()
    assert mail["Subject"] == "Please confirm: The Short One"
    assert row(list_name="at-once").state == "unsubscribed"


# The same answer for everybody


@pytest.mark.parametrize("who", ["new", "known", "left", "suppressed", "pending", "a robot"])
def test_the_answer_is_the_same_whoever_it_is(browser, ada, who, written, django_assert_num_queries):
    expected = browser.post(PAGE, {"email": "somebody@reader.example"}).content
    Errand.objects.all().delete()
    if who == "left":
        Subscription.objects.update(state="unsubscribed", left_at=timezone.now())
    elif who == "pending":
        Subscription.objects.update(state="pending")
    elif who == "suppressed":
        suppress("ada@reader.example", SuppressionReason.COMPLAINED)
    email = "newone@reader.example" if who == "new" else "ada@reader.example"
    extra = {"subject": "Buy this"} if who == "a robot" else {}
    with django_assert_num_queries(1 if who == "a robot" else 4):  # tags, two counts, one row: nobody is looked up
        answer = browser.post(PAGE, {"email": email, **extra})
    assert answer.status_code == 200
    assert answer.content == expected.replace(b"somebody@reader.example", email.encode())
    subjects = [mail["Subject"] for mail in written()]
    assert (
        subjects
        == {
            "new": ["Please confirm: Stillwater Weekly"],
            "known": ["You are on Stillwater Weekly already"],
            "left": ["Please confirm: Stillwater Weekly"],
            "pending": ["Please confirm: Stillwater Weekly"],
            "suppressed": [],
            "a robot": [],
        }[who]
    )


def test_a_request_changes_nothing_about_somebody_who_is_known(browser, ada, written, row):
    browser.post(PAGE, {**ZOE, "email": "ada@reader.example", "first_name": "Mallory"})
    browser.post("/subscribe/at-once", {**ZOE, "email": "ada@reader.example", "first_name": "Mallory"})
    written()
    ada.reader.refresh_from_db()
    assert (ada.reader.first_name, ada.reader.interests.tags) == ("Ada", ["sleep"])
    assert row("ada@reader.example").frequency is None


def test_who_was_erased_is_written_to_no_more(browser, ada, written):
    from broadsheet.audience import erase

    erase(ada.reader)
    browser.post(PAGE, {"email": "ada@reader.example"})
    assert written() == []
    assert not Subscriber.objects.exists()


# The evidence of consent

AGREED = {
    "consent_at": timezone.now() - timedelta(days=400),
    "consent_how": "import",
    "consent_detail": "people.csv",
    "consent_network": "203.0.113.0",
    "consent_wording": "Yes, please.",
}
STRANGER = {**ZOE, "email": "ada@reader.example"}


@pytest.mark.parametrize("list_name", ["newsletter", "at-once"])
@pytest.mark.parametrize("way", ["page", "script", "again"])
@pytest.mark.parametrize("state", ["subscribed", "unsubscribed", "pending"])
def test_a_stranger_who_types_an_address_in_changes_no_evidence(
    browser, ada, written, link_in, later, state, list_name, way
):
    def told():
        held = everything(Subscriber.objects.get(pk=ada.reader.pk))
        lists = [
            {**each, "asked_at": None, "asked_times": 0} for each in held["subscriptions"]
        ]  # that they were, is so
        return lists, [line for line in held["history"] if "written to about" not in line["what"]]

    Subscription.objects.filter(list_name="letters").update(list_name="at-once")
    left = timezone.now() - timedelta(days=9) if state == "unsubscribed" else None
    ada.reader.subscriptions.update(**AGREED, state=state, left_at=left)
    before = told()
    if way == "script":
        posted(browser, {"email": "ada@reader.example", "lists": [list_name], "frequency": "weekly"})
    else:
        browser.post(f"/subscribe/{list_name}", STRANGER, REMOTE_ADDR="192.0.2.17")
    mails = written()
    if way == "again" and state != "subscribed":
        path = link_in(mails[0], "c")
        browser.get(path)
        later(days=8)
        browser.post(path, REMOTE_ADDR="192.0.2.17")
        assert written()
    assert told() == before


def test_who_comes_back_agrees_anew_and_what_they_agreed_to_before_stays_in_their_history(
    browser, ada, written, link_in, row
):
    left = timezone.now() - timedelta(days=9)
    long = "Yes, please. " * 100
    ada.reader.subscriptions.update(
        **AGREED | {"consent_wording": long}, state="unsubscribed", left_at=left, left_reason="too many mails"
    )
    browser.post(PAGE, STRANGER, REMOTE_ADDR="192.0.2.17")
    path = link_in(written()[0], "c")
    assert "I want to get Stillwater Weekly by email." in browser.get(path).content.decode()
    for _ in range(2):
        browser.post(path, REMOTE_ADDR="198.51.100.7")
    back = row("ada@reader.example")
    assert timezone.now() - back.consent_at < timedelta(minutes=1)
    assert (back.state, back.frequency, back.left_at, back.left_reason) == ("subscribed", 7, None, "")
    assert (back.consent_how, back.consent_network) == ("form", "198.51.100.0")
    assert back.consent_wording.startswith("I want to get Stillwater Weekly by email.")
    assert back.consent_detail.startswith("confirmed by mail, asked 20")
    earlier = [line for line in everything(ada.reader)["history"] if line["what"].startswith("came back")]
    assert [line["what"] for line in earlier] == [
        f"came back to newsletter; before that, agreed at {AGREED['consent_at'].isoformat()} "
        f"(import; people.csv; 203.0.113.0), to the words “{long}”",
        f"came back to newsletter; before that, left at {left.isoformat()} (too many mails)",
    ]
    assert {line["detail"] for line in earlier} == {"the reader, from 198.51.100.0"}


def test_what_somebody_else_asks_for_meanwhile_is_no_part_of_what_one_says_yes_to(
    browser, ada, written, link_in, later, row
):
    browser.post(PAGE, ZOE)
    path = link_in(written()[0], "c")
    later(minutes=5)
    browser.post(PAGE + "?lang=de", {**ZOE, "frequency": "monthly"}, REMOTE_ADDR="192.0.2.17")
    assert len(written()) == 1
    browser.post(path, REMOTE_ADDR="198.51.100.7")
    found = row()
    assert (found.frequency, found.consent_network) == (7, "198.51.100.0")
    assert "192.0.2.0" not in found.consent_detail


# How often


def test_one_is_asked_again_once_at_most(browser, ada, written, later):
    browser.post(PAGE, ZOE)
    browser.post(PAGE, ZOE)  # a second click
    assert len(written()) == 1
    later(minutes=5)
    browser.post(PAGE, ZOE)
    assert len(written()) == 1
    for _ in range(3):
        later(hours=5)
        browser.post(PAGE, ZOE)
        assert written() == []
    later(days=31)
    browser.post(PAGE, ZOE)
    assert len(written()) == 1


def test_a_link_is_good_for_seven_days_and_its_page_can_send_another(browser, ada, written, link_in, later, row):
    browser.post(PAGE, ZOE)
    path = link_in(written()[0], "c")
    later(days=6, hours=23)
    assert browser.get(path).status_code == 200
    later(hours=2)
    answer = browser.get(path)
    assert answer.status_code == 410
    assert "Send me a new link" in answer.content.decode()
    assert "Please look into your mailbox" in browser.post(path).content.decode()
    assert row().state == "pending"
    (mail,) = written()
    browser.post(link_in(mail, "c"))
    assert row().state == "subscribed"


def test_a_link_from_before_somebody_left_brings_nobody_back(browser, ada, written, link_in, later, row):
    browser.post(PAGE, ZOE)
    path = link_in(written()[0], "c")
    browser.post(path)
    later(hours=1)
    Subscription.objects.filter(pk=row().pk).update(state="unsubscribed", left_at=timezone.now())
    for answer in (browser.get(path), browser.post(path)):
        assert "You left after that mail was written" in answer.content.decode()
    assert row().state == "unsubscribed"


def test_an_address_can_be_entered_only_so_often_by_anybody(browser, ada, workspace, settings):
    for turn in range(7):
        answer = browser.post(PAGE, ZOE, REMOTE_ADDR=f"198.51.{turn}.1")
        assert answer.status_code == (200 if turn < 5 else 429)
    assert "asked for too often" in answer.content.decode()
    assert answer.headers["Retry-After"] == "3600"
    assert Errand.objects.count() == 5
    assert browser.post(PAGE, {"email": "other@reader.example"}, REMOTE_ADDR="198.51.9.1").status_code == 200
    Allowance.objects.update(until=timezone.now())
    assert browser.post(PAGE, ZOE, REMOTE_ADDR="198.51.1.1").status_code == 200


def test_a_network_can_enter_only_so_many(browser, ada, workspace):
    object.__setattr__(workspace.config.public, "asks_per_network", 3)
    answers = [
        browser.post(PAGE, {"email": f"n{turn}@reader.example"}, REMOTE_ADDR=f"2001:db8:0:1::{turn}").status_code
        for turn in range(5)
    ]
    assert answers == [200, 200, 200, 429, 429]
    assert browser.post(PAGE, {"email": "n9@reader.example"}, REMOTE_ADDR="2001:db8:1::1").status_code == 200


def test_what_is_counted_tells_nobodys_address(browser, ada):
    browser.post(PAGE, ZOE)
    assert not any("zoe" in key or "." in key for key in Allowance.objects.values_list("key", flat=True))


# What does not fit


@pytest.mark.parametrize(
    "email", ["", "zoe", "zoe@", "a@b@c", "zoe@reader.example\nBcc: x@y.example", "x" * 400, "\0@x.example"]
)
def test_what_is_no_address_is_said_beside_the_field_and_what_was_typed_stays(browser, ada, email):
    answer = browser.post(PAGE, {**ZOE, "email": email})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "does not look like an email address" in page
    assert 'value=" Zoe "' in page
    assert 'value="weekly" selected' in page
    assert not Errand.objects.exists()


def test_a_form_from_another_website_works_without_a_cookie(browser, ada):
    form = browser.get(PAGE + "/form").content.decode()
    assert "action=&quot;http://127.0.0.1:8000/subscribe/newsletter?lang=en&quot;" in form or (
        'action="http://127.0.0.1:8000/subscribe/newsletter?lang=en"' in form
    )
    answer = browser.post(
        PAGE + "?lang=de", {"email": "zoe@reader.example", "subject": ""}, HTTP_ORIGIN="https://elsewhere.example"
    )
    assert "Bitte sehen Sie in Ihr Postfach" in answer.content.decode()


# Scripts


def posted(browser, data, content_type="application/json", **headers):
    body = data if isinstance(data, str | bytes) else json.dumps(data)
    return browser.generic("POST", "/subscribe.json", body, content_type=content_type, headers=headers)


def test_a_script_can_ask_for_several_lists(browser, ada, written, row):
    wish = {"email": "zoe@reader.example", "lists": ["newsletter", "letters"], "interests": ["sleep"]}
    answer = posted(browser, wish)
    assert answer.status_code == 202
    assert "on its way" in answer.json()["message"]
    assert sorted(mail["Subject"] for mail in written()) == [
        "Please confirm: A Letter from the Clinic",
        "Please confirm: Stillwater Weekly",
    ]
    assert (row().consent_how, row().consent_detail) == ("api", "subscribe.json")


@pytest.mark.parametrize("name", ["Zo\ud800e", "Zo\0e", "Zo\u202ee", "Zoe\r\n"])
def test_signs_that_can_not_be_printed_are_no_part_of_a_name(browser, ada, written, row, name):
    answer = posted(browser, {"email": "zoe@reader.example", "lists": ["newsletter"], "first_name": name})
    assert answer.status_code == 202
    assert [mail["To"] for mail in written()] == ["Zoe <zoe@reader.example>"]
    assert row().subscriber.first_name == "Zoe"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (" ", 400, ""),
        ("[]", 400, ""),
        ("[" * 5000, 400, ""),
        (b"\xff", 400, ""),
        ('"x' + "x" * 30_000 + '"', 413, ""),
        ({"email": "zoe@reader.example"}, 400, "lists"),
        ({"email": "zoe@reader.example", "lists": ["friends"]}, 400, "lists"),
        ({"email": "zoe@reader.example", "lists": "newsletter"}, 400, "lists"),
        ({"email": "zoe@reader.example", "lists": [{}]}, 400, "lists"),
        ({"email": 7, "lists": ["newsletter"]}, 400, "email"),
        ({"email": "zoe@reader.example", "lists": ["newsletter"], "frequency": "daily"}, 400, "frequency"),
        ({"email": "zoe@reader.example", "lists": ["newsletter"], "frequency": []}, 400, "frequency"),
        ({"email": "zoe@reader.example", "lists": ["newsletter"], "interests": "sleep"}, 400, "interests"),
    ],
)
def test_a_script_is_told_what_does_not_fit(browser, ada, body, status, field):
    answer = posted(browser, body)
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert answer.json()["error"]
    assert not Errand.objects.exists()


def test_a_script_that_asks_too_often_is_told_when_to_come_back(browser, ada):
    wish = {"email": "zoe@reader.example", "lists": ["newsletter"]}
    assert [posted(browser, wish).status_code for _ in range(6)] == [202] * 5 + [429]
    assert posted(browser, wish).headers["Retry-After"] == "3600"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_browser_would_post_without_asking_is_not_taken(browser, ada, content_type):
    assert posted(browser, {"email": "z@reader.example", "lists": ["newsletter"]}, content_type).status_code == 415


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        ((), "https://clinic.example", None),
        (("https://clinic.example",), "https://clinic.example", "https://clinic.example"),
        (("https://clinic.example",), "https://evil.example", None),
        (("*",), "https://anyone.example", "*"),
    ],
)
def test_other_websites_may_ask_as_far_as_they_are_named(browser, ada, workspace, origins, origin, allowed):
    object.__setattr__(workspace.config.public, "origins", origins)
    asked = browser.options("/subscribe.json", headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
    wish = {"email": "zoe@reader.example", "lists": ["newsletter"]}
    done = posted(browser, wish, Origin=origin)
    assert (asked.status_code, done.status_code) == ((204, 202) if allowed else (403, 403))
    for answer in (asked, done):
        assert answer.headers.get("Access-Control-Allow-Origin") == allowed
        assert "Origin" in answer.headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_only_post_is_answered(browser, ada):
    answer = browser.get("/subscribe.json")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "OPTIONS, POST")


# Words that were not signed here


def test_a_changed_or_foreign_confirmation_is_a_plain_404(browser, ada, workspace):
    nowhere = browser.get("/nowhere").content
    row = Subscription.objects.first()
    good = address(workspace, CONFIRM, row.pk, minute(timezone.now())).removeprefix(workspace.config.public.url)
    for path in (good[:-1], good[:5] + "x" + good[6:], good.replace("/c/", "/d/"), good.replace("/c/", "/e/")):
        for answer in (browser.get(path), browser.post(path)):
            assert (answer.status_code, answer.content) == (404, nowhere)


# What is forgotten


def test_who_never_said_yes_is_forgotten_after_thirty_days(browser, ada, written, later):
    browser.post(PAGE, ZOE)
    browser.post("/subscribe/letters", {"email": "ada@reader.example"})
    written()
    assert notices.forget(timezone.now()) == 0
    assert notices.forget(timezone.now() + joining.FORGET_ASKS + timedelta(minutes=1)) == 1
    assert [each.email for each in Subscriber.objects.all()] == ["ada@reader.example"]
    assert ada.state("letters") == "subscribed"
