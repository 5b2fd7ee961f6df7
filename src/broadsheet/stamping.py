"""Message and reader to bytes. Pure: a reader costs tens of microseconds.

:class:`LinkSigner` makes the addresses and ids that are a reader's own, :class:`Stamp` is a message made
ready: its expressions compiled to functions, its static bytes as they are.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import quote

from jinja2 import TemplateError
from markupsafe import escape

from broadsheet.audience import Reader
from broadsheet.errors import UnstampableReader
from broadsheet.rendering.expressions import Scope, function
from broadsheet.rendering.message import Choice, Encoding, Line, Message, Pieces, Slot
from broadsheet.rendering.mime import SOFT_BREAK, quoted_printable

_PLAIN_LINE: Final = re.compile(r"[!-\-/-<>-~](?:[ -<>-~]{0,68}[!-<>-~])?")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_NEEDS_ENCODING: Final = re.compile(r"[^ -~]|=\?|[^ ]{200}")
_PHRASE: Final = re.compile(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]*")
_ADDRESS_SCHEME: Final = re.compile(r"(https?|mailto|tel):", re.IGNORECASE)
_ANY_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
#: what libxml2 leaves as it is when it writes an address into an attribute
_ADDRESS_SAFE: Final = "!#$%&'()*+,-./:;=?@[]_~"


class LinkSigner:
    """Makes and reads the signed words in links: purpose, edition and subscriber, and nobody else's.

    A word holds two numbers and a keyed BLAKE2b of 80 bits; it is valid for its purpose only.
    """

    def __init__(self, key: str) -> None:
        self._key = hashlib.blake2b(key.encode(), digest_size=32, person=b"broadsheet-links").digest()

    def make(self, purpose: str, edition_id: int, subscriber_id: int) -> str:
        """The word, about 20 characters of ``A-Za-z0-9_-``."""
        numbers = _packed(edition_id) + _packed(subscriber_id)
        return base64.urlsafe_b64encode(numbers + self._mac(purpose, numbers)).rstrip(b"=").decode("ascii")

    def read(self, purpose: str, token: str) -> tuple[int, int] | None:
        """Edition and subscriber, or None for a word that this key did not sign for that purpose."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            numbers, mac = raw[:-10], raw[-10:]
            edition_id, rest = _unpacked(numbers)
            subscriber_id, rest = _unpacked(rest)
        except (ValueError, IndexError):
            return None
        canonical = base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") == token
        if rest or not canonical or not hmac.compare_digest(mac, self._mac(purpose, numbers)):
            return None
        return edition_id, subscriber_id

    def _mac(self, purpose: str, numbers: bytes) -> bytes:
        return hashlib.blake2b(numbers, key=self._key, digest_size=10, person=purpose.encode()).digest()


def _packed(number: int) -> bytes:
    """The number in base 128, low digits first, the high bit set on all but the last."""
    digits = bytearray()
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    digits.append(number)
    return bytes(digits)


def _unpacked(data: bytes) -> tuple[int, bytes]:
    number = shift = 0
    for position, digit in enumerate(data):
        number |= (digit & 127) << shift
        if digit < 128:
            return number, data[position + 1 :]
        shift += 7
    raise ValueError("number not ended")


@dataclass(frozen=True)
class Imprint:
    """What is the same for every copy of an edition."""

    edition_id: int
    public_url: str
    mail_domain: str
    mail_from: str
    signer: LinkSigner


@dataclass(frozen=True)
class Mail:
    """One reader's copy, ready to be handed over."""

    delivery_id: int
    mail_from: str
    rcpt_to: str
    message_id: str
    content: bytes
    """RFC 5322, CRLF line ends, no line begins with a dot."""


class Stamp:
    """A message made ready: call it with a reader and get their copy."""

    def __init__(self, message: Message, imprint: Imprint) -> None:
        self._imprint = imprint
        self._pieces = _ready(message.pieces)

    def __call__(self, reader: Reader, *, delivery_id: int, now: datetime) -> Mail:
        """The reader's copy. Raises UnstampableReader, naming what of theirs can't go in."""
        make, edition, imprint = self._imprint.signer.make, self._imprint.edition_id, self._imprint
        base = imprint.public_url
        message_id = f"<{make('m', edition, reader.id)}@{imprint.mail_domain}>"
        scope: dict[str, Any] = {
            "subscriber": reader.values,
            "unsubscribe_url": f"{base}/u/{make('u', edition, reader.id)}",
            "view_url": f"{base}/v/{make('v', edition, reader.id)}",
            "preferences_url": f"{base}/p/{make('p', edition, reader.id)}",
            "date": format_datetime(now),
            "to": _mailbox(reader),
            "message_id": message_id,
        }
        try:
            content = b"".join([piece if piece.__class__ is bytes else piece(scope) for piece in self._pieces])  # type: ignore[operator]
        except (TemplateError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError) as error:
            raise UnstampableReader(f"reader {reader.id}: {error}") from error
        return Mail(delivery_id, imprint.mail_from, reader.email, message_id, content)


Ready = bytes | Callable[[Scope], bytes]


def _ready(pieces: Pieces) -> tuple[Ready, ...]:
    return tuple(_one_ready(piece) for piece in pieces)


def _one_ready(piece: bytes | Slot | Choice | Line) -> Ready:
    match piece:
        case bytes():
            return piece
        case Slot():
            return _slot(piece)
        case Line():
            line = function(["text", False, list(piece.parts)])
            return lambda scope: header_value(line(scope))
        case Choice():
            test, first, second = function(piece.test), _ready(piece.first), _ready(piece.second)

            def choose(scope: Mapping[str, Any]) -> bytes:
                chosen = first if test(scope) else second
                return b"".join([each if isinstance(each, bytes) else each(scope) for each in chosen])

            return choose


def _slot(slot: Slot) -> Callable[[Scope], bytes]:
    value = function(slot.expr)
    if slot.encoding is Encoding.PLAIN:
        return lambda scope: value(scope).encode()  # UTF-8 in an international address only (RFC 6532)
    if slot.encoding is Encoding.HEADER:
        return lambda scope: header_value(str(value(scope)))
    written = _WRITTEN[slot.encoding]
    if slot.expr[0] == "name" and slot.encoding is Encoding.ADDRESS:
        written = _WRITTEN[Encoding.HTML]  # our own link, known to be one
    return lambda scope: body_value(written(value(scope)))


def _address_part(value: object) -> str:
    return str(escape(quote(str(value), safe=_ADDRESS_SAFE)))


def _address(value: object) -> str:
    text = str(value).strip()
    if _ANY_SCHEME.match(text) and not _ADDRESS_SCHEME.match(text):
        return "#"  # javascript: and its like, from a reader's own data
    return _address_part(text)


_WRITTEN: dict[Encoding, Callable[[Any], str]] = {
    Encoding.HTML: lambda value: str(escape(value)),
    Encoding.RAW: str,
    Encoding.TEXT: str,
    Encoding.URL: _address_part,
    Encoding.ADDRESS: _address,
}


def body_value(text: str) -> bytes:
    """``text`` in quoted-printable, beginning and ending at the beginning of an encoded line."""
    if _PLAIN_LINE.fullmatch(text):
        return text.encode("ascii") + SOFT_BREAK
    return quoted_printable(text.encode())


def header_value(text: str) -> bytes:
    """``text`` as an unstructured header's value: as it is where it may be, else in RFC 2047 words, folded.

    Raises ValueError for control characters, which would end the header.
    """
    if _CONTROL.search(text):
        raise ValueError(f"a header can't hold the control character in {text[:60]!r}")
    if _NEEDS_ENCODING.search(text):
        return b"\r\n ".join(_encoded_words(text))
    if len(text) <= 66:
        return text.encode("ascii")
    return re.sub(r"(.{20,66}?\S)( +)(?=\S)", _fold, text).encode("ascii") if len(text) > 900 else text.encode("ascii")


def _fold(match: re.Match[str]) -> str:
    return f"{match[1]}\r\n{match[2]}"


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
    name = reader.name
    if _CONTROL.search(reader.email):
        raise UnstampableReader(f"reader {reader.id}: the address holds a control character")
    if not name or _CONTROL.search(name):
        return reader.email
    if len(name) > 60:
        name = name[:60].rstrip()
    if _PHRASE.fullmatch(name) and "=?" not in name:
        return f"{name} <{reader.email}>"
    if name.isascii() and "=?" not in name:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{reader.email}>'
    return b"\r\n ".join(_encoded_words(name)).decode("ascii") + f"\r\n <{reader.email}>"
