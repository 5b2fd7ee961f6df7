"""What came back, recorded. Handlers may run twice and change nothing the second time."""

from broadsheet.events.leaving import left, resubscribed, unsubscribed
from broadsheet.events.outgoing import announce, deliver_due
from broadsheet.events.refusals import record_refusals

__all__ = ["announce", "deliver_due", "left", "record_refusals", "resubscribed", "unsubscribed"]
