"""Editions side by side, a list's growth, and what readers liked."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncDate

from broadsheet.models import (
    Article,
    Campaign,
    Edition,
    EditionState,
    Event,
    EventKind,
    Link,
    Subscription,
    SubscriptionState,
    Summary,
    Tally,
    Variant,
)
from broadsheet.reports.report import ANSWERED, Rate, list_size
from broadsheet.reports.summary import states_by_edition


@dataclass(frozen=True)
class EditionRow:
    """One edition in a comparison."""

    edition: Edition
    readers: int
    sent: int
    bounced: Rate
    complained: Rate
    unsubscribed: Rate
    clicked: Rate
    opened: Rate


def compared(campaign: Campaign, last: int = 12) -> list[EditionRow]:
    """The campaign's last editions that went out, newest first."""
    went_out = (EditionState.SENDING, EditionState.PAUSED, EditionState.SENT)
    found = Edition.objects.select_related("campaign").filter(campaign=campaign, state__in=went_out)
    return side_by_side(list(found.order_by("-scheduled_for")[:last]))


def side_by_side(editions: Sequence[Edition]) -> list[EditionRow]:
    """These editions, in their order."""
    events = Counter[tuple[int, str]]()
    for edition, kind, count in (
        Event.objects.filter(edition__in=editions, kind__in=ANSWERED, automatic=False)
        .values_list("edition", "kind")
        .annotate(Count("pk"))
        .order_by()
    ):
        events[edition, kind] = count
    counts = Counter[tuple[int, str]]()
    for edition, kind, count in (
        Tally.objects.filter(edition__in=editions, automatic=False)
        .values_list("edition", "kind")
        .annotate(Sum("count"))
        .order_by()
    ):
        counts[edition, kind] = count
    states = states_by_edition(editions)
    return [_row(edition, states[edition.pk], events, counts) for edition in editions]


@dataclass(frozen=True)
class Result:
    """What an edition that went out came to, in two numbers."""

    sent: int
    clicked: int | None
    """None: it does not count clicks."""


def results(editions: Iterable[Edition]) -> dict[int, Result]:
    """The results of those that have a kept summary, by id: nothing is counted here but clicks, by the hour."""
    chosen = {edition.pk: edition for edition in editions}
    clicks = Tally.objects.filter(edition__in=list(chosen), kind=EventKind.CLICKED, automatic=False)
    clicked = dict(clicks.values_list("edition").annotate(Sum("count")).order_by())
    kept = Summary.objects.filter(edition__in=list(chosen)).values_list("edition", "data__states")
    return {
        pk: Result(states.get("sent", 0), None if chosen[pk].tracking == "none" else clicked.get(pk, 0))
        for pk, states in kept
    }


def _row(
    edition: Edition, states: dict[str, int], events: Counter[tuple[int, str]], counts: Counter[tuple[int, str]]
) -> EditionRow:
    readers, sent, pk = sum(states.values()), states.get("sent", 0), edition.pk
    return EditionRow(
        edition=edition,
        readers=readers,
        sent=sent,
        bounced=Rate(events[pk, EventKind.BOUNCED], readers, "readers"),
        complained=Rate(events[pk, EventKind.COMPLAINED], sent, "sent"),
        unsubscribed=Rate(events[pk, EventKind.UNSUBSCRIBED], sent, "sent"),
        clicked=Rate(counts[pk, EventKind.CLICKED], sent, "sent"),
        opened=Rate(counts[pk, EventKind.OPENED], sent, "sent"),
    )


@dataclass(frozen=True)
class GrowthDay:
    """A list on one day (UTC)."""

    day: date
    joined: int
    left: int
    size: int
    """At the day's end."""


def growth(list_name: str, until: date, days: int = 30) -> list[GrowthDay]:
    """How the list grew: each of the last ``days`` days up to ``until``."""
    since = until - timedelta(days=days - 1)
    start = datetime.combine(since, time.min, UTC)
    rows = Subscription.objects.filter(list_name=list_name)
    joined = _by_day(rows.exclude(state=SubscriptionState.PENDING).filter(consent_at__gte=start), "consent_at")
    left = _by_day(rows.filter(state=SubscriptionState.UNSUBSCRIBED, left_at__gte=start), "left_at")
    size = list_size(list_name)
    found = []
    for back in range(days):
        day = until - timedelta(days=back)
        found.append(GrowthDay(day, joined.get(day, 0), left.get(day, 0), size))
        size += left.get(day, 0) - joined.get(day, 0)
    return found[::-1]


def _by_day(rows: QuerySet[Subscription], field: str) -> dict[date, int]:
    grouped = rows.annotate(day=TruncDate(field, tzinfo=UTC)).values_list("day").annotate(Count("pk")).order_by()
    return dict(grouped)


@dataclass(frozen=True)
class ArticleRow:
    """An article by what readers did."""

    slug: str
    editions: int
    clicks: int
    title: str = ""
    """Empty for one that is gone."""


def articles_ranked(since: datetime, limit: int = 20) -> list[ArticleRow]:
    """The articles that people clicked most in editions since then."""
    links = {
        link.pk: link
        for link in Link.objects.filter(edition__scheduled_for__gte=since)
        .exclude(article="")
        .only("article", "edition")
    }
    clicks = Counter[str]()
    seen: dict[str, set[int]] = {}
    for link in links.values():
        seen.setdefault(link.article, set()).add(link.edition_id)
    tallies = Tally.objects.filter(
        edition__scheduled_for__gte=since, kind=EventKind.CLICKED, automatic=False, link_id__gt=0
    )
    for link_id, count in tallies.values_list("link_id").annotate(Sum("count")).order_by():
        if link_id in links:
            clicks[links[link_id].article] += count
    ranked = sorted(seen, key=lambda slug: (-clicks[slug], slug))[:limit]
    titles = dict(Article.objects.filter(slug__in=ranked).values_list("slug", "title"))
    return [ArticleRow(slug, len(seen[slug]), clicks[slug], titles.get(slug, "")) for slug in ranked]


@dataclass(frozen=True)
class Uses:
    """Which editions have had each article, newest first, among the ``looked_at`` newest ones."""

    by_slug: dict[str, list[Edition]]
    looked_at: int
    whole: bool
    """Whether those are all there are."""


#: Variants that one page looks through: 10,000 are read in about 40 ms.
MOST_VARIANTS = 10_000
MOST_EDITIONS = 200


def editions_with(slugs: Iterable[str]) -> Uses:
    """The editions that have each of the articles in any variant; called-off and skipped ones don't count."""
    wanted = set(slugs)
    never = (EditionState.CANCELLED, EditionState.SKIPPED)
    newest = Edition.objects.exclude(state__in=never).select_related("campaign").annotate(of=Count("variants"))
    looked: dict[int, Edition] = {}
    variants, whole = 0, True
    for edition in newest.order_by("-scheduled_for", "-pk")[: MOST_EDITIONS + 1]:
        variants += edition.of
        if looked and (variants > MOST_VARIANTS or len(looked) == MOST_EDITIONS):
            whole = False
            break
        looked[edition.pk] = edition
    had: dict[str, set[int]] = {}
    rows = Variant.objects.filter(edition__in=list(looked)).values_list("edition_id", "articles")
    for pk, articles in rows.iterator():
        for slug in wanted.intersection(articles):
            had.setdefault(slug, set()).add(pk)
    found = {slug: [edition for pk, edition in looked.items() if pk in pks] for slug, pks in had.items()}
    return Uses(found, len(looked), whole)
