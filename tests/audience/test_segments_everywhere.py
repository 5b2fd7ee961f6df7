"""Every rule, under every key and nested, against rules written a second time in plain Python, and on both databases."""

import json
import os
import subprocess
import sys
from datetime import date, timedelta

import pytest
from django.utils import timezone
from tests.audience.population import LISTS, SEGMENTS, fill, members, segments
from tests.conftest import fill as fill_workspace

from broadsheet.models import Delivery, Edition, Event, Subscriber
from broadsheet.workspace import Workspace


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    workspace = fill_workspace(tmp_path_factory.mktemp("segments"))
    (workspace.root / "subscribers/lists.yaml").write_text(LISTS)
    (workspace.root / "subscribers/segments.yaml").write_text(SEGMENTS)
    (workspace.root / "campaigns/other.md").write_text((workspace.root / "campaigns/letter.md").read_text())
    return Workspace(workspace.root)


# The rules a second time


def since(text):
    return timezone.now() - timedelta(days=int(text[:-1])) if text.endswith("d") else None


def day(value):
    """A day, or the day a span ago."""
    return (since(value).date() if since(value) else date.fromisoformat(value)).isoformat()


def attribute(rule, person):
    (test, wanted), name = next((key, value) for key, value in rule.items() if key != "name"), rule["name"]
    there = name in person.attributes
    if test == "exists":
        return there == wanted
    value = person.attributes.get(name)
    negative = test in ("!=", "not_in")
    if name == "visit":
        wanted = [day(each) for each in wanted] if isinstance(wanted, list) else day(wanted)
    first = wanted[0] if isinstance(wanted, list) else wanted
    number = isinstance(first, int | float) and not isinstance(first, bool)
    if not there or (number != (isinstance(value, int | float) and not isinstance(value, bool))):
        return negative
    if isinstance(first, bool) != isinstance(value, bool):
        return negative
    result = {
        "=": lambda: value == wanted,
        "!=": lambda: value != wanted,
        "in": lambda: value in wanted,
        "not_in": lambda: value not in wanted,
        "contains": lambda: wanted.lower() in value.lower(),
        "starts": lambda: value.lower().startswith(wanted.lower()),
        "<": lambda: value < wanted,
        ">": lambda: value > wanted,
        "between": lambda: wanted[0] <= value <= wanted[1],
    }
    return result[test]()


def mails(kind):
    def had(rule, person):
        if kind == "got":
            rows = [(row.edition, row.edition.scheduled_for) for row in person.copies if row.state == "sent"]
        else:
            rows = [(row.edition, row.at) for row in person.answers if row.kind == kind]
        return any(
            (rule.get("edition") in (None, edition.pk))
            and (rule.get("campaign") in (None, edition.campaign.slug))
            and ("within" not in rule or at >= since(rule["within"]))
            for edition, at in rows
        )

    return had


def joined(rule, person):
    after, before = rule.get("after"), rule.get("before")
    moment = person.created_at
    return not (
        (after and (moment < since(after) if since(after) else moment.date().isoformat() < after))
        or (before and (moment >= since(before) if since(before) else moment.date().isoformat() >= before))
    )


def listed(value):
    return value if isinstance(value, list) else [value]


def interests(rule, person):
    tags = set(person.interests.tags)
    return (
        (not rule.get("any") or bool(tags & set(rule["any"])))
        and tags >= set(rule.get("all", ()))
        and not tags & set(rule.get("none", ()))
    )


BY_HAND = {
    "list": lambda names, person: bool(person.on & set(listed(names))),
    "interests": interests,
    "attribute": attribute,
    "language": lambda names, person: person.language in listed(names),
    "zone": lambda names, person: person.time_zone in listed(names),
    "joined": joined,
    "got": mails("got"),
    "opened": mails("opened"),
    "clicked": mails("clicked"),
    "never_engaged": lambda never, person: never != bool(person.answers),
    "domain": lambda names, person: person.email.partition("@")[2] in {n.lower().lstrip("@") for n in names},
    "segment": lambda named, person: any(
        holds(GERMANS if isinstance(each, str) else each, person) for each in listed(named)
    ),
}
GERMANS = {"all": [{"attribute": {"name": "country", "=": "DE"}}, {"list": "newsletter"}]}


def holds(segment, person):
    answers = {
        key: [BY_HAND[kind](given, person) for rule in segment.get(key, ()) for kind, given in rule.items()]
        for key in ("all", "any", "none")
    }
    return all(answers["all"]) and (any(answers["any"]) or not answers["any"]) and not any(answers["none"])


@pytest.mark.django_db
def test_every_rule_finds_whom_it_says_alone_negated_mixed_and_nested(here):
    fill()
    first = Edition.objects.order_by("pk").values_list("pk", flat=True)[0]
    people = list(Subscriber.objects.select_related("interests"))
    for person in people:
        person.on = set(person.subscriptions.filter(state="subscribed").values_list("list_name", flat=True))
        person.copies = list(Delivery.objects.filter(subscriber=person).select_related("edition__campaign"))
        person.answers = list(Event.objects.filter(subscriber=person).select_related("edition__campaign"))
    assert first == 1, "the rules name editions by their numbers"
    found, different = members(here), set()
    for name, segment in segments().items():
        assert found[name] == sorted(p.email[1:3] for p in people if holds(segment, p)), (name, segment)
        different.add(tuple(found[name]))
    assert len(different) > 100, "segments that all find the same would show nothing"


@pytest.mark.django_db
def test_postgresql_finds_the_same_people(here, database):
    fill()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("BROADSHEET")}
    environment |= {"BROADSHEET_WORKSPACE": str(here.root), "BROADSHEET_DATABASE": database}
    environment |= {"DJANGO_SETTINGS_MODULE": "broadsheet.settings"}
    command = [sys.executable, "-m", "tests.audience.population", str(here.root)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == members(here)
