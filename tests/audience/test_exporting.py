"""People out, and in again: the same people, and nothing a spreadsheet would run."""

import csv
import io
import json

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

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
