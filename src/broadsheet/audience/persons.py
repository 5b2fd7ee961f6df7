"""One row of a file as a person, checked."""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import available_timezones

from broadsheet.audience.addresses import known_address
from broadsheet.audience.carried import Carried, OfList, carried_of
from broadsheet.audience.columns import Layout, attribute_name
from broadsheet.audience.interests import normal_tags, set_key
from broadsheet.audience.languages import normal_language
from broadsheet.audience.moments import moment
from broadsheet.audience.networks import network_of
from broadsheet.audience.spreadsheets import armed
from broadsheet.audience.statuses import WORDS, Standing
from broadsheet.workspace import Attribute

_ZONES = {"": ""} | {name.lower(): name for name in available_timezones()}
LONGEST_NAME, LONGEST_VALUE, MOST_ATTRIBUTES = 200, 10_000, 200


Lists = tuple[tuple[str, Standing], ...]
"""Lists, and what a row says of each."""


class Person(NamedTuple):
    """One row of the file, checked."""

    line: int
    email: str
    email_key: str
    first_name: str
    last_name: str
    language: str
    time_zone: str
    interests: tuple[str, ...]
    lists: Lists
    standing: Standing
    """What the row says of the person."""
    created_at: datetime | None
    consent_at: datetime | None
    consent_network: str
    consent_detail: str
    consent_wording: str
    attributes: dict[str, Any]
    carried: Carried | None = None
    """What an export of our own knows beyond that."""
    again: bool = False
    """Whether only the standing is taken, and only if it is graver than what is there."""


@dataclass(frozen=True)
class Terms:
    """What rows are read by, beside the columns."""

    lists: frozenset[str]
    attributes: Mapping[str, Attribute]
    list_name: str | None
    means: Mapping[str, Standing]
    """What words in a column of statuses mean here, beside :data:`~broadsheet.audience.statuses.WORDS`."""
    truncate_networks: bool
    source: str
    everybody: Standing = Standing.SUBSCRIBED
    """What every row says, beside what it says itself."""


class Unusable(ValueError):
    """A row that is not taken; of ``bare``, if the row says who and that they are not to be mailed, the status is."""

    def __init__(self, reason: str, bare: Person | None = None) -> None:
        super().__init__(reason)
        self.bare = bare


def person_of(line: int, row: list[str], layout: Layout, terms: Terms) -> Person:
    """The row as a person. Raises Unusable with what is wrong."""
    try:
        cells = _cells(row, layout)
        email, key = known_address(cells[layout.fields["email"]])
    except ValueError as error:
        raise Unusable(str(error)) from error
    standing = _standing(cells, layout, terms)
    lists: Lists = ()
    try:
        lists = _lists(cells[layout.lists], terms.lists, terms.list_name)
        carried = _carried(cells, layout, terms) if layout.carried else None
        if carried:
            lists = tuple((name, _graver(says, carried.lists.get(name))) for name, says in lists)
        if standing and not (layout.own and standing.suppression):
            lists = tuple((name, max(says, standing)) for name, says in lists)
            if not lists and standing is Standing.LEFT:  # of no list in particular: of every one
                lists = tuple((name, standing) for name in sorted(terms.lists))
        person = _filled(line, (email, key), (lists, standing), cells, (layout, terms))
        return person._replace(carried=carried) if carried else person
    except ValueError as error:
        bare = Person(line, email, key, "", "", "", "", (), lists, standing, None, None, "", "", "", {}, again=True)
        raise Unusable(str(error), bare if gravest(bare) else None) from error


def gravest(person: Person) -> Standing:
    """The gravest that a row says, of the person or of one of the lists."""
    return max((person.standing, *(says for _, says in person.lists)))


def _carried(cells: Sequence[str], layout: Layout, terms: Terms) -> Carried:
    return carried_of([cells[at] for at in layout.carried], truncate=terms.truncate_networks)


def _graver(says: Standing, kept: OfList | None) -> Standing:
    """What counts of a list if its column and its evidence say different things."""
    return max(says, kept.state) if kept else says


def _filled(  # in one go: a million rows pass here
    line: int, address: tuple[str, str], says: tuple[Lists, Standing], cells: list[str], by: tuple[Layout, Terms]
) -> Person:
    layout, terms = by
    first, last, whole, language, zone, tags, created, agreed, network, how, wording = layout.pick(cells)
    if whole and not first:
        first, _, last = (whole, "", last) if last else whole.partition(" ")
    agreed_at = moment(agreed)
    created_at = moment(created) or agreed_at
    return Person(
        line,
        *address,
        _name("first", first),
        _name("last", last),
        normal_language(language) if language else "",
        _zone(zone),
        _interests(tags),
        *says,
        created_at,
        agreed_at or created_at,
        network_of(network, truncate=terms.truncate_networks) if network else "",
        f"{terms.source}; {how} before"[:300] if how else terms.source,
        wording[:LONGEST_VALUE],
        _attributes(cells, layout, terms),
    )


def _cells(row: list[str], layout: Layout) -> list[str]:
    """The row's cells, one for each column, and an empty one for columns that aren't there.

    Raises ValueError for a row that doesn't fit: its status may be anywhere.
    """
    short = layout.width - len(row)
    if short < 0 and any(cell.strip() for cell in row[layout.width :]):
        raise ValueError(f"has {len(row)} cells, but the first line {layout.width}")
    if short > 0:
        if any(at >= len(row) for at, _, _ in layout.statuses):
            raise ValueError(f"has {len(row)} cells, but the first line {layout.width}")
        row = row + [""] * short
    cells = [armed(cell).strip() for cell in row] if layout.armed else [cell.strip() for cell in row]
    cells.append("")
    return cells


def _name(which: str, text: str) -> str:
    """The words of a name, nothing that can't be printed."""
    if len(text) > LONGEST_NAME:
        raise ValueError(f"the {which} name is longer than {LONGEST_NAME} characters")
    if text.isalnum():
        return text
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def _zone(text: str) -> str:
    found = _ZONES.get(text.lower())
    if found is None:
        raise ValueError(f"“{text[:80]}” is not a time zone; one is Europe/Berlin")
    return found


@lru_cache(maxsize=20_000)
def _interests(text: str) -> tuple[str, ...]:
    """The tags of a cell, parted by commas or semicolons; a tag that holds one stands in quotes."""
    if not text:
        return ()
    parts = text.replace(";", ",").split(",") if '"' not in text else _quoted(text)
    tags = normal_tags(parts)
    set_key(tags)
    return tags


def _quoted(text: str) -> list[str]:
    found: list[str] = []
    for row in csv.reader(
        io.StringIO(text), delimiter=";" if '";' in text or ';"' in text else ",", skipinitialspace=True
    ):
        found += row
    return found


@lru_cache(maxsize=5_000)
def _lists(text: str, known: frozenset[str], list_name: str | None) -> Lists:
    """``newsletter;letters:unsubscribed``: lists, each with a status of its own if one is given."""
    found = []
    for part in text.replace(",", ";").split(";"):
        name, _, word = (each.strip() for each in part.partition(":"))
        if not name:
            continue
        if name not in known:
            listed = ", ".join(sorted(known)) or "none yet"
            raise ValueError(f"there is no list “{name[:80]}”; there is: {listed}")
        found.append((name, WORDS.get(word.lower(), Standing.DOUBTFUL) if word else Standing.SUBSCRIBED))
    return tuple(found) or (((list_name, Standing.SUBSCRIBED),) if list_name else ())


def _standing(cells: Sequence[str], layout: Layout, terms: Terms) -> Standing:
    gravest = terms.everybody
    for at, _, read in layout.statuses:
        cell = cells[at]
        says = terms.means.get(cell.lower()) if terms.means else None
        gravest = max(gravest, read(cell) if says is None else says)
    return gravest


# Attributes


def _attributes(cells: Sequence[str], layout: Layout, terms: Terms) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for at in layout.json:
        if cells[at]:
            found |= _from_json(cells[at], terms)
    for at, name in layout.attributes:
        if cell := cells[at]:
            found[name] = _typed(name, cell, terms.attributes)
    return found


def _from_json(text: str, terms: Terms) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict) or len(parsed) > MOST_ATTRIBUTES:
        raise ValueError("its column of attributes is not a JSON object")
    found = {}
    for key, value in parsed.items():
        name = attribute_name(key)
        if name and value not in (None, "", [], {}):
            plain = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            found[name] = _typed(name, plain.strip(), terms.attributes)
    return found


def _typed(name: str, cell: str, declared: Mapping[str, Attribute]) -> Any:
    if len(cell) > LONGEST_VALUE:
        raise ValueError(f"{name} is longer than {LONGEST_VALUE:,} characters")
    if not cell.isprintable():
        cell = "".join(each for each in cell if each.isspace() or each.isprintable())
    if name not in declared or (attribute := declared[name]).type == "text":
        return cell
    return _OF_TYPE[attribute.type](name, cell, attribute)


def _number(name: str, cell: str, _: Attribute) -> int | float:
    if cell.isascii() and cell.isdigit() and len(cell) < 16:
        return int(cell)
    plain = cell.replace(" ", "").replace(",", ".") if cell.count(",") == 1 and "." not in cell else cell
    if re.fullmatch(r"[+-]?\d{1,15}", plain, re.ASCII):
        return int(plain)
    if re.fullmatch(r"[+-]?\d{0,15}\.?\d{1,15}(?:[eE][+-]?\d{1,2})?", plain, re.ASCII):
        return float(plain)
    raise ValueError(f"{name} is “{cell[:80]}”, which is not a number")


def _date(name: str, cell: str, _: Attribute) -> str:
    try:
        return _day(cell)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


@lru_cache(maxsize=20_000)
def _day(text: str) -> str:
    found = moment(text)
    return found.date().isoformat() if found else ""


def _yes_or_no(name: str, cell: str, _: Attribute) -> bool:
    word = cell.lower()
    if word in ("yes", "y", "true", "t", "1", "on"):
        return True
    if word in ("no", "n", "false", "f", "0", "off"):
        return False
    raise ValueError(f"{name} is “{cell[:80]}”, which is neither yes nor no")


def _choice(name: str, cell: str, attribute: Attribute) -> str:
    found = next((each for each in attribute.choices if each.lower() == cell.lower()), None)
    if found is None:
        raise ValueError(f"{name} is “{cell[:80]}”; allowed: {', '.join(attribute.choices)}")
    return found


_OF_TYPE: dict[str, Callable[[str, str, Attribute], Any]] = {
    "number": _number,
    "date": _date,
    "yes/no": _yes_or_no,
    "choice": _choice,
}
