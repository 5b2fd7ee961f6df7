"""How many people are in a segment: all of them looked at once, whatever its rules are.

:func:`~broadsheet.audience.segments.segment_query` says it by joins, which PostgreSQL begins anew for each OR, NOT and
segment within. Who is only counted is counted in one pass there: a set of people from another table becomes a string
with a bit for each of them, 125 kB for a million, and everybody's row is asked for its bit. So of any rules the cost is
that of reading each set once, and of one look at everybody; workers share both.
"""

from collections.abc import Collection, Sequence
from functools import reduce
from operator import or_

from django.db import connection
from django.db.models import BigIntegerField, BinaryField, F, Func, IntegerField, Q, Subquery
from django.db.models.functions import Cast
from django.db.models.lookups import GreaterThan

from broadsheet.audience.idsets import Condition, Ids, denied, holds
from broadsheet.audience.segments import RULES, segment_query
from broadsheet.models import Subscriber
from broadsheet.workspace import Rule, Segment

#: The highest number of a subscriber with which a set is bits: 2 MB. They have to be filled in for everybody who is
#: gone as well.
WIDEST = 16_000_000
_OF_THE_ROW = frozenset(("attribute", "domain", "interests", "joined", "language", "zone"))


def segment_size(segment: Segment) -> int:
    """How many people are in the segment."""
    by_bits = connection.vendor == "postgresql" and newest_person() <= WIDEST
    query = _in_one_pass(segment, _joined(segment)) if by_bits else segment_query(segment)
    return Subscriber.objects.filter(query).count()


def newest_person() -> int:
    """The highest number of a subscriber, at once: no fewer people than there are."""
    return Subscriber.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _in_one_pass(segment: Segment, joined: Collection[str]) -> Q:
    """A test of each person, and joins to the sets of rules of the ``joined`` kinds."""
    query = Q()
    for rule in segment.all:
        query &= holds(RULES[rule.kind].query(rule.given)) if rule.kind in joined else _test(rule)
    if segment.any:
        query &= _one_of([_test(rule) for rule in segment.any])
    for rule in segment.none:
        query &= denied(RULES[rule.kind].query(rule.given) if rule.kind in joined else _test(rule))
    return query


def _joined(segment: Segment) -> Collection[str]:
    """The kinds of rules whose sets are better looked into for those people whom the other rules leave.

    That is the ledger, which has several copies for each person and an index by person, and lists, where some rules
    are about columns of the person's own row.
    """
    thinned = any(rule.kind in _OF_THE_ROW for rule in (*segment.all, *segment.none))
    return ("got", "list") if thinned else ("got",)


def _test(rule: Rule) -> Q:
    if rule.kind == "segment":
        return _one_of([_in_one_pass(each, joined=()) for each in rule.given])
    if rule.kind == "never_engaged":
        engaged = _test_of(RULES[rule.kind].query(False))
        return ~engaged if rule.given else engaged
    return _test_of(RULES[rule.kind].query(rule.given))


def _one_of(tests: Sequence[Q]) -> Q:
    return reduce(or_, tests, Q()) if all(tests) else Q()  # among them is everybody


def _test_of(condition: Condition) -> Q:
    if isinstance(condition, Q):
        return condition
    # of a number that is over another PostgreSQL expects a third of all, of one that is not 0 everybody
    return Q(GreaterThan(_BitOf(_Bits.of(condition), Cast(F("pk"), BigIntegerField())), 0))


class _Bits(Subquery):
    """A set of people as a string of bits, found once for the query.

    PostgreSQL groups by 64 people. Of a UNION it expects 200 groups, and so lets each worker group what it reads; of
    a column it expects as many as there are people, and does all of it in one process.
    """

    template = (
        "(SELECT string_agg(coalesce(int8send(bits), '\\x0000000000000000'), '' ORDER BY number)"
        " FROM generate_series(0, (SELECT max(id) FROM broadsheet_subscriber) >> 6) AS number"
        " LEFT JOIN (SELECT word, bit_or(bit) AS bits FROM"
        " (%(subquery)s UNION ALL SELECT id >> 6, 1::bigint FROM broadsheet_subscriber WHERE false) AS found"
        " GROUP BY word) AS words ON word = number)"
    )

    @classmethod
    def of(cls, ids: Ids) -> "_Bits":
        (column,) = ids.query.values_select
        found = ids.annotate(word=_Word(F(column)), bit=_Bit(F(column))).values("word", "bit")
        return cls(found, output_field=BinaryField())


class _Word(Func):
    """Which 64 people somebody is of."""

    template = "%(expressions)s >> 6"
    output_field = IntegerField()


class _Bit(Func):
    """Who of the 64 it is; numbers are written from their highest byte on, and bits counted from the lowest in each."""

    template = "1::bigint << ((%(expressions)s & 63) # 56)"
    output_field = BigIntegerField()


class _BitOf(Func):
    """A person's bit."""

    function = "get_bit"
    output_field = IntegerField()
