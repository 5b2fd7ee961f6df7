"""Picks and audience to a frozen Edition.

:func:`plan` works out who gets what and writes nothing that lasts; :func:`freeze` makes a plan rows, once:
``(campaign, scheduled_for)`` is unique, so a second firing finds the first one's edition.
"""

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet

from broadsheet.audience import excluded_by_reason, mailable
from broadsheet.models import (
    Article,
    Campaign,
    Delivery,
    DeliveryState,
    Edition,
    EditionState,
    InterestSet,
    Variant,
)
from broadsheet.models.delivery import HAD
from broadsheet.selection import Candidate, Picks, pick, pool
from broadsheet.workspace import CampaignFile, Workspace

TOO_FEW = "too few new articles"


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
    groups: dict[tuple[int, str], int | None]
    """Readers of one interest set and one past, to the index of their variant; None for too few articles."""
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
    segments = [workspace.segment(name) for name in campaign.segment]
    table = _group_readers(campaign, segments)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT interests_id, past, COUNT(*) FROM {table} GROUP BY interests_id, past")  # noqa: S608
        sizes = {(interests_id, past): count for interests_id, past, count in cursor.fetchall()}
    picks = _picks_by_group(campaign, at, sizes)
    readers: Counter[tuple[str, ...]] = Counter()
    for group, picked in picks.items():
        if not picked.too_few:
            readers[picked.slugs] += sizes[group]
    variants = tuple(
        PlannedVariant(slugs, count) for slugs, count in sorted(readers.items(), key=lambda each: (-each[1], each[0]))
    )
    index = {variant.slugs: position for position, variant in enumerate(variants)}
    excluded = excluded_by_reason(campaign.list, segments)
    if too_few := sum(sizes[group] for group, picked in picks.items() if picked.too_few):
        excluded[TOO_FEW] = too_few
    return Plan(
        campaign=campaign,
        scheduled_for=at,
        audience=sum(excluded.values()) + sum(variant.readers for variant in variants),
        excluded=excluded,
        variants=variants,
        groups={group: None if picked.too_few else index[picked.slugs] for group, picked in picks.items()},
        table=table,
    )


def _picks_by_group(
    campaign: CampaignFile, at: datetime, groups: Iterable[tuple[int, str]]
) -> dict[tuple[int, str], Picks]:
    articles = Article.objects.prefetch_related("tags").defer("html", "excerpt")
    fit = pool(campaign.articles, (_candidate(row) for row in articles), at)
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


def _candidate(row: Article) -> Candidate:
    return Candidate(
        slug=row.slug,
        published_at=row.published_at,
        draft=row.draft,
        tags=frozenset(tag.name for tag in row.tags.all()),
        title=row.title,
        category=row.category,
        source=row.source,
    )


def _articles_of(variant_ids: set[int]) -> dict[int, list[str]]:
    rows = Variant.objects.filter(pk__in=variant_ids).values_list("pk", "articles")
    return dict(rows)


def _group_readers(campaign: CampaignFile, segments: Sequence[object]) -> str:
    """A temporary table of ``subscriber_id, interests_id, past`` for all who may be mailed; its name.

    ``past`` is the ids of the variants the reader has had, in order, as far as ``repeat`` minds them.
    """
    table = f"plan_{secrets.token_hex(6)}"
    audience, audience_params = _sql(mailable(campaign.list, segments).values("id", "interests_id"))  # type: ignore[arg-type]
    had = Delivery.objects.filter(state__in=HAD, variant__isnull=False)
    if campaign.articles.repeat == "per-campaign":
        had = had.filter(edition__campaign__slug=campaign.slug)
    elif campaign.articles.repeat == "allow":
        had = had.none()
    past, past_params = _sql(had.values("subscriber_id", "variant_id"))  # in order: the index it reads is
    joined = (
        "string_agg(p.variant_id::text, ',' ORDER BY p.variant_id)"
        if connection.vendor == "postgresql"
        else "group_concat(p.variant_id, ',')"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE {table} AS "  # noqa: S608  the names are ours, the values are parameters
            f"SELECT a.id AS subscriber_id, a.interests_id AS interests_id, COALESCE(h.past, '') AS past "
            f"FROM ({audience}) a LEFT JOIN ("
            f"  SELECT p.subscriber_id, {joined} AS past FROM ({past}) p GROUP BY p.subscriber_id"
            f") h ON h.subscriber_id = a.id",
            [*audience_params, *past_params],
        )
    return table


def assignments(planned: Plan) -> Iterator[tuple[int, int | None]]:
    """Each reader of the plan, by subscriber id, with the index of their variant; None for too few articles."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"SELECT subscriber_id, interests_id, past FROM {planned.table} ORDER BY subscriber_id"  # noqa: S608
        )
        for subscriber_id, interests_id, past in cursor:
            yield subscriber_id, planned.groups[interests_id, past]


def _sql(query: QuerySet[Any, Any]) -> tuple[str, tuple[Any, ...]]:
    """The query's SQL and parameters, also where Django sees at once that no row can fit."""
    try:
        sql, params = query.query.sql_with_params()
    except EmptyResultSet:
        columns = ", ".join(f"CAST(NULL AS bigint) AS {name}" for name in query.query.values_select)
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
    index = planned.groups[group]
    return TOO_FEW if index is None else planned.variants[index]


@dataclass(frozen=True)
class FrozenText:
    """What an edition keeps of the workspace, so that senders need the database only."""

    mail_from: str
    mail_domain: str
    public_url: str


@dataclass(frozen=True)
class PrintedVariant:
    """A planned variant with its compiled message."""

    slugs: tuple[str, ...]
    key: str
    subject: str
    message: bytes


def existing(campaign_slug: str, at: datetime) -> Edition | None:
    """The edition of that campaign and time, if there is one."""
    return Edition.objects.select_related("campaign").filter(campaign__slug=campaign_slug, scheduled_for=at).first()


def freeze(planned: Plan, printed: Sequence[PrintedVariant], text: FrozenText) -> Edition:
    """The plan as rows, in one transaction: edition, variants, and one delivery for each reader.

    ``printed`` is in the order of ``planned.variants``. If the edition exists already, that one comes back and
    nothing is written. A reader with too few articles has a row too, skipped, with the reason.
    """
    with transaction.atomic():
        campaign, _ = Campaign.objects.get_or_create(slug=planned.campaign.slug)
        content = hashlib.sha256(b"".join(variant.message for variant in printed)).hexdigest()
        edition, made = Edition.objects.get_or_create(
            campaign=campaign,
            scheduled_for=planned.scheduled_for,
            defaults={
                "state": EditionState.APPROVED if printed else EditionState.SKIPPED,
                "reason": "" if printed else "nobody is due anything new",
                "list_name": planned.campaign.list,
                "adapter": planned.campaign.adapter,
                "mail_from": text.mail_from,
                "mail_domain": text.mail_domain,
                "public_url": text.public_url,
                "audience": planned.audience,
                "excluded": planned.excluded,
                "content_hash": content,
            },
        )
        if made:
            rows = Variant.objects.bulk_create(
                Variant(
                    edition=edition,
                    key=variant.key,
                    articles=list(variant.slugs),
                    subject=variant.subject,
                    message=variant.message,
                )
                for variant in printed
            )
            with connection.cursor() as cursor:
                _write_deliveries(cursor, planned, edition, [row.pk for row in rows])
    return edition


def _write_deliveries(cursor: CursorWrapper, planned: Plan, edition: Edition, variant_ids: list[int]) -> None:
    """One ``INSERT … SELECT`` over the plan's table, through a table of which group gets which variant."""
    picks = f"{planned.table}_picks"
    cursor.execute(f"CREATE TEMPORARY TABLE {picks} (interests_id bigint, past text, variant_id bigint)")
    cursor.executemany(
        f"INSERT INTO {picks} VALUES (%s, %s, %s)",  # noqa: S608  the name is ours
        [
            (interests_id, past, None if index is None else variant_ids[index])
            for (interests_id, past), index in planned.groups.items()
        ],
    )
    cursor.execute(
        f"INSERT INTO broadsheet_delivery"  # noqa: S608  the names are ours, the values are parameters
        f" (edition_id, subscriber_id, variant_id, state, reason, attempts, claimed_by, at)"
        f" SELECT %s, r.subscriber_id, p.variant_id,"
        f" CASE WHEN p.variant_id IS NULL THEN %s ELSE %s END,"
        f" CASE WHEN p.variant_id IS NULL THEN %s ELSE '' END, 0, '', NULL"
        f" FROM {planned.table} r JOIN {picks} p ON p.interests_id = r.interests_id AND p.past = r.past"
        f" JOIN broadsheet_subscriber s ON s.id = r.subscriber_id"  # erased since the plan: no row
        f" ORDER BY r.subscriber_id",
        [edition.pk, DeliveryState.SKIPPED, DeliveryState.QUEUED, TOO_FEW],
    )
    cursor.execute(f"DROP TABLE {picks}")
