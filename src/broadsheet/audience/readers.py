"""Subscribers as a message sees them."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import connection

from broadsheet.models import Subscriber
from broadsheet.models.among import among

#: Plain SQL, as a sender asks for every copy: Django's own takes three times as long for a row.
_ROWS = (
    "SELECT id, email, first_name, last_name, language, time_zone, CAST(attributes AS TEXT), interests_id,"
    " tracking_consent_at IS NOT NULL FROM broadsheet_subscriber"
)
_TAGS = "SELECT id, CAST(tags AS TEXT) FROM broadsheet_interestset"


@dataclass(slots=True)
class Reader:
    """One person whom a message is stamped for."""

    id: int
    email: str
    name: str
    values: dict[str, Any]
    """What templates call ``subscriber``. What nobody told us is left out, so that ``default`` works."""
    counted: bool = False
    """Whether they agreed to their clicks and opens being counted by name."""


def readers(ids: Collection[int]) -> dict[int, Reader]:
    """The readers of those ids, by id."""
    condition, chosen = among("id", ids)
    with connection.cursor() as cursor:
        cursor.execute(f"{_ROWS} WHERE {condition}", [chosen])
        rows = cursor.fetchall()
        condition, chosen = among("id", {row[-2] for row in rows})
        cursor.execute(f"{_TAGS} WHERE {condition}", [chosen])
        tags = {pk: json.loads(written) for pk, written in cursor.fetchall()}
    return {
        pk: _reader((pk, email, agreed), (first, last), (language, zone), _attributes(attributes), tags[interests])
        for pk, email, first, last, language, zone, attributes, interests, agreed in rows
    }


def _attributes(written: str) -> dict[str, Any]:
    return {} if written == "{}" else json.loads(written)


def reader_of(row: Subscriber) -> Reader:
    """The subscriber's row as a reader; its interests must be loaded."""
    who = row.pk, row.email, row.tracking_consent_at is not None
    names, places = (row.first_name, row.last_name), (row.language, row.time_zone)
    return _reader(who, names, places, row.attributes, row.interests.tags)


def _reader(
    who: tuple[int, str, bool],
    names: tuple[str, str],
    places: tuple[str, str],
    attributes: dict[str, Any],
    tags: list[str],
) -> Reader:
    pk, email, agreed = who
    first, last = names
    language, zone = places
    name = f"{first} {last}".strip()
    values = dict(attributes)
    if first:
        values["first_name"] = first
    if last:
        values["last_name"] = last
    if name:
        values["name"] = name
    if language:
        values["language"] = language
    if zone:
        values["time_zone"] = zone
    values["email"] = email
    values["interests"] = tags
    return Reader(pk, email, name, values, bool(agreed))


def known_attributes() -> frozenset[str]:
    """The names of attributes that subscribers have, looked up among the newest thousand who have any."""
    rows: Any = Subscriber.objects.exclude(attributes={}).order_by("-pk").values_list("attributes", flat=True)[:1000]
    return frozenset(name for attributes in rows for name in attributes)
