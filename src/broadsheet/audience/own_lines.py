"""A JSON Lines export of Broadsheet's own as rows, as its CSV would have them."""

import json
import re
from collections.abc import Iterator
from typing import Any

from broadsheet.audience.carried import CARRIED, as_json, tracking_cell
from broadsheet.audience.columns import ALL_ATTRIBUTES, OWN_HEADER
from broadsheet.audience.interests import tags_cell
from broadsheet.audience.lines import BadRow, Lines
from broadsheet.audience.spreadsheets import disarmed

HEADER = [*OWN_HEADER, *CARRIED, ALL_ATTRIBUTES]
#: What a line holds, and of which type; older exports lack some.
_TYPES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("email", "first_name", "last_name", "language", "time_zone", "created", "source"), str),
    **dict.fromkeys(("suppressed", "suppressed_detail", "tracking_consent_wording"), str),
    **dict.fromkeys(("suppressed_at", "tracking_consent_at"), (str, type(None))),
    "needs_smtputf8": bool, "interests": list, "attributes": dict, "subscriptions": list,
}  # fmt: skip
#: Texts in a line that may be no JSON.
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_NONE = "is not a person as an export of Broadsheet writes one; import other files as CSV"


def rows_of(lines: Lines) -> Iterator[tuple[int, list[str] | BadRow]]:
    """Each line with its number; a row has a cell for each of :data:`HEADER`."""
    for line in lines:
        lines.taken.clear()
        for number, row in lines.left_out():
            yield number, _bad(row.reason, row.text)
        if line.strip():
            yield lines.number, _row(line)


def _row(line: str) -> list[str] | BadRow:
    try:
        given = json.loads(line)
        return [disarmed(cell) for cell in _cells(given)]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return _bad(_NONE, line.rstrip("\n"))


def _bad(reason: str, line: str) -> BadRow:
    return BadRow(reason, line, _QUOTED.findall(line))


def _cells(given: dict[str, Any]) -> list[str]:
    """Raises TypeError or KeyError for other names and types than an export has."""
    for name, value in given.items():
        if not isinstance(value, _TYPES[name]):  # a name that isn't known might say that they left
            raise TypeError(_NONE)
    get, lists, attributes = given.get, given["subscriptions"], given.get("attributes")
    return [
        given["email"], get("first_name", ""), get("last_name", ""), get("language", ""), get("time_zone", ""),
        tags_cell(get("interests", ())),
        ";".join([f"{each['list']}:{each['state']}" for each in lists]),
        given["suppressed"] or "subscribed",
        get("created", ""),
        *("", "", "", ""),
        get("source", ""), get("suppressed_at") or "", get("suppressed_detail", ""),
        tracking_cell(get("tracking_consent_at"), get("tracking_consent_wording", "")),
        as_json(lists) if lists else "",
        as_json(attributes) if attributes else "",
    ]  # fmt: skip
