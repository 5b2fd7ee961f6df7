"""One edition's report: every number with what it is a share of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, Q, Sum

from broadsheet.audience import segment_label
from broadsheet.errors import BroadsheetError
from broadsheet.models import Edition, Event, EventKind, Link, Subscription, SubscriptionState, Summary, Tally
from broadsheet.reports.summary import READERS_CLICKED, add_segments, is_large, summary_of, who_clicked
from broadsheet.workspace import Workspace


@dataclass(frozen=True)
class Rate:
    """A share, with what it is a share of."""

    count: int
    of: int
    what: str
    """What ``of`` counts: ``sent`` or ``readers``."""

    @property
    def share(self) -> float:
        """Between 0 and 1; 0 of nothing."""
        return self.count / self.of if self.of else 0.0

    def __str__(self) -> str:
        return f"{self.count:,} ({self.share:.2%} of {self.of:,} {self.what})"


@dataclass(frozen=True)
class Report:
    """What came of an edition."""

    edition: Edition
    as_of: datetime
    """When the deliveries were broken down; events are as of now."""
    states: dict[str, int]
    reasons: dict[str, int]
    failed: Rate
    bounced: Rate
    complained: Rate
    unsubscribed: Rate
    bounces_by_class: dict[str, int]
    unsubscribe_reasons: dict[str, int]
    clicked: Rate
    """Clicks of people. Robots' are in ``clicks_by_robots``."""
    opened: Rate
    """Approximate: mail programs fetch pictures or don't, as they like."""
    clicks_by_robots: int
    readers_clicked: int | None
    """Different readers; None where readers are not counted one by one."""
    links: list[dict[str, Any]]
    articles: list[dict[str, Any]]
    hours: list[dict[str, Any]]
    variants: list[dict[str, Any]]
    domains: list[dict[str, Any]]
    segments: dict[str, dict[str, int]]
    tracking: str

    @property
    def readers(self) -> int:
        """All copies."""
        return sum(self.states.values())

    @property
    def sent(self) -> int:
        """Copies that the next server took."""
        return self.states.get("sent", 0)


def report(workspace: Workspace, edition: Edition, *, wait: bool = True) -> Report:
    """The edition's report; without ``wait`` with what is kept of a large one, which may be some time old."""
    summary = summary_of(edition, wait=wait)
    data = summary.data
    sent, readers = data["states"].get("sent", 0), sum(data["states"].values())
    # what bounced after it was taken is still counted as sent: it was
    tallies, events = _tallies(edition), _events(edition)
    links = _links(edition, tallies)
    return Report(
        edition=edition,
        as_of=summary.made_at,
        states=data["states"],
        reasons=dict(sorted(data["reasons"].items(), key=lambda each: (-each[1], each[0]))),
        failed=Rate(data["states"].get("failed", 0), readers, "readers"),
        bounced=Rate(events.get(EventKind.BOUNCED, 0), readers, "readers"),
        complained=Rate(events.get(EventKind.COMPLAINED, 0), sent, "sent"),
        unsubscribed=Rate(events.get(EventKind.UNSUBSCRIBED, 0), sent, "sent"),
        bounces_by_class=_details(edition, EventKind.BOUNCED, "cause"),
        unsubscribe_reasons=_details(edition, EventKind.UNSUBSCRIBED, "detail"),
        clicked=Rate(_total(tallies, EventKind.CLICKED), sent, "sent"),
        opened=Rate(_total(tallies, EventKind.OPENED), sent, "sent"),
        clicks_by_robots=_total(tallies, EventKind.CLICKED, automatic=True),
        readers_clicked=_readers_clicked(edition, data),
        links=links,
        articles=_by_article(links),
        hours=_hours(data["hours"], edition),
        variants=_with_clicks(data["variants"], tallies),
        domains=data["domains"],
        segments=_in_segments(workspace, summary, wait=wait or not is_large(edition)),
        tracking=edition.tracking,
    )


def _in_segments(workspace: Workspace, summary: Summary, *, wait: bool) -> dict[str, dict[str, int]]:
    """The share of the campaign's segments, as its file named them when this was first asked; none if it is gone."""
    known: dict[str, dict[str, int]] | None = summary.data.get("segments")
    if known is not None or not wait:
        return known or {}
    try:
        named = workspace.campaign(summary.edition.campaign.slug).segment
    except BroadsheetError:  # gone, or broken at the moment; the other numbers stand
        return {}
    return add_segments(summary, [(segment_label(workspace, each), workspace.segment(each)) for each in named])


#: What is counted from events; clicks and opens, of which there are many more, from tallies.
ANSWERED: Final = (EventKind.BOUNCED, EventKind.COMPLAINED, EventKind.UNSUBSCRIBED)


def _events(edition: Edition) -> dict[str, int]:
    found = Event.objects.filter(edition=edition, kind__in=ANSWERED, automatic=False)
    return dict(found.values_list("kind").annotate(Count("pk")).order_by())


def _tallies(edition: Edition) -> list[tuple[str, bool, int, int, int]]:
    """Kind, whether robots', link, variant and count."""
    rows = Tally.objects.filter(edition=edition).values_list("kind", "automatic", "link_id", "variant_id")
    return [tuple(row) for row in rows.annotate(Sum("count")).order_by()]


def _total(tallies: list[tuple[str, bool, int, int, int]], kind: str, *, automatic: bool = False) -> int:
    return sum(count for k, robots, _, _, count in tallies if k == kind and robots == automatic)


def _readers_clicked(edition: Edition, data: Mapping[str, Any]) -> int | None:
    """Counted from what is kept of readers; once a part of that is gone, as it was before."""
    if edition.tracking != "individual":
        return None
    folded: int | None = data.get(READERS_CLICKED)
    return who_clicked(edition) if folded is None else folded


def _details(edition: Edition, kind: str, field: str) -> dict[str, int]:
    rows = Event.objects.filter(edition=edition, kind=kind).values_list(field).annotate(n=Count("pk")).order_by("-n")
    return {str(value) or "not said": count for value, count in rows[:20]}


def _links(edition: Edition, tallies: list[tuple[str, bool, int, int, int]]) -> list[dict[str, Any]]:
    clicks: dict[tuple[int, bool], int] = {}
    for kind, automatic, link, _, count in tallies:
        if kind == EventKind.CLICKED:
            clicks[link, automatic] = clicks.get((link, automatic), 0) + count
    listed = [
        {
            "url": link.url,
            "article": link.article,
            "clicks": clicks.get((link.pk, False), 0),
            "by_robots": clicks.get((link.pk, True), 0),
        }
        for link in Link.objects.filter(edition=edition)
    ]
    return sorted(listed, key=lambda each: (-each["clicks"], each["url"]))


def clicks_by_address(edition: Edition) -> dict[str, int]:
    """How often people followed each address that the edition's mails lead to."""
    return {each["url"]: each["clicks"] for each in _links(edition, _tallies(edition))}


def _by_article(links: list[dict[str, Any]]) -> list[dict[str, Any]]:
    totals: dict[str, int] = {}
    for link in links:
        if link["article"]:
            totals[link["article"]] = totals.get(link["article"], 0) + link["clicks"]
    ranked = sorted(totals.items(), key=lambda each: (-each[1], each[0]))
    return [{"article": slug, "clicks": clicks} for slug, clicks in ranked]


def _hours(sent: dict[str, int], edition: Edition) -> list[dict[str, Any]]:
    """Copies sent, clicks and opens in each hour that saw any."""
    hours: dict[datetime, dict[str, int]] = {}
    for hour, count in sent.items():
        hours.setdefault(datetime.fromisoformat(hour), {})["sent"] = count
    rows = Tally.objects.filter(edition=edition, automatic=False).values_list("hour", "kind")
    for at, kind, count in rows.annotate(Sum("count")).order_by():
        hours.setdefault(at, {})[kind] = count
    kinds = ("sent", EventKind.CLICKED.value, EventKind.OPENED.value)
    return [{"hour": hour, **{kind: counts.get(kind, 0) for kind in kinds}} for hour, counts in sorted(hours.items())]


def _with_clicks(
    variants: list[dict[str, Any]], tallies: list[tuple[str, bool, int, int, int]]
) -> list[dict[str, Any]]:
    clicks: dict[int, int] = {}
    for kind, automatic, _, variant, count in tallies:
        if kind == EventKind.CLICKED and not automatic:
            clicks[variant] = clicks.get(variant, 0) + count
    return [{**each, "clicks": clicks.get(each["variant"], 0)} for each in variants]


def list_size(list_name: str) -> int:
    """How many people the list reaches now."""
    return Subscription.objects.filter(Q(list_name=list_name, state=SubscriptionState.SUBSCRIBED)).count()
