"""Subscribers as a message sees them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from broadsheet.models import Subscriber


@dataclass(frozen=True)
class Reader:
    """One person whom a message is stamped for."""

    id: int
    email: str
    name: str
    values: dict[str, Any]
    """What templates call ``subscriber``. What nobody told us is left out, so that ``default`` works."""
    counted: bool = False
    """Whether they agreed to their clicks and opens being counted by name."""


def readers(ids: Iterable[int]) -> dict[int, Reader]:
    """The readers of those ids, by id."""
    rows = Subscriber.objects.filter(pk__in=list(ids)).select_related("interests")
    return {row.pk: reader_of(row) for row in rows}


def reader_of(row: Subscriber) -> Reader:
    """The subscriber's row as a reader; its interests must be loaded."""
    name = f"{row.first_name} {row.last_name}".strip()
    known = {
        "first_name": row.first_name,
        "last_name": row.last_name,
        "name": name,
        "language": row.language,
        "time_zone": row.time_zone,
    }
    values = {
        **row.attributes,
        **{key: value for key, value in known.items() if value},
        "email": row.email,
        "interests": row.interests.tags,
    }
    return Reader(row.pk, row.email, name, values, row.tracking_consent_at is not None)


def known_attributes() -> frozenset[str]:
    """The names of attributes that subscribers have, looked up among the newest thousand who have any."""
    rows: Any = Subscriber.objects.exclude(attributes={}).order_by("-pk").values_list("attributes", flat=True)[:1000]
    return frozenset(name for attributes in rows for name in attributes)
