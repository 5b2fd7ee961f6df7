"""The local inbox: a folder of ``.eml`` files, and an SMTP server on loopback that puts mail there.

Whatever lands in the folder can be read: broken mail is shown as well as it can be, never refused.
"""

import asyncio
import contextlib
import html
import re
import secrets
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import Compat32
from email.utils import getaddresses
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from aiosmtpd.smtp import SMTP, Envelope, Session

from broadsheet.errors import BroadsheetError
from broadsheet.sending.listening import MailServer
from broadsheet.workspace import Workspace

#: A name that ``add`` gave, or that a person gave a file put there by hand; it can't leave the folder.
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}\.eml"
_NAME = re.compile(NAME)
_HEADER_BYTES = 65_536
_MAX_MAIL_BYTES = 33_554_432


class _AsWritten(Compat32):
    """Headers come out as they stand in the file; :func:`_readable` makes them readable."""

    def header_fetch_parse(self, _name: str, value: str) -> str:
        return value


_POLICY = _AsWritten()


@dataclass(frozen=True)
class Summary:
    """One mail as the list shows it."""

    name: str
    sender: str
    #: who it was really for (the envelope), or else the To header
    to: tuple[str, ...]
    subject: str
    #: when it arrived, UTC
    date: datetime
    #: in bytes
    size: int


@dataclass(frozen=True)
class Attachment:
    """A part of a mail that is neither its text nor its HTML; ``number`` counts from 1."""

    number: int
    filename: str
    content_type: str
    content_id: str
    content: bytes


@dataclass(frozen=True)
class CaughtMail:
    """One mail, taken apart for reading."""

    summary: Summary
    html: str | None
    text: str | None
    headers: tuple[tuple[str, str], ...]
    source: str
    attachments: tuple[Attachment, ...]


class MailFolder:
    """A folder of ``<time in ns>-<token>.eml`` files: the newest ``keep`` of them, ``max_bytes`` at most.

    None for either is no limit.
    """

    def __init__(self, path: Path, keep: int | None = None, max_bytes: int | None = None) -> None:
        self.path = path
        self.keep = sys.maxsize if keep is None else keep
        self.max_bytes = sys.maxsize if max_bytes is None else max_bytes
        self._spare_mails = 0  # how much surely fits before the folder must be looked through again
        self._spare_bytes = 0

    @classmethod
    def of(cls, workspace: Workspace) -> Self:
        """The workspace's local inbox, with the limits that its settings give."""
        limits = workspace.config.inbox
        return cls(workspace.state / "inbox", limits.mails, limits.megabytes * 1_000_000)

    def add(self, envelope_from: str, rcpt_to: Sequence[str], content: bytes) -> str:
        """The name of the new file: the envelope as two headers, then ``content`` byte for byte."""
        self.path.mkdir(parents=True, exist_ok=True)
        name = f"{time.time_ns()}-{secrets.token_hex(6)}.eml"
        envelope = _envelope_headers(envelope_from, rcpt_to)
        unfinished = self.path / f".{name}.part"
        unfinished.write_bytes(envelope + content)
        unfinished.replace(self.path / name)
        self._spare_mails -= 1
        self._spare_bytes -= len(envelope) + len(content)
        if self._spare_mails < 0 or self._spare_bytes < 0:
            self._trim()
        return name

    def list(self, search: str = "") -> tuple[Summary, ...]:
        """The mails, newest first; those with every word of ``search`` in addresses, subject or body."""
        words = search.casefold().split()
        found = []
        for path, size in self._files():
            with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                summary = _summary(path, size)
                if not words or _holds(path, summary, words):
                    found.append(summary)
        return tuple(found)

    def read(self, name: str) -> CaughtMail | None:
        """The mail of that name, or None if there is none."""
        raw = self.source(name)
        return None if raw is None else _taken_apart(self.path / name, raw)

    def source(self, name: str) -> bytes | None:
        """The file as it stands, or None if there is none."""
        path = self._path(name)
        try:
            return path.read_bytes() if path else None
        except (FileNotFoundError, IsADirectoryError):
            return None

    def delete(self, name: str) -> bool:
        """Whether there was a mail of that name; now there is none."""
        path = self._path(name)
        try:
            if path:
                path.unlink()
        except (FileNotFoundError, IsADirectoryError):
            return False
        return path is not None

    def clear(self) -> int:
        """How many mails there were; now there are none."""
        return sum(self.delete(path.name) for path, _ in self._files())

    def version(self) -> str:
        """A short text that changes whenever the list does."""
        return f"{zlib.crc32(' '.join(path.name for path, _ in self._files()).encode()):08x}"

    def _path(self, name: str) -> Path | None:
        return self.path / name if _NAME.fullmatch(name) else None

    def _files(self) -> Sequence[tuple[Path, int]]:
        """Every mail's file and its size, newest first."""
        found = []
        with contextlib.suppress(FileNotFoundError):
            for path in self.path.iterdir():
                if _NAME.fullmatch(path.name):
                    with contextlib.suppress(FileNotFoundError):
                        found.append((path, path.stat().st_size))
        return sorted(found, reverse=True)

    def _trim(self) -> None:
        kept = size = 0
        for path, file_size in self._files():
            if kept and (kept >= self.keep or size + file_size > self.max_bytes):
                path.unlink(missing_ok=True)
            else:
                kept, size = kept + 1, size + file_size
        self._spare_mails, self._spare_bytes = self.keep - kept, self.max_bytes - size


class Catcher(MailServer):
    """An SMTP server on loopback that puts every mail into ``folder``.

    It speaks 8BITMIME and SMTPUTF8, and refuses lines over 998 octets as a strict server does.
    """

    name = "The inbox"
    option = "--smtp-port"

    def __init__(self, folder: MailFolder, host: str = "127.0.0.1", port: int = 0) -> None:
        if not (host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)):
            raise BroadsheetError(f"The inbox takes mail from this machine only; {host} is not a loopback address.")
        super().__init__(host, port)
        self.folder = folder

    def protocol(self, loop: asyncio.AbstractEventLoop) -> SMTP:
        """One connection's session."""
        return SMTP(
            self,
            loop=loop,
            hostname="localhost",  # else it asks the network what this machine is called
            ident="Broadsheet inbox",
            enable_SMTPUTF8=True,
            data_size_limit=_MAX_MAIL_BYTES,
        )

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """The reply to a mail: kept, or try again later."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        try:
            self.folder.add(envelope.mail_from or "", envelope.rcpt_tos, content)
        except OSError as error:
            return f"452 4.3.1 The inbox can't write the mail: {error.strerror}"
        return "250 2.0.0 Kept in the local inbox"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _envelope_headers(envelope_from: str, rcpt_to: Sequence[str]) -> bytes:
    to = ",\r\n ".join(_one_line(address) for address in rcpt_to)
    return f"X-Envelope-From: {_one_line(envelope_from)}\r\nX-Envelope-To: {to}\r\n".encode()


def _one_line(address: str) -> str:
    return "".join(character for character in address if character.isprintable())


@lru_cache(maxsize=4096)  # a file never changes once it has its name
def _summary(path: Path, size: int) -> Summary:
    with path.open("rb") as file:
        message = _headers(file.read(_HEADER_BYTES))
    sender = _readable(message.get("From") or message.get("X-Envelope-From") or "")
    to = _readable(message.get("X-Envelope-To") or message.get("To") or "")
    return Summary(
        name=path.name,
        sender=sender,
        to=tuple(address for _, address in getaddresses([to]) if address),
        subject=_readable(message.get("Subject") or ""),
        date=_arrived(path),
        size=size,
    )


def _headers(raw: bytes) -> Message:
    head = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0]
    return BytesHeaderParser(policy=_POLICY).parsebytes(head + b"\n\n")


def _arrived(path: Path) -> datetime:
    stamp = path.name.partition("-")[0]
    seconds = int(stamp) / 1e9 if stamp.isdigit() and len(stamp) == 19 else path.stat().st_mtime
    return datetime.fromtimestamp(seconds, UTC)


def _readable(value: str) -> str:
    """A header's value for people: unfolded, encoded words decoded, raw UTF-8 as it is."""
    plain = " ".join(value.encode("utf-8", "surrogateescape").decode("utf-8", "replace").split())
    try:
        chunks = decode_header(plain)
    except (HeaderParseError, ValueError):
        return plain
    return "".join(
        chunk if isinstance(chunk, str) else _decoded(chunk, charset or "raw-unicode-escape")
        for chunk, charset in chunks
    )


def _decoded(raw: bytes, charset: str) -> str:
    try:
        return raw.decode(charset, "replace")
    except (LookupError, ValueError):  # no such charset, or one that isn't for text
        return raw.decode("utf-8", "replace")


def _taken_apart(path: Path, raw: bytes) -> CaughtMail:
    source = raw.decode("utf-8", "replace")
    try:
        bodies, attachments = _pieces(BytesParser(policy=_POLICY).parsebytes(raw))
    except RecursionError:  # a thousand parts, each inside another
        bodies, attachments = {"text/plain": source}, []
    return CaughtMail(
        summary=_summary(path, len(raw)),
        html=bodies.get("text/html"),
        text=bodies.get("text/plain"),
        headers=tuple((name, _readable(value)) for name, value in _headers(raw).items()),
        source=source,
        attachments=tuple(attachments),
    )


def _pieces(message: Message) -> tuple[dict[str, str], list[Attachment]]:
    """The first text and the first HTML by content type, and everything else."""
    bodies: dict[str, str] = {}
    attachments: list[Attachment] = []
    for part in _leaves(message):
        kind = part.get_content_type()
        content = _content(part)
        is_body = kind in ("text/html", "text/plain") and part.get_content_disposition() != "attachment"
        if is_body and kind not in bodies:
            bodies[kind] = _decoded(content, part.get_content_charset() or "utf-8")
        else:
            number = len(attachments) + 1
            attachments.append(
                Attachment(
                    number=number,
                    filename=_readable(part.get_filename() or f"part-{number}"),
                    content_type=kind,
                    content_id=_readable(part.get("Content-ID") or "").strip("<> "),
                    content=content,
                )
            )
    return bodies, attachments


def _leaves(part: Message) -> Iterator[Message]:
    """The parts that hold something; a forwarded mail is one part."""
    if part.get_content_maintype() == "multipart" and part.is_multipart():
        for each in _parts(part):
            yield from _leaves(each)
    else:
        yield part


def _parts(part: Message) -> list[Message]:
    return [each for each in part.get_payload() if isinstance(each, Message)]


def _content(part: Message) -> bytes:
    if part.is_multipart():  # message/rfc822 and its kin
        return b"\n".join(each.as_bytes() for each in _parts(part))
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _holds(path: Path, summary: Summary, words: list[str]) -> bool:
    shown = " ".join((summary.sender, *summary.to, summary.subject)).casefold()
    return all(word in shown or word in _body(path, summary.size) for word in words)


@lru_cache(maxsize=1024)
def _body(path: Path, size: int) -> str:
    """The words of a mail's body, for searching."""
    mail = _taken_apart(path, path.read_bytes())
    tagless = re.sub(r"(?is)<(style|script)\b.*?</\1>|<[^>]+>", " ", mail.html or "")
    return f"{mail.text or ''} {html.unescape(tagless)}".casefold()
