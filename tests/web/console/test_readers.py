"""Readers in the console: found, looked at, suppressed, let in again, erased."""

import pytest

from broadsheet import audience
from broadsheet.models import Audit, Erased, PersonNote, Subscriber, Suppression

HOSTILE = [
    "'; DROP TABLE broadsheet_subscriber; --",
    "%",
    "_",
    "\\",
    "a\x00b",
    "\U0010ffff",
    "<script>alert(1)</script>",
    "@",
    "#",
    "#'|%",
    "@%",
    "x" * 10_000,
    "ada@reader.example\r\nBcc: x@y.example",
    "\u202e\u2066",
]


@pytest.fixture
def looked(as_role, cast):
    """The addresses on the page of readers for what was asked."""
    browser = as_role("viewer")

    def found(**asked):
        answer = browser.get("/console/readers", asked)
        assert answer.status_code == 200
        return [row["reader"].email.partition("@")[0] for row in answer.context["rows"]]

    return found


def test_the_newest_come_first(looked):
    assert looked() == ["hal", "gus", "fay", "eve", "dan", "cleo", "ben", "ada"]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("ada@", ["ada"]),
        ("ADA@reader", ["ada"]),
        ("love", ["ada"]),
        ("ada love", ["ada"]),
        ("Lovelace A", ["ada"]),
        ("ada  hopper", []),
        ("be", ["ben"]),
        ("#move", ["cleo", "ben"]),
        ("#sleep", ["hal", "gus", "fay", "eve", "cleo", "ada"]),
        ("@reader.ex", ["hal", "gus", "fay", "eve", "dan", "cleo", "ben", "ada"]),
        ("@elsewhere", []),
        ("reader", []),
    ],
)
def test_people_are_found_by_how_names_and_addresses_begin(looked, words, names):
    assert looked(q=words) == names


def test_a_list_and_a_state_narrow_what_is_found(looked):
    assert looked(list="letters") == ["hal"]
    assert looked(state="pending") == ["fay"]
    assert looked(state="suppressed") == ["gus"]
    assert looked(state="suppressed", list="letters") == []
    assert looked(q="#sleep", list="newsletter", state="subscribed") == ["gus", "cleo", "ada"]
    assert looked(q="e", state="unsubscribed") == ["eve"]
    assert looked(q="e", state="pending") == []
    assert looked(list="no-such-list", state="bogus", after="no key") == looked()


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_find_nobody_and_break_nothing(looked, words):
    assert looked(q=words) in ([], looked())
    assert Subscriber.objects.count() == 8


@pytest.mark.parametrize(
    "wanted",
    [
        audience.Wanted(),
        audience.Wanted("an"),
        audience.Wanted("an", state="subscribed"),
        audience.Wanted("@reader"),
        audience.Wanted("#sleep", "newsletter"),
        audience.Wanted(list_name="newsletter"),
        audience.Wanted(state="subscribed"),
    ],
)
def test_pages_by_key_show_each_person_once(join, wanted, monkeypatch):
    monkeypatch.setattr(audience.finding, "STRETCH", 4)
    monkeypatch.setattr(audience.finding, "LOOKED_AT", 3)
    people = [
        join(f"{name}{number}@reader.example", "sleep", first_name=first, last_name=last)
        for number, (name, first, last) in enumerate(
            [("an", "Ann", "Andrews"), ("x", "Anton", "Bell"), ("y", "an", "")] * 4
        )
    ]
    shown, after = [], ""
    for _ in range(30):
        page = audience.find(wanted, after, size=5)
        shown += page.readers
        after = page.after
        if not after:
            break
    assert not after
    assert sorted(row.pk for row in shown) == [row.pk for row in people]


def test_a_key_whose_person_was_erased_meanwhile_still_leads_on(join):
    people = [join(f"an{number}@reader.example") for number in range(6)]
    page = audience.find(audience.Wanted("an"), size=3)
    people[2].delete()
    assert audience.find(audience.Wanted("an"), page.after, size=10).readers


def test_nobody_found_and_nobody_at_all_say_what_to_do(as_role):
    browser = as_role("publisher")
    assert "Nobody has joined yet" in browser.get("/console/readers").content.decode()
    assert "Nobody found" in browser.get("/console/readers?q=zo").content.decode()


def test_an_address_that_is_gone_is_said_to_be_kept_out(as_role, cast):
    browser = as_role("publisher")
    audience.erase(cast.ada)
    assert "was erased and is left alone" in browser.get("/console/readers?q=ada@reader.example").content.decode()
    Suppression.objects.create(email_key="zoe@reader.example", reason="dead")
    assert "It is suppressed (dead)" in browser.get("/console/readers?q=zoe@reader.example").content.decode()


def test_one_persons_page_shows_consent_copies_and_why_they_are_suppressed(as_role, cast, freeze, send, memory):
    send(freeze(), memory)
    cast.ada.subscriptions.update(
        consent_how="form",
        consent_detail="/subscribe",
        consent_network="192.0.2.0",
        consent_wording="Yes, weekly <please>",
    )
    audience.suppress("ada@reader.example", "complained", "by mail & phone")
    shown = as_role("viewer").get(f"/console/readers/{cast.ada.pk}").content.decode()
    for words in (
        "Ada Lovelace",
        "Stillwater Weekly",
        "by a form (/subscribe) from 192.0.2.0",
        "Yes, weekly &lt;please&gt;",
        "Reported as spam",
        "by mail &amp; phone",
        "weekly-20260303T0900: sent",
        "<dt>country</dt><dd>DE</dd>",
        "sleep",
    ):
        assert words in shown
    assert "Erase" not in shown


def test_what_people_are_called_is_escaped(as_role, join):
    hostile = '<img src=x onerror=alert(1)>"'
    person = join("m@reader.example", hostile, first_name=hostile, last_name=hostile, source=hostile, country=hostile)
    audience.note(person.email_key, hostile, hostile)
    browser = as_role("admin")
    for address in ("/console/readers", f"/console/readers/{person.pk}"):
        shown = browser.get(address).content.decode()
        assert "<img src=x" not in shown
        assert "&lt;img src=x" in shown
    assert "<script>alert" not in browser.get("/console/readers", {"q": '"><script>alert(1)</script>'}).content.decode()


def test_a_long_history_is_shown_in_part_and_then_whole(as_role, cast):
    for number in range(60):
        audience.note("ada@reader.example", "test", f"note {number}")
    browser = as_role("publisher")
    short = browser.get(f"/console/readers/{cast.ada.pk}").content.decode()
    assert "Show 12 earlier" in short
    assert "note 59" in short
    assert "note 3 " not in short
    assert "note 3 " in browser.get(f"/console/readers/{cast.ada.pk}?all").content.decode()


def test_nobody_knows_them(as_role):
    browser = as_role("admin")
    assert browser.get("/console/readers/4711").status_code == 404
    assert browser.get("/console/readers/99999999999999999999").status_code == 404
    for does in ("suppress", "unsuppress", "erase"):
        assert browser.post(f"/console/readers/4711/{does}", {"why": "x", "typed": "x"}).status_code == 404
    assert not Audit.objects.exists()


def test_suppressing_and_letting_in_again_keep_the_reason_and_are_audited(as_role, cast):
    browser, page = as_role("publisher"), f"/console/readers/{cast.ada.pk}"
    assert browser.post(f"{page}/suppress", {"why": "asked on the phone"}).status_code == 302
    assert Suppression.objects.get(email_key="ada@reader.example").detail == "asked on the phone"
    assert "is not mailed any more" in browser.get(page).content.decode()
    browser.post(f"{page}/suppress", {"why": "again"})
    assert "its first reason stays" in browser.get(page).content.decode()
    browser.post(f"{page}/unsuppress", {"why": "changed her mind"})
    assert not Suppression.objects.filter(email_key="ada@reader.example").exists()
    browser.post(f"{page}/unsuppress", {"why": "twice"})
    assert "was not suppressed" in browser.get(page).content.decode()
    assert list(PersonNote.objects.values_list("who", "what")) == [
        ("publisher@stillwater.test", "suppressed (by-hand): asked on the phone"),
        ("publisher@stillwater.test", "may be mailed again: changed her mind"),
    ]
    assert list(Audit.objects.order_by("pk").values_list("who", "what", "target", "before", "after")) == [
        ("publisher@stillwater.test", "reader-suppress", f"reader {cast.ada.pk}", "may be mailed", "suppressed"),
        ("publisher@stillwater.test", "reader-unsuppress", f"reader {cast.ada.pk}", "suppressed", "may be mailed"),
    ]


@pytest.mark.parametrize("does", ["suppress", "unsuppress"])
def test_no_reason_no_change(as_role, cast, does):
    person = cast.ada if does == "suppress" else cast.gus
    answer = as_role("publisher").post(f"/console/readers/{person.pk}/{does}", {"why": " \n "}, follow=True)
    assert "Say why" in answer.content.decode()
    assert Suppression.objects.count() == 1
    assert not Audit.objects.exists()


def test_erasing_asks_for_the_address_and_leaves_nothing_of_it(as_role, cast):
    browser, page, pk = as_role("publisher"), f"/console/readers/{cast.ada.pk}", cast.ada.pk
    wrong = browser.post(f"{page}/erase", {"typed": "ben@reader.example"}, follow=True)
    assert "Nothing was erased" in wrong.content.decode()
    assert Subscriber.objects.filter(pk=pk).exists()
    browser.post(f"{page}/suppress", {"why": "Ada asked"})
    assert browser.post(f"{page}/erase", {"typed": " Ada@Reader.example "}).url == "/console/readers"
    assert not Subscriber.objects.filter(pk=pk).exists()
    assert Erased.objects.count() == 1
    assert browser.get(page).status_code == 404
    written = " ".join(str(row) for row in Audit.objects.values_list())
    assert f"reader {pk}" in written
    assert "ada" not in written.lower()


@pytest.mark.parametrize("role", ["viewer", "editor"])
@pytest.mark.parametrize("does", ["suppress", "unsuppress", "erase"])
def test_only_publishers_change_what_is_held_on_people(as_role, cast, role, does):
    answer = as_role(role).post(f"/console/readers/{cast.ada.pk}/{does}", {"why": "x", "typed": cast.ada.email})
    assert answer.status_code == 403
    assert Subscriber.objects.count() == 8
    assert Suppression.objects.count() == 1


def test_nothing_changes_by_looking_and_strangers_see_the_sign_in_page(as_role, cast, client):
    page = f"/console/readers/{cast.ada.pk}"
    for does in ("suppress", "unsuppress", "erase"):
        assert as_role("admin").get(f"{page}/{does}").status_code == 405
    for address in ("/console/readers", page, "/console/segments", "/console/articles"):
        assert "/account/login" in client.get(address).url
