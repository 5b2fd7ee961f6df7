"""Picks and audience to a frozen Edition; its states."""

from broadsheet.editions.comparing import Difference, Side, difference, earlier
from broadsheet.editions.freezing import FrozenText, PrintedVariant, existing, freeze, latest, skip
from broadsheet.editions.planning import (
    Plan,
    PlannedVariant,
    assignments,
    candidates,
    explained,
    leaving,
    plan,
    target_of,
    variant_of,
)
from broadsheet.editions.states import (
    MOVES,
    approve,
    begin,
    call_off_waiting,
    cancel,
    move,
    ready_to_send,
    reschedule,
    resend_failed,
    unapproved,
)

__all__ = [
    "MOVES",
    "Difference",
    "FrozenText",
    "Plan",
    "PlannedVariant",
    "PrintedVariant",
    "Side",
    "approve",
    "assignments",
    "begin",
    "call_off_waiting",
    "cancel",
    "candidates",
    "difference",
    "earlier",
    "existing",
    "explained",
    "freeze",
    "latest",
    "leaving",
    "move",
    "plan",
    "ready_to_send",
    "reschedule",
    "resend_failed",
    "skip",
    "target_of",
    "unapproved",
    "variant_of",
]
