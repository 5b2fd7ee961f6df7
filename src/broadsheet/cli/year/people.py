"""The readers of the sample year: who joined when, and how each of them reads."""

import math
import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from broadsheet.audience import interest_set
from broadsheet.cli.year.texts import DOMAINS, FIRST_NAMES, INTERESTS, LAST_NAMES, PLACES
from broadsheet.models import ConsentHow, Frequency, InterestSet, Subscriber, Subscription, SubscriptionState

T = TypeVar("T")

#: How many there were when the year began.
AT_FIRST: Final = 1_350
#: Joins a day when it began, and when it ends.
SLOW, FAST = 3.6, 8.4
#: Of the days of a week, Monday first: the digest comes on Tuesdays and is forwarded.
WEEKDAYS: Final = (1.0, 1.55, 1.3, 1.0, 0.8, 0.6, 0.75)
#: Days from the year's beginning on which many came, and how many times more: January, a word on the radio.
RUSHES: Final = ((40, 9, 2.2), (292, 4, 5.0))
#: Lists, which share of people take them, and how many days into the year they began.
LISTS: Final = (
    ("newsletter", 0.94, None), ("letters", 0.46, None), ("research", 0.2, None), ("kitchen", 0.24, 210),
    ("courses", 0.27, 30),
)  # fmt: skip
WORDING: Final = "Yes, send me what I have chosen. I can leave with one click."


@dataclass
class Person:
    """One reader, before there is a row for them."""

    joined: datetime
    row: Subscriber
    lists: dict[str, datetime]
    """Each list with when they agreed to it."""
    confirmed: bool
    keen: float
    """How likely they open a mail, before they tire of it."""
    gone_on: datetime | None
    """When their address stops to exist."""


def everybody(at: datetime, chance: random.Random) -> list[Person]:
    """All who join in the year that ends at ``at``, or were there before it, in the order in which they came."""
    start = at - timedelta(days=365)
    moments = [start - timedelta(days=700 * chance.random() ** 1.4) for _ in range(AT_FIRST)]
    for day in range(366):
        date = start + timedelta(days=day)
        rush = max(
            [1.0, *(times * 0.75 ** (day - first) for first, days, times in RUSHES if first <= day < first + days)]
        )
        rate = (SLOW + (FAST - SLOW) * day / 365) * WEEKDAYS[date.weekday()] * rush
        moments += [date + timedelta(hours=24 * chance.betavariate(3, 2.2)) for _ in range(_poisson(rate, chance))]
    moments = sorted(moment for moment in moments if moment < at)
    sets: dict[tuple[str, ...], InterestSet] = {tags: interest_set(tags) for tags, _ in INTERESTS}
    taken: set[str] = set()
    return [_person(moment, start, at, sets, taken, chance) for moment in moments]


def _person(
    joined: datetime,
    start: datetime,
    at: datetime,
    sets: dict[tuple[str, ...], InterestSet],
    taken: set[str],
    chance: random.Random,
) -> Person:
    first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
    country, zone, language = weighted([(each[:3], each[3]) for each in PLACES], chance)
    plain = f"{first}.{last}".lower().translate(_PLAIN)
    address = f"{plain}@{weighted(DOMAINS, chance)}"
    while address in taken:
        address = f"{plain}{chance.randrange(2, 100)}@{weighted(DOMAINS, chance)}"
    taken.add(address)
    agreed = chance.random() < 0.3
    row = Subscriber(
        email=address,
        email_key=address,
        first_name=first if chance.random() < 0.85 else "",
        last_name=last if chance.random() < 0.7 else "",
        language=language,
        time_zone=zone,
        attributes={"country": country},
        interests=sets[weighted(INTERESTS, chance)],
        source="sample year",
        created_at=joined,
        tracking_consent_at=joined if agreed else None,
        tracking_consent_wording="Count what I open and click, so that you can write better mails." if agreed else "",
    )
    lists = {}
    for name, share, began in LISTS:
        if chance.random() < share:
            opened = start + timedelta(days=began) if began is not None else joined
            late = opened + (at - opened) * (chance.random() ** 2.2) * 0.9  # those who were there come one by one
            lists[name] = joined if joined >= opened else late
    gone = max(joined, start) + timedelta(days=chance.expovariate(1 / 6_000))
    confirmed = joined < at - timedelta(days=40) or chance.random() < 0.93
    return Person(joined, row, lists, confirmed, chance.betavariate(2.4, 2.2), gone)


class Door:
    """Lets people in, and onto their lists, as the year goes by."""

    def __init__(self, people: Sequence[Person], chance: random.Random) -> None:
        self._chance = chance
        joins = ((since, number, name) for number, each in enumerate(people) for name, since in each.lists.items())
        self._people, self._joins, self._next = people, sorted(joins), 0
        self.inside: dict[int, Person] = {}
        """Everybody who has a row, by its id."""

    def open_until(self, moment: datetime) -> None:
        """Rows for whoever agreed to a list until then."""
        until = bisect_right(self._joins, (moment, len(self._people), ""))
        come, self._next = self._joins[self._next : until], until
        numbers = dict.fromkeys(number for _, number, _ in come)
        strangers = [each for each in (self._people[number] for number in numbers) if each.row.pk is None]
        Subscriber.objects.bulk_create([each.row for each in strangers])
        self.inside |= {each.row.pk: each for each in strangers}
        Subscription.objects.bulk_create(
            [self._subscription(self._people[number], name, since) for since, number, name in come]
        )

    def _subscription(self, person: Person, name: str, since: datetime) -> Subscription:
        row = Subscription(
            subscriber=person.row,
            list_name=name,
            state=SubscriptionState.SUBSCRIBED,
            consent_at=since,
            consent_how=ConsentHow.FORM,
            consent_detail="subscribe page; confirmed by mail",
            consent_wording=WORDING,
            frequency=Frequency.MONTHLY if self._chance.random() < 0.015 else None,
        )
        if not person.confirmed:
            row.state, row.consent_at, row.consent_detail = SubscriptionState.PENDING, None, "subscribe page"
            row.asked_at, row.asked_times = since, 1
        return row


def weighted(choices: Sequence[tuple[T, float]], chance: random.Random) -> T:
    """One of them, as often as its weight says."""
    (found,) = chance.choices([each for each, _ in choices], [weight for _, weight in choices])
    return found


def _poisson(rate: float, chance: random.Random) -> int:
    limit, product, count = math.exp(-rate), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count


_PLAIN: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
