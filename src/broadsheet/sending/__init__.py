"""Bytes to Outcome: claims rows of the ledger, stamps, hands over, and reports what was answered."""

from broadsheet.sending.adapters import Adapter, hand_over, keys_of, login, make_adapter
from broadsheet.sending.claims import keep_little_in_memory
from broadsheet.sending.ledger import Batch, Job, pause
from broadsheet.sending.outcome import Outcome, Result
from broadsheet.sending.pace import time_needed
from broadsheet.sending.recovery import Recovered, Rules, recover
from broadsheet.sending.repeats import ask_again
from broadsheet.sending.runner import drain

__all__ = [
    "Adapter",
    "Batch",
    "Job",
    "Outcome",
    "Recovered",
    "Result",
    "Rules",
    "ask_again",
    "drain",
    "hand_over",
    "keep_little_in_memory",
    "keys_of",
    "login",
    "make_adapter",
    "pause",
    "recover",
    "time_needed",
]
