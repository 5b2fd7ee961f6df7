"""Everything held on one person, and what happened with them: to show staff, and to hand to the person."""

from datetime import datetime
from typing import Any

from broadsheet.audience.exporting import record
from broadsheet.audience.suppression import suppressions_of
from broadsheet.models import Delivery, Event, PersonNote, Subscriber, Suppression


def everything(row: Subscriber) -> dict[str, Any]:
    """All that is held on the person: :func:`~broadsheet.audience.exporting.record`, with ``history``, oldest first.

    Each line of the history is ``{at, what, detail}``.
    """
    consents = list(row.subscriptions.order_by("list_name"))
    held = record(row, consents, suppressions_of([row.email_key]).get(row.email_key, ""))
    lines: list[tuple[datetime, str, str]] = [(row.created_at, "joined", row.source)]
    for each in consents:
        if each.consent_at:
            how = "; ".join(filter(None, (each.consent_how, each.consent_detail, each.consent_network)))
            lines.append((each.consent_at, f"agreed to {each.list_name}", how))
        if each.left_at:
            lines.append((each.left_at, f"left {each.list_name}", each.left_reason))
    if row.tracking_consent_at:
        lines.append((row.tracking_consent_at, "agreed to be counted by name", row.tracking_consent_wording))
    lines += [
        (each.created_at, f"suppressed ({each.reason})", each.detail)
        for each in Suppression.objects.filter(email_key=row.email_key)
    ]
    lines += [(each.at, each.what, each.who) for each in PersonNote.objects.filter(email_key=row.email_key)]
    lines += [
        (each.at or each.edition.frozen_at, f"{each.edition.key}: {each.state}", each.reason)
        for each in Delivery.objects.filter(subscriber=row).select_related("edition__campaign")
    ]
    lines += [
        (each.at, f"{each.delivery.edition.key}: {each.kind}", each.link.url if each.link else each.detail)
        for each in Event.objects.filter(delivery__subscriber=row).select_related("delivery__edition__campaign", "link")
    ]
    lines.sort(key=lambda line: line[0])
    return held | {"history": [{"at": at.isoformat(), "what": what, "detail": detail} for at, what, detail in lines]}
