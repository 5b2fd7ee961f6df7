"""People from a CSV file. When in doubt, the safer state."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from django.db import transaction
from django.utils import timezone
from email_validator import EmailNotValidError, validate_email

from broadsheet.audience.interests import interest_set, normal_tags
from broadsheet.errors import BroadsheetError
from broadsheet.models import (
    InterestSet,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    SuppressionReason,
)
from broadsheet.workspace import Workspace
from broadsheet.workspace.reading import read_text

if TYPE_CHECKING:
    import _csv

#: How files call what we call a column; matched without case, ``_``, ``-`` and spaces.
COLUMNS: dict[str, tuple[str, ...]] = {
    "email": ("email", "emailaddress", "mail", "address"),
    "first_name": ("firstname", "givenname", "forename"),
    "last_name": ("lastname", "surname", "familyname"),
    "language": ("language", "lang", "locale"),
    "time_zone": ("timezone", "tz", "zone"),
    "interests": ("interests", "tags", "topics"),
    "lists": ("lists", "list"),
    "status": ("status", "state"),
    "created": ("created", "createdat", "subscribedat", "joined", "optintime"),
}

#: What an export says of a person, to what we may do. A word that isn't here never makes anyone mailable.
STATUSES: dict[str, SubscriptionState] = {
    "": SubscriptionState.PENDING,
    "unsubscribed": SubscriptionState.UNSUBSCRIBED,
    "subscribed": SubscriptionState.SUBSCRIBED,
    "active": SubscriptionState.SUBSCRIBED,
    "confirmed": SubscriptionState.SUBSCRIBED,
    "pending": SubscriptionState.PENDING,
    "unconfirmed": SubscriptionState.PENDING,
}
#: A file without that column is a list of people who subscribed; an empty cell in one that has it is a doubt.
NO_STATUS_COLUMN = "subscribed"
SUPPRESSING: dict[str, SuppressionReason] = {
    "suppressed": SuppressionReason.BY_HAND,
    "cleaned": SuppressionReason.DEAD,
    "bounced": SuppressionReason.DEAD,
    "complained": SuppressionReason.COMPLAINED,
}
BATCH = 1000
_ZONES = available_timezones()


@dataclass(frozen=True)
class RejectedLine:
    """A line that was not taken."""

    line: int
    reason: str


@dataclass(frozen=True)
class ImportReport:
    """What an import did. Columns nobody knew became attributes."""

    read: int
    added: int
    updated: int
    unchanged: int
    rejected: tuple[RejectedLine, ...]


@dataclass(frozen=True)
class Person:
    """One line of the file, checked."""

    line: int
    email: str
    email_key: str
    first_name: str
    last_name: str
    language: str
    time_zone: str
    interests: tuple[str, ...]
    lists: tuple[str, ...]
    state: SubscriptionState
    leaves: bool
    """Whether the line says in so many words that they have left."""
    suppression: SuppressionReason | None
    created_at: datetime
    attributes: dict[str, str] = field(default_factory=dict)


def import_people(workspace: Workspace, file: Path, list_name: str | None = None) -> ImportReport:
    """Takes the people in a CSV file; a second run of the same file changes nothing.

    An import adds people and fills in their data, and takes whom the file calls unsubscribed off the list; it
    never subscribes again who has left one, and never lifts a suppression. Raises BroadsheetError if the file
    can't be read or has no column of addresses.
    """
    people, rejected, read = _read(workspace, file, list_name)
    counts = {"added": 0, "updated": 0, "unchanged": 0}
    for start in range(0, len(people), BATCH):
        with transaction.atomic():
            _take(people[start : start + BATCH], file.name, counts)
    return ImportReport(read=read, rejected=tuple(rejected), **counts)


def _read(workspace: Workspace, file: Path, list_name: str | None) -> tuple[list[Person], list[RejectedLine], int]:
    try:
        text = read_text(file)
    except OSError as error:
        raise BroadsheetError(f"{file} can't be read ({error.strerror}); check its name.") from error
    except ValueError as error:
        raise BroadsheetError(f"{file} {error}; export it as CSV.") from error
    if not text:
        raise BroadsheetError(f"{file} is empty; nothing was imported.")
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    try:
        columns = _columns(next(reader))
    except (csv.Error, ValueError) as error:
        raise BroadsheetError(f"{file}: the first line can't be read: {error}.") from error
    if "email" not in columns:
        raise BroadsheetError(f"{file} has no column of addresses; its first line must name one `email`.")
    known_lists = workspace.lists.lists
    if list_name is not None and list_name not in known_lists:
        raise BroadsheetError(f"There is no list “{list_name}”; there is: {', '.join(sorted(known_lists))}.")
    people: dict[str, Person] = {}
    rejected: list[RejectedLine] = []
    read = 0
    for line, row in _rows(reader, rejected):
        if not any(cell.strip() for cell in row):
            continue
        read += 1
        try:
            person = _person(line, _cells(columns, row), list_name)
            _refuse_unusable(person, people, list(known_lists))
        except ValueError as error:
            rejected.append(RejectedLine(line, str(error)))
            continue
        people[person.email_key] = person
    return list(people.values()), rejected, read


def _refuse_unusable(person: Person, before: dict[str, Person], known_lists: list[str]) -> None:
    if unknown := [name for name in person.lists if name not in known_lists]:
        raise ValueError(f"there is no list “{unknown[0]}”; there is: {', '.join(sorted(known_lists))}")
    if person.email_key in before:
        raise ValueError(f"the same address as line {before[person.email_key].line}")


def _rows(reader: "_csv.Reader", rejected: list[RejectedLine]) -> Iterator[tuple[int, list[str]]]:
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            rejected.append(RejectedLine(reader.line_num, f"not CSV: {error}"))
            continue
        yield reader.line_num, row


def _columns(header: list[str]) -> list[str]:
    """What each column is for; where several would do (``email`` and ``address``), the one that says it best.

    Raises ValueError for two that say it equally well: one of them could hold what the other denies.
    """
    plain = ["".join(character for character in name.lower() if character.isalnum()) for name in header]
    columns = ["_".join(name.lower().replace("-", " ").split()) for name in header]
    for column, names in COLUMNS.items():
        best = next((name for name in names if name in plain), None)
        if best is not None and plain.count(best) > 1:
            raise ValueError(f"it names `{column}` twice; rename one of the two")
        if best is not None:
            columns[plain.index(best)] = column
    return columns


def _cells(columns: list[str], row: list[str]) -> dict[str, str]:
    """The row's cells by column. Raises ValueError for a row that doesn't fit: its status could be anywhere."""
    if any(cell.strip() for cell in row[len(columns) :]) or "status" in columns[len(row) :]:
        raise ValueError(f"has {len(row)} cells, but the first line {len(columns)}")
    return dict(zip(columns, (cell.strip() for cell in row), strict=False))


def _person(line: int, row: dict[str, str], list_name: str | None) -> Person:
    """The line as a person. Raises ValueError with what is wrong."""
    email, key = known_address(row.pop("email", ""))
    status = row.pop("status", NO_STATUS_COLUMN).lower()
    suppression = SUPPRESSING.get(status)
    lists = tuple(name.strip() for name in row.pop("lists", "").split(";") if name.strip())
    zone = row.pop("time_zone", "")
    if zone and zone not in _ZONES:
        raise ValueError(f"“{zone}” is not a time zone; one is Europe/Berlin")
    names = {name: " ".join(row.pop(name, "").split()) for name in ("first_name", "last_name")}
    if too_long := [name for name, value in names.items() if len(value) > 200]:
        raise ValueError(f"{too_long[0]} is longer than 200 characters")
    return Person(
        line=line,
        email=email,
        email_key=key,
        **names,
        language=row.pop("language", "")[:35],
        time_zone=zone,
        interests=normal_tags(row.pop("interests", "").replace(",", ";").split(";")),
        lists=lists or ((list_name,) if list_name else ()),
        state=STATUSES.get(status, SubscriptionState.UNSUBSCRIBED),
        leaves=STATUSES.get(status) == SubscriptionState.UNSUBSCRIBED,
        suppression=suppression,
        created_at=_created(row.pop("created", "")),
        attributes={name: value for name, value in row.items() if name and value},
    )


def known_address(text: str) -> tuple[str, str]:
    """The address as it is written to, and the form it is known by. Raises ValueError if it is none.

    An international domain is written in its ASCII form, which every server takes; an address whose local
    part is not ASCII stays as it is and needs SMTPUTF8 (RFC 6531).
    """
    try:
        checked = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(f"“{text[:80]}” is not an email address: {error}") from error
    written = checked.ascii_email or checked.normalized
    return written, written.casefold()


def _created(text: str) -> datetime:
    if not text:
        return timezone.now()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"“{text}” is not a date; write one like 2026-01-31") from None
    if isinstance(moment, date) and not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError(f"“{text}” is out of range; write a date like 2026-01-31") from None


_FIELDS = ("first_name", "last_name", "language", "time_zone")


def _take(people: list[Person], source: str, counts: dict[str, int]) -> None:
    """Write one batch of people; the caller holds the transaction."""
    there = {row.email_key: row for row in Subscriber.objects.filter(email_key__in=[p.email_key for p in people])}
    sets: dict[tuple[str, ...], InterestSet] = {tags: interest_set(tags) for tags in {p.interests for p in people}}
    new, changed = [], []
    for person in people:
        row = there.get(person.email_key)
        if row is None:
            new.append(
                Subscriber(
                    email=person.email,
                    email_key=person.email_key,
                    **{name: getattr(person, name) for name in _FIELDS},
                    attributes=person.attributes,
                    interests=sets[person.interests],
                    source=f"import: {source}"[:200],
                    created_at=person.created_at,
                )
            )
        elif _update(row, person, sets):
            changed.append(row)
    Subscriber.objects.bulk_create(new)
    Subscriber.objects.bulk_update(changed, [*_FIELDS, "attributes", "interests"], batch_size=200)
    there |= {row.email_key: row for row in new}
    subscribed_more = _subscribe(people, there, source)
    _suppress(people, source)
    updated = {row.pk for row in changed} | (subscribed_more - {row.pk for row in new})
    counts["added"] += len(new)
    counts["updated"] += len(updated)
    counts["unchanged"] += len(people) - len(new) - len(updated)


def _update(row: Subscriber, person: Person, sets: dict[tuple[str, ...], InterestSet]) -> bool:
    """Put what the file knows into the row; whether that changed anything."""
    before = [getattr(row, name) for name in _FIELDS], dict(row.attributes), row.interests_id
    for name in _FIELDS:
        setattr(row, name, getattr(person, name) or getattr(row, name))
    row.attributes = row.attributes | person.attributes
    if person.interests:
        row.interests = sets[person.interests]
    return before != ([getattr(row, name) for name in _FIELDS], row.attributes, row.interests_id)


def _subscribe(people: list[Person], there: dict[str, Subscriber], source: str) -> set[int]:
    """Add the subscriptions that are missing; those that exist can only end. Whose subscriptions changed."""
    ids = [row.pk for row in there.values()]
    existing = {(row.subscriber_id, row.list_name): row for row in Subscription.objects.filter(subscriber_id__in=ids)}
    rows, ended = [], []
    for person in people:
        pk = there[person.email_key].pk
        for name in person.lists:
            if before := existing.get((pk, name)):
                if person.leaves and before.state != SubscriptionState.UNSUBSCRIBED:
                    before.state, before.left_at = SubscriptionState.UNSUBSCRIBED, timezone.now()
                    ended.append(before)
                continue
            subscribed = person.state == SubscriptionState.SUBSCRIBED and person.suppression is None
            left = person.state == SubscriptionState.UNSUBSCRIBED and person.suppression is None
            rows.append(
                Subscription(
                    subscriber_id=pk,
                    list_name=name,
                    state=person.state,
                    consent_at=person.created_at if subscribed else None,
                    consent_how=f"import: {source}"[:200],
                    left_at=timezone.now() if left else None,
                )
            )
    Subscription.objects.bulk_create(rows)
    Subscription.objects.bulk_update(ended, ["state", "left_at"], batch_size=200)
    return {row.subscriber_id for row in (*rows, *ended)}


def _suppress(people: list[Person], source: str) -> None:
    Suppression.objects.bulk_create(
        [
            Suppression(email_key=p.email_key, reason=p.suppression, detail=f"import: {source}"[:300])
            for p in people
            if p.suppression
        ],
        ignore_conflicts=True,
    )
