"""People who are new as rows, and what they say to lists; nothing is asked of the database."""

import json
from collections.abc import Iterable
from datetime import datetime
from json.encoder import encode_basestring_ascii as _quoted
from typing import Any, NamedTuple

from broadsheet.audience import bulk
from broadsheet.audience.addresses import is_international
from broadsheet.audience.persons import Person
from broadsheet.audience.statuses import Standing
from broadsheet.models import ConsentHow, SubscriptionState

TEXTS = ("first_name", "last_name", "language", "time_zone")
_PERSON = ("email", "email_key", *TEXTS, "attributes", "source")
_CONSENT = ("list_name", "state", "consent_how", "consent_detail", "consent_network", "consent_wording")
#: Plain texts: Python takes longer over members of an enumeration, and here are a million.
STATES = {standing: standing.state.value for standing in Standing}
_SUBSCRIBED, _UNSUBSCRIBED = SubscriptionState.SUBSCRIBED.value, SubscriptionState.UNSUBSCRIBED.value
_IMPORT = ConsentHow.IMPORT.value


class New(NamedTuple):
    """Somebody who is not here yet, as rows that wait for their ids."""

    row: bulk.Row
    consents: list[bulk.Row]


class NewRows:
    """Makes the rows of a file of people; their evidence is the file."""

    #: The columns of a person's row, the last two of which are given later, and of a subscription's, the last one.
    person_columns: tuple[str, ...] = (*_PERSON, "needs_smtputf8", "created_at", "interests_id", "id")
    consent_columns: tuple[str, ...] = (*_CONSENT, "consent_at", "left_at", "subscriber_id")

    def __init__(self, source: str) -> None:
        self.source, self.rows = source, bulk.rows()

    def of(self, person: Person, now: datetime) -> New:
        """The rows of one person and their subscriptions."""
        row = self.rows.row((*self._texts(person), self.source), *self._others(person, now))
        return New(row, [self.consent(name, STATES[says], person, now) for name, says in person.lists])

    def consent(self, name: str, state: str, person: Person, now: datetime) -> bulk.Row:
        """The row of one subscription."""
        texts, agreed, left = _said(name, state, person, now)
        return self.rows.row(texts, self.rows.moment(agreed), self.rows.moment(left))

    def suppression(self, person: Person, now: datetime) -> bulk.Row:
        """The row of a suppression: address, reason, detail, time."""
        return self.rows.row((person.email_key, str(person.standing.suppression), self.source), self.rows.moment(now))

    @staticmethod
    def _texts(person: Person) -> Iterable[str]:
        return (
            person.email, person.email_key, person.first_name, person.last_name, person.language, person.time_zone,
            _as_json(person.attributes),
        )  # fmt: skip

    def _others(self, person: Person, now: datetime) -> tuple[Any, Any]:
        return self.rows.truth(is_international(person.email)), self.rows.moment(person.created_at or now)


class CarriedRows(NewRows):
    """Makes the rows of an export of our own: exactly what it carries."""

    person_columns = (
        *_PERSON, "tracking_consent_wording", "needs_smtputf8", "created_at", "tracking_consent_at", "interests_id",
        "id",
    )  # fmt: skip
    consent_columns = (
        *_CONSENT, "left_reason", "consent_at", "left_at", "frequency", "paused_until", "asked_at", "asked_times",
        "subscriber_id",
    )  # fmt: skip

    def of(self, person: Person, now: datetime) -> New:
        """The rows of one person and their subscriptions."""
        carried = person.carried
        source, wording, at = (
            (carried.source, carried.tracking_wording, carried.tracking_at) if carried else (self.source, "", None)
        )
        texts = (*self._texts(person), source, wording)
        row = self.rows.row(texts, *self._others(person, now), self.rows.moment(at))
        return New(row, [self.consent(name, STATES[says], person, now) for name, says in person.lists])

    def consent(self, name: str, state: str, person: Person, now: datetime) -> bulk.Row:
        """The row of one subscription; of a list that was added to the file by hand, as of any file."""
        moment, number = self.rows.moment, self.rows.number
        kept = person.carried.lists.get(name) if person.carried else None
        texts, agreed, left = _said(name, state, person, now)
        if kept is None:
            return self.rows.row(
                (*texts, ""), moment(agreed), moment(left), number(None), moment(None), moment(None), number(0)
            )
        if STATES[kept.state] == state:
            left = kept.left_at
        texts = (name, state, kept.how, kept.detail, kept.network, kept.wording, kept.left_reason)
        return self.rows.row(
            texts, moment(kept.consent_at), moment(left), number(kept.frequency), moment(kept.paused_until),
            moment(kept.asked_at), number(kept.asked_times),
        )  # fmt: skip

    def suppression(self, person: Person, now: datetime) -> bulk.Row:
        """The row of a suppression: address, reason, detail, time."""
        carried = person.carried
        if carried is None or carried.suppressed_at is None:
            return super().suppression(person, now)
        texts = (person.email_key, str(person.standing.suppression), carried.suppressed_detail)
        return self.rows.row(texts, self.rows.moment(carried.suppressed_at))


def _said(
    name: str, state: str, person: Person, now: datetime
) -> tuple[tuple[str, ...], datetime | None, datetime | None]:
    """What a subscription's row has by what the file says of the person: texts, when they agreed, when they left."""
    agreed = left = None
    if state == _SUBSCRIBED:
        agreed = person.consent_at or now
    elif state == _UNSUBSCRIBED and person.standing.suppression is None:
        left = now
    texts = (name, state, _IMPORT, person.consent_detail, person.consent_network, person.consent_wording)
    return texts, agreed, left


def _as_json(attributes: dict[str, Any]) -> str:
    """What :func:`json.dumps` would write, in a quarter of its time for the few kinds of values that there are."""
    return f"{{{', '.join([f'{_quoted(name)}: {_value(value)}' for name, value in attributes.items()])}}}"


def _value(value: Any) -> str:
    if type(value) is str:
        return _quoted(value)
    return str(value) if type(value) is int else json.dumps(value)
