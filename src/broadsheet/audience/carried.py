"""What an export of Broadsheet's own carries of a person beside what any file of people says, so that it comes back."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from broadsheet.audience.moments import moment
from broadsheet.audience.networks import network_of
from broadsheet.audience.statuses import WORDS, Standing
from broadsheet.audience.wishes import FREQUENCIES
from broadsheet.models import ConsentHow

#: The columns it stands in, after those of :data:`~broadsheet.audience.columns.OWN_HEADER`.
CARRIED = ("source", "suppressed_at", "suppressed_detail", "tracking_consent", "subscriptions")
#: As ``json.dumps`` would, which makes an encoder anew each time.
as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_HOWS = frozenset(("", *ConsentHow.values))


class OfList(NamedTuple):
    """All that a subscription has."""

    state: Standing
    how: str
    detail: str
    network: str
    wording: str
    left_reason: str
    consent_at: datetime | None
    left_at: datetime | None
    frequency: int | None
    paused_until: datetime | None
    asked_at: datetime | None
    asked_times: int


class Carried(NamedTuple):
    """What one row carries."""

    source: str
    suppressed_at: datetime | None
    suppressed_detail: str
    tracking_at: datetime | None
    tracking_wording: str
    lists: Mapping[str, OfList]


def carried_of(cells: Sequence[str], *, truncate: bool) -> Carried:
    """The cells of :data:`CARRIED` as what they carry. Raises ValueError for what no export writes."""
    source, suppressed_at, detail, tracking, lists = cells
    return Carried(
        source[:200],
        moment(suppressed_at),
        detail[:300],
        *(_tracking(tracking) if tracking else (None, "")),
        _lists(lists, truncate=truncate),
    )


def tracking_cell(at: str | None, wording: str) -> str:
    """The consent to be counted by name as a cell; JSON, as a wording may have lines and spaces of its own."""
    return as_json([at, wording]) if at or wording else ""


def lists_cell(subscriptions: Sequence[Mapping[str, Any]]) -> str:
    """Subscriptions, each as a mapping of their fields, as a cell; what is empty is left out."""
    found = [{name: value for name, value in each.items() if value} for each in subscriptions]
    return as_json(found) if found else ""


def _tracking(cell: str) -> tuple[datetime | None, str]:
    try:
        at, wording = json.loads(cell)
        return moment(at or ""), "" + wording
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("its column `tracking_consent` is not as an export writes it") from error


def _lists(cell: str, *, truncate: bool) -> dict[str, OfList]:
    if not cell:
        return {}
    try:
        return {each["list"]: _of_list(each, truncate=truncate) for each in json.loads(cell)}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError("its column `subscriptions` is not as an export writes it") from error


def _of_list(given: Mapping[str, Any], *, truncate: bool) -> OfList:
    def text(name: str) -> str:
        value = given.get(name)
        if not value:
            return ""
        if type(value) is not str:
            raise TypeError(name)
        return value

    how, network, times = text("consent_how"), text("consent_network"), given.get("asked_times") or 0
    if how not in _HOWS or not isinstance(times, int) or not 0 <= times < 100:
        raise ValueError(how)
    return OfList(
        WORDS[text("state")],
        how,
        text("consent_detail")[:300],
        network_of(network, truncate=truncate) if network else "",
        text("consent_wording"),
        text("left_reason")[:300],
        moment(text("consent_at")),
        moment(text("left_at")),
        FREQUENCIES[text("frequency") or "every"],
        moment(text("paused_until")),
        moment(text("asked_at")),
        times,
    )
