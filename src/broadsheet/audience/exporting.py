"""People out of the database, streaming: CSV for spreadsheets and for importing again, JSON Lines for programs."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import IO, Any, NamedTuple

from django.db import connection
from django.db.models import Q, QuerySet

from broadsheet.audience.carried import CARRIED, lists_cell, tracking_cell
from broadsheet.audience.columns import OWN_HEADER
from broadsheet.audience.interests import tags_cell
from broadsheet.audience.segments import segment_query
from broadsheet.audience.spreadsheets import disarmed
from broadsheet.audience.suppression import Suppressed, suppressions_of
from broadsheet.audience.wishes import frequency_name
from broadsheet.models import InterestSet, Subscriber, Subscription, SubscriptionState
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
        found = Subscription.objects.filter(subscriber_id__among={row.pk for row in batch}).order_by("list_name")
        for each in found.filter(list_name=list_name) if list_name else found:
            consents.setdefault(each.subscriber_id, []).append(each)
        suppressed = suppressions_of(row.email_key for row in batch)
        for row in batch:
            yield record(row, consents.get(row.pk, []), suppressed.get(row.email_key, Suppressed()))


def record(row: Subscriber, consents: Iterable[Subscription], suppressed: Suppressed) -> dict[str, Any]:
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
        "suppressed": suppressed.reason,
        "suppressed_at": _moment(suppressed.at),
        "suppressed_detail": suppressed.detail,
        "tracking_consent_at": _moment(row.tracking_consent_at),
        "tracking_consent_wording": row.tracking_consent_wording,
        "subscriptions": [consent_record(each) for each in consents],
    }


def consent_record(each: "Subscription | _Consent") -> dict[str, Any]:
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
        "asked_at": _moment(each.asked_at),
        "asked_times": each.asked_times,
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def json_lines(found: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Each person as a line of JSON."""
    for each in found:
        yield json.dumps(each, ensure_ascii=False) + "\n"


def csv_lines(workspace: Workspace, people: QuerySet[Subscriber], list_name: str | None = None) -> Iterator[str]:
    """A line of names, then one of CSV for each person, safe in a spreadsheet. An import takes them back as they are.

    What a spreadsheet shows well stands in :data:`~broadsheet.audience.columns.OWN_HEADER`, all the rest that is kept
    in :data:`~broadsheet.audience.carried.CARRIED`, and then come the attributes that any of them have.
    """
    names = attribute_names(workspace, people)
    writer, tags = csv.writer(_Echo()), _Tags()
    yield writer.writerow([*OWN_HEADER, *CARRIED, *map(disarmed, names)])
    rows = people.select_related(None).values_list(*_COLUMNS).iterator(chunk_size=BATCH)
    while batch := [_Person(*row) for row in islice(rows, BATCH)]:
        consents = _consents([person.pk for person in batch], list_name)
        suppressed = suppressions_of(person.email_key for person in batch)
        interests = tags.of({person.interests for person in batch})
        for person in batch:
            cells = (
                *(person.email, person.first_name, person.last_name, person.language, person.time_zone),
                interests[person.interests],
                *_said(person, consents.get(person.pk, []), suppressed.get(person.email_key, Suppressed())),
                *(_value(person.attributes.get(name)) for name in names),
            )
            yield writer.writerow([disarmed(cell) for cell in cells])


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


class _Person(NamedTuple):
    """What a line of CSV needs of a person, in the order of :data:`_COLUMNS`: rows are read as tuples."""

    pk: int
    email_key: str
    email: str
    first_name: str
    last_name: str
    language: str
    time_zone: str
    interests: int
    attributes: dict[str, Any]
    created_at: datetime
    source: str
    tracking_consent_at: datetime | None
    tracking_consent_wording: str


class _Consent(NamedTuple):
    """What it needs of a subscription."""

    subscriber_id: int
    list_name: str
    state: str
    consent_at: datetime | None
    consent_how: str
    consent_detail: str
    consent_network: str
    consent_wording: str
    left_at: datetime | None
    left_reason: str
    frequency: int | None
    paused_until: datetime | None
    asked_at: datetime | None
    asked_times: int


_COLUMNS = (*_Person._fields[:7], "interests_id", *_Person._fields[8:])


class _Tags:
    """Sets of interests as cells: many people share few."""

    _ROOM = 50_000

    def __init__(self) -> None:
        self._known: dict[int, str] = {}

    def of(self, sets: set[int]) -> Mapping[int, str]:
        """The cells of these."""
        if len(self._known) > self._ROOM:
            self._known.clear()
        unknown = InterestSet.objects.filter(pk__among=sets - self._known.keys())
        self._known.update({row.pk: tags_cell(row.tags) for row in unknown})
        return self._known


def _consents(people: list[int], list_name: str | None) -> dict[int, list[_Consent]]:
    found = Subscription.objects.filter(subscriber_id__among=set(people)).order_by("subscriber_id", "list_name")
    found = found.filter(list_name=list_name) if list_name else found
    by_person: dict[int, list[_Consent]] = {}
    for row in found.values_list(*_Consent._fields):
        by_person.setdefault(row[0], []).append(_Consent(*row))
    return by_person


def _said(person: _Person, consents: list[_Consent], suppressed: Suppressed) -> Iterator[str]:
    """The columns from the lists to the last one before the attributes."""
    agreed = next((each for each in consents if each.state == SubscriptionState.SUBSCRIBED), None)
    agreed = agreed or (consents[0] if consents else None)
    yield ";".join(_list(each) for each in consents)
    yield suppressed.reason or "subscribed"
    yield person.created_at.isoformat()
    yield (agreed and _moment(agreed.consent_at)) or ""
    yield from (agreed.consent_how, agreed.consent_network, agreed.consent_wording) if agreed else ("", "", "")
    yield person.source
    yield _moment(suppressed.at) or ""
    yield suppressed.detail
    yield tracking_cell(_moment(person.tracking_consent_at), person.tracking_consent_wording)
    yield lists_cell([consent_record(each) for each in consents])


def attribute_names(workspace: Workspace, people: QuerySet[Subscriber]) -> list[str]:
    """The attributes that any of the people have: those that are declared first, in their order."""
    chosen_sql, parameters = people.select_related(None).order_by().values("pk").query.sql_with_params()
    each = "jsonb_object_keys(p.attributes)" if connection.vendor == "postgresql" else "json_each.key"
    more = "" if connection.vendor == "postgresql" else ", json_each(p.attributes)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT {each} FROM broadsheet_subscriber p{more} WHERE p.id IN ({chosen_sql})",  # noqa: S608
            parameters,
        )
        found = {name for (name,) in cursor.fetchall()}
    declared = list(workspace.lists.attributes)
    return [name for name in declared if name in found] + sorted(found.difference(declared))


def _list(consent: _Consent) -> str:
    name = consent.list_name
    return name if consent.state == SubscriptionState.SUBSCRIBED else f"{name}:{consent.state}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str("" if value is None else value if isinstance(value, str) else json.dumps(value))
