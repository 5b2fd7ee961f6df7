"""Variant to Message: a template is compiled once for all readers who share their picks. Pure."""

from typing import TYPE_CHECKING

from broadsheet.lazily import lazily

if TYPE_CHECKING:
    from broadsheet.rendering.message import Message
    from broadsheet.rendering.press import compile_message
    from broadsheet.rendering.reading import readable
    from broadsheet.rendering.sheet import Sheet, sheet_for

__all__ = ["Message", "Sheet", "compile_message", "readable", "sheet_for"]

__getattr__ = lazily(
    __name__,
    {
        "message": "Message",
        "press": "compile_message",
        "reading": "readable",
        "sheet": "Sheet sheet_for",
    },
)
