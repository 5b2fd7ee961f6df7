"""A compiled mail's text as staff read it: what a reader's value stands for is named in angle brackets."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from typing import Any, Final

from broadsheet.rendering.message import Choice, Line, Mark, MarkKind, Message, Pieces, Slot
from broadsheet.rendering.mime import SOFT_BREAK, quoted_printable
from broadsheet.rendering.recorder import Expr

_NAMES: Final = ("attr", "item", "name")
_NOTE: Final = re.compile(r"[ \t]?\[\d+\]")


def named(expr: Expr | None) -> str:
    """What stands for a reader's value: the name of what it is made from, as in ``‹first_name›``."""
    tree: Any = expr
    while isinstance(tree, list) and tree and tree[0] not in _NAMES:
        tree = next((each for each in tree[1:] if isinstance(each, list)), None)
    return f"‹{tree[-1]}›" if tree else "‹…›"


def readable(message: Message) -> str:
    """The subject and the text part of the mail; of a condition on a reader's value both sides, as ``‹this|that›``.

    Its links stand at the end, without their numbers: one link more would change the numbers of all that follow.
    """
    parsed = message_from_bytes(b"".join(_written(message.pieces)), policy=policy.default)
    text = parsed.get_body(("plain",))
    return f"{message.subject}\n\n{_NOTE.sub('', text.get_content()) if text else ''}"


def _written(pieces: Pieces) -> Iterator[bytes]:
    for piece in pieces:
        match piece:
            case bytes():
                yield piece
            case Slot():
                yield _word(named(piece.expr))
            case Choice():
                yield _word("‹")
                yield from _written(piece.first)
                yield _word("|")
                yield from _written(piece.second)
                yield _word("›")
            case Mark(kind=MarkKind.LINK):
                yield _word(piece.url)
            case Line() | Mark():  # a header, whose subject is known in full; a mark that nobody sees
                pass


def _word(text: str) -> bytes:
    """The text in quoted-printable and in one line, as it may stand in a header, too, that nobody reads here."""
    return quoted_printable(text.encode()).replace(SOFT_BREAK, b"")
