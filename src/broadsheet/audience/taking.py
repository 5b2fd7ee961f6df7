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
from broadsheet.audience.addresses import is_international
from broadsheet.audience.interests import set_ids
from broadsheet.audience.persons import Person
from broadsheet.audience.statuses import Standing
from broadsheet.audience.suppression import erased_among
from broadsheet.models import ConsentHow, Subscriber, Subscription, SubscriptionState, Suppression

Update = Literal["none", "missing", "all"]
SUBSCRIBER, SUBSCRIPTION, SUPPRESSION = (
    each._meta.db_table for each in (Subscriber, Subscription, Suppression)
)  # their names, for the SQL below
ERASED = "was erased, and asked not to be kept; they can subscribe again themselves"
_TEXTS = ("first_name", "last_name", "language", "time_zone")
_DATA = (*_TEXTS, "attributes", "interests_id")
_NEW = ("email", "email_key", "needs_smtputf8", *_DATA, "source", "created_at")
_CONSENT = ("subscriber_id", "list_name", "state", "consent_at", "consent_how", "consent_detail", "consent_network",
            "consent_wording", "left_at")  # fmt: skip


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
class Batch:
    """What taking some people comes to."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    erased: list[Person] = field(default_factory=list)
    """Those who must not be taken."""


def _as_it_is(moment: datetime) -> datetime:
    return moment


@lru_cache(maxsize=20_000)
def _as_text(moment: datetime) -> str:
    return str(moment.replace(tzinfo=None))  # all of them are UTC


class Taker:
    """Takes batches of people; one for each import."""

    def __init__(self, source: str, update: Update, *, dry_run: bool) -> None:
        self.source, self.update, self.dry_run = f"import: {source}"[:200], update, dry_run
        self.detail = source[:300]
        self.sets: dict[tuple[str, ...], int] = {}
        #: a time as the database takes it in plain SQL
        self.when: Callable[[datetime], Any] = _as_it_is if connection.vendor == "postgresql" else _as_text

    def take(self, people: Sequence[Person]) -> Batch:
        """Decide on a batch, and write it unless this is a dry run; the caller holds the transaction."""
        with connection.cursor() as cursor:
            erased = erased_among(person.email_key for person in people)
            batch = Batch(erased=[person for person in people if person.email_key in erased and not person.again])
            kept = [person for person in people if person.email_key not in erased]
            data = self._data(cursor, kept)
            suppressed = self._suppressions(cursor, kept)
            kept = [person for person in kept if person.email_key in data]
            consents = self._consents(cursor, kept, data)
            touched = {key for key, row in data.items() if row.changed}
            touched |= {key for (key, _), row in consents.items() if row.changed} | suppressed.keys()
            firsts = {person.email_key for person in kept if not person.again}
            batch.added = sum(data[key].pk is None for key in firsts)
            batch.updated = sum(data[key].pk is not None for key in firsts & touched)
            batch.unchanged = len(firsts) - batch.added - batch.updated
            if not self.dry_run:
                self._write(cursor, data, consents, suppressed)
        return batch

    # Deciding

    def _data(self, cursor: CursorWrapper, people: Sequence[Person]) -> dict[str, _Data]:
        columns = f"id, email_key, {', '.join(_DATA)}"
        there = {
            row[1]: row for row in bulk.select(cursor, columns, SUBSCRIBER, "email_key", (p.email_key for p in people))
        }
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
            before = dict(zip(_TEXTS, row[2:6], strict=True))
            known = json.loads(row[6]) if isinstance(row[6], str) else row[6]
            found[key] = self._updated(_Data(person, row[0], False, before, known), row[7], empty, sets)
        return found

    def _updated(self, row: _Data, interests_id: int, empty: int, sets: dict[tuple[str, ...], int]) -> _Data:
        """What the file knows put into a row that is there, as far as ``update`` lets it; nothing is ever blanked."""
        person = row.person
        if self.update == "none" or person.again:
            return row
        every = self.update == "all"
        for name in _TEXTS:
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
                    found[person.email_key, name] = _Consent(None, standing.state, True, person, changed=True)
                elif self._ends(before, standing, person):
                    before.state, before.changed = standing.state, True
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

    def _suppressions(self, cursor: CursorWrapper, people: Sequence[Person]) -> dict[str, Standing]:
        found: dict[str, Standing] = {}
        for person in people:
            if person.standing.suppression is not None:
                found[person.email_key] = max(person.standing, found.get(person.email_key, Standing.SUBSCRIBED))
        there = {row[0] for row in bulk.select(cursor, "email_key", SUPPRESSION, "email_key", found)}
        return {key: standing for key, standing in found.items() if key not in there}

    # Writing

    def _set_ids(self, cursor: CursorWrapper, wanted: Any) -> dict[tuple[str, ...], int]:
        if len(self.sets) > 100_000:
            self.sets.clear()
        missing = {tags for tags in wanted if tags not in self.sets}
        if missing:
            self.sets |= set_ids(cursor, missing, make=not self.dry_run)
        return self.sets

    def _write(
        self,
        cursor: CursorWrapper,
        data: dict[str, _Data],
        consents: dict[tuple[str, str], _Consent],
        suppressed: dict[str, Standing],
    ) -> None:
        now = timezone.now()
        new = [row.person for row in data.values() if row.pk is None]
        wanted = {person.interests for person in new}
        wanted |= {row.interests for row in data.values() if row.interests is not None}
        sets = self._set_ids(cursor, wanted)
        bulk.insert(cursor, SUBSCRIBER, _NEW, (self._new_row(person, sets, now) for person in new))
        changed = [row for row in data.values() if row.changed and row.pk is not None]
        bulk.update(cursor, SUBSCRIBER, [*_TEXTS, "attributes"], [
            (*(row.texts[name] for name in _TEXTS), json.dumps(row.attributes), row.pk) for row in changed
        ])  # fmt: skip
        bulk.update(cursor, SUBSCRIBER, ["interests_id"], [
            (sets[row.interests], row.pk) for row in changed if row.interests is not None
        ])  # fmt: skip
        ids = {key: row.pk for key, row in data.items() if row.pk is not None}
        keys = (person.email_key for person in new)
        ids |= {key: pk for pk, key in bulk.select(cursor, "id, email_key", SUBSCRIBER, "email_key", keys)}
        bulk.insert(cursor, SUBSCRIPTION, _CONSENT, (
            self._consent_row(ids[key], name, row, now)
            for (key, name), row in consents.items() if row.pk is None
        ))  # fmt: skip
        ended = [row for row in consents.values() if row.pk is not None and row.changed]
        bulk.update(cursor, SUBSCRIPTION, ["state", "left_at"], [
            (row.state, self.when(now) if row.state == SubscriptionState.UNSUBSCRIBED else None, row.pk)
            for row in ended
        ])  # fmt: skip
        bulk.insert(cursor, SUPPRESSION, ("email_key", "reason", "detail", "created_at"), [
            (key, str(standing.suppression), self.source, self.when(now)) for key, standing in suppressed.items()
        ])  # fmt: skip

    def _new_row(self, person: Person, sets: dict[tuple[str, ...], int], now: datetime) -> tuple[Any, ...]:
        return (
            person.email, person.email_key, is_international(person.email),
            person.first_name, person.last_name, person.language, person.time_zone,
            json.dumps(person.attributes) if person.attributes else "{}", sets[person.interests],
            self.source, self.when(person.created_at or now),
        )  # fmt: skip

    def _consent_row(self, subscriber: int, name: str, row: _Consent, now: datetime) -> tuple[Any, ...]:
        person, state = row.person, row.state
        agreed = self.when(person.consent_at or now) if state == SubscriptionState.SUBSCRIBED else None
        gone = state == SubscriptionState.UNSUBSCRIBED
        left = self.when(now) if gone and person.standing.suppression is None else None
        return (
            subscriber, name, str(state), agreed, ConsentHow.IMPORT.value, person.consent_detail,
            person.consent_network, person.consent_wording, left,
        )  # fmt: skip
