"""The ledger as figures for Prometheus. Whichever process is asked answers the same, as all of it is from the ledger.

All are gauges: erasing a person, or sending failed copies again, takes copies away from what a counter would have
counted, and Prometheus would take that for a restart.
"""

import re
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from django.db.models import Count, Min, Q
from django.db.models.functions import Substr
from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from broadsheet.conf.cluster import broker
from broadsheet.models import Campaign, Claim, Delivery, DeliveryState, Edition, EditionState
from broadsheet.workspace import Workspace

#: A look at the ledger serves all who ask within 5 s of it, and within 20 times what it cost.
_KEPT, _SHARE = 5.0, 20
#: How long (seconds) an edition that is over is not counted anew, and over how long rates are taken.
_SETTLED, _RATE_OVER = 600.0, 60.0
_OVER = (EditionState.SENT, EditionState.CANCELLED, EditionState.SKIPPED)
_OPEN = (DeliveryState.QUEUED, DeliveryState.DEFERRED)
#: The states of copies whose reason is a reply.
_ANSWERED = (DeliveryState.FAILED, DeliveryState.DEFERRED)
_STATUS = re.compile(r"\b[245]\.(\d)(?:\.|$)")
#: RFC 3463 section 2, the second number of an enhanced status: what the refusal is about.
_SUBJECTS = {
    "1": "address",
    "2": "mailbox",
    "3": "system",
    "4": "network",
    "5": "protocol",
    "6": "content",
    "7": "policy",
}

Key = tuple[str, str, str]
"""Adapter, state, class."""


@dataclass
class _Ledger:
    """What the last looks at the ledger found."""

    lock: Lock = field(default_factory=Lock)
    taken: float = float("-inf")
    kept: float = 0.0
    #: editions that are over: when they were counted, and what was found
    settled: dict[int, tuple[float, Counter[Key]]] = field(default_factory=dict)
    copies: Counter[Key] = field(default_factory=Counter)
    #: by adapter, since when its oldest due copy has waited
    due_since: dict[str, datetime] = field(default_factory=dict)
    #: moments of the last minute, and what had been sent by then
    history: deque[tuple[float, Counter[Key]]] = field(default_factory=deque)

    def look(self) -> None:
        """Count again, if the last count is too old."""
        with self.lock:
            began = time.monotonic()
            if began - self.taken < self.kept:
                return
            self.copies, self.due_since = self._count(began), _due_since(timezone.now())
            self.taken = time.monotonic()
            self.kept = max(_KEPT, _SHARE * (self.taken - began))
            self.history.append((began, self.copies))
            while len(self.history) > 2 and self.history[1][0] <= began - _RATE_OVER:
                self.history.popleft()

    def _count(self, now: float) -> Counter[Key]:
        over = dict(Edition.objects.filter(state__in=_OVER).values_list("pk", "adapter"))
        live = dict(Edition.objects.exclude(state__in=_OVER).values_list("pk", "adapter"))
        stale = [pk for pk in over if now - self.settled.get(pk, (float("-inf"),))[0] > _SETTLED]
        found = _counted({**live, **{pk: over[pk] for pk in stale}})
        self.settled = {pk: each for pk, each in self.settled.items() if pk in over}
        self.settled |= {pk: (now, found[pk]) for pk in stale}
        total: Counter[Key] = Counter()
        for counts in (*(found[pk] for pk in live), *(counts for _, counts in self.settled.values())):
            total.update(counts)
        return total

    def rates(self) -> dict[tuple[str, str], float]:
        """Copies a second that came into each final state, by adapter and state, over the last minute."""
        rates: dict[tuple[str, str], float] = {}
        (then, before), (now, after) = self.history[0], self.history[-1]
        for adapter, state, kind in after if now > then else ():
            if state not in _OPEN:
                more = after[adapter, state, kind] - before[adapter, state, kind]
                rates[adapter, state] = rates.get((adapter, state), 0.0) + max(0, more) / (now - then)
        return rates


def _counted(adapters: dict[int, str]) -> dict[int, Counter[Key]]:
    """The copies of those editions. The first query is answered from an index; the second reads refused copies only."""
    found: dict[int, Counter[Key]] = {pk: Counter() for pk in adapters}
    rows = Delivery.objects.filter(edition__in=adapters)
    by_state = rows.exclude(state__in=_ANSWERED).values_list("edition_id", "state").annotate(n=Count("pk")).order_by()
    for pk, state, n in by_state:
        found[pk][adapters[pk], state, ""] += n
    refused = rows.filter(state__in=_ANSWERED).annotate(reply=Substr("reason", 1, 9))
    for pk, state, reply, n in refused.values_list("edition_id", "state", "reply").annotate(n=Count("pk")).order_by():
        found[pk][adapters[pk], state, class_of(reply)] += n
    return found


def class_of(reply: str) -> str:
    """What a refusal is about, by the first nine signs of the reply: the subject of its enhanced status."""
    status = _STATUS.search(reply)
    return _SUBJECTS.get(status[1], "other") if status else "other"


_LEDGER = _Ledger()


class _Figures(Collector):
    """What Prometheus is told."""

    def __init__(self, workspace: Workspace) -> None:
        self._adapters = ("default", *workspace.config.adapters)

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked of the database when the collector is registered."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All figures, one family after the other."""
        now = timezone.now()
        _LEDGER.look()
        yield from _copies(_LEDGER.copies, _LEDGER.rates(), self._adapters)
        yield from _editions()
        yield from _senders(now)
        yield from _lags(now)
        yield from _hints(self._adapters)


def registry(workspace: Workspace) -> CollectorRegistry:
    """A registry of this workspace's figures, to be written out at once. Raises Django's DatabaseError then."""
    made = CollectorRegistry(auto_describe=False)
    made.register(_Figures(workspace))
    return made


def _copies(copies: Counter[Key], rates: dict[tuple[str, str], float], adapters: Iterable[str]) -> Iterator[Metric]:
    depth = GaugeMetricFamily(
        "broadsheet_queue_depth", "Copies that want a sender, now or later.", labels=["adapter", "state"]
    )
    final = GaugeMetricFamily("broadsheet_copies", "Copies in a final state.", labels=["adapter", "outcome", "class"])
    unknown = GaugeMetricFamily("broadsheet_unknown", "Copies that nobody can say of.", labels=["adapter"])
    rate = GaugeMetricFamily(
        "broadsheet_rate_per_second", "Copies a second over the last minute.", labels=["adapter", "outcome"]
    )
    by_state: Counter[tuple[str, str]] = Counter()
    for (adapter, state, kind), n in sorted(copies.items()):
        by_state[adapter, state] += n
        if state not in _OPEN:
            final.add_metric([adapter, state, kind], n)
    for adapter in sorted({*adapters, *(each[0] for each in copies)}):
        for state in _OPEN:
            depth.add_metric([adapter, state.value], by_state[adapter, state])
        unknown.add_metric([adapter], by_state[adapter, DeliveryState.UNKNOWN])
    for (adapter, state), value in sorted(rates.items()):
        rate.add_metric([adapter, state], value)
    yield from (depth, final, unknown, rate)


def _editions() -> Iterator[Metric]:
    states = GaugeMetricFamily("broadsheet_editions", "Editions by state.", labels=["state"])
    found = dict(Edition.objects.values_list("state").annotate(n=Count("pk")).order_by())
    for state in EditionState:
        states.add_metric([state.value], found.get(state.value, 0))
    yield states


def _senders(now: datetime) -> Iterator[Metric]:
    senders = GaugeMetricFamily("broadsheet_senders", "Senders that have copies in hand.", labels=["adapter"])
    alive = Claim.objects.filter(lease_until__gt=now).values_list("edition__adapter")
    for adapter, n in alive.annotate(n=Count("sender", distinct=True)).order_by("edition__adapter"):
        senders.add_metric([adapter], n)
    yield senders


def _lags(now: datetime) -> Iterator[Metric]:
    schedule = GaugeMetricFamily(
        "broadsheet_schedule_lag_seconds",
        "Since when the scheduler has not dealt with the campaign's times; it looks each minute.",
        labels=["campaign"],
    )
    for slug, since in Campaign.objects.filter(watched_since__isnull=False).values_list("slug", "watched_since"):
        if since is not None:
            schedule.add_metric([slug], max(0.0, (now - since).total_seconds()))
    delivery = GaugeMetricFamily(
        "broadsheet_delivery_lag_seconds", "How long the oldest copy that is due has waited.", labels=["adapter"]
    )
    for adapter, since in sorted(_LEDGER.due_since.items()):
        delivery.add_metric([adapter], max(0.0, (now - since).total_seconds()))
    yield from (schedule, delivery)


def _due_since(now: datetime) -> dict[str, datetime]:
    """Since when the oldest due copy of each adapter has waited, for adapters that have any."""
    found: dict[str, datetime] = {}
    going = Edition.objects.filter(state__in=(EditionState.APPROVED, EditionState.SENDING))
    for edition in going.only("pk", "adapter", "scheduled_for"):
        rows = Delivery.objects.filter(edition=edition, state__in=_OPEN)
        since = rows.filter(Q(at__lte=now)).aggregate(first=Min("at"))["first"]
        if edition.scheduled_for <= now and rows.filter(at__isnull=True).exists():
            since = min(since or edition.scheduled_for, edition.scheduled_for)
        if since is not None:
            found[edition.adapter] = min(found.get(edition.adapter, since), since)
    return found


def _hints(adapters: Iterable[str]) -> Iterator[Metric]:
    address = broker()
    if address is None:
        return
    from kombu.exceptions import OperationalError

    from broadsheet.schedule.hints import make_app, queue_of, waiting

    up = GaugeMetricFamily("broadsheet_broker_up", "Whether the broker can be reached.")
    hints = GaugeMetricFamily("broadsheet_hints_waiting", "Hints that no worker has taken.", labels=["adapter"])
    app = make_app(address)
    try:
        for adapter in sorted(set(adapters)):
            hints.add_metric([adapter], waiting(app, queue_of(adapter)))
    except OperationalError:
        up.add_metric([], 0)
    else:
        up.add_metric([], 1)
    yield from (up, hints)
