"""What an answer makes of a copy: its next state, and when it goes again. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from broadsheet.conf import Sending
from broadsheet.models import DeliveryState, OnUnknown
from broadsheet.sending.outcome import Outcome, Result

#: What each wait is to the one before it.
GROWTH = 3
ASSUMED = "assumed sent: "


@dataclass(frozen=True)
class Verdict:
    """What the ledger says of a copy now."""

    state: DeliveryState
    at: datetime | None
    """When it may go again if it is deferred; None: at any time; else now."""
    reason: str = ""
    deferred_since: datetime | None = None
    used_up: bool = True
    """Whether one of its tries is used up."""


@dataclass(frozen=True)
class Tried:
    """What came before this answer."""

    attempts: int
    deferred_since: datetime | None


def verdict(outcome: Outcome, before: Tried, on_unknown: str, rules: Sending, now: datetime) -> Verdict:
    """The verdict on a copy that was tried once more."""
    match outcome.result:
        case Result.SENT:
            return Verdict(DeliveryState.SENT, now)
        case Result.FAILED:
            return Verdict(DeliveryState.FAILED, now, outcome.reply[:300])
        case Result.UNKNOWN if outcome.again or on_unknown == OnUnknown.HOLD:
            return Verdict(DeliveryState.UNKNOWN, now, outcome.reply[:300])
        case Result.UNKNOWN if on_unknown == OnUnknown.ASSUME_SENT:
            return Verdict(DeliveryState.SENT, now, f"{ASSUMED}{outcome.reply}"[:300])
    return _later(outcome, before, rules, now) if outcome.attempted else _put_off(outcome, before, now)


def _later(outcome: Outcome, before: Tried, rules: Sending, now: datetime) -> Verdict:
    """Of a copy that was refused for now: when it goes again, or that it was given up."""
    since = before.deferred_since or now
    again = now + max(wait(before.attempts, rules), timedelta(seconds=outcome.retry_after or 0))
    if again - since > rules.retry_for or before.attempts + 1 >= rules.retries_a_day:
        return Verdict(
            DeliveryState.FAILED, now, f"given up after {before.attempts + 1} attempts: {outcome.reply}"[:300]
        )
    return Verdict(DeliveryState.DEFERRED, again, outcome.reply[:300], since)


def _put_off(outcome: Outcome, before: Tried, now: datetime) -> Verdict:
    """Of a copy that nobody looked at: it waits as long as it was asked to, and has lost no try."""
    if outcome.retry_after is None:
        return Verdict(DeliveryState.QUEUED, None, deferred_since=before.deferred_since, used_up=False)
    again = now + timedelta(seconds=outcome.retry_after)
    return Verdict(DeliveryState.DEFERRED, again, outcome.reply[:300], before.deferred_since, used_up=False)


def wait(attempts: int, rules: Sending) -> timedelta:
    """How long a copy waits that was refused for now, after so many attempts before."""
    grown: timedelta = rules.retry_first * GROWTH ** min(attempts, 20)
    return min(grown, rules.retry_longest)
