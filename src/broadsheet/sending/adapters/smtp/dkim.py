"""DKIM signatures (RFC 6376, 8463), relaxed/relaxed, over the whole body.

Static pieces of stamped mails are the same objects in every copy, so their relaxed form is kept: what is left for each
copy is one hash over the body, one over the headers, and the signature itself.
"""

import base64
import hashlib
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from broadsheet.conf import SmtpAdapter
from broadsheet.errors import AdapterFailed

Key = TypeVar("Key")
Value = TypeVar("Value")
Field = tuple[str, bytes]
"""A header's name in lower case, and its canonical form."""

#: Headers that are signed where the mail has them (RFC 6376 section 5.4.1; the List- ones as RFC 8058 section 4 asks).
SIGNED: Final = (
    *("from", "reply-to", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references"),
    *("mime-version", "content-type", "content-transfer-encoding", "content-language", "feedback-id", "auto-submitted"),
    *("list-id", "list-help", "list-unsubscribe", "list-unsubscribe-post", "list-subscribe", "list-owner"),
    *("list-archive", "list-post", "precedence"),
)
#: Signed once more than they occur, so that a second one added on the way breaks the signature (section 8.15).
_NONE_MORE: Final = ("from", "reply-to", "to", "subject", "date", "list-unsubscribe", "list-unsubscribe-post")
_SPACES: Final = re.compile(rb"[ \t]+")
_SPACES_AT_END: Final = re.compile(rb"[ \t]+(?=\r\n|\Z)")
#: Bytes of a piece that is worth remembering, and how many are remembered.
_LARGE: Final = 256
_KEPT: Final = 1000
_DOMAIN: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,250}[A-Za-z0-9])?")


class Unsigned(NamedTuple):
    """A signature's line but for the signature: what it is of (SHA-256), and what the line says."""

    digest: bytes
    at: int
    names: str
    body_hash: str


class Signer:
    """Signs mails with one key. ``SELECTOR._domainkey.DOMAIN`` holds its public half, as :attr:`record` has it."""

    def __init__(self, domain: str, selector: str, key: bytes) -> None:
        """``key`` is PEM, RSA or Ed25519. Raises ValueError if it is neither."""
        if not (_DOMAIN.fullmatch(domain) and _DOMAIN.fullmatch(selector)):
            raise ValueError(f"{selector}._domainkey.{domain} is no name of a DNS record")
        self._sign, algorithm, self.record, bits = _key(key)
        #: of RSA, which is slow: the key, and the bytes of a signature; empty and 0 for Ed25519
        self.rsa_key, self.signature_size = (key, (bits + 7) // 8) if bits else (b"", 0)
        self._start = f"v=1; a={algorithm}; c=relaxed/relaxed; d={domain}; s={selector};"
        self._relaxed: dict[bytes, bytes] = {}
        self._fields: dict[bytes, Field] = {}
        self._orders: dict[tuple[str, ...], tuple[str, Sequence[int]]] = {}
        self._last: tuple[Sequence[bytes], Sequence[bytes]] = (), ()

    def header(self, pieces: Sequence[bytes], now: int | None = None) -> bytes:
        """The line ``DKIM-Signature`` for a mail, given as it goes on the wire: to be put before it."""
        unsigned = self.unsigned(pieces, now)
        return self.line(unsigned, self._sign(unsigned.digest))

    def unsigned(self, pieces: Sequence[bytes], now: int | None = None) -> Unsigned:
        """What is to be signed of the mail."""
        head, body = _parted(pieces)
        body_hash = base64.b64encode(hashlib.sha256(self._relaxed_body(body)).digest()).decode()
        names, relaxed = self._relaxed_headers(head)
        at = int(time.time()) if now is None else now
        own = f"dkim-signature:{self._start} t={at}; h={names}; bh={body_hash}; b="
        return Unsigned(hashlib.sha256(relaxed + own.encode()).digest(), at, names, body_hash)

    def line(self, unsigned: Unsigned, signature: bytes) -> bytes:
        """The line ``DKIM-Signature`` with that signature of the digest."""
        said = base64.b64encode(signature).decode()
        folded = "\r\n\t".join([said[cut : cut + 72] for cut in range(0, len(said), 72)])
        _, at, names, body_hash = unsigned
        return (
            f"DKIM-Signature: {self._start}\r\n\tt={at}; h={names};\r\n\tbh={body_hash};\r\n\tb={folded}\r\n".encode()
        )

    def _relaxed_body(self, pieces: Sequence[bytes]) -> bytes:
        """The body's canonical form (section 3.4.4), made of what is known of its pieces."""
        if all(piece.endswith(b"\n") for piece in pieces):
            body = b"".join(self._relaxed_pieces(pieces))
        else:  # a space might run from one piece into the next
            body = _relaxed(b"".join(pieces))
        if not body.endswith(b"\r\n"):
            return body + b"\r\n" if body else b""
        return body if not body.endswith(b"\r\n\r\n") and body != b"\r\n" else _without_empty_end(body)

    def _relaxed_pieces(self, pieces: Sequence[bytes]) -> Sequence[bytes]:
        before, then = self._last
        if len(before) == len(pieces):
            each = zip(pieces, before, then, strict=True)
            relaxed = [done if piece is same else self._relaxed_piece(piece) for piece, same, done in each]
        else:
            relaxed = [self._relaxed_piece(piece) for piece in pieces]
        self._last = pieces, relaxed
        return relaxed

    def _relaxed_piece(self, piece: bytes) -> bytes:
        if len(piece) <= _LARGE:
            return _relaxed(piece)
        done = self._relaxed.get(piece)
        if done is None:
            done = _kept(self._relaxed, piece, _relaxed(piece))
        return done

    def _relaxed_headers(self, head: bytes) -> tuple[str, bytes]:
        """The names to sign and their fields' canonical form (section 3.4.2), the last of equal names first (5.4.2)."""
        known = self._fields
        lines = head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").split(b"\r\n")
        fields = [known.get(line) or _kept(known, line, _field(line)) for line in lines]
        names = tuple([name for name, _ in fields])
        names_signed, order = self._orders.get(names) or _kept(self._orders, names, _order(names))
        return names_signed, b"".join([fields[place][1] for place in order])


def signer_of(settings: SmtpAdapter, root: Path) -> Signer | None:
    """The adapter's signer, or None if it has no ``dkim_domain``. Raises AdapterFailed, saying what to mend."""
    if settings.dkim_domain is None:
        return None
    if settings.dkim_key is None and settings.dkim_key_file is None:
        raise AdapterFailed("DKIM has a domain but no key; set `dkim_key_file`, or the key itself.", permanent=True)
    if settings.dkim_selector is None:
        raise AdapterFailed("DKIM has a domain but no selector; set `dkim_selector`.", permanent=True)
    where = "`dkim_key`" if settings.dkim_key else settings.dkim_key_file
    try:
        key = (
            settings.dkim_key.get_secret_value().encode()
            if settings.dkim_key
            else (root / str(settings.dkim_key_file)).read_bytes()
        )
        return Signer(settings.dkim_domain, settings.dkim_selector, key)
    except OSError as error:
        raise AdapterFailed(f"The DKIM key {where} can't be read ({error.strerror}).", permanent=True) from error
    except (ValueError, TypeError) as error:
        raise AdapterFailed(f"DKIM can't sign with {where}: {error}.", permanent=True) from error


def _key(pem: bytes) -> tuple[Callable[[bytes], bytes], str, str, int]:
    """What signs a SHA-256 hash, the algorithm's name, the DNS record of the public half, and the bits of RSA."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise ValueError("it is no private key in PEM without a password") from error
    if isinstance(key, ed25519.Ed25519PrivateKey):
        raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return key.sign, "ed25519-sha256", f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode()}", 0
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < 1024:
        raise ValueError("it is neither RSA of 1024 bits or more nor Ed25519")
    scheme, digest = padding.PKCS1v15(), Prehashed(hashes.SHA256())
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    sign: Callable[[bytes], bytes] = lambda hashed: key.sign(hashed, scheme, digest)  # noqa: E731
    return sign, "rsa-sha256", f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}", key.key_size


def _relaxed(text: bytes) -> bytes:
    """Runs of white space made one space, none at a line's end. Looks before it works: most pieces have neither."""
    if b"\t" not in text and b"  " not in text and b" \r" not in text and text[-1:] != b" ":
        return text
    return _SPACES.sub(b" ", _SPACES_AT_END.sub(b"", text))


def _without_empty_end(body: bytes) -> bytes:
    stripped = body.rstrip(b"\r\n")
    return stripped + b"\r\n" if stripped else b""


def _parted(pieces: Sequence[bytes]) -> tuple[bytes, Sequence[bytes]]:
    """The headers, and the body's pieces."""
    for count, piece in enumerate(pieces, 1):
        if b"\n\r\n" not in piece and not piece.startswith((b"\r\n", b"\n")):
            continue  # an empty line does not end in it
        head = b"".join(pieces[:count])
        end = head.find(b"\r\n\r\n")
        if end >= 0:
            rest = head[end + 4 :]
            return head[: end + 2], [rest, *pieces[count:]] if rest else pieces[count:]
    return b"".join(pieces), ()


def _field(line: bytes) -> Field:
    """A header's name, and its canonical form."""
    label, _, value = line.partition(b":")
    name = label.strip().lower()
    if b"  " in value or b"\t" in value:
        value = _SPACES.sub(b" ", value)
    return name.decode("ascii", "replace"), name + b":" + value.strip(b" ") + b"\r\n"


def _order(names: Sequence[str]) -> tuple[str, Sequence[int]]:
    """What ``h=`` says for a mail with these headers, and the places of those it has, in that order."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).insert(0, place)
    order = [place for name in SIGNED for place in places.get(name, ())]
    return ":".join([*(names[place] for place in order), *_NONE_MORE]), order


def _kept(among: dict[Key, Value], key: Key, value: Value) -> Value:
    """The value, which is found there from now on."""
    if len(among) >= _KEPT:
        among.clear()
    among[key] = value
    return value
