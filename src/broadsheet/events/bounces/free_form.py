"""Bounces that follow no standard: who says so, of whom, in which words. Tables, then flufl.bounce."""

import logging
import re
from collections.abc import Iterator
from typing import Final

from flufl.bounce import all_failures

from broadsheet.events.bounces import marks
from broadsheet.events.bounces.addresses import IN_TEXT, address_of, addresses_of, is_daemon, is_machine
from broadsheet.events.bounces.classes import STATUS, classified
from broadsheet.events.bounces.opening import Opened
from broadsheet.events.bounces.replies import is_auto_reply
from broadsheet.events.bounces.report import Kind, Recipient
from broadsheet.events.bounces.standard import Answer
from broadsheet.models import BounceClass

log = logging.getLogger(__name__)

#: An address, and what a server says of it, by the first way of writing that the text holds. The group is the address.
_WAYS: Final = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        r"^[ \t]*<([^<>\s@]{1,128}@[^<>\s]{1,255})>[ \t]*[:(]",  # qmail, Postfix, Yahoo, Courier
        r"^[ \t]+([^<>\s@:]{1,128}@[^<>\s:]{1,255}):?[ \t]*$",  # Exim, Gmail, Exchange
        r"(?:recipient|to)[ \t]*:[ \t]*(?:\[?smtp:)?<?([^<>\s@\[\]:]{1,128}@[^<>\s\]]{1,255})>?",
        r"rcpt to:[ \t]*<?([^<>\s@]{1,128}@[^<>\s]{1,255})>?",  # sendmail, MDaemon, Exim
        r"^[ \t]*[\"'*(<\[]*([^<>\s@:\"'*(\[]{1,128}@[^<>\s:\"'*)\]]{1,255})[\"'*)>\]]*[ \t]*(?:[:;,-].*|\(.*)?$",
        r"(?:user|account|address|mailbox|to|for|an|à|a|empf[äa]nger|destinataire|destinatario)[ \t]+"
        r"[\"'<(]*([^<>\s@:\"'*(]{1,128}@[^<>\s:\"'*)]{1,255})",
    )
)
_MOST_RECIPIENTS: Final = 100
_LONGEST_REPLY: Final = 500


def free_form(opened: Opened) -> Answer | None:
    """What a message that looks like a server's report says of whom; None if it looks like none."""
    if not _looks_like_a_report(opened):
        return None
    said = own_words(opened.text)
    if _is_late(opened, said):
        return Kind.OTHER, ()
    addresses = list(_addresses(opened, said))[:_MOST_RECIPIENTS]
    if not addresses:
        return Kind.BOUNCE, (_recipient("", said, only=True),)
    places = sorted({said.casefold().find(each.casefold()) for each in addresses} - {-1})
    return Kind.BOUNCE, tuple(
        _recipient(each, _about(each, said, places), only=len(addresses) == 1, whole=said) for each in addresses
    )


def own_words(text: str) -> str:
    """What the report says itself, without what it returns."""
    begun = re.search(r"\S", text)
    for found in marks.ORIGINAL.finditer(text):
        if begun and found.start() > begun.start() + 20:
            return text[: found.start()]
    return text[:20_000]


def _looks_like_a_report(opened: Opened) -> bool:
    """A mail server is believed on little; anybody else has to say it in subject and text, in a mail of their own."""
    fields = opened.fields
    if "x-failed-recipients" in fields:
        return True
    sender = address_of(fields.get("from", "") or fields.get("sender", ""))
    subject = fields.get("subject", "")[:500]
    says_so = bool(marks.SUBJECT.search(subject))
    if not sender or is_daemon(sender):
        return says_so or opened.report_type == "delivery-status" or bool(marks.FAILURE.search(opened.text[:6000]))
    if not says_so or marks.ANSWER.match(subject) or is_auto_reply(opened):
        return False
    named = "<>" in fields.get("return-path", "") or bool(addresses_of(own_words(opened.text)))
    return named and bool(marks.FAILURE.search(opened.text[:6000]))


def _is_late(opened: Opened, said: str) -> bool:
    subject = opened.fields.get("subject", "")
    if re.search(r"delay|warning|verz[öo]ger|retard|retras|still|ritardo|vertraag", subject, re.IGNORECASE):
        return not re.search(r"fail|returned|undeliver", subject, re.IGNORECASE)
    words = " ".join(said[:4000].split())
    return bool(marks.LATE.search(words)) and not marks.GIVEN_UP.search(words)


def _addresses(opened: Opened, said: str) -> Iterator[str]:
    """Whom the report is about, by the surest of the ways there are."""
    not_meant = _not_meant(opened)
    listed = [each for each in addresses_of(opened.fields.get("x-failed-recipients", "")) if each]
    for found in (
        listed,
        *_by_ways(said),
        _by_flufl(opened),
        addresses_of(said),
        addresses_of(opened.original.get("to", ""))[:1],
    ):
        meant = [each for each in found if each.casefold() not in not_meant and not is_machine(each)]
        if meant:
            yield from dict.fromkeys(meant)
            return


def _not_meant(opened: Opened) -> set[str]:
    """Who reports, and to whom."""
    fields = ("from", "sender", "reply-to", "to", "delivered-to", "return-path", "x-original-to", "envelope-to")
    there = " ".join(opened.fields.get(name, "") for name in fields) + " " + opened.original.get("from", "")
    return {each.casefold() for each in addresses_of(there)}


def _by_ways(said: str) -> Iterator[list[str]]:
    for way in _WAYS:
        found = (address_of(each) for each in way.findall(said))
        yield [each for each in found if IN_TEXT.fullmatch(each)]


def _by_flufl(opened: Opened) -> list[str]:
    """What the library finds in formats that we have no table for."""
    if opened.parsed is None:
        return []
    try:
        temporary, permanent = all_failures(opened.parsed)
    except Exception:  # seventeen detectors over bytes that may be anything; one that trips has found nothing
        log.debug("flufl.bounce tripped over a message", exc_info=True)
        return []
    return [each.decode("ascii", "replace") for each in sorted(permanent | temporary)]


def _about(address: str, said: str, places: list[int]) -> str:
    """From the address to the next one, and no further than a reply is long."""
    start = said.casefold().find(address.casefold())
    if start < 0:
        return said
    end = next((place for place in places if place > start), len(said))
    return said[start : min(end, start + 1500)]


def _recipient(address: str, about: str, *, only: bool, whole: str = "") -> Recipient:
    reply = (
        " ".join(about.replace(f"{address}", " ", 1).split()).lstrip("<>:;,.()[]\"'- ")
        if address
        else " ".join(about.split())
    )
    status = STATUS.search(reply[:2000])
    cause = classified("", reply[:2000])
    if cause is BounceClass.UNKNOWN and only and whole:
        cause = classified("", " ".join(whole.split()))
        status = status or STATUS.search(whole)
        reply = reply if len(reply) > 30 else " ".join(whole.split())
    return Recipient(address, cause, status[0] if status else "", reply[:_LONGEST_REPLY])
