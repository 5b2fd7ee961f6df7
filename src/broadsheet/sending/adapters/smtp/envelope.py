"""A mail made ready for one server: its commands, and its content as the wire wants it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from broadsheet.stamping import Mail

if TYPE_CHECKING:
    from broadsheet.sending.adapters.smtp.dkim import Signer

_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f-\x9f<>\u2028\u2029]")
#: what xtext leaves as it is (RFC 3461 section 4)
_XTEXT: Final = re.compile(r"[!-*,-<>-~]{0,100}")
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
#: Bytes of a piece that is worth remembering, and of a mail's new pieces that are worth a look for some.
_LARGE: Final = 256
_MUCH: Final = 2048


@dataclass(frozen=True)
class Offers:
    """What a server said in its answer to EHLO, of what is used here."""

    pipelining: bool = False
    chunking: bool = False
    eight_bit: bool = False
    utf8: bool = False
    dsn: bool = False
    sizes: bool = False
    #: the largest mail it takes, in bytes; 0 if it does not say
    largest: int = 0

    @classmethod
    def of(cls, extensions: Mapping[str, str], without: Sequence[str] = ()) -> "Offers":
        """From keywords in lower case and their parameters; those ``without`` names are not used."""
        known = extensions.keys() - {name.lower() for name in without}
        largest = extensions.get("size", "").strip()
        return cls(
            pipelining="pipelining" in known,
            chunking="chunking" in known,
            eight_bit="8bitmime" in known,
            utf8="smtputf8" in known,
            dsn="dsn" in known,
            sizes="size" in known,
            largest=int(largest) if "size" in known and largest.isascii() and largest.isdigit() else 0,
        )


def impossible(mail: Mail, offers: Offers) -> str:
    """Why this server can't be given the mail at all; empty if it can."""
    if not mail.rcpt_to or _FORBIDDEN.search(mail.mail_from + mail.rcpt_to):
        return "the address holds a space, a bracket or a control character"
    if offers.largest and (size := sum(map(len, mail.pieces))) > offers.largest:
        return f"the mail has {size} bytes and the server takes {offers.largest}"
    if not offers.utf8 and not (mail.mail_from.isascii() and mail.rcpt_to.isascii()):
        return "the server takes no international addresses"
    if not offers.eight_bit and not all(piece.isascii() for piece in mail.pieces):
        return "the server takes 7-bit mails only"
    return ""


def commands(mail: Mail, content: "Content", offers: Offers) -> tuple[bytes, bytes]:
    """MAIL and RCPT with the parameters that the server knows (RFC 1870, 6152, 6531, 3461)."""
    sender = f"MAIL FROM:<{mail.mail_from}>"
    if offers.sizes:
        sender += f" SIZE={content.size}"
    if not content.ascii:
        sender += " BODY=8BITMIME"
    if not (mail.mail_from.isascii() and mail.rcpt_to.isascii()):
        sender += " SMTPUTF8"
    if not offers.dsn:
        return f"{sender}\r\n".encode(), f"RCPT TO:<{mail.rcpt_to}>\r\n".encode()
    return (
        f"{sender} RET=HDRS ENVID={_xtext(mail.message_id.strip('<>'))}\r\n".encode(),
        f"RCPT TO:<{mail.rcpt_to}> NOTIFY=FAILURE,DELAY\r\n".encode(),
    )


def _xtext(text: str) -> str:
    if _XTEXT.fullmatch(text):
        return text
    return "".join(c if _XTEXT.fullmatch(c) else f"+{b:02X}" for c in text for b in c.encode()[:1])[:100]


class Content(NamedTuple):
    """A mail's content as the wire wants it."""

    pieces: Sequence[bytes]
    size: int
    ascii: bool


def with_header(content: Content, line: bytes) -> Content:
    """The content with one more line, of ASCII, before it."""
    return Content((line, *content.pieces), len(line) + content.size, content.ascii)


def whole(content: bytes) -> Content:
    """A content of one piece."""
    return Content((content,), len(content), content.isascii())


class Contents:
    """Looks at each content once: whether its lines end in CRLF, none begins with a dot, and all is ASCII.

    Static pieces of stamped mails are the same objects in every copy, so what was found of them is remembered: a
    look costs 2 us for a mail of 38 kB instead of 90. Nor are they joined, which costs as much.
    """

    def __init__(self, signer: "Signer | None" = None) -> None:
        self._sound: set[bytes] = set()
        self._last: Sequence[bytes] = ()
        self._signer = signer

    def for_chunk(self, mail: Mail) -> Content:
        """The content for BDAT, every line ended by CRLF (RFC 3030 section 2), signed if there is a signer."""
        if form := self.as_it_is(mail):
            return self._with_signature(form)
        return whole(self._signed(_with_line_ends(mail.content)))

    def for_data(self, mail: Mail) -> Content:
        """The content for DATA, leading dots doubled (RFC 5321 section 4.5.2), up to the dot that ends it."""
        if form := self.as_it_is(mail):
            return self._with_signature(form)
        dotted = self._signed(_with_line_ends(mail.content)).replace(b"\r\n.", b"\r\n..")
        return whole(b"." + dotted if dotted.startswith(b".") else dotted)

    def as_it_is(self, mail: Mail) -> Content | None:
        """The mail's own pieces, not signed; None if they can't go on the wire as they are, in either way."""
        pieces = mail.pieces
        new = b"\r\n".join(self._new(pieces))
        if not (_is_sound(new) and pieces and pieces[-1].endswith(b"\r\n")):
            return None
        ascii_ = new.isascii()
        self._last = pieces if ascii_ else ()
        if len(new) > _MUCH and ascii_ and len(pieces) > 1:
            self._remember(pieces)
        return Content(pieces, sum(map(len, pieces)), ascii_)

    def _with_signature(self, form: Content) -> Content:
        return form if self._signer is None else with_header(form, self._signer.header(form.pieces))

    def _signed(self, content: bytes) -> bytes:
        return content if self._signer is None else self._signer.header((content,)) + content

    def _new(self, pieces: Sequence[bytes]) -> list[bytes]:
        """Those that were not looked at: neither kept nor, at their place, in the last mail."""
        if len(self._last) != len(pieces):
            return [piece for piece in pieces if piece not in self._sound]
        pairs = zip(pieces, self._last, strict=True)
        return [piece for piece, before in pairs if piece is not before and piece not in self._sound]

    def _remember(self, pieces: Sequence[bytes]) -> None:
        if len(self._sound) > 1000:
            self._sound.clear()
        self._sound.update(piece for piece in pieces if len(piece) > _LARGE)


def _is_sound(content: bytes) -> bool:
    """Whether it may stand on the wire as it is, wherever a line before it ended."""
    lines = content.count(b"\n")
    return (
        not content.startswith(b".")
        and content.count(b"\r") == lines
        and content.count(b"\r\n") == lines
        and b"\n." not in content
    )


def _with_line_ends(content: bytes) -> bytes:
    content = _LINE_END.sub(b"\r\n", content)
    return content if content.endswith(b"\r\n") else content + b"\r\n"
