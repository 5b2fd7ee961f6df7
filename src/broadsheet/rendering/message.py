"""A compiled mail: static bytes with slots."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from broadsheet.rendering.recorder import Expr


class Encoding(StrEnum):
    """How a slot's value is written where it stands."""

    #: HTML text, quoted-printable
    HTML = "html"
    #: an attribute's value, quoted-printable
    ATTRIBUTE = "attribute"
    #: a value the template printed without escaping (``| safe``), quoted-printable
    RAW = "raw"
    #: part of a web address inside HTML, quoted-printable
    URL = "url"
    #: a whole web address, or its beginning: only web, mail and telephone addresses, quoted-printable
    ADDRESS = "address"
    #: plain text, quoted-printable
    TEXT = "text"
    #: plain text made from what a template printed as HTML, quoted-printable
    FROM_HTML = "from_html"
    #: part of a link's address in a plain text, quoted-printable
    TEXT_ADDRESS = "text_address"
    #: what the stamp itself makes, safe as it is (an address, an id, a date)
    PLAIN = "plain"


@dataclass(frozen=True)
class Slot:
    """A place that each reader's own value goes into."""

    expr: Expr
    encoding: Encoding


@dataclass(frozen=True)
class Choice:
    """A place where a reader's value decides between two pieces of the mail."""

    test: Expr
    first: "Pieces"
    second: "Pieces"


@dataclass(frozen=True)
class Line:
    """A header's value made of several pieces, encoded as one (RFC 2047 words can't be cut)."""

    parts: tuple[Any, ...]


class MarkKind(StrEnum):
    """What an edition that counts clicks and opens puts into its HTML."""

    #: an article's or any other fixed web address
    LINK = "link"
    #: an invisible picture, fetched when the mail is shown
    OPEN = "open"
    #: an invisible link that only robots follow
    TRAP = "trap"


@dataclass(frozen=True)
class Mark:
    """A place that counts, if its edition and its reader let it; else the plain address, or nothing."""

    kind: MarkKind
    url: str = ""


Pieces = tuple[bytes | Slot | Choice | Line | Mark, ...]


@dataclass(frozen=True)
class Message:
    """The compiled mail of one variant, ready to be stamped."""

    pieces: Pieces
    subject: str
    """The subject as staff see it, readers' values in angle brackets."""
    html_size: int
    """Bytes of the HTML part before its transfer encoding, slots empty."""

    @property
    def links(self) -> tuple[str, ...]:
        """The addresses whose clicks can be counted, each once, in the order of the mail."""
        return tuple(dict.fromkeys(_linked(self.pieces)))

    def to_bytes(self) -> bytes:
        """The message as the database keeps it."""
        data = {"pieces": _plain(self.pieces), "subject": self.subject, "html_size": self.html_size}
        return zlib.compress(json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode(), level=6)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Message":
        """The message that :meth:`to_bytes` gave."""
        plain = json.loads(zlib.decompress(data))
        return cls(_pieces(plain["pieces"]), plain["subject"], plain["html_size"])


def _linked(pieces: Pieces) -> Iterator[str]:
    for piece in pieces:
        if isinstance(piece, Mark) and piece.kind is MarkKind.LINK:
            yield piece.url
        elif isinstance(piece, Choice):
            yield from _linked(piece.first)
            yield from _linked(piece.second)


def _plain(pieces: Pieces) -> list[Any]:
    plain: list[Any] = []
    for piece in pieces:
        match piece:
            case bytes():
                plain.append(piece.decode("ascii"))
            case Slot():
                plain.append(["slot", piece.encoding.value, piece.expr])
            case Choice():
                plain.append(["choice", piece.test, _plain(piece.first), _plain(piece.second)])
            case Line():
                plain.append(["line", list(piece.parts)])
            case Mark():
                plain.append(["mark", piece.kind.value, piece.url])
    return plain


def _pieces(plain: list[Any]) -> Pieces:
    pieces: list[bytes | Slot | Choice | Line | Mark] = []
    for each in plain:
        if isinstance(each, str):
            pieces.append(each.encode("ascii"))
        elif each[0] == "slot":
            pieces.append(Slot(each[2], Encoding(each[1])))
        elif each[0] == "line":
            pieces.append(Line(tuple(each[1])))
        elif each[0] == "mark":
            pieces.append(Mark(MarkKind(each[1]), each[2]))
        else:
            pieces.append(Choice(each[1], _pieces(each[2]), _pieces(each[3])))
    return tuple(pieces)
