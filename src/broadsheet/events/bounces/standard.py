"""Reports that follow a standard: RFC 3464 (delivery), RFC 5965 (complaints), RFC 8098 (receipts)."""

import re
from collections.abc import Callable
from typing import Final

from broadsheet.events.bounces.addresses import IN_TEXT, address_of, addresses_of, is_machine
from broadsheet.events.bounces.classes import STATUS, classified
from broadsheet.events.bounces.opening import Opened, fields_of, with_common
from broadsheet.events.bounces.report import Fields, Kind, Recipient
from broadsheet.models import BounceClass

Answer = tuple[Kind, tuple[Recipient, ...]]

#: RFC 3464 section 2.3.3, and what servers write instead.
_ACTIONS: Final = {
    "failed": Kind.BOUNCE,
    "failure": Kind.BOUNCE,
    "fail": Kind.BOUNCE,
    "error": Kind.BOUNCE,
    "expired": Kind.BOUNCE,
    "bounced": Kind.BOUNCE,
    "delayed": Kind.OTHER,
    "deferred": Kind.OTHER,
    "delivered": Kind.DELIVERED,
    "deliverable": Kind.DELIVERED,
    "relayed": Kind.DELIVERED,
    "expanded": Kind.DELIVERED,
}
#: What to say of a message with recipients of several kinds: the first there is.
_ORDER: Final = (Kind.BOUNCE, Kind.OTHER, Kind.DELIVERED)
#: RFC 5965 section 7.3 and what follows it: which reports are a reader's wish to get no more.
_COMPLAINTS: Final = {"abuse", "fraud", "virus", "other", "opt-out", "opt-out-list", "unsubscribe", "complaint", ""}
#: Complaints without a feedback report: where the reader's address is.
_LOOP_FIELDS: Final = ("x-hmxmroriginalrecipient", "x-complaint-recipient", "x-feedback-recipient")
_LONGEST_REPLY: Final = 500


def delivery_report(opened: Opened) -> Answer | None:
    """What an RFC 3464 report says of each recipient; None if there is none that says anything."""
    found: dict[Kind, list[Recipient]] = {}
    for fields in opened.statuses or _in_the_text(opened):
        kind = _kind(fields)
        if kind is not None:
            found.setdefault(kind, []).append(_recipient(fields, opened, kind))
    for kind in _ORDER:
        if kind in found:
            return kind, _once(found[kind])
    return None


def _in_the_text(opened: Opened) -> list[Fields]:
    """The same fields, where a server has put them into its text."""
    begin = opened.text.lower().find("reporting-mta:")
    if begin < 0 or not (
        is_machine(address_of(opened.fields.get("from", ""))) or opened.fields.get("return-path") == "<>"
    ):
        return []
    blocks = re.split(r"\n[ \t]*\n", opened.text[begin:])
    return with_common([fields for block in blocks[:100] if (fields := fields_of(block))])


def _kind(fields: Fields) -> Kind | None:
    action = fields.get("action", "").lower().replace("(", " ").split()
    if action and action[0].strip(";,.") in _ACTIONS:
        return _ACTIONS[action[0].strip(";,.")]
    status = STATUS.search(fields.get("status", "") or fields.get("diagnostic-code", ""))
    if status is None:
        return None
    return Kind.DELIVERED if status[1] == "2" else Kind.BOUNCE


def _recipient(fields: Fields, opened: Opened, kind: Kind) -> Recipient:
    reply = _reply(fields)
    status = _status(fields, reply)
    #: the one that the mail was sent to, where the report knows it: another may be behind it
    address = next(
        filter(None, (address_of(fields.get(name, "")) for name in ("original-recipient", "final-recipient"))), ""
    ) or address_of(fields.get("x-actual-recipient", ""))
    if kind is Kind.DELIVERED:
        return Recipient(address, BounceClass.UNKNOWN, status, reply)
    if kind is Kind.OTHER:
        return Recipient(address, BounceClass.TEMPORARY, status, reply)
    return Recipient(
        address, classified(f"{fields.get('status', '')}", reply or said_of(address, opened)), status, reply
    )


def said_of(address: str, opened: Opened) -> str:
    """The words round an address in the part for people; empty where it is not there."""
    _, found, after = opened.text.partition(address) if address else ("", "", "")
    following = IN_TEXT.search(after[:600])
    return after[: following.start() if following else 600] if found else ""


def _reply(fields: Fields) -> str:
    for name in ("diagnostic-code", "x-supplementary-info", "smtp-response", "x-notes"):
        kind, semicolon, words = fields.get(name, "").partition(";")
        text = (words if semicolon and " " not in kind.strip() else fields.get(name, "")).strip()
        if text:
            return text[:_LONGEST_REPLY]
    return ""


def _status(fields: Fields, reply: str) -> str:
    """The status field's, unless it says no more than "failed" and the reply has one that says more."""
    said = STATUS.search(fields.get("status", ""))
    exact = STATUS.search(reply)
    if said is None or (said[0][2:] in ("0.0", "5.0") and exact is not None and exact[1] == said[1]):
        said = exact
    return said[0] if said else ""


def _once(recipients: list[Recipient]) -> tuple[Recipient, ...]:
    """One of each address; where a report says two things of it, the one that is not "dead"."""
    kept: dict[str, Recipient] = {}
    for each in recipients:
        known = kept.setdefault(each.address.casefold(), each)
        if known.cause is BounceClass.DEAD and each.cause is not BounceClass.DEAD:
            kept[each.address.casefold()] = each
    return tuple(kept.values())


def complaint(opened: Opened) -> Answer | None:
    """Whom an RFC 5965 report, or one of the older loops, says has complained; None if it is neither."""
    if opened.feedback is not None:
        fields = dict(reversed(opened.feedback))
        kind = fields.get("feedback-type", "").lower().strip()
        if kind not in _COMPLAINTS:
            return Kind.OTHER, ()
        return Kind.COMPLAINT, tuple(
            Recipient(address, BounceClass.UNKNOWN, "", kind or "abuse") for address in _complainers(opened)
        )
    for name in _LOOP_FIELDS:
        if address := address_of(opened.fields.get(name, "") or opened.original.get(name, "")):
            return Kind.COMPLAINT, (Recipient(address, BounceClass.UNKNOWN, "", "abuse"),)
    return None


def _complainers(opened: Opened) -> list[str]:
    named = ("original-rcpt-to", "removal-recipient", "final-recipient", "x-original-recipient")
    given = [address_of(value) for name, value in opened.feedback or () if name in named]
    if not any(given):
        given = addresses_of(opened.original.get("x-original-to", "") or opened.original.get("to", ""))[:1]
    return list(dict.fromkeys(filter(None, given)))


def receipt(opened: Opened) -> Answer | None:
    """A machine's word that a mail was shown or deleted; a bounce where it says that it was rejected."""
    if opened.disposition is None:
        return None
    disposition = opened.disposition.get("disposition", "").lower()
    if not any(
        word in disposition
        for word in ("failed", "error", "denied", "rejected", "automatic-action/mdn-sent-automatically; deleted")
    ):
        return Kind.AUTO_REPLY, ()
    cause = classified("", opened.text[:2000])
    if cause is BounceClass.UNKNOWN:
        return Kind.AUTO_REPLY, ()
    address = address_of(
        opened.disposition.get("original-recipient", "") or opened.disposition.get("final-recipient", "")
    )
    reply = " ".join(opened.text.split())[:_LONGEST_REPLY]
    return Kind.BOUNCE, (Recipient(address, BounceClass.UNKNOWN if cause is BounceClass.DEAD else cause, "", reply),)


#: What is asked of a message first, in this order.
STANDARDS: Final[tuple[Callable[[Opened], Answer | None], ...]] = (complaint, delivery_report, receipt)
