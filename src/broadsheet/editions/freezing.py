"""A plan to rows, once: ``(campaign, scheduled_for)`` is unique, so a second firing finds the first one's edition."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from broadsheet.editions.deviations import moved_from
from broadsheet.editions.planning import Plan, drop
from broadsheet.editions.states import ANEW, newest_move, note, one_at_a_time, refuse_begun
from broadsheet.errors import PlanOutdated, WrongState
from broadsheet.models import Article, Campaign, DeliveryState, Edition, EditionState, Link, Variant
from broadsheet.timing import not_before


@dataclass(frozen=True)
class FrozenText:
    """What an edition keeps of the workspace, so that senders need the database only."""

    mail_from: str
    mail_domain: str
    public_url: str
    tracking: str = "none"
    without_consent: str = "none"
    hold: str = ""
    """Why it waits for a person's yes, whatever its campaign says."""


@dataclass(frozen=True)
class PrintedVariant:
    """A planned variant with its compiled message."""

    slugs: tuple[str, ...]
    key: str
    subject: str
    message: bytes
    links: tuple[str, ...] = ()
    """The addresses whose clicks may be counted."""


def existing(campaign_slug: str, at: datetime) -> Edition | None:
    """The edition of that campaign and time, if there is one."""
    return Edition.objects.select_related("campaign").filter(campaign__slug=campaign_slug, scheduled_for=at).first()


def latest(campaign_slug: str) -> Edition | None:
    """The campaign's last edition that was neither skipped nor called off, if there is one."""
    found = Edition.objects.select_related("campaign").filter(campaign__slug=campaign_slug)
    gone = (EditionState.SKIPPED, EditionState.CANCELLED)
    return found.exclude(state__in=gone).order_by("-scheduled_for", "-pk").first()


def freeze(planned: Plan, printed: Sequence[PrintedVariant], text: FrozenText, *, who: str) -> Edition:
    """The plan as rows, in one transaction: edition, variants, and one delivery for each reader.

    ``printed`` is in the order of ``planned.variants``. If the edition exists already, that one comes back and
    nothing is written. Raises PlanOutdated if another edition was frozen since the plan was made, or failed copies
    of one went back into the queue: its readers may have had the same articles. Raises WrongState if somebody skipped
    or moved away what would come out at that time, or the campaign is paused or retired. A reader who gets nothing has
    a row too, skipped, with the reason. The edition is a draft if the campaign wants approval or there is a reason to
    hold it, else approved; without any reader it is skipped. The plan's table is gone then.
    """
    with transaction.atomic():
        one_at_a_time()
        edition, made = _edition(planned, text)
        if made:
            if planned.campaign.articles.repeat != "allow" and newest_move() != planned.newest_move:
                raise PlanOutdated("Another edition was frozen meanwhile, so the plan is out of date; try again.")
            _fill(planned, printed, edition)
            why = _settle(planned, printed, edition, text.hold)
            note(edition, before="", who=who, why=why or "frozen")
        drop(planned)
    return edition


def refreeze(edition: Edition, planned: Plan, printed: Sequence[PrintedVariant], text: FrozenText, *, who: str) -> None:
    """Put the plan in place of what is frozen, in one transaction; an approval of what was there is void.

    Raises WrongState for an edition that has begun or is over, which a skipped one is not before its time; PlanOutdated
    as :func:`freeze` does.
    """
    with transaction.atomic():
        one_at_a_time()
        locked = Edition.objects.select_for_update().select_related("campaign").get(pk=edition.pk)
        before = locked.state
        refuse_begun(locked, "frozen anew", skipped_may=True)
        if newest_move() != planned.newest_move:
            raise PlanOutdated("Another edition was frozen meanwhile, so the plan is out of date; try again.")
        with connection.cursor() as cursor:  # a million rows that nothing hangs on yet
            cursor.execute("DELETE FROM broadsheet_delivery WHERE edition_id = %s", [locked.pk])
        locked.variants.all().delete()
        locked.links.all().delete()
        for name, value in _columns(planned, text).items():
            setattr(locked, name, value)
        locked.asked_at = None
        locked.save()
        _fill(planned, printed, locked)
        why = _settle(planned, printed, locked, text.hold)
        note(locked, before=before, who=who, why=f"{ANEW}: {why}" if why else ANEW)
        drop(planned)
    edition.refresh_from_db()


def digest(printed: Sequence[PrintedVariant]) -> str:
    """The content hash that an approval is bound to."""
    return hashlib.sha256(b"".join(each.message for each in printed)).hexdigest()


def skip(campaign_slug: str, at: datetime, reason: str, *, list_name: str, who: str) -> Edition:
    """A run that did not happen, as a row with its reason. If the edition exists already, that one comes back."""
    with transaction.atomic():
        campaign, _ = Campaign.objects.get_or_create(slug=campaign_slug)
        edition, made = Edition.objects.get_or_create(
            campaign=campaign,
            scheduled_for=at,
            defaults={"state": EditionState.SKIPPED, "reason": reason[:300], "list_name": list_name},
        )
        if made:
            note(edition, before="", who=who, why=reason)
    return edition


def _edition(planned: Plan, text: FrozenText) -> tuple[Edition, bool]:
    if resting := planned.campaign.resting:
        raise WrongState(f"Nothing of {planned.campaign.slug} comes out: {resting}.")
    campaign, _ = Campaign.objects.get_or_create(slug=planned.campaign.slug)
    if found := Edition.objects.filter(campaign=campaign, scheduled_for=planned.scheduled_for).first():
        return found, False
    moved = moved_from(campaign.slug, planned.scheduled_for)
    return Edition.objects.get_or_create(
        campaign=campaign,
        scheduled_for=planned.scheduled_for,
        defaults={**_columns(planned, text), "moved_from": moved},
    )


def _columns(planned: Plan, text: FrozenText) -> dict[str, Any]:
    return {
        "list_name": planned.campaign.list,
        "adapter": planned.campaign.adapter,
        "on_unknown": planned.campaign.on_unknown,
        "mail_from": text.mail_from,
        "mail_domain": text.mail_domain,
        "public_url": text.public_url,
        "tracking": text.tracking,
        "without_consent": text.without_consent,
        "audience": planned.audience,
        "excluded": planned.excluded,
    }


def _settle(planned: Plan, printed: Sequence[PrintedVariant], edition: Edition, hold: str) -> str:
    """Give the edition its hash and its state; the reason, if nobody gets it or it is held."""
    edition.state, edition.reason = _first_state(planned, hold)
    edition.content_hash = digest(printed)
    edition.approved_hash = edition.content_hash if edition.state == EditionState.APPROVED else ""
    edition.save(update_fields=["state", "reason", "content_hash", "approved_hash"])
    return edition.reason


def _first_state(planned: Plan, hold: str) -> tuple[EditionState, str]:
    if not planned.variants:
        reasons = ", ".join(f"{count} {why}" for why, count in planned.excluded.items())
        return EditionState.SKIPPED, f"nobody is due anything new ({reasons or 'the list has no readers'})"[:300]
    asked = hold or planned.campaign.approval == "required"
    return (EditionState.DRAFT if asked else EditionState.APPROVED), hold[:300]


def _fill(planned: Plan, printed: Sequence[PrintedVariant], edition: Edition) -> None:
    rows = Variant.objects.bulk_create(
        Variant(edition=edition, key=each.key, articles=list(each.slugs), subject=each.subject, message=each.message)
        for each in printed
    )
    urls = list(dict.fromkeys(url for each in printed for url in each.links))
    of_articles = dict(Article.objects.filter(url__in=urls).values_list("url", "slug"))
    Link.objects.bulk_create(Link(edition=edition, url=url, article=of_articles.get(url, "")) for url in urls)
    with connection.cursor() as cursor:
        _write_deliveries(cursor, planned, edition, [row.pk for row in rows])


def _write_deliveries(cursor: CursorWrapper, planned: Plan, edition: Edition, variant_ids: list[int]) -> None:
    """One ``INSERT … SELECT`` over the plan's table, through tables of which group gets what and which zone when."""
    picks, zones = f"{planned.table}_picks", f"{planned.table}_zones"
    cursor.execute(f"CREATE TEMPORARY TABLE {picks} (interests_id bigint, past text, variant_id integer, reason text)")
    cursor.executemany(
        f"INSERT INTO {picks} VALUES (%s, %s, %s, %s)",  # noqa: S608  the names are ours, the values are parameters
        [
            (*group, None, found) if isinstance(found, str) else (*group, variant_ids[found], "")
            for group, found in planned.groups.items()
        ],
    )
    cursor.execute(f"CREATE TEMPORARY TABLE {zones} (time_zone text, at {_TIME[connection.vendor]})")
    cursor.executemany(f"INSERT INTO {zones} VALUES (%s, %s)", _moments(cursor, planned))  # noqa: S608
    cursor.execute(
        f"INSERT INTO broadsheet_delivery"  # noqa: S608
        f" (edition_id, subscriber_id, variant_id, state, reason, attempts, at)"
        f" SELECT %s, r.subscriber_id, p.variant_id,"
        f" CASE WHEN p.variant_id IS NULL THEN %s ELSE %s END, p.reason, 0,"
        f" CASE WHEN p.variant_id IS NULL THEN NULL ELSE z.at END"
        f" FROM {planned.table} r JOIN broadsheet_subscriber s ON s.id = r.subscriber_id"  # some were erased meanwhile
        f" JOIN {picks} p ON p.interests_id = r.interests_id AND p.past = r.past"
        f" LEFT JOIN {zones} z ON z.time_zone = r.time_zone"
        f" ORDER BY r.subscriber_id",
        [edition.pk, DeliveryState.SKIPPED, DeliveryState.QUEUED],
    )
    for table in (picks, zones):
        cursor.execute(f"DROP TABLE {table}")


_TIME = {"sqlite": "datetime", "postgresql": "timestamptz"}


def _moments(cursor: CursorWrapper, planned: Plan) -> list[tuple[str, str | None]]:
    """For each zone that readers live in, when their copies may leave; none if all leave together."""
    schedule = planned.campaign.schedule
    if schedule is None:
        return []
    cursor.execute(f"SELECT DISTINCT time_zone FROM {planned.table}")  # noqa: S608
    moments = {name: not_before(schedule, planned.zone, planned.scheduled_for, name) for (name,) in cursor.fetchall()}
    return [(name, connection.ops.adapt_datetimefield_value(at)) for name, at in moments.items() if at is not None]
