"""Bytes to Outcome: claims rows of the ledger, stamps, hands over, and reports what was answered."""

from broadsheet.sending.adapters import Adapter, hand_over, login, make_adapter
from broadsheet.sending.claims import settle_unknown
from broadsheet.sending.outcome import Outcome, Result
from broadsheet.sending.runner import Batch, drain

__all__ = ["Adapter", "Batch", "Outcome", "Result", "drain", "hand_over", "login", "make_adapter", "settle_unknown"]
