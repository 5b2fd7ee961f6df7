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
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from broadsheet.conf import SmtpAdapter
from broadsheet.errors import AdapterFailed
from broadsheet.stamping import Mail

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
_DOMAIN: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,250}[A-Za-z0-9])?")


class Signer:
    """Signs mails with one key. ``SELECTOR._domainkey.DOMAIN`` holds its public half, as :attr:`record` has it."""

    def __init__(self, domain: str, selector: str, key: bytes) -> None:
        """``key`` is PEM, RSA or Ed25519. Raises ValueError if it is neither."""
        if not (_DOMAIN.fullmatch(domain) and _DOMAIN.fullmatch(selector)):
            raise ValueError(f"{selector}._domainkey.{domain} is no name of a DNS record")
        self._sign, algorithm, self.record = _key(key)
        self._start = f"DKIM-Signature: v=1; a={algorithm}; c=relaxed/relaxed; d={domain}; s={selector};\r\n\tt="
        self._relaxed: dict[bytes, bytes] = {}

    def header(self, mail: Mail, content: bytes, now: int | None = None) -> bytes:
        """The line ``DKIM-Signature`` for ``content``, the mail's as it goes on the wire: to be put before it."""
        end = content.find(b"\r\n\r\n")
        head, start = (content[: end + 2], end + 4) if end >= 0 else (content, len(content))
        body_hash = base64.b64encode(hashlib.sha256(self._relaxed_body(mail, content, start)).digest()).decode()
        names, relaxed = _relaxed_headers(head)
        at = int(time.time()) if now is None else now
        unsigned = f"{self._start}{at}; h={':'.join(names)};\r\n\tbh={body_hash};\r\n\tb="
        own = _SPACES.sub(b" ", unsigned.replace("\r\n", "").encode().replace(b"DKIM-Signature: ", b"dkim-signature:"))
        signature = base64.b64encode(self._sign(hashlib.sha256(relaxed + own).digest())).decode()
        folded = "\r\n\t".join(signature[cut : cut + 72] for cut in range(0, len(signature), 72))
        return f"{unsigned}{folded}\r\n".encode()

    def _relaxed_body(self, mail: Mail, content: bytes, start: int) -> bytes:
        """The body's canonical form (section 3.4.4), made of what is known of its pieces where they are its own."""
        own = len(mail.pieces) > 1 and sum(map(len, mail.pieces)) == len(content)
        body = self._from_pieces(mail, start) if own else None
        if body is None:
            body = _relaxed(content[start:])
        if not body.endswith(b"\r\n"):
            return body + b"\r\n" if body else b""
        return body if not body.endswith(b"\r\n\r\n") and body != b"\r\n" else _without_empty_end(body)

    def _from_pieces(self, mail: Mail, start: int) -> bytes | None:
        """The relaxed body without regard to its end; None if a space could run from one piece into the next."""
        known, position, relaxed = self._relaxed, 0, []
        pieces = iter(mail.pieces)
        for piece in pieces:
            position += len(piece)
            if position >= start:
                relaxed.append(_relaxed(piece[len(piece) - (position - start) :]))
                break
        for piece in pieces:
            done = known.get(piece)
            if done is None:
                if piece[-1:] != b"\n":
                    return None
                done = self._learn(piece)
            relaxed.append(done)
        return b"".join(relaxed)

    def _learn(self, piece: bytes) -> bytes:
        done = _relaxed(piece)
        if len(piece) > 256:
            if len(self._relaxed) > 1000:
                self._relaxed.clear()
            self._relaxed[piece] = done
        return done


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


def _key(pem: bytes) -> tuple[Callable[[bytes], bytes], str, str]:
    """What signs a SHA-256 hash, the algorithm's name, and the DNS record of the public half."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise ValueError("it is no private key in PEM without a password") from error
    if isinstance(key, ed25519.Ed25519PrivateKey):
        raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return key.sign, "ed25519-sha256", f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode()}"
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < 1024:
        raise ValueError("it is neither RSA of 1024 bits or more nor Ed25519")
    scheme, digest = padding.PKCS1v15(), Prehashed(hashes.SHA256())
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    sign: Callable[[bytes], bytes] = lambda hashed: key.sign(hashed, scheme, digest)  # noqa: E731
    return sign, "rsa-sha256", f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}"


def _relaxed(text: bytes) -> bytes:
    """Runs of white space made one space, none at a line's end. Looks before it works: most pieces have neither."""
    if b"\t" not in text and b"  " not in text and b" \r" not in text and text[-1:] != b" ":
        return text
    return _SPACES.sub(b" ", _SPACES_AT_END.sub(b"", text))


def _without_empty_end(body: bytes) -> bytes:
    stripped = body.rstrip(b"\r\n")
    return stripped + b"\r\n" if stripped else b""


def _relaxed_headers(head: bytes) -> tuple[Sequence[str], bytes]:
    """The names to sign and their fields' canonical form (section 3.4.2), the last of equal names first (5.4.2)."""
    fields: dict[str, list[bytes]] = {}
    for line in head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").split(b"\r\n"):
        label, _, value = line.partition(b":")
        fields.setdefault(label.strip().lower().decode("ascii", "replace"), []).append(value)
    names: list[str] = []
    relaxed: list[bytes] = []
    for name in SIGNED:
        if values := fields.get(name):
            names += [name] * len(values)
            relaxed += [
                name.encode() + b":" + _SPACES.sub(b" ", each).strip(b" ") + b"\r\n" for each in reversed(values)
            ]
    return [*names, *_NONE_MORE], b"".join(relaxed)
