"""People out of the database, streaming: CSV for spreadsheets and for importing again, JSON Lines for programs."""

import csv
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import IO, Any

from django.db.models import Q, QuerySet

from broadsheet.audience.columns import OWN_HEADER
from broadsheet.audience.segments import segment_query
from broadsheet.audience.spreadsheets import disarmed
from broadsheet.audience.suppression import suppressions_of
from broadsheet.audience.wishes import frequency_name
from broadsheet.models import Subscriber, Subscription, SubscriptionState
from broadsheet.workspace import Segment, Workspace

BATCH = 2_000


def chosen(list_name: str | None = None, segment: Segment | None = None) -> QuerySet[Subscriber]:
    """The people to export: everybody ever on the list, in the segment, or all there are; oldest first."""
    people = Subscriber.objects.select_related("interests").order_by("pk")
    if list_name is not None:
        people = people.filter(pk__in=Subscription.objects.filter(list_name=list_name).values("subscriber_id"))
    return people.filter(segment_query(segment) if segment is not None else Q())


def records(people: QuerySet[Subscriber], list_name: str | None = None) -> Iterator[dict[str, Any]]:
    """Each person as plain data: ``{email, …, subscriptions: [{list, state, …}], suppressed}``.

    With a list, only what they said to it. A batch of people is in memory at a time.
    """
    rows = people.iterator(chunk_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        consents: dict[int, list[Subscription]] = {}
        found = Subscription.objects.filter(subscriber__in=[row.pk for row in batch]).order_by("list_name")
        for each in found.filter(list_name=list_name) if list_name else found:
            consents.setdefault(each.subscriber_id, []).append(each)
        suppressed = suppressions_of(row.email_key for row in batch)
        for row in batch:
            yield record(row, consents.get(row.pk, []), suppressed.get(row.email_key, ""))


def record(row: Subscriber, consents: Iterable[Subscription], suppressed: str) -> dict[str, Any]:
    """One person as plain data."""
    return {
        "email": row.email,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "language": row.language,
        "time_zone": row.time_zone,
        "interests": row.interests.tags,
        "attributes": row.attributes,
        "created": row.created_at.isoformat(),
        "source": row.source,
        "needs_smtputf8": row.needs_smtputf8,
        "suppressed": suppressed,
        "tracking_consent_at": _moment(row.tracking_consent_at),
        "tracking_consent_wording": row.tracking_consent_wording,
        "subscriptions": [consent_record(each) for each in consents],
    }


def consent_record(each: Subscription) -> dict[str, Any]:
    """One subscription with its evidence as plain data."""
    return {
        "list": each.list_name,
        "state": each.state,
        "consent_at": _moment(each.consent_at),
        "consent_how": each.consent_how,
        "consent_detail": each.consent_detail,
        "consent_network": each.consent_network,
        "consent_wording": each.consent_wording,
        "left_at": _moment(each.left_at),
        "left_reason": each.left_reason,
        "frequency": frequency_name(each.frequency),
        "paused_until": _moment(each.paused_until),
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def json_lines(found: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Each person as a line of JSON."""
    for each in found:
        yield json.dumps(each, ensure_ascii=False) + "\n"


def csv_lines(workspace: Workspace, people: QuerySet[Subscriber], list_name: str | None = None) -> Iterator[str]:
    """A line of names, then one of CSV for each person, safe in a spreadsheet. An import takes them back as they are.

    The attributes that any of them have stand after the columns of :data:`~broadsheet.audience.columns.OWN_HEADER`.
    """
    names = attribute_names(workspace, people)
    writer = csv.writer(_Echo())
    yield writer.writerow([*OWN_HEADER, *map(disarmed, names)])
    for each in records(people, list_name):
        yield writer.writerow([disarmed(cell) for cell in _cells(each, names)])


class _Echo:
    """What a CSV writer writes comes back from it at once."""

    def write(self, text: str) -> str:
        return text


def written(lines: Iterable[str], out: IO[str]) -> int:
    """Write the lines; how many."""
    count = 0
    for line in lines:
        out.write(line)
        count += 1
    return count


def attribute_names(workspace: Workspace, people: QuerySet[Subscriber]) -> list[str]:
    """The attributes that any of the people have: those that are declared first, in their order."""
    found: set[str] = set()
    rows = people.exclude(attributes={}).order_by().values_list("attributes", flat=True)
    for attributes in rows.iterator(chunk_size=BATCH):
        found.update(attributes)
    declared = list(workspace.lists.attributes)
    return [name for name in declared if name in found] + sorted(found.difference(declared))


def _cells(person: dict[str, Any], names: list[str]) -> Iterator[str]:
    consents = person["subscriptions"]
    agreed = next((each for each in consents if each["state"] == SubscriptionState.SUBSCRIBED), None)
    agreed = agreed or (consents[0] if consents else {})
    for name in OWN_HEADER:
        if name == "interests":
            yield ";".join(_tag(tag) for tag in person["interests"])
        elif name == "lists":
            yield ";".join(_list(each) for each in consents)
        elif name == "status":
            yield person["suppressed"] or "subscribed"
        elif name.startswith("consent_"):
            yield agreed.get(name) or ""
        else:
            yield person[name]
    for name in names:
        yield _value(person["attributes"].get(name))


def _tag(tag: str) -> str:
    return '"' + tag.replace('"', '""') + '"' if any(sign in tag for sign in ';,"') else tag


def _list(consent: dict[str, Any]) -> str:
    state = consent["state"]
    return str(consent["list"]) + ("" if state == SubscriptionState.SUBSCRIBED else f":{state}")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str("" if value is None else value if isinstance(value, str) else json.dumps(value))
