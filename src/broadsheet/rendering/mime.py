"""The MIME skeleton, by the standard library, and its two bodies in quoted-printable with slots.

Every piece of a body begins and ends at the beginning of an encoded line: what does not end in a line break
of its own ends in a soft one (``=`` CRLF, RFC 2045 section 6.7). So a slot's value can be encoded on its own,
and a piece can be left out or put in, without looking at its neighbours. A dot at the beginning of a line is
written ``=2E``, so that nothing has to be stuffed when it is sent (RFC 5321 section 4.5.2). No line of a body
is longer than 76 octets (RFC 2045 section 6.7).
"""

import re
from binascii import b2a_qp
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

from broadsheet.rendering.message import Choice, Pieces

SOFT_BREAK: Final = b"=\r\n"
_BOUNDARY: Final = "=_broadsheet_part"  # "=_" can't occur in quoted-printable, so no body can hold it
_LEADING_DOTS: Final = re.compile(rb"^\.+", re.MULTILINE)


def quoted_printable(data: bytes) -> bytes:
    """``data`` encoded so that it ends at the beginning of a line; empty for no data."""
    if not data:
        return b""
    encoded = b2a_qp(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n"), istext=True).replace(b"\n", b"\r\n")
    if encoded.startswith(b".") or b"\n." in encoded:
        encoded = _LEADING_DOTS.sub(_written_out, encoded)
    return encoded if encoded.endswith(b"\r\n") else encoded + SOFT_BREAK


def _written_out(dots: re.Match[bytes]) -> bytes:
    whole, rest = divmod(len(dots[0]), 24)
    return (b"=2E" * 24 + SOFT_BREAK) * whole + (b"=2E" * rest + SOFT_BREAK if rest else b"")


def encoded_body(pieces: Pieces) -> Pieces:
    """A body's pieces with their static bytes in quoted-printable, ending in a line break of their own."""
    encoded = tuple(piece for piece in _encoded(pieces) if piece != b"")
    last = encoded[-1] if encoded else b""
    if isinstance(last, bytes) and last.endswith(b"\r\n") and not last.endswith(SOFT_BREAK):
        return encoded
    return (*encoded, b"\r\n")


def _encoded(pieces: Pieces) -> Pieces:
    return tuple(
        quoted_printable(piece)
        if isinstance(piece, bytes)
        else Choice(piece.test, _encoded(piece.first), _encoded(piece.second))
        if isinstance(piece, Choice)
        else piece
        for piece in pieces
    )


def skeleton(headers: list[tuple[str, str]], text: Pieces, html: Pieces) -> Pieces:
    """The whole message: ``headers`` (fixed), then a text and an HTML body (RFC 2046 section 5.1.4)."""
    mail = EmailMessage(policy=SMTP)
    for name, value in headers:
        mail[name] = value
    mail["MIME-Version"] = "1.0"
    mail.set_content("TEXT-BODY", cte="quoted-printable")
    mail.add_alternative("HTML-BODY", subtype="html", cte="quoted-printable")
    mail.set_boundary(_BOUNDARY)
    before, after_text = mail.as_bytes().split(b"TEXT-BODY\r\n")
    between, after = after_text.split(b"HTML-BODY\r\n")
    return joined((before, *encoded_body(text), between, *encoded_body(html), after))


def joined(pieces: Pieces) -> Pieces:
    """The same pieces with neighbouring bytes made one."""
    result: list[object] = []
    for piece in pieces:
        if isinstance(piece, bytes):
            if not piece:
                continue
            if result and isinstance(result[-1], bytes):
                result[-1] += piece
                continue
        result.append(piece)
    return tuple(result)  # type: ignore[arg-type]
