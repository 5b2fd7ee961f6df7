"""Everything held on one person, and what happened with them: to show staff, and to hand to the person."""

from datetime import datetime
from typing import Any

from broadsheet.audience.exporting import record
from broadsheet.audience.suppression import Suppressed, requests_of, suppressions_of
from broadsheet.models import Delivery, Event, PersonNote, Subscriber, Suppression

_Line = tuple[datetime, str, str]


def everything(row: Subscriber) -> dict[str, Any]:
    """All that is held on the person: :func:`~broadsheet.audience.exporting.record`, with ``history``, oldest first.

    Each line of the history is ``{at, what, detail}``.
    """
    consents = list(row.subscriptions.order_by("list_name"))
    held = record(row, consents, suppressions_of([row.email_key]).get(row.email_key, Suppressed()))
    lines: list[_Line] = [(row.created_at, "joined", row.source)]
    for each in consents:
        if each.consent_at:
            how = "; ".join(filter(None, (each.consent_how, each.consent_detail, each.consent_network)))
            lines.append((each.consent_at, f"agreed to {each.list_name}", how))
        if each.asked_at:
            lines.append((each.asked_at, f"written to about {each.list_name}", "as somebody had asked for it"))
        if each.left_at:
            lines.append((each.left_at, f"left {each.list_name}", each.left_reason))
    if row.tracking_consent_at:
        lines.append((row.tracking_consent_at, "agreed to be counted by name", row.tracking_consent_wording))
    lines += _of_the_address(row.email_key)
    lines += [
        (each.at or each.edition.frozen_at, f"{each.edition.key}: {each.state}", each.reason)
        for each in Delivery.objects.filter(subscriber=row).select_related("edition__campaign")
    ]
    lines += [
        (each.at, f"{each.delivery.edition.key}: {each.kind}", each.link.url if each.link else each.detail)
        for each in Event.objects.filter(delivery__subscriber=row).select_related("delivery__edition__campaign", "link")
    ]
    return held | {"history": _in_order(lines)}


def held_on(email_key: str) -> dict[str, Any] | None:
    """All that is held on an address: :func:`everything`, or of nobody here the same, as far as there is any.

    None if there is nothing; the keyed hash of who was erased is not looked at.
    """
    row = Subscriber.objects.select_related("interests").filter(email_key=email_key).first()
    if row:
        return everything(row)
    lines = _of_the_address(email_key)
    if not lines:
        return None
    held = {"email": email_key, "suppressed": suppressions_of([email_key]).get(email_key, Suppressed()).reason}
    return held | {"interests": [], "attributes": {}, "subscriptions": [], "history": _in_order(lines)}


def _of_the_address(email_key: str) -> list[_Line]:
    """What is kept by address, whether or not there is a person: suppression, notes, requests that wait."""
    suppressions = Suppression.objects.filter(email_key=email_key)
    lines = [(each.created_at, f"suppressed ({each.reason})", each.detail) for each in suppressions]
    lines += [(each.at, each.what, each.who) for each in PersonNote.objects.filter(email_key=email_key)]
    for each in requests_of(email_key):
        asked = each.detail
        lines.append(
            (each.created_at, f"asked for {', '.join(asked['lists'])}", f"{asked['source']}; {asked['network']}")
        )
    return lines


def _in_order(lines: list[_Line]) -> list[dict[str, str]]:
    lines.sort(key=lambda line: line[0])
    return [{"at": at.isoformat(), "what": what, "detail": detail} for at, what, detail in lines]
