"""What came back, recorded. Handlers may run twice and change nothing the second time."""

from broadsheet.events.leaving import resubscribed, unsubscribed
from broadsheet.events.refusals import record_refusals

__all__ = ["record_refusals", "resubscribed", "unsubscribed"]
