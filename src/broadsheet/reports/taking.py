"""A report to take away, as CSV and as JSON."""

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict, fields
from datetime import tzinfo
from typing import Any, Final

from broadsheet.reports.report import Report

#: The numbers of a report that are shares of something.
RATES: Final = ("failed", "bounced", "complained", "unsubscribed", "clicked", "opened")


def as_plain(found: Report, zone: tzinfo) -> dict[str, Any]:
    """The report in plain values, ready for JSON but for its times, which are those of the zone."""
    plain: dict[str, Any] = {
        "edition": found.edition.pk,
        "campaign": found.edition.campaign.slug,
        "scheduled_for": found.edition.scheduled_for.astimezone(zone),
        "as_of": found.as_of.astimezone(zone),
        "readers": found.readers,
        "sent": found.sent,
    }
    for field in fields(found):
        value = getattr(found, field.name)
        if field.name in RATES:
            plain[field.name] = {**asdict(value), "share": round(value.share, 6)}
        elif field.name not in ("edition", "as_of"):
            plain[field.name] = value
    return plain


def as_csv(found: Report) -> str:
    """The report's numbers, a line each: section, name, number, of."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("section", "name", "number", "of"))
    writer.writerows((section, _disarmed(name), count, of) for section, name, count, of in _lines(found))
    return out.getvalue()


def _lines(found: Report) -> Iterator[tuple[str, str, int, int | str]]:
    yield from (("state", state, count, found.readers) for state, count in found.states.items())
    for name in RATES:
        rate = getattr(found, name)
        yield "total", name, rate.count, rate.of
    yield from (("reason", reason, count, found.readers) for reason, count in found.reasons.items())
    yield from (("bounce class", name, count, found.bounced.count) for name, count in found.bounces_by_class.items())
    yield from (
        ("unsubscribe reason", name, count, found.unsubscribed.count)
        for name, count in found.unsubscribe_reasons.items()
    )
    yield from (("link", each["url"], each["clicks"], found.clicked.count) for each in found.links)
    yield from (("article", each["article"], each["clicks"], found.clicked.count) for each in found.articles)
    yield from (("domain", each["domain"] or "others", each["sent"], each["readers"]) for each in found.domains)
    yield from (("segment", name, each["sent"], each["readers"]) for name, each in found.segments.items())
    yield from (("variant", str(each["variant"]), each["sent"], each["readers"]) for each in found.variants)
    yield from (("variant's clicks", str(each["variant"]), each["clicks"], each["sent"]) for each in found.variants)
    for section, key, of in (
        ("hour", "sent", found.sent),
        ("hour's clicks", "clicked", found.clicked.count),
        ("hour's opens", "opened", found.opened.count),
    ):
        yield from ((section, f"{each['hour']:%Y-%m-%dT%H:00Z}", each[key], of) for each in found.hours)


def _disarmed(text: str) -> str:
    """``text`` as a cell that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
