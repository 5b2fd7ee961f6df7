"""What became of an edition's copies: taken or refused, opened, clicked, reported, and who left because of it."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db import connection

from broadsheet import events
from broadsheet.cli.year.people import Person, weighted
from broadsheet.cli.year.texts import GONE, LEFT_BECAUSE, NOT_TODAY
from broadsheet.events.counting import Hit, record_hits
from broadsheet.events.failures import copy_complained
from broadsheet.models import (
    Delivery,
    DeliveryState,
    Edition,
    Event,
    EventKind,
    Link,
    Subscription,
    SubscriptionState,
    Suppression,
    Variant,
)
from broadsheet.sending import Outcome, Result

#: Copies a second.
PACE: Final = 9.0
#: Readers whose mail gateway follows every link.
WATCHED: Final = 0.015
_UPDATE: Final = "UPDATE broadsheet_delivery SET state = %s, reason = %s, attempts = 1, at = %s WHERE id = %s"


@dataclass(frozen=True)
class Mood:
    """How a campaign's mail is met."""

    opened: float = 0.9
    """Times each reader's own keenness, when the year begins."""
    tired: float = 0.3
    """How much of that is lost until it ends."""
    clicked: float = 0.2
    """Share of those who opened."""
    left: float = 0.008
    """Share of those who opened, as is ``complained``; newcomers leave more often."""
    complained: float = 0.0006
    soured: float = 0.0
    """How many more complain in the year's last quarter."""
    refused: float = 0.0016


@dataclass(frozen=True)
class Copy:
    """One copy that is to have a fate."""

    pk: int
    variant: int
    person: Person
    sent_at: datetime


class Fates:
    """Draws them, from one seeded source of chance."""

    def __init__(self, people: Mapping[int, Person], at: datetime, chance: random.Random) -> None:
        self._people, self._at, self._chance = people, at, chance

    def deliver(self, edition: Edition, mood: Mood, most: int | None = None) -> list[Copy]:
        """Hand over the edition's copies, or the first ``most``; those that were taken."""
        queued = Delivery.objects.filter(edition=edition, state=DeliveryState.QUEUED).order_by("variant_id", "pk")
        taken, rows, refused = list[Copy](), list[tuple[str, str, str, int]](), list[Outcome]()
        begun = edition.scheduled_for.astimezone(UTC) + timedelta(seconds=2)
        for number, (pk, subscriber, variant) in enumerate(
            queued.values_list("pk", "subscriber_id", "variant_id")[:most]
        ):
            person, when = self._people[subscriber], begun + timedelta(seconds=number / PACE)
            reply = self._refusal(person, when, mood)
            state = DeliveryState.FAILED if reply else DeliveryState.SENT
            rows.append((state.value, reply, str(when.replace(tzinfo=None)), pk))  # as SQLite keeps a time in UTC
            if reply:
                refused.append(Outcome(pk, Result.FAILED, reply, dead="5.1.1" in reply))
            else:
                taken.append(Copy(pk, variant, person, when))
        with connection.cursor() as cursor:
            cursor.executemany(_UPDATE, rows)
        self._record(edition, refused)
        return taken

    def _refusal(self, person: Person, when: datetime, mood: Mood) -> str:
        if person.gone_on and person.gone_on < when:
            return self._chance.choice(GONE).format(address=person.row.email)
        return self._chance.choice(NOT_TODAY) if self._chance.random() < mood.refused else ""

    def _record(self, edition: Edition, refused: Sequence[Outcome]) -> None:
        newest = _newest_suppression()
        events.record_refusals(refused, suppress_after=5)
        then = edition.scheduled_for + timedelta(minutes=1)
        Event.objects.filter(edition=edition, kind=EventKind.BOUNCED).update(at=then)
        Suppression.objects.filter(pk__gt=newest).update(created_at=then)

    def read(self, edition: Edition, copies: Sequence[Copy], mood: Mood, age: float) -> None:
        """Let them be read, reported and left; ``age`` is how much of the year had gone by, 0 to 1."""
        pull = mood.opened * (1 - mood.tired * age) * self._chance.uniform(0.9, 1.08)
        interest = self._chance.uniform(0.75, 1.3)
        links = _links(edition) if edition.tracking != "none" else {}
        complained = mood.complained + (mood.soured if age > 0.75 else 0.0)
        hits: list[Hit] = []
        partings: list[Event] = []
        for copy in copies:
            if self._chance.random() < copy.person.keen * pull:
                opened = self._read_at(copy)
                hits += self._hits(edition, copy, opened, links, mood.clicked * interest)
                partings += self._parting(edition, copy, opened, (complained, mood.left))
            elif links and self._chance.random() < WATCHED:
                hits += self._robot(edition, copy, links)
        Event.objects.bulk_create(partings)
        if links:
            record_hits([hit for hit in hits if hit.at < self._at.timestamp()])

    def _read_at(self, copy: Copy) -> datetime:
        """Most within hours, some days later; nobody at night."""
        hours = (
            self._chance.expovariate(1 / 2.4) if self._chance.random() < 0.6 else self._chance.lognormvariate(2.9, 0.8)
        )
        found = copy.sent_at + timedelta(hours=min(hours, 300), seconds=20)
        there = found.astimezone(ZoneInfo(copy.person.row.time_zone))
        if there.hour < 6:
            found += timedelta(hours=6 - there.hour + 2.5 * self._chance.random())
        return found

    def _hits(
        self, edition: Edition, copy: Copy, opened: datetime, links: Mapping[int, list[tuple[int, float]]], rate: float
    ) -> list[Hit]:
        if not links:
            return []
        known = copy.person.row.pk if copy.person.row.tracking_consent_at and edition.tracking == "individual" else 0
        found = [Hit(EventKind.OPENED, edition.pk, opened.timestamp(), "", copy.variant, 0, known)]
        while links[copy.variant] and self._chance.random() < rate and len(found) < 4:
            at = opened + timedelta(seconds=self._chance.uniform(15, 200) * len(found))
            link = weighted(links[copy.variant], self._chance)
            found.append(Hit(EventKind.CLICKED, edition.pk, at.timestamp(), "", copy.variant, link, known))
        return found

    def _robot(self, edition: Edition, copy: Copy, links: Mapping[int, list[tuple[int, float]]]) -> list[Hit]:
        at = copy.sent_at.timestamp() + 2
        return [
            Hit(EventKind.CLICKED, edition.pk, at, "", copy.variant, link, automatic=True)
            for link, _ in links[copy.variant]
        ]

    def _parting(self, edition: Edition, copy: Copy, opened: datetime, shares: tuple[float, float]) -> list[Event]:
        """What there is to write of a reader who leaves, if this one does."""
        if opened >= self._at:
            return []
        chance, (complained, left_for_good) = self._chance.random(), shares
        newcomer = opened - copy.person.joined < timedelta(days=60)
        if chance < complained:
            newest, row = _newest_suppression(), Delivery.objects.select_related("subscriber").get(pk=copy.pk)
            copy_complained(row, "feedback loop of the reader's provider", opened)
            Suppression.objects.filter(pk__gt=newest).update(created_at=opened)
        elif chance < complained + left_for_good * (1.8 if newcomer else 0.8):
            why = weighted(LEFT_BECAUSE, self._chance)
            said = "" if why.startswith("not said") else why
            left = Subscription.objects.filter(
                subscriber=copy.person.row, list_name=edition.list_name, state=SubscriptionState.SUBSCRIBED
            )
            if left.update(state=SubscriptionState.UNSUBSCRIBED, left_at=opened, left_reason=said):
                delivery = Delivery(pk=copy.pk, edition=edition, subscriber=copy.person.row)
                return [Event.of(delivery, EventKind.UNSUBSCRIBED, opened.astimezone(UTC), detail=why)]
        return []


def _newest_suppression() -> int:
    return Suppression.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _links(edition: Edition) -> dict[int, list[tuple[int, float]]]:
    """Each variant's links and how much each draws: the first article most, what is no article little."""
    links = list(Link.objects.filter(edition=edition).values_list("pk", "article"))
    found = {}
    for pk, articles in Variant.objects.filter(edition=edition).values_list("pk", "articles"):
        drawn = {slug: 1 / (1 + place) for place, slug in enumerate(articles)}
        found[pk] = [(link, drawn.get(article, 0.04)) for link, article in links if article in drawn or not article]
    return found
