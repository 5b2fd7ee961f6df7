"""A process that signs: hashes come in on standard input, signatures go out on standard output, in that order.

It is started by :mod:`broadsheet.sending.adapters.smtp.ahead`, by this file's path, and so knows nothing of Broadsheet:
it is there in a tenth of a second. First comes the RSA key (its length in four bytes, then PEM), then SHA-256 hashes of
32 bytes each. It ends with whoever started it, whose death closes its input.
"""

import os
import signal
from contextlib import suppress
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

HASH: Final = 32
_MUCH: Final = 65_536


def main() -> None:
    """Sign until the input ends."""
    for told in (signal.SIGINT, signal.SIGTERM):  # meant for the sender, which still has letters to be signed
        signal.signal(told, signal.SIG_IGN)
    if hasattr(os, "SCHED_BATCH"):
        with suppress(OSError):  # where a container forbids it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))  # who wakes to send goes before who signs
    waiting = _more(b"", 4)
    length = int.from_bytes(waiting[:4], "big")
    waiting = _more(waiting[4:], length)
    key = serialization.load_pem_private_key(waiting[:length], password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("not an RSA key")
    waiting = waiting[length:]
    scheme, digest = padding.PKCS1v15(), Prehashed(hashes.SHA256())
    while True:
        waiting = _more(waiting, HASH)
        while len(waiting) >= HASH:
            os.write(1, key.sign(waiting[:HASH], scheme, digest))
            waiting = waiting[HASH:]


def _more(waiting: bytes, least: int) -> bytes:
    """What is waiting and what comes, at least so many bytes; the process ends with its input."""
    while len(waiting) < least:
        got = os.read(0, _MUCH)
        if not got:
            raise SystemExit
        waiting += got
    return waiting


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:  # nobody wants the answer any more
        raise SystemExit from None
