"""An edition's deliveries broken down once, and kept: a report reads one row instead of a million.

A summary is made when the edition's last copy is in a final state or somebody pauses it, anew when a copy moves after
that, and every so often while copies are going out: by who can wait for it, and where there are few by whoever looks.
What comes back later (bounces, clicks) is not in it: those are counted from their own rows.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from broadsheet.audience import segment_query
from broadsheet.models import (
    Delivery,
    DeliveryState,
    Edition,
    EditionState,
    Event,
    EventKind,
    Subscriber,
    Summary,
    Variant,
)
from broadsheet.reports.numbers import counted
from broadsheet.workspace import Segment

#: How old the summary of an edition in mid-sending may be; and how old one may be that is taken away at once.
FRESH, AT_HAND = timedelta(minutes=1), timedelta(minutes=10)
#: Recipient domains that are listed by name; the others are added up.
DOMAINS = 50

_PART = {
    "sqlite": "substr(s.email_key, instr(s.email_key, '@') + 1)",
    "postgresql": "split_part(s.email_key, '@', 2)",
}
_HOUR = {
    "sqlite": "strftime('%%Y-%%m-%%dT%%H:00:00+00:00', d.at)",
    "postgresql": "to_char(date_trunc('hour', d.at AT TIME ZONE 'UTC'), 'YYYY-MM-DD\"T\"HH24:00:00+00:00')",
}


#: An edition for no more people than this is broken down at once when somebody looks.
FEW = 20_000


def summary_of(edition: Edition, *, wait: bool = True) -> Summary:
    """The edition's summary: the kept one while it is good, else a new one.

    Without ``wait``, of a large edition: the kept one, however old; and if there is none, one that is not kept and has
    the states alone.
    """
    found = Summary.objects.filter(edition=edition).first()
    if found is not None and (found.final or timezone.now() - found.made_at < FRESH):
        return found
    if wait or not is_large(edition):
        return summarise(edition)
    if found is not None:
        return found
    data = {"states": states_of(edition), "reasons": {}, "variants": [], "domains": [], "hours": {}, "segments": {}}
    return Summary(edition=edition, data=data, made_at=timezone.now())


def is_at_hand(edition: Edition) -> bool:
    """Whether all of its numbers are kept, or there are so few that they are broken down at once."""
    if not is_large(edition):
        return True
    found = Summary.objects.filter(edition=edition).first()
    if found is None or "segments" not in found.data:
        return False
    return found.final or timezone.now() - found.made_at < AT_HAND


def is_large(edition: Edition) -> bool:
    """Whether breaking it down takes longer than a page may."""
    return edition.audience > FEW


def states_of(edition: Edition) -> dict[str, int]:
    """How many copies are in each state: as they were kept if they are final, else counted from the index alone."""
    return states_by_edition([edition])[edition.pk]


def states_by_edition(editions: Sequence[Edition]) -> dict[int, dict[str, int]]:
    """The same of several, by id; what is kept is asked for once."""
    final = Summary.objects.filter(edition__in=editions, final=True)
    kept: dict[int, dict[str, int]] = dict(final.values_list("edition", "data__states"))
    return {each.pk: kept[each.pk] if each.pk in kept else counted(each) for each in editions}


def summarise(edition: Edition) -> Summary:
    """Break the edition down now, and keep it."""
    now = timezone.now()
    ended = edition.state in (EditionState.SENT, EditionState.CANCELLED, EditionState.SKIPPED)
    data = {
        "states": _counted("d.state", edition),
        "reasons": _counted("d.reason", edition, "AND d.reason <> '' AND d.state <> 'sent'"),
        "variants": _variants(edition),
        "domains": _domains(edition),
        **_folded(edition),
        "hours": _counted(_HOUR[connection.vendor], edition, "AND d.state = 'sent' AND d.at IS NOT NULL"),
    }
    made, _ = Summary.objects.update_or_create(
        edition=edition, defaults={"data": data, "made_at": now, "final": ended and not _open(edition)}
    )
    return made


def _folded(edition: Edition) -> dict[str, Any]:
    """What can't be counted any more, of the summary that there was."""
    data = Summary.objects.filter(edition=edition).values_list("data", flat=True).first() or {}
    return {READERS_CLICKED: data[READERS_CLICKED]} if READERS_CLICKED in data else {}


def add_segments(summary: Summary, segments: Iterable[tuple[str, Segment]]) -> dict[str, dict[str, int]]:
    """The share of these segments, by name, kept with the summary; whoever made it may not have had the files."""
    if "segments" not in summary.data:
        summary.data["segments"] = {name: _in_segment(summary.edition, segment) for name, segment in segments}
        summary.save(update_fields=["data"])
    found: dict[str, dict[str, int]] = summary.data["segments"]
    return found


#: Where a summary keeps how many readers clicked, once who they are is forgotten.
READERS_CLICKED = "readers_clicked"


def who_clicked(edition: Edition) -> int:
    """How many different readers clicked, of those whose clicks are kept."""
    clicks = Event.objects.filter(edition=edition, kind=EventKind.CLICKED, automatic=False)
    return clicks.values("delivery_id").distinct().count()


def fold_reading(before: datetime) -> None:
    """Keep how many readers clicked in each edition with clicks from before that time, which are to be forgotten."""
    old = Event.objects.filter(kind=EventKind.CLICKED, at__lt=before).values("edition")
    for edition in Edition.objects.filter(pk__in=old):
        summary = summary_of(edition)
        if READERS_CLICKED not in summary.data:
            summary.data[READERS_CLICKED] = who_clicked(edition)
            summary.save(update_fields=["data"])


def _open(edition: Edition) -> bool:
    return Delivery.objects.filter(edition=edition, state__in=DeliveryState.open()).exists()


def _counted(expression: str, edition: Edition, condition: str = "") -> dict[str, int]:
    return {str(key): count for key, count in _rows(f"{expression}, COUNT(*)", edition, condition, "GROUP BY 1")}


def _variants(edition: Edition) -> list[dict[str, Any]]:
    found = Variant.objects.filter(edition=edition).values_list("pk", "subject", "articles")
    counts: dict[int, dict[str, int]] = {}
    for variant, state, count in _rows(
        "d.variant_id, d.state, COUNT(*)", edition, "AND d.variant_id IS NOT NULL", "GROUP BY 1, 2"
    ):
        counts.setdefault(variant, {})[state] = count
    listed = [
        {
            "variant": pk,
            "subject": subject,
            "articles": articles,
            "readers": sum(counts.get(pk, {}).values()),
            "sent": counts.get(pk, {}).get("sent", 0),
        }
        for pk, subject, articles in found
    ]
    return sorted(listed, key=lambda each: -each["readers"])


def _domains(edition: Edition) -> list[dict[str, Any]]:
    columns = (
        f"{_PART[connection.vendor]}, COUNT(*), SUM(CASE WHEN d.state = 'sent' THEN 1 ELSE 0 END),"
        " SUM(CASE WHEN d.state = 'failed' THEN 1 ELSE 0 END), SUM(CASE WHEN d.state = 'deferred' THEN 1 ELSE 0 END)"
    )
    rows = _rows(columns, edition, "", "GROUP BY 1 ORDER BY 2 DESC, 1", join=True)
    named = [list(row) for row in rows[:DOMAINS]]
    if others := rows[DOMAINS:]:
        named.append(["", *(sum(row[place] for row in others) for place in (1, 2, 3, 4))])
    names = ("domain", "readers", "sent", "failed", "deferred")
    return [dict(zip(names, row, strict=True)) for row in named]


def _rows(columns: str, edition: Edition, condition: str, tail: str, *, join: bool = False) -> list[Any]:
    people = " JOIN broadsheet_subscriber s ON s.id = d.subscriber_id" if join else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM broadsheet_delivery d{people} WHERE d.edition_id = %s {condition} {tail}",  # noqa: S608  all ours
            [edition.pk],
        )
        return list(cursor.fetchall())


def _in_segment(edition: Edition, segment: Segment) -> dict[str, int]:
    """How many of the edition's readers are in the segment now, and how many of them were sent a copy."""
    inside = Delivery.objects.filter(edition=edition, subscriber__in=Subscriber.objects.filter(segment_query(segment)))
    return {"readers": inside.count(), "sent": inside.filter(Q(state=DeliveryState.SENT)).count()}
