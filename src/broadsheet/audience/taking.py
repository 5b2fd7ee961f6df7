"""A batch of people into rows: who is new, what changes, which subscriptions begin and end, who is suppressed.

All is decided before anything is written, so that a dry run decides the same.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from broadsheet.audience import bulk
from broadsheet.audience.interests import set_ids
from broadsheet.audience.new_rows import STATES, TEXTS, CarriedRows, New, NewRows
from broadsheet.audience.persons import Lists, Person
from broadsheet.audience.statuses import Standing
from broadsheet.audience.suppression import erased_among
from broadsheet.models import ConsentHow, Subscriber, Subscription, SubscriptionState, Suppression

Update = Literal["none", "missing", "all"]
SUBSCRIBER, SUBSCRIPTION, SUPPRESSION = (
    each._meta.db_table for each in (Subscriber, Subscription, Suppression)
)  # their names, for the SQL below
ERASED = "was erased, and is not to be mailed; `subscribers unsuppress` lets the address in again"
_DATA = (*TEXTS, "attributes", "interests_id")


@dataclass
class People:
    """People to be taken together, and what was made ready of them while the last ones were being written."""

    people: list[Person]
    ready: dict[str, New] = field(default_factory=dict)


@dataclass(slots=True)
class _Data:
    """What is known of one person beside their lists, and whether it is to be written."""

    person: Person
    pk: int | None = None
    changed: bool = True
    texts: dict[str, str] = field(default_factory=dict)
    """Of somebody who is here: what is to stand in their row."""
    attributes: dict[str, Any] = field(default_factory=dict)
    interests: tuple[str, ...] | None = None
    """The interests they are to have; None to leave them as they are."""


@dataclass(slots=True)
class _Consent:
    """One subscription, there or to be made."""

    pk: int | None
    state: str
    mine: bool
    """Whether this very import made it."""
    person: Person
    changed: bool = False


@dataclass
class _Decided:
    """What is to be written."""

    fresh: list[Person]
    """Of whom nothing was known."""
    ready: dict[str, New]
    data: dict[str, _Data]
    consents: dict[tuple[str, str], _Consent]
    suppressed: list[Person]


@dataclass
class Batch:
    """What taking some people comes to."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    erased: list[Person] = field(default_factory=list)
    """Those who must not be taken."""


class Taker:
    """Takes batches of people; one for each import."""

    def __init__(self, source: str, update: Update, *, dry_run: bool, carried: bool) -> None:
        self.update, self.dry_run = update, dry_run
        self.detail = source[:300]
        self.new = (CarriedRows if carried else NewRows)(f"import: {source}"[:200])
        self.sets: dict[tuple[str, ...], int] = {}
        #: whether the next people are likely to be new
        self.growing = True

    def prepare(self, people: list[Person]) -> People:
        """The people with their rows, if they are likely to be new; asks the database nothing, so that a thread may."""
        if not self.growing or self.dry_run:
            return People(people)
        now = timezone.now()
        return People(people, {person.email_key: self.new.of(person, now) for person in people if not person.again})

    def take(self, given: People, meanwhile: Callable[[], None]) -> Batch:
        """Decide on a batch, and write it unless this is a dry run; the caller holds the transaction.

        ``meanwhile`` is called when this process has least to do: where most people are new, once a server has got the
        rows of all of them.
        """
        if not self.growing:
            meanwhile()
        with connection.cursor() as cursor:
            bulk.hurry(cursor)
            erased = erased_among(person.email_key for person in given.people)
            batch = Batch(erased=[person for person in given.people if person.email_key in erased and not person.again])
            kept = [person for person in given.people if person.email_key not in erased] if erased else given.people
            there = self._there(cursor, kept)
            fresh, others = _parted(kept, there)
            data = self._data(cursor, others, there)
            suppressed = self._suppressions(cursor, kept)
            others = [person for person in others if person.email_key in data]
            consents = self._consents(cursor, others, data)
            touched = {key for key, row in data.items() if row.changed}
            touched |= {key for (key, _), row in consents.items() if row.changed}
            touched |= {person.email_key for person in suppressed}
            firsts = {person.email_key for person in others if not person.again}
            new = sum(data[key].pk is None for key in firsts)
            batch.added = len(fresh) + new
            batch.updated = sum(data[key].pk is not None for key in firsts & touched)
            batch.unchanged = len(firsts) - new - batch.updated
            self.growing = batch.added * 2 > len(kept)
            if not self.dry_run:
                self._write(cursor, _Decided(fresh, given.ready, data, consents, suppressed), meanwhile)
        return batch

    # Deciding

    def _there(self, cursor: CursorWrapper, people: Sequence[Person]) -> dict[str, tuple[Any, ...]]:
        """The rows of those who are here already."""
        columns = f"id, email_key, {', '.join(_DATA)}"
        rows = bulk.select(cursor, columns, SUBSCRIBER, "email_key", (person.email_key for person in people))
        return {row[1]: row for row in rows}

    def _data(
        self, cursor: CursorWrapper, people: Sequence[Person], there: dict[str, tuple[Any, ...]]
    ) -> dict[str, _Data]:
        empty = self._set_ids(cursor, [()]).get((), 0) if there else 0
        wanted = {p.interests for p in people if p.email_key in there and p.interests and not p.again}
        sets = self._set_ids(cursor, wanted) if wanted else {}
        found: dict[str, _Data] = {}
        for person in people:
            key = person.email_key
            if key in found:
                continue
            row = there.get(key)
            if row is None:
                if not person.again:  # of nobody we know, a bare status makes nobody
                    found[key] = _Data(person)
                continue
            before = dict(zip(TEXTS, row[2:6], strict=True))
            known = json.loads(row[6]) if isinstance(row[6], str) else row[6]
            found[key] = self._updated(_Data(person, row[0], False, before, known), row[7], empty, sets)
        return found

    def _updated(self, row: _Data, interests_id: int, empty: int, sets: dict[tuple[str, ...], int]) -> _Data:
        """What the file knows put into a row that is there, as far as ``update`` lets it; nothing is ever blanked."""
        person = row.person
        if self.update == "none" or person.again:
            return row
        every = self.update == "all"
        for name in TEXTS:
            value = getattr(person, name)
            if value and value != row.texts[name] and (every or not row.texts[name]):
                row.texts[name], row.changed = value, True
        for name, value in person.attributes.items():
            if row.attributes.get(name) != value and (every or name not in row.attributes):
                row.attributes[name], row.changed = value, True
        others = sets.get(person.interests) != interests_id
        if person.interests and others and (every or interests_id == empty):
            row.interests, row.changed = person.interests, True
        return row

    def _consents(
        self, cursor: CursorWrapper, people: Sequence[Person], data: dict[str, _Data]
    ) -> dict[tuple[str, str], _Consent]:
        keys = {row.pk: key for key, row in data.items() if row.pk is not None}
        columns = "id, subscriber_id, list_name, state, consent_how, consent_detail"
        found: dict[tuple[str, str], _Consent] = {}
        for pk, subscriber, name, state, how, detail in bulk.select(
            cursor, columns, SUBSCRIPTION, "subscriber_id", keys
        ):
            mine = how == ConsentHow.IMPORT and (detail == self.detail or detail.startswith(f"{self.detail}; "))
            found[keys[subscriber], name] = _Consent(pk, state, mine, data[keys[subscriber]].person)
        for person in people:
            for name, standing in person.lists:
                before = found.get((person.email_key, name))
                if before is None:
                    found[person.email_key, name] = _Consent(None, STATES[standing], True, person, changed=True)
                elif self._ends(before, standing, person):
                    before.state, before.changed = STATES[standing], True
                    if before.pk is not None:
                        before.person = person
        return found

    @staticmethod
    def _ends(before: _Consent, standing: Standing, person: Person) -> bool:
        """Whether the row takes somebody off a list, or back to unconfirmed; it never does the reverse.

        Who is here stays unless the file says in so many words that they left; a second row of the same file, though,
        may say of the first that it was too hopeful.
        """
        if before.state in (SubscriptionState.UNSUBSCRIBED, standing.state):
            return False
        if standing == Standing.LEFT:
            return True
        return person.again and before.mine and standing.state != SubscriptionState.SUBSCRIBED

    @staticmethod
    def _suppressions(cursor: CursorWrapper, people: Sequence[Person]) -> list[Person]:
        found: dict[str, Person] = {}
        for person in people:
            if person.standing.suppression is not None:
                before = found.setdefault(person.email_key, person)
                if person.standing > before.standing:
                    found[person.email_key] = person
        there = {row[0] for row in bulk.select(cursor, "email_key", SUPPRESSION, "email_key", found)}
        return [person for key, person in found.items() if key not in there]

    # Writing

    def _set_ids(self, cursor: CursorWrapper, wanted: Any) -> dict[tuple[str, ...], int]:
        if len(self.sets) > 100_000:
            self.sets.clear()
        missing = {tags for tags in wanted if tags not in self.sets}
        if missing:
            self.sets |= set_ids(cursor, missing, make=not self.dry_run)
        return self.sets

    def _write(self, cursor: CursorWrapper, decided: _Decided, meanwhile: Callable[[], None]) -> None:
        now, data, consents = timezone.now(), decided.data, decided.consents
        changed = [row for row in data.values() if row.changed and row.pk is not None]
        sets = self._set_ids(cursor, {row.interests for row in changed if row.interests is not None})
        ids = {key: row.pk for key, row in data.items() if row.pk is not None}
        ids |= self._write_new(cursor, decided, meanwhile)
        bulk.update(cursor, SUBSCRIBER, [*TEXTS, "attributes"], [
            (*(row.texts[name] for name in TEXTS), json.dumps(row.attributes), row.pk) for row in changed
        ])  # fmt: skip
        bulk.update(cursor, SUBSCRIBER, ["interests_id"], [
            (sets[row.interests], row.pk) for row in changed if row.interests is not None
        ])  # fmt: skip
        added = [(key, self.new.consent(name, row.state, row.person, now))
                 for (key, name), row in consents.items() if row.pk is None]  # fmt: skip
        bulk.insert(
            cursor, SUBSCRIPTION, self.new.consent_columns,
            self.new.rows.completed([consent for _, consent in added], [ids[key] for key, _ in added]),
        )  # fmt: skip
        bulk.update(cursor, SUBSCRIPTION, ["state", "left_at", "left_reason"], [
            (row.state, *_leaving(name, row, now), row.pk)
            for (_, name), row in consents.items() if row.pk is not None and row.changed
        ])  # fmt: skip
        bulk.insert(
            cursor, SUPPRESSION, ("email_key", "reason", "detail", "created_at"),
            [self.new.suppression(person, now) for person in decided.suppressed],
        )  # fmt: skip

    def _write_new(self, cursor: CursorWrapper, decided: _Decided, meanwhile: Callable[[], None]) -> dict[str, int]:
        """Write those who are new, and the subscriptions of the fresh ones; everybody's ids."""
        people = [*decided.fresh, *(row.person for row in decided.data.values() if row.pk is None)]
        if not people:
            return {}
        now = timezone.now()
        sets = self._set_ids(cursor, {person.interests for person in people})
        ids = bulk.new_ids(cursor, SUBSCRIBER, len(people))
        keys, ready = [person.email_key for person in people], decided.ready
        new = [
            ready.pop(key) if key in ready else self.new.of(person, now)
            for key, person in zip(keys, people, strict=True)
        ]
        rows = self.new.rows.completed([each.row for each in new], [sets[person.interests] for person in people], ids)
        consents = [consent for each in new[: len(decided.fresh)] for consent in each.consents]
        meanwhile()
        if not bulk.insert(
            cursor, SUBSCRIBER, self.new.person_columns, rows
        ):  # somebody else wrote some of them, under other ids
            found = {key: pk for pk, key in bulk.select(cursor, "id, email_key", SUBSCRIBER, "email_key", keys)}
            ids = [found[key] for key in keys]
        whose = [pk for pk, person in zip(ids, decided.fresh, strict=False) for _ in person.lists]
        bulk.insert(cursor, SUBSCRIPTION, self.new.consent_columns, self.new.rows.completed(consents, whose))
        return dict(zip(keys, ids, strict=True))


def _leaving(name: str, row: _Consent, now: datetime) -> tuple[datetime | None, str]:
    """When somebody who is here left the list, and why, as far as the file knows; nothing if they only wait again."""
    if row.state != SubscriptionState.UNSUBSCRIBED:
        return None, ""
    person = row.person
    kept = person.carried.lists.get(name) if person.carried else None
    return ((kept.left_at or now), kept.left_reason) if kept else (now, "")


def _parted(people: Sequence[Person], there: dict[str, tuple[Any, ...]]) -> tuple[list[Person], list[Person]]:
    """Those of whom nothing is known but one row, each list once; and the others, who need a closer look."""
    again = {person.email_key for person in people if person.again}
    fresh: list[Person] = []
    others: list[Person] = []
    for person in people:
        key = person.email_key
        plain = key not in there and key not in again and (len(person.lists) < 2 or _once(person.lists))
        (fresh if plain else others).append(person)
    return fresh, others


@lru_cache(maxsize=5_000)
def _once(lists: Lists) -> bool:
    return len({name for name, _ in lists}) == len(lists)
