"""People out, and in again: the same people, and nothing a spreadsheet would run."""

import csv
import io
import json

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.audience import kept

from broadsheet.audience import (
    ImportChoices,
    chosen,
    csv_lines,
    import_people,
    interest_set,
    json_lines,
    known_address,
    records,
    written,
)
from broadsheet.audience.spreadsheets import DANGEROUS, armed, disarmed
from broadsheet.models import Subscriber, Subscription, Suppression

pytestmark = pytest.mark.django_db

LISTS = """\
lists: {newsletter: {title: Weekly}, letters: {title: Letters}}
attributes: {age: {type: number}, visit: {type: date}, vip: {type: yes/no}, size: {type: choice, choices: [s, l]}}
"""


def exported(workspace, list_name=None, segment=None):
    out = io.StringIO(newline="")
    written(csv_lines(workspace, chosen(list_name, segment), list_name), out)
    return out.getvalue()


def everybody():
    """All that an import can bring, without what only a database knows."""
    found = []
    for each in records(chosen()):
        each.pop("source")
        each["subscriptions"] = [(row["list"], row["state"]) for row in each["subscriptions"]]
        found.append(each)
    return sorted(found, key=lambda each: each["email"])


def test_people_go_out_and_come_back_the_same(workspace, write, join):
    write("subscribers/lists.yaml", LISTS)
    ada = join("ada@reader.example", "sleep", 'food, drink; "more"', first_name="Ada", lists=["newsletter", "letters"])
    ada.attributes = {"age": 41, "visit": "2024-01-17", "vip": True, "size": "l", "note": "=1+1", "town": 'Kiel, "N"'}
    ada.save()
    join("'+ben@reader.example", first_name="=cmd|' /C calc'!A0", last_name="''", time_zone="Europe/Berlin")
    join("-cleo@reader.example", state="unsubscribed", language="de")
    join("käthe@reader.example", state="pending", needs_smtputf8=True)
    join("nobody@reader.example", lists=[])
    for name, reason in (("gus", "dead"), ("eve", "complained"), ("hal", "by-hand")):
        person = join(f"{name}@reader.example")
        Suppression.objects.create(email_key=person.email_key, reason=reason)
    before, text = everybody(), exported(workspace)
    for model in (Subscription, Suppression, Subscriber):
        model.objects.all().delete()
    report = import_people(workspace, write("subscribers/own.csv", text))
    assert (report.rejected, report.added) == ([], len(before))
    assert everybody() == before
    again = import_people(workspace, write("subscribers/own.csv", text), choices=ImportChoices(update="all"))
    assert (again.added, again.updated, again.unchanged) == (0, 0, len(before))


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_every_field_of_everybody_comes_back_as_it_was(workspace, write, form):
    write("subscribers/lists.yaml", kept.LISTS)
    found = kept.there_and_back(workspace, form)
    assert found["rejected"] == []
    assert found["after"] == found["before"]
    assert found["again"] == [0, 0, len(kept.PEOPLE), True]


OLD = "email,first_name,last_name,language,time_zone,interests,lists,status,created,consent_at,consent_how,"
OLD += "consent_network,consent_wording"


def test_exports_made_before_are_taken_as_they_were(workspace, write):
    write("subscribers/lists.yaml", LISTS)
    content = f"{OLD},subscriptions\n'+ada@reader.example,'=A,,,,,newsletter;letters:unsubscribed,subscribed,"
    content += "2024-01-17T09:00:00+00:00,2024-01-18T09:00:00+00:00,form,192.0.2.0,Yes,three\n"
    assert import_people(workspace, write("subscribers/old.csv", content)).rejected == []
    ada = Subscriber.objects.get()
    assert (ada.email, ada.first_name, ada.attributes) == ("+ada@reader.example", "=A", {"subscriptions": "three"})
    rows = Subscription.objects.order_by("list_name").values_list("list_name", "state", "consent_detail")
    assert list(rows) == [
        ("letters", "unsubscribed", "old.csv; form before"), ("newsletter", "subscribed", "old.csv; form before")
    ]  # fmt: skip
    line = {"email": "ben@reader.example", "suppressed": "", "subscriptions": [
        {"list": "newsletter", "state": "subscribed", "frequency": "weekly", "paused_until": "2031-01-01T00:00:00+00:00"}
    ]}  # fmt: skip
    import_people(workspace, write("subscribers/old.jsonl", json.dumps(line) + "\n"))
    assert Subscription.objects.get(subscriber__email_key="ben@reader.example").paused_until.year == 2031


@pytest.mark.parametrize(
    ("column", "cell"),
    [("lists", "newsletter:unsubscribed"), ("status", "unsubscribed"),
     ("subscriptions", '[{"list": "newsletter", "state": "unsubscribed"}]')],
)  # fmt: skip
def test_of_what_was_changed_by_hand_in_an_export_the_graver_counts(workspace, write, join, column, cell):
    write("subscribers/lists.yaml", LISTS)
    join("ada@reader.example", lists=["newsletter"])
    (row,) = csv.DictReader(io.StringIO(exported(workspace)))
    Subscriber.objects.all().delete()
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, row.keys())
    writer.writeheader()
    writer.writerow(row | {column: cell})
    assert import_people(workspace, write("subscribers/own.csv", out.getvalue())).rejected == []
    assert Subscription.objects.get().state == "unsubscribed"


def test_an_export_brings_nobody_back_who_left_since(workspace, write, join):
    ada = join("ada@reader.example", lists=["newsletter"])
    text = exported(workspace)
    Subscription.objects.filter(subscriber=ada).update(state="unsubscribed", left_at="2026-01-01T00:00:00Z")
    report = import_people(workspace, write("subscribers/own.csv", text), choices=ImportChoices(update="all"))
    assert (report.updated, report.unchanged) == (0, 1)
    assert Subscription.objects.get().state == "unsubscribed"


def test_who_left_elsewhere_has_left_then_and_for_that_reason(workspace, write, join):
    ada = join("ada@reader.example", lists=["newsletter"])
    left = {"state": "unsubscribed", "left_at": "2026-01-01T00:00:00Z", "left_reason": "Too many"}
    Subscription.objects.filter(subscriber=ada).update(**left)
    text = exported(workspace)
    Subscription.objects.filter(subscriber=ada).update(state="subscribed", left_at=None, left_reason="")
    assert import_people(workspace, write("subscribers/own.csv", text)).updated == 1
    row = Subscription.objects.get()
    assert (row.state, row.left_at.year, row.left_reason) == ("unsubscribed", 2026, "Too many")


@pytest.mark.parametrize(
    "line",
    ["{", "[]", '{"email": "ben@reader.example"}', '{"email": 1, "suppressed": "", "subscriptions": []}',
     '{"email": "ben@reader.example", "suppressed": "", "subscriptions": [], "status": "unsubscribed"}',
     '{"email": "ben@reader.example", "suppressed": "", "subscriptions": [{"list": "newsletter"}]}',
     '{"email": "ben@reader.example", "suppressed": "", "subscriptions": [{"list": "newsletter", "state": "odd"}]}'],
)  # fmt: skip
def test_a_line_that_no_export_wrote_is_rejected(workspace, write, line):
    whole = '{"email": "ada@reader.example", "suppressed": "", "subscriptions": []}'
    report = import_people(workspace, write("subscribers/own.jsonl", f"{whole}\n{line}\n"))
    assert [each.line for each in report.rejected] == [2]
    assert Subscriber.objects.get().email == "ada@reader.example"


def test_rejected_lines_of_an_export_come_back_as_they_were(workspace, write, join):
    write("subscribers/lists.yaml", LISTS)
    join("+ada@reader.example", first_name="=A", lists=["gone"])
    text = exported(workspace)
    Subscriber.objects.all().delete()
    report = import_people(workspace, write("subscribers/own.csv", text))
    assert "no list “gone”" in report.rejected[0].reason
    mended = report.rejected_file.read_text(encoding="utf-8").replace("gone", "letters")
    assert import_people(workspace, write("subscribers/mended.csv", mended)).rejected == []
    ada = Subscriber.objects.get()
    assert (ada.email, ada.first_name, ada.attributes) == ("+ada@reader.example", "=A", {})
    assert Subscription.objects.get().list_name == "letters"


def test_no_cell_of_an_export_begins_a_formula(workspace, join):
    person = join("+ada@reader.example", first_name="=1+1", last_name="@sum")
    person.attributes = {"note": "\t=1", "phone": "+49 431", "=x": "-2"}
    person.save()
    rows = list(csv.reader(io.StringIO(exported(workspace))))
    assert rows[1][0] == "'+ada@reader.example"
    assert not [cell for row in rows for cell in row if cell.startswith(DANGEROUS)]


@given(st.text())
@example("''=1")
@example("＝1")
def test_what_is_disarmed_is_armed_again_as_it_was(text):
    assert not disarmed(text).startswith(DANGEROUS)
    assert armed(disarmed(text)) == text


def test_cells_of_other_tools_are_taken_as_they_are(workspace, write):
    import_people(workspace, write("subscribers/other.csv", "email,first_name\n'+ada@reader.example,'=Ada\n"))
    assert Subscriber.objects.get().email == "'+ada@reader.example"
    assert Subscriber.objects.get().first_name == "'=Ada"


def test_an_export_is_of_a_list_or_a_segment(workspace, cast):
    def names(text):
        return [row["email"].partition("@")[0] for row in csv.DictReader(io.StringIO(text))]

    assert names(exported(workspace, "letters")) == ["hal"]
    assert names(exported(workspace, "newsletter", workspace.segment("movers"))) == ["ben", "cleo"]
    assert len(names(exported(workspace))) == 8


def test_json_lines_hold_all_evidence_of_consent(cast):
    Subscription.objects.filter(subscriber=cast.ada).update(
        consent_how="form", consent_detail="footer", consent_network="192.0.2.0", consent_wording="Yes, please."
    )
    out = io.StringIO()
    assert written(json_lines(records(chosen("newsletter"), "newsletter")), out) == 7
    people = {each["email"]: each for each in map(json.loads, out.getvalue().splitlines())}
    assert people["ada@reader.example"]["subscriptions"][0] | {"consent_at": None} == {
        "list": "newsletter",
        "state": "subscribed",
        "consent_at": None,
        "consent_how": "form",
        "consent_detail": "footer",
        "consent_network": "192.0.2.0",
        "consent_wording": "Yes, please.",
        "left_at": None,
        "left_reason": "",
        "frequency": "every",
        "paused_until": None,
        "asked_at": None,
        "asked_times": 0,
    }
    assert people["gus@reader.example"]["suppressed"] == "by-hand"


TEXT = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ada", "+ada", "'ada", "=ada", "käthe"]), TEXT, TEXT,
            st.lists(TEXT, max_size=3), st.dictionaries(st.sampled_from(["note", "town"]), TEXT, max_size=2),
            st.sampled_from(["subscribed", "pending", "unsubscribed"]),
        ),
        max_size=4, unique_by=lambda each: each[0],
    )
)  # fmt: skip
def test_anybody_comes_back_the_same(workspace, people):
    plain = lambda text: " ".join(text.split())  # noqa: E731  as an import leaves it
    with transaction.atomic():
        for local, first, last, tags, attributes, state in people:
            email, key = known_address(f"{local}@reader.example")
            row = Subscriber.objects.create(
                email=email, email_key=key, needs_smtputf8=not email.isascii(),
                first_name=plain(first), last_name=plain(last), interests=interest_set(tags),
                attributes={name: text.strip() for name, text in attributes.items() if text.strip()},
                created_at="2024-01-17T09:00:00+00:00",
            )  # fmt: skip
            Subscription.objects.create(subscriber=row, list_name="newsletter", state=state)
        before, text = everybody(), exported(workspace)
        for model in (Subscription, Subscriber):
            model.objects.all().delete()
        path = workspace.root / "subscribers" / "own.csv"
        path.write_text(text, encoding="utf-8", newline="")
        assert import_people(workspace, path).rejected == []
        assert everybody() == before
        transaction.set_rollback(True)
