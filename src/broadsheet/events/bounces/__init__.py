"""What comes back by mail, understood: bytes to a report. Pure: no query, no socket, and nothing raises.

First what follows a standard (RFC 3464, 5965, 8098), then what follows none: tables of our own, and flufl.bounce.
"""

from typing import TYPE_CHECKING

from broadsheet.lazily import lazily

if TYPE_CHECKING:
    from broadsheet.events.bounces.classes import classified
    from broadsheet.events.bounces.opening import shortened
    from broadsheet.events.bounces.parsing import parse
    from broadsheet.events.bounces.report import Kind, Recipient, Report

__all__ = ["Kind", "Recipient", "Report", "classified", "parse", "shortened"]

__getattr__ = lazily(
    __name__,
    {"classes": "classified", "opening": "shortened", "parsing": "parse", "report": "Kind Recipient Report"},
)
