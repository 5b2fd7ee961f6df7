"""What a report says, recorded: events, suppressions, people who leave by mail. A second time changes nothing."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from broadsheet.events.bounces import Kind, Recipient, Report
from broadsheet.events.failures import copy_bounced, copy_complained
from broadsheet.events.leaving import left_its_list
from broadsheet.models import BounceClass, Delivery, DeliveryState
from broadsheet.stamping import LinkSigner

#: How long after a copy an unsigned report may still be about it.
_RECENT: Final = timedelta(days=30)
_UNSUBSCRIBE: Final = re.compile(r"unsub\+([A-Za-z0-9_-]{16,60})@")


@dataclass(frozen=True)
class Recorder:
    """Records reports, with what it needs to know for that."""

    signer: LinkSigner
    suppress_after: int

    def record(self, report: Report, number: int | None = None) -> tuple[str, str]:
        """What the message is, and what was done about it, in words. ``number`` is the stored message's."""
        with transaction.atomic():
            if report.kind in (Kind.OTHER, Kind.AUTO_REPLY) and (left := self._left(report)):
                return "unsubscribe", left
            act = _ACTS.get(report.kind)
            return report.kind, act(self, report, number) if act else "nothing to do"

    def _left(self, report: Report) -> str:
        """The words for a reader who left by mail; empty if this is no such mail."""
        for address in report.addressed_to:
            found = _UNSUBSCRIBE.match(address)
            pair = self.signer.read("u", found[1]) if found else None
            if pair:
                names = left_its_list(*pair, how="mail")
                return f"left {', '.join(names)}" if names else "left: they were on no such list"
        return ""

    def _bounced(self, report: Report, number: int | None) -> str:
        signed = self._signed(report)
        if signed is not None:
            return self._copy_bounced(signed, _of(signed, report.recipients), report, number)
        # nobody signed it: anybody can write such a message, so it counts and never suppresses at once
        found = [(_latest_to(each.address), each) for each in report.recipients]
        done = [self._copy_bounced(copy, _in_doubt(each), report, number) for copy, each in found if copy]
        return "; ".join(done) or "about nobody who was mailed"

    def _copy_bounced(self, copy: Delivery, said: Recipient, report: Report, number: int | None) -> str:
        return copy_bounced(copy, said.cause, _detail(said, report, number), self.suppress_after)

    def _complained(self, report: Report, number: int | None) -> str:
        signed = self._signed(report)
        unsigned = [] if signed else [_latest_to(each.address) for each in report.recipients]
        copies = [copy for copy in (signed, *unsigned) if copy]
        said = report.recipients[0] if report.recipients else Recipient("", BounceClass.UNKNOWN, "", "abuse")
        for copy in copies:
            copy_complained(copy, _detail(said, report, number))
        return "suppressed: complained" if copies else "about nobody who was mailed"

    def _signed(self, report: Report) -> Delivery | None:
        """The copy that a signed word in the report names."""
        for purpose, word in report.words:
            pair = self.signer.read(purpose, word)
            if pair:
                copy = _copies().filter(edition_id=pair[0], subscriber_id=pair[1]).first()
                if copy:
                    return copy
        return None


_ACTS: Final[dict[Kind, Callable[[Recorder, Report, int | None], str]]] = {
    Kind.BOUNCE: Recorder._bounced,
    Kind.COMPLAINT: Recorder._complained,
}


def _of(copy: Delivery, recipients: tuple[Recipient, ...]) -> Recipient:
    """What the report says of this copy's reader. Of an address behind theirs, it does not say that theirs is dead."""
    if not recipients:
        return Recipient("", BounceClass.UNKNOWN)
    mine = next((each for each in recipients if each.address.casefold() == copy.subscriber.email_key), None)
    if mine is None and not recipients[0].address:
        mine = recipients[0]
    return mine or _in_doubt(recipients[0])


def _in_doubt(said: Recipient) -> Recipient:
    cause = BounceClass.UNKNOWN if said.cause == BounceClass.DEAD else said.cause
    return Recipient(said.address, cause, said.status, said.reply)


def _copies() -> QuerySet[Delivery]:
    return Delivery.objects.select_related("subscriber")


def _latest_to(address: str) -> Delivery | None:
    """The last copy that left for that address, if it left not long ago."""
    return (
        _copies()
        .filter(
            subscriber__email_key=address.casefold(),
            state__in=(DeliveryState.SENT, DeliveryState.UNKNOWN),
            at__gte=timezone.now() - _RECENT,
        )
        .order_by("-at", "-pk")
        .first()
    )


def _detail(said: Recipient, report: Report, number: int | None) -> str:
    """The reply, and the message that brought it, in the room there is."""
    source = f" (message {number} from {report.sender or 'nobody'})"[:120] if number else ""
    status = said.status if said.status and said.status not in said.reply else ""
    words = " ".join(filter(None, (status, said.reply))) or "no reason given"
    return words[: 300 - len(source)] + source
