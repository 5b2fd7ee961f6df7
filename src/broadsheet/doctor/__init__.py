"""Whether this workspace can send, and be answered: each thing looked at, nothing sent, and what to change."""

from broadsheet.doctor.check import Check, Record
from broadsheet.doctor.names import Names
from broadsheet.doctor.report import examine

__all__ = ["Check", "Names", "Record", "examine"]
