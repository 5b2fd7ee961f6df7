"""The signed words in links and return paths."""

import base64
import hashlib
import hmac
from binascii import b2a_base64
from collections.abc import Callable
from typing import Final

_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


class LinkSigner:
    """Makes and reads the signed words in links: purpose, edition and subscriber, and nobody else's.

    A word holds two numbers and a keyed BLAKE2b of 80 bits; it is valid for its purpose only.
    """

    def __init__(self, key: str) -> None:
        self._key = hashlib.blake2b(key.encode(), digest_size=32, person=b"broadsheet-links").digest()

    def make(self, purpose: str, edition_id: int, subscriber_id: int) -> str:
        """The word, about 20 characters of ``A-Za-z0-9_-``."""
        return self.maker(purpose, edition_id)(packed(subscriber_id))

    def maker(self, purpose: str, edition_id: int) -> Callable[[bytes], str]:
        """What makes the words of that purpose and edition, for many subscribers, each :func:`packed`."""
        keyed, edition = self._keyed(purpose), packed(edition_id)

        def make(subscriber: bytes) -> str:
            numbers = edition + subscriber
            mac = keyed.copy()
            mac.update(numbers)
            word = b2a_base64(numbers + mac.digest(), newline=False).translate(_URL_SAFE)
            return word.rstrip(b"=").decode("ascii")

        return make

    def read(self, purpose: str, token: str) -> tuple[int, int] | None:
        """Edition and subscriber, or None for a word that this key did not sign for that purpose."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            numbers, mac = raw[:-10], raw[-10:]
            edition_id, rest = _unpacked(numbers)
            subscriber_id, rest = _unpacked(rest)
        except (ValueError, IndexError):
            return None
        expected = self._keyed(purpose)
        expected.update(numbers)
        canonical = base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") == token
        if rest or not canonical or not hmac.compare_digest(mac, expected.digest()):
            return None
        return edition_id, subscriber_id

    def _keyed(self, purpose: str) -> "hashlib.blake2b":
        return hashlib.blake2b(key=self._key, digest_size=10, person=purpose.encode())


def packed(number: int) -> bytes:
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
