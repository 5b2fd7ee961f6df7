"""People by hand in the console: added, asked, tagged, filtered, exported; nobody comes back who has left."""

import csv
import io
import json

import pytest

from broadsheet import notices
from broadsheet.models import Audit, Errand, PersonNote, Subscriber, Subscription, Suppression

NEW = {"email": "Zoe@Reader.example", "first_name": "Zoe", "interests": "Sleep, mind", "list": "letters"}


def said(answer):
    return [str(each) for each in answer.context["messages"]]


def test_somebody_who_agreed_is_added_with_the_evidence(as_role, workspace):
    publisher = as_role("publisher")
    assert "Add somebody" in publisher.get("/console/readers/add").content.decode()
    given = {**NEW, "how": "agreed", "detail": "on paper at the spring fair"}
    answer = publisher.post("/console/readers/add", given, follow=True)
    assert said(answer) == ["Zoe@Reader.example is on A Letter from the Clinic now."]
    row = Subscription.objects.select_related("subscriber__interests").get()
    assert (row.state, row.consent_how, row.consent_detail) == (
        "subscribed", "staff", "on paper at the spring fair; entered by publisher@stillwater.test",
    )  # fmt: skip
    assert row.consent_at
    assert (row.subscriber.first_name, row.subscriber.interests.tags) == ("Zoe", ["mind", "sleep"])
    assert Audit.objects.get().target == f"reader {row.subscriber_id}"
    again = publisher.post("/console/readers/add", given, follow=True)
    assert "already" in said(again)[0]


def test_somebody_who_is_asked_is_on_no_list_until_they_confirm(as_role, workspace):
    publisher = as_role("publisher")
    answer = publisher.post("/console/readers/add", {**NEW, "how": "ask"}, follow=True)
    assert "A mail is on its way" in said(answer)[0]
    row = Subscription.objects.get()
    assert (row.state, row.consent_how) == ("pending", "staff")
    assert Errand.objects.get().detail["notice"] == "confirm"


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"how": "agreed"}, "without that it is no consent"),
        ({"how": "ask", "email": "nobody"}, "valid email"),
        ({"how": "ask", "list": "nowhere"}, "valid choice"),
        ({"how": "maybe"}, "valid choice"),
    ],
)
def test_a_form_that_makes_no_sense_says_so_and_changes_nothing(as_role, given, word):
    answer = as_role("publisher").post("/console/readers/add", {**NEW, **given})
    assert word in answer.content.decode()
    assert not Subscriber.objects.exists()


@pytest.mark.parametrize("how", ["ask", "agreed"])
def test_nobody_who_left_or_is_suppressed_comes_back_by_hand(as_role, join, how):
    left = join("ada@reader.example", state="unsubscribed")
    join("ben@reader.example", lists=[])
    Suppression.objects.create(email_key="ben@reader.example", reason="complained")
    publisher = as_role("publisher")
    given = {"list": "newsletter", "how": how, "detail": "said so"}
    answer = publisher.post(f"/console/readers/{left.pk}/join", given, follow=True)
    assert "Only they can come back" in said(answer)[0]
    assert left.subscriptions.get().state == "unsubscribed"
    answer = publisher.post("/console/readers/add", {**given, "email": "ben@reader.example"}, follow=True)
    assert "suppressed or was erased" in said(answer)[0]
    assert not Subscription.objects.exclude(subscriber=left).exists()
    assert (Errand.objects.count(), Audit.objects.count()) == (0, 0)


def test_what_is_known_of_a_reader_stays_when_they_are_put_on_another_list(as_role, join):
    ada = join("ada@reader.example", "sleep", first_name="Ada")
    given = {**NEW, "email": "ADA@reader.example", "how": "agreed", "detail": "by phone"}
    as_role("publisher").post("/console/readers/add", given)
    ada.refresh_from_db()
    assert (ada.first_name, ada.interests.tags) == ("Ada", ["sleep"])
    assert set(ada.subscriptions.values_list("list_name", "state")) == {
        ("newsletter", "subscribed"), ("letters", "subscribed"),
    }  # fmt: skip


def test_a_private_list_asks_nobody(as_role, workspace, write):
    write("subscribers/lists.yaml", "lists: {newsletter: {title: N}, letters: {title: L, public: false}}")
    page = as_role("publisher").post("/console/readers/add", {**NEW, "how": "ask"}).content.decode()
    assert "This list is private" in page
    assert not Subscriber.objects.exists()


def test_a_list_that_is_written_into_the_file_is_there_at_once(as_role, workspace, write):
    browser = as_role("publisher")
    assert "Brand new" not in browser.get("/console/readers").content.decode()
    write("subscribers/lists.yaml", "lists: {newsletter: {title: N}, letters: {title: Brand new}}")
    assert "Brand new" in browser.get("/console/readers").content.decode()


def test_several_are_tagged_at_once_and_one_exactly(as_role, join):
    ada, ben = join("ada@reader.example", "sleep"), join("ben@reader.example", "movement")
    publisher = as_role("publisher")
    chosen = {"reader": [ada.pk, ben.pk, "x", "99999999999"], "tags": "Mind, sleep", "do": "add", "back": "q=a"}
    answer = publisher.post("/console/readers/tag", chosen)
    assert answer.url == "/console/readers?q=a"
    assert Subscriber.objects.get(pk=ada.pk).interests.tags == ["mind", "sleep"]
    assert Subscriber.objects.get(pk=ben.pk).interests.tags == ["mind", "movement", "sleep"]
    publisher.post("/console/readers/tag", {**chosen, "do": "take", "tags": "sleep"})
    assert Subscriber.objects.get(pk=ben.pk).interests.tags == ["mind", "movement"]
    publisher.post(f"/console/readers/{ben.pk}/tags", {"tags": "gardening"})
    assert Subscriber.objects.get(pk=ben.pk).interests.tags == ["gardening"]
    assert PersonNote.objects.filter(email_key="ben@reader.example").last().what == "interests: gardening"
    last = Audit.objects.first()
    assert (last.what, last.target, last.before, last.after) == (
        "reader-tags", f"reader {ben.pk}", "mind, movement", "gardening",
    )  # fmt: skip
    answer = publisher.post("/console/readers/tag", {"tags": "sleep"}, follow=True)
    assert "Nothing was changed" in said(answer)[-1]
    long = publisher.post(f"/console/readers/{ben.pk}/tags", {"tags": ",".join(map(str, range(900)))}, follow=True)
    assert "longer than" in said(long)[-1]


def test_filters_go_together_and_unknown_ones_are_left_out(as_role, cast):
    browser = as_role("viewer")

    def found(**asked):
        answer = browser.get("/console/readers", asked)
        assert answer.status_code == 200
        return sorted(row["reader"].email.partition("@")[0] for row in answer.context["rows"])

    assert found(segment="nearby") == ["ada", "cleo"]
    assert found(segment="sleepers", list="newsletter") == ["ada", "cleo", "eve", "fay", "gus"]
    assert found(segment="sleepers", q="a") == ["ada"]
    assert found(interest="movement", state="suppressed") == []
    assert found(language="de") == ["cleo"]
    assert found(language="de", segment="nearby") == ["cleo"]
    assert found(language="en", segment="nearby") == []
    assert found(segment="nowhere", language="") == found()
    assert found(q="@reader", interest="MOVEMENT", language="de") == ["cleo"]


def rows_of(answer):
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


def test_an_export_is_streamed_and_written_down(as_role, cast):
    publisher = as_role("publisher")
    assert "As" in publisher.get("/console/readers/export").content.decode()
    assert not Audit.objects.exists(), "looking is no export"
    answer = publisher.post("/console/readers/export", {"list": "newsletter", "segment": "sleepers"})
    assert answer.streaming
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="newsletter-sleepers-20')
    assert sorted(row["email"].partition("@")[0] for row in rows_of(answer)) == ["ada", "cleo", "eve", "fay", "gus"]
    answer = publisher.post("/console/readers/export", {"format": "jsonl"})
    people = [json.loads(line) for line in b"".join(answer.streaming_content).decode().splitlines()]
    assert len(people) == Subscriber.objects.count()
    audited = list(Audit.objects.order_by("pk").values_list("who", "what", "target", "after"))
    who = "publisher@stillwater.test"
    assert audited == [
        (who, "readers-export", "newsletter-sleepers", "CSV"), (who, "readers-export", "everybody", "JSON Lines"),
    ]  # fmt: skip


@pytest.mark.parametrize("given", [{"list": "nowhere"}, {"segment": "nowhere"}])
def test_an_export_of_what_is_not_there_says_so(as_role, cast, given):
    answer = as_role("publisher").post("/console/readers/export", given, follow=True)
    assert "nowhere" in said(answer)[0]
    assert not Audit.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_who_may_not_change_people_sees_no_forms_for_it(as_role, cast, role):
    browser = as_role(role)
    page = (
        browser.get("/console/readers").content.decode()
        + browser.get(f"/console/readers/{cast.ada.pk}").content.decode()
    )
    for word in ("/console/imports", "/console/readers/add", "/console/readers/export", "Tag those", "Put on a list"):
        assert word not in page


def test_entering_is_the_same_for_every_address_of_one_person(workspace, join):
    wish = notices.Wish("Ada@Reader.example", ["newsletter"], "", "", how="staff", source="by phone")
    assert notices.enter(workspace, wish) == {"newsletter": notices.Entered.NOW}
    assert notices.enter(workspace, wish) == {"newsletter": notices.Entered.BEFORE}
    assert Subscriber.objects.count() == 1


def test_a_file_with_a_slip_in_it_is_said_and_breaks_no_page_for_good(as_role, workspace, write):
    browser = as_role("publisher")
    good = (workspace.root / "subscribers/lists.yaml").read_text()
    write("subscribers/lists.yaml", "lists: {newsletter: {titel: N}}")
    for path in ("readers", "readers/add", "readers/export", "segments"):
        answer = browser.get(f"/console/{path}")
        assert "titel" in answer.content.decode(), path
    assert browser.get("/console/readers").status_code == 503
    write("subscribers/lists.yaml", good)
    assert browser.get("/console/readers").status_code == 200
