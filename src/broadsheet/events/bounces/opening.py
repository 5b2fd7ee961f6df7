"""Bytes to a message taken apart: its fields, its words, the reports in it, the head of what it returns.

Nothing here raises, whatever the bytes are, and no more than :data:`MOST` of them are looked at closely.
"""

import binascii
import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from typing import Final

from broadsheet.events.bounces.report import Fields

#: A part's first bytes say what it is; in all, no more than these are parsed.
_MOST_OF_A_PART: Final = 65_536
MOST: Final = 524_288
_MOST_PARTS: Final = 200
_MOST_TEXT: Final = 100_000
_MOST_LINES: Final = 5_000

_BOUNDARY: Final = re.compile(rb"boundary\s*=\s*(?:\"([^\"\r\n]{1,100})\"|([^\s;\"]{1,100}))", re.IGNORECASE)
_FIELD: Final = re.compile(r"([!-9;-~]{1,80}):[ \t]*(.*)")
_TAGS: Final = re.compile(r"(?i)<[a-z/!][^<>]{0,2000}>")
#: what nobody sees, from here ...
_UNSEEN: Final = re.compile(r"(?i)<(style|script|title|!--)")
_BLOCK_END: Final = re.compile(r"(?i)<\s*(?:br|/p|/div|/tr|/h\d|/li|/td)\b[^<>]{0,200}>")


@dataclass(frozen=True)
class Opened:
    """A message taken apart."""

    fields: Fields
    """Its own header, decoded."""
    text: str = ""
    """What a person would read, all in one; what it returns is left out where it is a part of its own."""
    statuses: tuple[Fields, ...] = ()
    """RFC 3464: the fields of each recipient, those of the whole report laid under."""
    feedback: tuple[tuple[str, str], ...] | None = None
    """RFC 5965: the fields of a feedback report, which may repeat; None if there is none."""
    disposition: Fields | None = None
    """RFC 8098: what became of a message that somebody got."""
    original: Fields = field(default_factory=dict)
    """The header of the message that it returns."""
    parsed: Message | None = None
    """For flufl.bounce, which goes through every line seventeen times; None if there are very many."""
    report_type: str = ""


def opened(raw: bytes) -> Opened:
    """The message in ``raw``."""
    short = shortened(raw)
    try:
        parsed = BytesParser().parsebytes(short)
        return replace(_opened(parsed), parsed=parsed if short.count(b"\n") < _MOST_LINES else None)
    except (MessageError, RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError):
        # a thousand messages each inside another, or a header that the standard library trips over
        head, _, body = short.decode("utf-8", "replace").replace("\r\n", "\n").partition("\n\n")
        return Opened(dict(_first_of_each(fields_of(head))), body[:_MOST_TEXT])


def shortened(raw: bytes) -> bytes:
    """``raw`` with the first 64 kB of each part only, and half a megabyte in all; parts and headers stay whole."""
    if len(raw) <= _MOST_OF_A_PART:
        return raw
    names = {one or other for one, other in _BOUNDARY.findall(raw[:MOST])[:20]}
    if not names:
        return raw[:_MOST_OF_A_PART]
    line = re.compile(rb"^--(?:" + b"|".join(map(re.escape, sorted(names))) + rb")(?:--)?[ \t]*\r?$", re.MULTILINE)
    kept, size, start = [], 0, 0
    for number, found in enumerate(line.finditer(raw)):
        kept.append(raw[start : min(found.start(), start + _MOST_OF_A_PART)])
        size, start = size + len(kept[-1]), found.start()
        if number >= _MOST_PARTS or size >= MOST:
            break
        if found.start() - start > _MOST_OF_A_PART:
            kept.append(b"\r\n")
    else:
        kept.append(raw[start : start + _MOST_OF_A_PART])
    return b"".join(_ending_a_line(piece) for piece in kept)[: MOST + _MOST_OF_A_PART]


def _ending_a_line(piece: bytes) -> bytes:
    return piece if piece.endswith(b"\n") or not piece else piece + b"\r\n"


def _opened(parsed: Message) -> Opened:
    plain: list[str] = []
    hypertext: list[str] = []
    statuses: list[Fields] = []
    feedback: list[tuple[str, str]] | None = None
    disposition: Fields | None = None
    original: Fields = {}
    for part in _leaves(parsed):
        kind = part.get_content_type()
        if kind in ("message/delivery-status", "message/global-delivery-status"):
            statuses += with_common(_blocks(part))
        elif kind == "message/feedback-report":
            feedback = [each for block in _blocks(part) for each in block]
        elif kind in ("message/disposition-notification", "message/global-disposition-notification"):
            disposition = dict(_first_of_each(each for block in _blocks(part) for each in block))
        elif kind in _RETURNED:
            original = original or _returned(part)
        elif kind == "text/html":
            hypertext.append(_content(part))
        elif part.get_content_maintype() == "text" or part is parsed:
            plain.append(_content(part))
    text = "\n\n".join(plain).strip() or "\n\n".join(map(from_html, hypertext))
    return Opened(
        fields=dict(_first_of_each((name, readable(value)) for name, value in parsed.items())),
        text=text.replace("\r\n", "\n")[:_MOST_TEXT],
        statuses=tuple(statuses),
        feedback=None if feedback is None else tuple(feedback),
        disposition=disposition,
        original=original,
        report_type=str(parsed.get_param("report-type", "") or "").lower(),
    )


_RETURNED: Final = {"message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"}


def _leaves(part: Message) -> Iterator[Message]:
    """The parts, down to what a report returns, which is one."""
    if part.get_content_maintype() == "multipart" and isinstance(part.get_payload(), list):
        for each in _inside(part):
            yield from _leaves(each)
    else:
        yield part


def _inside(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else []


def _blocks(part: Message) -> list[list[tuple[str, str]]]:
    """The groups of fields in a report, whether or not the standard library understood it as one."""
    inside = _inside(part)
    blocks = [[(name.lower(), readable(value)) for name, value in each.items()] for each in inside]
    rest = [_content(each) for each in inside] if inside else [_content(part)]
    for text in rest:
        blocks += [fields_of(block) for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n"))]
    return [block for block in blocks if block]


def with_common(blocks: list[list[tuple[str, str]]]) -> list[Fields]:
    """Each recipient's fields, the report's own laid under. A report may fold both into one block."""
    common: Fields = {}
    found: list[Fields] = []
    for block in blocks:
        fields = dict(_first_of_each(block))
        if fields.keys() & {"final-recipient", "original-recipient", "action", "x-actual-recipient"}:
            found.append({**common, **fields})
        else:
            common = {**fields, **common}
    return found


def _returned(part: Message) -> Fields:
    inside = _inside(part)
    source = inside[0] if inside else None
    if source is not None and len(source.keys()):
        return dict(_first_of_each((name, readable(value)) for name, value in source.items()))
    return dict(_first_of_each(fields_of(_content(source if source is not None else part))))


def _content(part: Message) -> str:
    """The part's text, decoded as it says, or as well as can be."""
    try:
        payload = part.get_payload(decode=True)
    except (binascii.Error, ValueError, LookupError, AssertionError):
        payload = None
    if not isinstance(payload, bytes):
        return "\n".join(_content(each) for each in _inside(part)[:20])
    return decoded(payload, part.get_content_charset() or "utf-8")


def decoded(raw: bytes, charset: str) -> str:
    """``raw`` as text: in its charset, else UTF-8, else Latin-1, without NUL."""
    names = ("iso2022_jp", charset, "utf-8") if b"\x1b$" in raw[:20_000] else (charset, "utf-8")
    for name in names:
        try:
            text = raw.decode(name)
        except (LookupError, ValueError):
            continue
        if isinstance(text, str):
            return text.replace("\0", "")
    return raw.decode("latin-1").replace("\0", "")


def readable(value: object) -> str:
    """A field's value in one line, RFC 2047 words decoded."""
    plain = " ".join(str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace").split())[:4000]
    if "\x1b$" in plain:
        return decoded(plain.encode("ascii", "replace"), "iso2022_jp")
    if "=?" not in plain:
        return plain
    try:
        chunks = decode_header(plain)
    except (HeaderParseError, ValueError):
        return plain
    return "".join(each if isinstance(each, str) else decoded(each, charset or "latin-1") for each, charset in chunks)


def fields_of(text: str) -> list[tuple[str, str]]:
    """The fields in a block of ``Name: value`` lines, folded ones unfolded; other lines are passed over."""
    found: list[tuple[str, str]] = []
    for line in text.splitlines():
        if line[:1] in (" ", "\t") and found:
            name, value = found[-1]
            found[-1] = (name, f"{value} {line.strip()}"[:4000])
        elif match := _FIELD.fullmatch(line):
            found.append((match[1].lower(), match[2].strip()))
    return found


def _first_of_each(fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    first: dict[str, str] = {}
    for name, value in fields:
        first.setdefault(name.lower(), value)
    return list(first.items())


def from_html(text: str) -> str:
    """What a person reads of a piece of HTML, a line for each block. Good enough to look for words in."""
    lined = _BLOCK_END.sub("\n", _seen(text).replace("\r", "").replace("\n", " "))
    bare = html.unescape(_TAGS.sub(" ", lined)).replace("\xa0", " ")
    return "\n".join(" ".join(line.split()) for line in bare.split("\n"))


def _seen(text: str) -> str:
    """Without styles, scripts and comments, in one pass: a thousand that do not end cost no more than one."""
    kept, start = [], 0
    while found := _UNSEEN.search(text, start):
        kept.append(text[start : found.start()])
        end = "-->" if found[1] == "!--" else f"</{found[1].lower()}"
        closed = text.lower().find(end, found.end()) if len(kept) < 50 else -1
        if closed < 0:
            return "".join(kept)
        start = closed + len(end)
    return "".join([*kept, text[start:]])
