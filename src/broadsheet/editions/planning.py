"""Rules, articles, audience and each reader's past, to a plan: who would get what. Writes nothing that lasts."""

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from broadsheet.audience import Target, excluded_by_reason, mailable
from broadsheet.editions.states import newest_move
from broadsheet.models import Article, Delivery, Edition, InterestSet, Subscriber, Variant
from broadsheet.models.delivery import HAD
from broadsheet.selection import Candidate, Picks, Verdict, explain, pick, pool
from broadsheet.timing import not_before
from broadsheet.workspace import CampaignFile, Workspace

Group = tuple[int, str]
"""Readers alike to picking: the id of their interest set, and the ids of the variants they have had, in order."""


@dataclass(frozen=True)
class PlannedVariant:
    """One distinct set of picks, and how many readers share it."""

    slugs: tuple[str, ...]
    readers: int

    @property
    def key(self) -> str:
        """The variant's key: a hash of its articles in order."""
        return hashlib.sha256("\n".join(self.slugs).encode()).hexdigest()


@dataclass(frozen=True)
class Plan:
    """Who would get what, and who not and why."""

    campaign: CampaignFile
    scheduled_for: datetime
    audience: int
    """Everyone who ever was on the list."""
    excluded: dict[str, int]
    """How many of them get nothing, by reason."""
    variants: tuple[PlannedVariant, ...]
    """Most readers first."""
    groups: dict[Group, int | str]
    """Each group's variant, as an index into ``variants``, or why it gets nothing."""
    zone: tzinfo
    """The campaign's time zone."""
    newest_move: int
    """The last move that put copies into the queue before this plan was made."""
    table: str
    """The temporary table that says which group each reader is in."""

    @property
    def readers(self) -> int:
        """How many get a mail."""
        return sum(variant.readers for variant in self.variants)


def plan(workspace: Workspace, campaign: CampaignFile, at: datetime) -> Plan:
    """The plan of the campaign's edition at that moment. Writes a temporary table, nothing else.

    1. Readers who may be mailed are put into groups of the same interests and the same past.
    2. Each group is picked for once.
    3. Groups with the same picks share a variant.
    """
    target, newest = target_of(workspace, campaign, at), newest_move()
    table = _group_readers(campaign, target)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT interests_id, past, COUNT(*) FROM {table} GROUP BY interests_id, past")  # noqa: S608
        sizes: dict[Group, int] = {(interests_id, past): count for interests_id, past, count in cursor.fetchall()}
    picks = _picks_by_group(workspace, campaign, at, sizes)
    readers: Counter[tuple[str, ...]] = Counter()
    nothing: Counter[str] = Counter()
    for group, picked in picks.items():
        if picked.too_few:
            nothing[picked.reason] += sizes[group]
        else:
            readers[picked.slugs] += sizes[group]
    variants = tuple(
        PlannedVariant(slugs, count) for slugs, count in sorted(readers.items(), key=lambda each: (-each[1], each[0]))
    )
    index = {variant.slugs: position for position, variant in enumerate(variants)}
    excluded = excluded_by_reason(target) | dict(nothing)
    return Plan(
        campaign=campaign,
        scheduled_for=at,
        audience=sum(excluded.values()) + sum(variant.readers for variant in variants),
        excluded=excluded,
        variants=variants,
        groups={group: picked.reason or index[picked.slugs] for group, picked in picks.items()},
        zone=campaign.schedule.zone(workspace.config.zone) if campaign.schedule else workspace.config.zone,
        newest_move=newest,
        table=table,
    )


def drop(planned: Plan) -> None:
    """Give the plan's temporary table back; a process that goes on would gather them."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {planned.table}")


def target_of(workspace: Workspace, campaign: CampaignFile, at: datetime) -> Target:
    """Whom the campaign's edition of that moment is for. Raises UnknownName for a segment that isn't there."""
    return Target(
        campaign.list,
        tuple(workspace.segment(each) for each in campaign.segment),
        tuple(workspace.segment(each) for each in campaign.exclude),
        at,
        _own_edition(campaign, at),
    )


def _own_edition(campaign: CampaignFile, at: datetime) -> int | None:
    """The id of the campaign's edition of that very time, if it is frozen."""
    return Edition.objects.filter(campaign__slug=campaign.slug, scheduled_for=at).values_list("pk", flat=True).first()


def _picks_by_group(
    workspace: Workspace, campaign: CampaignFile, at: datetime, groups: Iterable[Group]
) -> dict[Group, Picks]:
    fit = pool(campaign.articles, candidates(workspace), at)
    interests = {row.pk: frozenset(row.tags) for row in InterestSet.objects.all()}
    groups = list(groups)
    had = _articles_of({int(pk) for _, past in groups for pk in past.split(",") if pk})
    return {
        (interests_id, past): pick(
            campaign.articles,
            fit,
            interests[interests_id],
            frozenset(slug for pk in past.split(",") if pk for slug in had[int(pk)]),
        )
        for interests_id, past in groups
    }


def candidates(workspace: Workspace) -> list[Candidate]:
    """Every article there is, as picking sees it."""
    settle = {source.place: source.settle for source in workspace.config.sources}
    tags: dict[int, list[str]] = {}
    for article, tag in Article.tags.through.objects.values_list("article_id", "tag__name"):
        tags.setdefault(article, []).append(tag)
    rows = Article.objects.values("pk", "place", *_OF_ARTICLES)  # as rows, a fifth of the time of 10,000 objects
    return [
        Candidate(
            **{name: row[name] for name in _OF_ARTICLES},
            tags=frozenset(tags.get(row["pk"], ())),
            settle=settle.get(row["place"], timedelta(0)),
        )
        for row in rows
    ]


#: What picking sees of an article as its row has it.
_OF_ARTICLES = (
    "slug", "published_at", "draft", "title", "category", "source", "changed_at", "seen_before",
)  # fmt: skip


def _articles_of(variant_ids: set[int]) -> dict[int, list[str]]:
    rows = Variant.objects.filter(pk__in=variant_ids).values_list("pk", "articles")
    return dict(rows)


def _group_readers(campaign: CampaignFile, target: Target) -> str:
    """A temporary table of ``subscriber_id, interests_id, time_zone, past`` for all who may be mailed; its name.

    ``past`` is the ids of the variants the reader has had, in order, as far as ``repeat`` minds them. What the
    edition of that very time brought them, if it is frozen already, is not their past.
    """
    table = f"plan_{secrets.token_hex(6)}"
    audience, audience_params = _sql(mailable(target).values("id", "interests_id", "time_zone"))
    had = _minded(campaign, target)
    past, past_params = _sql(had.values("subscriber_id", "variant_id"))  # in order: the index it reads is
    joined = (
        "string_agg(p.variant_id::text, ',' ORDER BY p.variant_id)"
        if connection.vendor == "postgresql"
        else "group_concat(p.variant_id, ',')"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE {table} AS "  # noqa: S608  the names are ours, the values are parameters
            f"SELECT a.id AS subscriber_id, a.interests_id, a.time_zone, COALESCE(h.past, '') AS past "
            f"FROM ({audience}) a LEFT JOIN ("
            f"  SELECT p.subscriber_id, {joined} AS past FROM ({past}) p GROUP BY p.subscriber_id"
            f") h ON h.subscriber_id = a.id",
            [*audience_params, *past_params],
        )
        cursor.execute(_PLAN_TABLES[connection.vendor])
        for (old,) in cursor.fetchall()[:-KEPT_TABLES]:
            cursor.execute(f"DROP TABLE {old}")
    return table


def _minded(campaign: CampaignFile, target: Target) -> QuerySet[Delivery]:
    """The copies that readers have had, as far as the campaign's ``repeat`` minds them."""
    had = Delivery.objects.filter(state__in=HAD, variant__isnull=False)
    if campaign.articles.repeat == "per-campaign":
        had = had.filter(edition__campaign__slug=campaign.slug)
    elif campaign.articles.repeat == "allow":
        had = had.none()
    if target.edition_id:
        had = had.exclude(variant__in=Variant.objects.filter(edition=target.edition_id).values("pk"))
    return had


def picks_of(workspace: Workspace, campaign: CampaignFile, at: datetime, subscriber: Subscriber) -> Picks:
    """What one reader would get at that moment, without a plan for all; whether they may be mailed is not asked."""
    had = _minded(campaign, target_of(workspace, campaign, at)).filter(subscriber=subscriber)
    past = _articles_of(set(had.values_list("variant_id", flat=True)))
    fit = pool(campaign.articles, candidates(workspace), at)
    seen = frozenset(slug for slugs in past.values() for slug in slugs)
    return pick(campaign.articles, fit, frozenset(subscriber.interests.tags), seen)


#: How many plans of one connection keep their table: a preview holds a few at a time, a scheduler one.
KEPT_TABLES = 8
#: This connection's tables of plans, oldest first.
_PLAN_TABLES = {
    "sqlite": "SELECT name FROM sqlite_temp_master WHERE type = 'table' AND name LIKE 'plan%' ORDER BY rowid",
    "postgresql": "SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r'"
    " AND relname LIKE 'plan%' ORDER BY oid",
}


def assignments(planned: Plan) -> Iterator[tuple[int, int | str]]:
    """Each reader of the plan, by subscriber id, with the index of their variant, or why they get nothing."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"SELECT subscriber_id, interests_id, past FROM {planned.table} ORDER BY subscriber_id"  # noqa: S608
        )
        for subscriber_id, interests_id, past in cursor:
            yield subscriber_id, planned.groups[interests_id, past]


def readers_at(planned: Plan, domains: Iterable[str]) -> dict[str, int]:
    """How many readers of the plan who get a mail have their address at each of those domains."""
    found: Counter[str] = Counter()
    for domain in domains:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT r.interests_id, r.past, COUNT(*) FROM {planned.table} r"  # noqa: S608
                " JOIN broadsheet_subscriber s ON s.id = r.subscriber_id WHERE s.email_key LIKE %s"
                " GROUP BY r.interests_id, r.past",
                [f"%@{domain}"],
            )
            rows = cursor.fetchall()
        found[domain] = sum(count for *group, count in rows if not isinstance(planned.groups[group[0], group[1]], str))
    return dict(found)


def leaving(planned: Plan) -> list[tuple[str, int, datetime]]:
    """Each time zone with its readers who get a mail and when their copies may leave, most readers first.

    Empty if all copies leave together. The zone is empty for readers of whom none is known.
    """
    schedule = planned.campaign.schedule
    if schedule is None or not_before(schedule, planned.zone, planned.scheduled_for, "") is None:
        return []
    readers: Counter[str] = Counter()
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"SELECT time_zone, interests_id, past, COUNT(*) FROM {planned.table}"  # noqa: S608
            " GROUP BY time_zone, interests_id, past"
        )
        for zone, interests_id, past, count in cursor:
            if not isinstance(planned.groups[interests_id, past], str):
                readers[zone] += count
    times = {zone: not_before(schedule, planned.zone, planned.scheduled_for, zone) for zone in readers}
    return [(zone, count, at) for zone, count in readers.most_common() if (at := times[zone]) is not None]


def _sql(query: QuerySet[Any, Any]) -> tuple[str, tuple[Any, ...]]:
    """The query's SQL and parameters, also where Django sees at once that no row can fit."""
    try:
        sql, params = query.query.sql_with_params()
    except EmptyResultSet:
        columns = ", ".join(
            f"CAST(NULL AS {'text' if name == 'time_zone' else 'bigint'}) AS {name}"
            for name in query.query.values_select
        )
        return f"SELECT {columns} WHERE 1 = 0", ()
    return sql, tuple(params)


def variant_of(planned: Plan, subscriber_id: int) -> PlannedVariant | str:
    """What one subscriber gets in the plan, or why they get nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT interests_id, past FROM {planned.table} WHERE subscriber_id = %s",  # noqa: S608
            [subscriber_id],
        )
        group = cursor.fetchone()
    if group is None:
        return f"not among the readers of {planned.campaign.list} who may be mailed, or outside its segment"
    found = planned.groups[group]
    return found if isinstance(found, str) else planned.variants[found]


def explained(workspace: Workspace, planned: Plan, subscriber: Subscriber) -> tuple[Verdict, ...]:
    """For each article, why this reader gets it in the plan's edition, or doesn't."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT past FROM {planned.table} WHERE subscriber_id = %s", [subscriber.pk])  # noqa: S608
        row = cursor.fetchone()
    past = [int(pk) for pk in row[0].split(",") if pk] if row else []
    had = frozenset(slug for slugs in _articles_of(set(past)).values() for slug in slugs)
    rules = planned.campaign.articles
    fit = pool(rules, candidates(workspace), planned.scheduled_for)
    return explain(rules, fit, frozenset(subscriber.interests.tags), had)
