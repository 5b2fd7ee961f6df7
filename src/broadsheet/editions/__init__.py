"""Picks and audience to a frozen Edition; its states."""

from broadsheet.editions.freezing import FrozenText, PrintedVariant, existing, freeze, skip
from broadsheet.editions.planning import (
    Plan,
    PlannedVariant,
    assignments,
    candidates,
    explained,
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
    may_go_on,
    move,
    ready_to_send,
    reschedule,
    resend_failed,
    unapproved,
)

__all__ = [
    "MOVES",
    "FrozenText",
    "Plan",
    "PlannedVariant",
    "PrintedVariant",
    "approve",
    "assignments",
    "begin",
    "call_off_waiting",
    "cancel",
    "candidates",
    "existing",
    "explained",
    "freeze",
    "may_go_on",
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
