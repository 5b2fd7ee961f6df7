"""What came back, recorded. Handlers may run twice and change nothing the second time."""

from broadsheet.events.leaving import resubscribed, said_why, unsubscribed
from broadsheet.events.refusals import record_refusals

__all__ = ["record_refusals", "resubscribed", "said_why", "unsubscribed"]
