"""Readers found by the beginning of an address or a name, at ``@domain`` or interested in ``#tag``: a page at a time.

Beginnings are looked up in indexes. Domains and tags have none, so a page of them looks through a stretch of people
and says how to go on. So no page costs more than a stretch does, however many people there are.
"""

import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from django.db import connection
from django.db.models import Exists, F, OrderBy, OuterRef, Q, QuerySet
from django.db.models.lookups import GreaterThan, GreaterThanOrEqual

from broadsheet.audience.interests import SEPARATOR, normal_tags
from broadsheet.audience.languages import language_query
from broadsheet.audience.members import segment_members
from broadsheet.models import InterestSet, Subscriber, Subscription, SubscriptionState, Suppression
from broadsheet.workspace import Segment

#: what stands beside the states of subscriptions, and means any list
SUPPRESSED = "suppressed"
#: people that a page looks through where no index helps: 300,000 took SQLite 65 ms at best, 390 on a busy machine
STRETCH = 150_000
#: people whose lists one page looks at: a page took 100 ms with these, on a busy machine
LOOKED_AT = 5_000
#: people who are sifted at once, and the seconds after which a page has sifted enough
SIFTED, PATIENCE = 500, 0.05
_LONGEST = 100
_LAST = "\U0010ffff"


@dataclass(frozen=True)
class Wanted:
    """Who is looked for; empty: anybody."""

    words: str = ""
    list_name: str = ""
    state: str = ""
    """A :class:`SubscriptionState`, or :data:`SUPPRESSED`."""
    language: str = ""
    """As it is kept, or what stands before its first dash: ``de`` is ``de-AT`` as well."""
    interest: str = ""
    """A whole tag."""
    segment: Segment | None = None

    def sifts(self) -> bool:
        """Whether something is asked that no index helps with."""
        return bool(self.language or self.interest or self.segment)

    def sifted(self, ids: list[int]) -> set[int]:
        """Those of the people who have the language, the interest and the segment that are asked for."""
        query = language_query([self.language]) if self.language else Q()
        if tags := normal_tags([self.interest]):
            sets = InterestSet.objects.filter(
                Q(key=tags[0])
                | Q(key__startswith=tags[0] + SEPARATOR)
                | Q(key__endswith=SEPARATOR + tags[0])
                | Q(key__contains=f"{SEPARATOR}{tags[0]}{SEPARATOR}")
            )
            query &= Q(interests_id__among=set(sets.values_list("pk", flat=True)))
        found = set(ids)
        if query:
            found = set(Subscriber.objects.filter(query, pk__among=found).values_list("pk", flat=True))
        return segment_members(self.segment, found) if self.segment else found

    def narrowed(self) -> Q:
        """The condition on Subscriber that the list and the state are."""
        query = Q()
        said: dict[str, Any] = {"list_name": self.list_name} if self.list_name else {}
        if self.state == SUPPRESSED:
            query &= Q(Exists(Suppression.objects.filter(email_key=OuterRef("email_key"))))
        elif self.state:
            said["state"] = self.state
        return query & Q(Exists(Subscription.objects.filter(subscriber=OuterRef("pk"), **said))) if said else query


@dataclass(frozen=True)
class Page:
    """Some of the people found, and the key to go on with; no key: that is all of them."""

    readers: list[Subscriber]
    after: str = ""


@dataclass(frozen=True)
class _Way:
    """One index to find people in, and what else must hold."""

    column: str
    start: str
    also: Q = field(default_factory=Q)

    def holds(self) -> Q:
        return _begins(self.column, self.start) & self.also

    def query(self, last: int) -> QuerySet[Subscriber]:
        """The people it finds, in the index's order, behind the last one shown."""
        seen = Subscriber.objects.filter(pk=last).values_list(self.column, flat=True).first() if last else None
        query = _begins(self.column, self.start, seen)
        postgresql = connection.vendor == "postgresql"
        if seen is not None:
            behind = Q(_Behind(F(self.column), seen)) if postgresql else Q(**{f"{self.column}__gt": seen})
            query &= behind | Q(pk__gt=last)
        order = _ByLetters(F(self.column)) if postgresql else self.column
        return Subscriber.objects.filter(query, self.also).order_by(order, "pk")


class _ByLetters(OrderBy):
    """The order of PostgreSQL's indexes for LIKE; in another it would sort all that begin so, maybe everybody."""

    template = "%(expression)s USING ~<~ /* ASC */"  # Django looks for that word


class _NotBefore(GreaterThanOrEqual):
    """In that order, equal or behind."""

    def get_rhs_op(self, connection: Any, rhs: str) -> str:
        return f"~>=~ {rhs}"


class _Behind(GreaterThan):
    """In that order, behind."""

    def get_rhs_op(self, connection: Any, rhs: str) -> str:
        return f"~>~ {rhs}"


def find(wanted: Wanted, after: str = "", size: int = 50) -> Page:
    """The next ``size`` people; fewer, with a key, where more would have to be looked through than a page may cost."""
    words = " ".join("".join(each if each.isprintable() else " " for each in wanted.words).split())[:_LONGEST]
    step, last = _key(after)
    if not words:
        return _newest_sifted(wanted, last, size) if wanted.sifts() else _newest(wanted, last, size)
    if words[0] == "@" and words[1:]:
        return _looked_through(_begins("domain", words[1:].casefold()), wanted, last, size)
    if words[0] == "#" and words[1:]:
        sets = _interested(words[1:])
        return _looked_through(Q(interests_id__among=sets), wanted, last, size) if sets else Page([])
    return _by_ways(_ways(words), wanted, (step, last), size)


def _key(after: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,2})\.([0-9]{1,9})", after)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _begins(column: str, start: str, seen: str | None = None) -> Q:
    """PostgreSQL has an index for LIKE, SQLite one for a range; ``seen`` is where that goes on."""
    if connection.vendor == "postgresql":
        query = Q(**{f"{column}__startswith": start})
        return query & Q(_NotBefore(F(column), seen)) if seen is not None else query
    return Q(**{f"{column}__gte": start if seen is None else seen, f"{column}__lt": start + _LAST})


def _ways(words: str) -> list[_Way]:
    """Addresses first, then last names, then first names, each as people write them; two words are both names."""
    ways = [_Way("email_key", words.casefold())]
    first, _, rest = words.partition(" ")
    for one, other in [(first, rest), (rest, first)] if rest else []:
        said = Q()
        for spelling in _spellings(one):
            said |= _begins("first_name", spelling)
        ways += [_Way("last_name", spelling, said) for spelling in _spellings(other)]
    for column in ("last_name", "first_name"):
        ways += [_Way(column, spelling) for spelling in _spellings(words)]
    return ways


def _spellings(word: str) -> list[str]:
    return list(dict.fromkeys((word, word.lower(), word.capitalize(), word.title(), word.upper())))


def _by_ways(ways: list[_Way], wanted: Wanted, key: tuple[int, int], size: int) -> Page:
    """Way after way; who was found on an earlier one is not shown again."""
    step, last = key
    narrows = wanted.sifts() or bool(wanted.narrowed())
    rows: list[tuple[int, Subscriber]] = []
    shown = Q()
    for number, way in enumerate(ways):
        if number >= step:
            query = way.query(last if number == step else 0)
            query = query.exclude(shown) if shown else query
            more = size + 1 - len(rows)
            found, looked_to = _narrowed(query, wanted, more) if narrows else (list(query[:more]), 0)
            rows += [(number, row) for row in found]
            if len(rows) > size:
                return Page([row for _, row in rows[:size]], f"{rows[size - 1][0]}.{rows[size - 1][1].pk}")
            if looked_to:
                return Page([row for _, row in rows], f"{number}.{looked_to}")
        shown |= way.holds()
    return Page([row for _, row in rows])


def _narrowed(query: QuerySet[Subscriber], wanted: Wanted, size: int) -> tuple[list[Subscriber], int]:
    """Those of the next people for whom it holds, and the last one looked at, if there are more.

    By their numbers alone: told of the range as well, SQLite would go through all of it.
    """
    ids = list(query.values_list("pk", flat=True)[:LOOKED_AT])
    people = Subscriber.objects.filter(wanted.narrowed(), pk__among=ids)
    holds = set(people.values_list("pk", flat=True)) if ids else set()
    chosen, looked_to = _sifted(wanted, [pk for pk in ids if pk in holds], size)
    more = looked_to or (ids[-1] if len(ids) == LOOKED_AT else 0)
    return _people(chosen), more


def _sifted(wanted: Wanted, ids: list[int], size: int) -> tuple[list[int], int]:
    """The first of those who have what no index helps with; and the last looked at, if time ran out before the end."""
    if not wanted.sifts():
        return ids[:size], 0
    until, chosen = monotonic() + PATIENCE, list[int]()
    for start in range(0, len(ids), SIFTED):
        some = ids[start : start + SIFTED]
        holds = wanted.sifted(some)
        chosen += [pk for pk in some if pk in holds]
        if len(chosen) >= size:
            return chosen[:size], 0
        if monotonic() > until and start + SIFTED < len(ids):
            return chosen, some[-1]
    return chosen, 0


def _people(ids: list[int]) -> list[Subscriber]:
    """Their rows, in that order."""
    found = {row.pk: row for row in Subscriber.objects.filter(pk__among=ids)} if ids else {}
    return [found[pk] for pk in ids if pk in found]


def _interested(tag: str) -> list[int]:
    """The sets of interests that have a tag beginning so."""
    tag = tag.strip().lower()
    sets = InterestSet.objects.filter(Q(key__startswith=tag) | Q(key__contains=SEPARATOR + tag))
    return list(sets.values_list("pk", flat=True))


def _looked_through(condition: Q, wanted: Wanted, below: int, size: int) -> Page:
    """Newest first, by their number: a stretch of people."""
    newest = Subscriber.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    top = min(below or newest + 1, newest + 1)
    floor = max(top - STRETCH, 0)
    people = Subscriber.objects.filter(condition, wanted.narrowed(), pk__lt=top, pk__gte=floor)
    if wanted.sifts():
        looked_at = list(people.order_by("-pk").values_list("pk", flat=True)[:LOOKED_AT])
        chosen, looked_to = _sifted(wanted, looked_at, size + 1)
        rows = _people(chosen)
        floor = looked_to or (looked_at[-1] if len(looked_at) == LOOKED_AT else floor)
    else:
        rows = list(people.order_by("-pk")[: size + 1])
    if len(rows) > size:
        return Page(rows[:size], f"0.{rows[size - 1].pk}")
    return Page(rows, f"0.{floor}" if floor > 1 else "")


def _newest_sifted(wanted: Wanted, below: int, size: int) -> Page:
    """Newest first, until the page is full or took long enough."""
    until, chosen = monotonic() + PATIENCE, list[int]()
    while True:
        ids = _newest_ids(wanted, below, LOOKED_AT)
        found, looked_to = _sifted(wanted, ids, size + 1 - len(chosen))
        chosen += found
        if len(chosen) > size:
            return Page(_people(chosen[:size]), f"0.{chosen[size - 1]}")
        if looked_to:
            return Page(_people(chosen), f"0.{looked_to}")
        if len(ids) < LOOKED_AT:
            return Page(_people(chosen))
        below = ids[-1]
        if monotonic() > until:
            return Page(_people(chosen), f"0.{below}")


def _newest(wanted: Wanted, below: int, size: int) -> Page:
    """Everybody of the list and state, newest first, by the index of subscriptions."""
    ids = _newest_ids(wanted, below, size + 1)
    rows = sorted(Subscriber.objects.filter(pk__among=ids), key=lambda row: -row.pk)
    return Page(rows[:size], f"0.{rows[size - 1].pk}" if len(rows) > size else "")


def _newest_ids(wanted: Wanted, below: int, size: int) -> list[int]:
    if wanted.state == SUPPRESSED:
        return _suppressed_ids(wanted, below, size)
    if not wanted.list_name and not wanted.state:
        people = Subscriber.objects.order_by("-pk").values_list("pk", flat=True)
        return list((people.filter(pk__lt=below) if below else people)[:size])
    lists = [wanted.list_name] if wanted.list_name else _list_names()
    states = [wanted.state] if wanted.state else SubscriptionState.values
    each_newest = (_of_list(name, state, below, size) for name in lists for state in states)
    found: dict[int, None] = {}
    for pk in heapq.merge(*each_newest, reverse=True):
        found[pk] = None
        if len(found) == size:
            break
    return list(found)


def _of_list(name: str, state: str, below: int, size: int) -> Iterator[int]:
    said = Subscription.objects.filter(list_name=name, state=state).order_by("-subscriber_id")
    said = said.filter(subscriber_id__lt=below) if below else said
    yield from said.values_list("subscriber_id", flat=True)[:size]


def _list_names() -> list[str]:
    """The lists that anybody is or was on, a look into the index for each."""
    names: list[str] = []
    lists = Subscription.objects.order_by("list_name").values_list("list_name", flat=True)
    while (name := lists.filter(list_name__gt=names[-1] if names else "").first()) is not None:
        names.append(name)
    return names


def _suppressed_ids(wanted: Wanted, below: int, size: int) -> list[int]:
    """Few people of many: their addresses lead to them."""
    keys = Suppression.objects.values("email_key")
    people = Subscriber.objects.filter(email_key__in=keys)
    if wanted.list_name:
        people = people.filter(
            Exists(Subscription.objects.filter(subscriber=OuterRef("pk"), list_name=wanted.list_name))
        )
    people = people.filter(pk__lt=below) if below else people
    return list(people.order_by("-pk").values_list("pk", flat=True)[:size])
