"""Message and reader to bytes. Pure: a reader costs tens of microseconds.

:class:`LinkSigner` makes the addresses and ids that are a reader's own, :class:`Stamp` is a message made
ready: its expressions compiled to functions, its static bytes as they are.
"""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from html import unescape
from typing import Any, Final
from urllib.parse import quote

from jinja2 import TemplateError
from markupsafe import Markup, escape

from broadsheet.audience import Reader
from broadsheet.errors import UnstampableReader
from broadsheet.rendering.expressions import Scope, function
from broadsheet.rendering.message import Choice, Encoding, Line, Mark, MarkKind, Message, Pieces, Slot
from broadsheet.rendering.mime import SOFT_BREAK, joined, quoted_printable
from broadsheet.stamping.signing import LinkSigner, packed

__all__ = ["ADDRESSES", "Counted", "Imprint", "LinkSigner", "Mail", "Ready", "Stamp", "body_value", "header_value"]

#: One line of text that stands in quoted-printable as it is …
_PLAIN_LINE: Final = re.compile(r"[!-\-/-<>-~](?:[ -<>-~]{0,68}[!-<>-~])?")
#: … and in HTML too.
_PLAIN_HTML: Final = re.compile(r"[!#-%(-\-/-;?-~](?:[ !#-%(-;?-~]{0,68}[!#-%(-;?-~])?")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_INVISIBLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NEEDS_ENCODING: Final = re.compile(r"[^ -~]|=\?|[^ ]{200}|  |^ | $")
_PHRASE: Final = re.compile(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]*")
_NOT_IN_ADDRESS: Final = re.compile(r"[\x00-\x20\x7f<>]")
_ADDRESS_SCHEME: Final = re.compile(r"(https?|mailto|tel):", re.IGNORECASE)
_ANY_SCHEME: Final = re.compile(r"[^/?#]*:|//")
#: what libxml2 leaves as it is when it writes an address into an attribute
_ADDRESS_SAFE: Final = "!#$%&'()*+,-./:;=?@[]_~"


@dataclass(frozen=True)
class Imprint:
    """What is the same for every copy of an edition."""

    edition_id: int
    public_url: str
    mail_domain: str
    mail_from: str
    """The return path; ``{word}`` in it stands for each copy's own, so that what comes back says whose it is (VERP)."""
    signer: LinkSigner
    addresses: Mapping[str, str] | None = None
    """What stands in place of a reader's own addresses, by name: where nobody, or one person only, is written to."""


@dataclass(slots=True)  # a frozen one takes 3 us more to make, for each mail
class Mail:
    """One reader's copy, ready to be handed over."""

    delivery_id: int
    mail_from: str
    rcpt_to: str
    message_id: str
    pieces: Sequence[bytes] = field(repr=False)
    """RFC 5322, CRLF line ends, no line begins with a dot. The static pieces are the same objects in every copy, so an
    adapter may look at them once and remember what it found.
    """

    @property
    def content(self) -> bytes:
        """All of it."""
        return b"".join(self.pieces)


@dataclass(frozen=True)
class Counted:
    """How a variant's copies count clicks and opens."""

    variant_id: int
    links: Mapping[str, int]
    """The number of each address that may be clicked."""
    individual: bool
    """Whether the reader of each copy is counted, too: only those who agreed to it."""


Address = tuple[str, str, Callable[[bytes], str]]
"""An address of a reader's own: its name, how it begins, and what makes its word."""


class Stamp:
    """A message made ready: call it with a reader and get their copy. Without ``counted`` it counts nothing."""

    def __init__(self, message: Message, imprint: Imprint, counted: Counted | None = None) -> None:
        self._imprint = imprint
        self._date: tuple[datetime | None, str] = (None, "")
        self._return_path = imprint.mail_from.partition("{word}")
        self._return_word = imprint.signer.maker("b", imprint.edition_id)
        self._message_word = imprint.signer.maker("m", imprint.edition_id)
        used = _names(message.pieces)
        self._addresses: list[Address] = [
            (name, f"{imprint.public_url}/{purpose}/", imprint.signer.maker(purpose, imprint.edition_id))
            for name, purpose in ADDRESSES.items()
            if name in used
        ]
        if imprint.addresses is not None:
            self._addresses = [(name, url, lambda _: "") for name, url in imprint.addresses.items()]
        pieces = self._counting(message.pieces, counted)
        self._pieces = _ready(joined(pieces), _plain_in_html(self._addresses))

    def __call__(self, reader: Reader, *, delivery_id: int, now: datetime) -> Mail:
        """The reader's copy. Raises UnstampableReader, naming what of theirs can't go in."""
        imprint, key = self._imprint, packed(reader.id)
        message_id = f"<{self._message_word(key)}@{imprint.mail_domain}>"
        scope: dict[str, Any] = {
            "subscriber": reader.values,
            "date": self._written_date(now),
            "to": _mailbox(reader),
            "message_id": message_id,
        }
        for name, start, word in self._addresses:
            scope[name] = start + word(key)
        try:
            pieces = [piece if piece.__class__ is bytes else piece(scope) for piece in self._pieces]  # type: ignore[operator]
        except (TemplateError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError) as error:
            raise UnstampableReader(f"reader {reader.id}: {error}") from error
        before, varies, after = self._return_path
        sender = before + self._return_word(key) + after if varies else before
        return Mail(delivery_id, sender, reader.email, message_id, pieces)

    def _counting(self, pieces: Pieces, counted: Counted | None) -> Pieces:
        """The pieces with each mark made what it is in these copies."""
        made: list[Any] = []
        for piece in pieces:
            if isinstance(piece, Mark):
                made += self._mark(piece, counted)
            elif isinstance(piece, Choice):
                first, second = self._counting(piece.first, counted), self._counting(piece.second, counted)
                made.append(Choice(piece.test, first, second))
            else:
                made.append(piece)
        return tuple(made)

    def _mark(self, mark: Mark, counted: Counted | None) -> list[bytes | Slot]:
        """What a mark is: the plain address or nothing, an address of the variant's, or one of the reader's own."""
        number = counted.links.get(mark.url, 0) if counted else 0
        if counted is None or (mark.kind is MarkKind.LINK and not number):
            return [body_value(str(escape(mark.url)))] if mark.kind is MarkKind.LINK else []
        purpose = COUNTING[mark.kind, counted.individual]
        start, (before, after) = f"{self._imprint.public_url}/{purpose}/", _AROUND[mark.kind]
        if counted.individual:
            key, name = number or self._imprint.edition_id, f"{purpose}{number}"
            if all(name != known for known, _, _ in self._addresses):
                self._addresses.append((name, start, self._imprint.signer.maker(purpose, key)))
            return [body_value(before), Slot(["name", name], Encoding.HTML), body_value(after)]
        word = self._imprint.signer.make(purpose, number, counted.variant_id)
        return [body_value(f"{before}{start}{word}{after}")]

    def _written_date(self, now: datetime) -> str:
        last, written = self._date
        if last is not now:
            written = format_datetime(now)
            self._date = (now, written)
        return written


#: A reader's own addresses, by the name that templates have for them: the purpose of their word, and their path.
ADDRESSES: Final = {"unsubscribe_url": "u", "view_url": "v", "preferences_url": "p"}

#: The purpose of the words that count, by what they count and whether they name the reader. They hold the link's number
#: (0 for what is none) and the variant, or the link's number (else the edition's) and the reader.
COUNTING: Final = {
    (MarkKind.LINK, False): "l",
    (MarkKind.LINK, True): "k",
    (MarkKind.OPEN, False): "o",
    (MarkKind.OPEN, True): "w",
    (MarkKind.TRAP, False): "t",
    (MarkKind.TRAP, True): "r",
}
_AROUND: Final = {
    MarkKind.LINK: ("", ""),
    MarkKind.OPEN: (
        '<img src="',
        '" width="1" height="1" alt="" role="presentation" style="display:block;border:0;width:1px;height:1px">',
    ),
    MarkKind.TRAP: (
        '<div style="display:none;max-height:0;overflow:hidden;mso-hide:all" aria-hidden="true"><a href="',
        '" tabindex="-1" rel="nofollow"></a></div>',
    ),
}

Ready = bytes | Callable[[Scope], bytes]

#: How many short values are kept as they are written, and up to how many characters. First names come again and again.
_KEPT: Final = 4_096
_SHORT: Final = 64


def _plain_in_html(addresses: list[Address]) -> frozenset[str]:
    """The names of those addresses that stand in HTML and in quoted-printable as they are, whatever their word is."""
    longest = "x" * 40
    return frozenset(name for name, start, word in addresses if _PLAIN_HTML.fullmatch(start + longest))


def _names(pieces: Pieces) -> set[str]:
    """The names that the pieces' expressions use."""

    def walk(value: Any) -> set[str]:
        if not isinstance(value, list | tuple):
            return set()
        if len(value) == 2 and value[0] == "name":
            return {str(value[1])}
        return set().union(*map(walk, value))

    found: set[str] = set()
    for piece in pieces:
        match piece:
            case Slot():
                found |= walk(piece.expr)
            case Line():
                found |= walk(piece.parts)
            case Choice():
                found |= walk(piece.test) | _names(piece.first) | _names(piece.second)
    return found


def _ready(pieces: Pieces, plain: frozenset[str]) -> tuple[Ready, ...]:
    return tuple(_one_ready(piece, plain) for piece in pieces)


def _one_ready(piece: bytes | Slot | Choice | Line | Mark, plain: frozenset[str]) -> Ready:
    match piece:
        case bytes():
            return piece
        case Slot():
            return _slot(piece, plain)
        case Line() if all(isinstance(part, str) for part in piece.parts):
            return header_value("".join(piece.parts))
        case Line():
            line = function(["text", False, list(piece.parts)])
            return lambda scope: header_value(line(scope))
        case Choice():
            return _choice(piece, plain)
        case Mark():
            raise TypeError("a mark that was not resolved")


def _choice(choice: Choice, plain: frozenset[str]) -> Ready:
    test, first, second = function(choice.test), _ready(choice.first, plain), _ready(choice.second, plain)
    if all(isinstance(each, bytes) for each in (*first, *second)):
        one, other = b"".join(first), b"".join(second)  # type: ignore[arg-type]
        return lambda scope: one if test(scope) else other

    def choose(scope: Scope) -> bytes:
        chosen = first if test(scope) else second
        return b"".join([each if isinstance(each, bytes) else each(scope) for each in chosen])

    return choose


def _slot(slot: Slot, plain: frozenset[str]) -> Callable[[Scope], bytes]:
    value, encoding = function(slot.expr), slot.encoding
    if encoding is Encoding.PLAIN:
        return lambda scope: value(scope).encode()  # UTF-8 in an international address only (RFC 6532)
    if slot.expr[0] == "name" and encoding is not Encoding.TEXT_ADDRESS:
        if slot.expr[1] in plain:
            return lambda scope: value(scope).encode() + SOFT_BREAK
        if encoding in (Encoding.ADDRESS, Encoding.URL):
            encoding = Encoding.HTML  # our own link, known to be one
    written = _WRITTEN[encoding]

    def write(scope: Scope) -> bytes:
        given = value(scope)
        if given.__class__ is str and len(given) <= _SHORT:
            return _in_body(given, encoding)
        return body_value(written(given))

    return write


@lru_cache(maxsize=_KEPT)
def _in_body(text: str, encoding: Encoding) -> bytes:
    return body_value(_WRITTEN[encoding](text))


def _from_html(value: object) -> str:
    """What a reader sees of a value that was printed as HTML."""
    return unescape(str(value)) if isinstance(value, Markup) else str(value)


def _address_part(value: object) -> str:
    return str(escape(_quoted(value)))


def _quoted(value: object) -> str:
    return quote(_from_html(value), safe=_ADDRESS_SAFE)


def _address(value: object) -> str:
    text = _from_html(value).strip(" \t\n\r\f")
    if _ANY_SCHEME.match(text) and not _ADDRESS_SCHEME.match(text):
        return "#"  # javascript: and its like, from a reader's own data
    return _address_part(text)


_WRITTEN: dict[Encoding, Callable[[Any], str]] = {
    Encoding.HTML: lambda value: str(escape(value)),
    Encoding.ATTRIBUTE: lambda value: str(escape(value)).replace('"', "&#34;"),
    Encoding.RAW: str,
    Encoding.TEXT: str,
    Encoding.FROM_HTML: _from_html,
    Encoding.TEXT_ADDRESS: _quoted,
    Encoding.URL: _address_part,
    Encoding.ADDRESS: _address,
}


def body_value(text: str) -> bytes:
    """``text`` in quoted-printable, beginning and ending at the beginning of an encoded line.

    Control characters, which neither HTML nor a plain text may hold, are left out.
    """
    if _PLAIN_LINE.fullmatch(text):
        return text.encode("ascii") + SOFT_BREAK
    return quoted_printable(_INVISIBLE.sub("", text).encode())


def header_value(text: str) -> bytes:
    """``text`` as an unstructured header's value: as it is where it may be, else in RFC 2047 words, folded.

    Raises ValueError for control characters, which would end the header.
    """
    if _CONTROL.search(text):
        raise ValueError(f"a header can't hold the control character in {text[:60]!r}")
    if _NEEDS_ENCODING.search(text):
        return b"\r\n ".join(_encoded_words(text))
    return (text if len(text) <= 66 else _folded(text)).encode("ascii")


def _folded(text: str) -> str:
    """Words in lines of at most 78 characters where their length allows, the first beside the header's name."""
    lines, line, room = [], "", 60
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > room:
            lines.append(line)
            line, room = word, 77
        else:
            line = f"{line} {word}" if line else word
    return "\r\n ".join([*lines, line])


def _encoded_words(text: str) -> list[bytes]:
    """RFC 2047 words in base64, each under 76 octets and of whole characters."""
    words, chunk = [], b""
    for character in text:
        encoded = character.encode()
        if len(chunk) + len(encoded) > 42:
            words.append(chunk)
            chunk = b""
        chunk += encoded
    words.append(chunk)
    return [b"=?utf-8?b?" + base64.b64encode(word) + b"?=" for word in words]


def _mailbox(reader: Reader) -> str:
    """The reader's ``To``: their name, where they gave one that a header can hold, and their address."""
    if _NOT_IN_ADDRESS.search(reader.email):
        raise UnstampableReader(f"reader {reader.id}: their address holds a space, a bracket or a control character")
    phrase = _phrase(reader.name)
    return f"{phrase} <{reader.email}>" if phrase else reader.email


@lru_cache(maxsize=_KEPT)
def _phrase(name: str) -> str:
    """A name as it stands before an address (RFC 5322 section 3.4); empty if it can't."""
    if not name or _CONTROL.search(name):
        return ""
    if len(name) > 60:
        name = name[:60].rstrip()
    if _PHRASE.fullmatch(name) and "=?" not in name:
        return name
    if name.isascii() and "=?" not in name:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}"'
    return b"\r\n ".join(_encoded_words(name)).decode("ascii") + "\r\n"
