"""Conditions on people, put together so that both databases answer them by sets, never person by person.

A condition is plain (a test of the subscriber's own row) or a set of ids from another table. PostgreSQL plans
``IN`` at the top of a query as a semi-join and ``NOT EXISTS`` as an anti-join; under OR, and for NOT IN, it would
look through the whole set for each person once the set outgrows ``work_mem``. So one of several is said as not none of
them: anti-joins, by several workers; of a UNION it expects 200 ids and looks each of a million up. SQLite looks ids
up in one index whichever way it is asked, and ``IN`` is ten times faster there than ``EXISTS``; only the ledger,
which has several copies for each person and an index by person, is better asked for those whom the other conditions
leave: of a million people either takes 1.6 s for all, ``EXISTS`` as little as 0.3 for some. Of several sets SQLite
looks the people of one up, row by row, and is told which: it would take the first, whatever its size.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Exists, F, Func, OuterRef, Q, QuerySet
from django.db.models.lookups import In

from broadsheet.models import Delivery, Subscriber

Ids = QuerySet[Any, Any]
"""A query that gives ids of subscribers in one column."""
Condition = Q | Ids


def holds(condition: Condition) -> Q:
    """The condition on Subscriber."""
    if isinstance(condition, Q):
        return condition
    if connection.vendor == "sqlite" and condition.model is Delivery:
        return Q(Exists(condition.filter(subscriber=OuterRef("pk"))))
    return Q(pk__in=condition)


class _Unindexed(Func):
    """A column whose index SQLite is not to use."""

    template = "+%(expressions)s"
    arity = 1


def all_of(conditions: Sequence[Condition]) -> Q:
    """The condition that all of them hold; SQLite looks up the people of the first set."""
    query, looked_up = Q(), False
    for each in conditions:
        if isinstance(each, Q) or each.model is Delivery or not looked_up or connection.vendor != "sqlite":
            query &= holds(each)
        else:
            query &= Q(In(_Unindexed(F("pk")), each))
        looked_up |= not isinstance(each, Q) and each.model is not Delivery
    return query


def denied(condition: Condition) -> Q:
    """The condition that it does not hold; plain ones must be true or false, never unknown."""
    if isinstance(condition, Q):
        return ~condition if condition else Q(pk__in=[])  # ~Q() would be everybody again
    if connection.vendor != "postgresql":
        return ~Q(pk__in=condition)
    (column,) = condition.query.values_select
    return ~Q(Exists(condition.filter(**{column: OuterRef("pk")})))


def one_of(conditions: Sequence[Condition]) -> Q:
    """The condition that at least one of them holds."""
    if any(isinstance(each, Q) and not each for each in conditions):
        return Q()  # everybody
    if len(conditions) == 1:
        return holds(conditions[0])
    if connection.vendor == "postgresql":
        none = Q()
        for each in conditions:
            none &= denied(each)
        return denied(Subscriber.objects.filter(none).values("pk"))
    plain, sets = Q(), []
    for each in conditions:
        if isinstance(each, Q):
            plain |= each
        else:
            sets.append(each)
    if not sets:
        return plain
    if plain:
        sets.append(Subscriber.objects.filter(plain).values("pk"))
    return Q(pk__in=sets[0].union(*sets[1:], all=True) if len(sets) > 1 else sets[0])


def as_set(query: Q) -> Condition:
    """A condition that may hold sets, as one set that can stand anywhere; everybody stays everybody."""
    return Subscriber.objects.filter(query).values("pk") if query else query
