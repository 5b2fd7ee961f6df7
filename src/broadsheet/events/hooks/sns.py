"""Amazon SNS signs what it posts: whether a signature is Amazon's.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html. Anybody can have a topic of their own
whose messages are signed as well, so the password of the webhook is asked for besides.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from broadsheet.articles.fetching import Request, get
from broadsheet.errors import BroadsheetError, Refused

#: Where Amazon keeps its certificates: each region's own host (in China under .cn), and nothing round it.
_PLACE: Final = re.compile(r"https://sns\.[a-z]{2}(-[a-z]+)+-\d{1,2}\.amazonaws\.com(\.cn)?/[A-Za-z0-9._-]+\.pem")
_CONFIRMATION: Final = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
#: What is signed of each type of message, in this order; what it does not have is left out.
_SIGNED: Final[Mapping[str, tuple[str, ...]]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}
_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303  Amazon's
_MOST_BYTES: Final = 20_000
#: Amazon has a certificate for each region, and a new one now and then.
_ROOM: Final = 50

_kept: Final[dict[str, x509.Certificate]] = {}
_lock: Final = Lock()


def check(body: bytes) -> None:
    """Raises Refused unless Amazon signed this message; BroadsheetError if its certificate can't be had now."""
    try:
        message = json.loads(body)
        signature = base64.b64decode(message["Signature"], validate=True)
        text = _signed(message)
        algorithm = _HASHES[message["SignatureVersion"]]
        place = message["SigningCertURL"]
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise Refused("not signed as Amazon SNS signs") from error
    if not isinstance(place, str) or not _PLACE.fullmatch(place):
        raise Refused("its certificate is not Amazon's")
    key = _certificate(place).public_key()
    try:
        if not isinstance(key, RSAPublicKey):
            raise Refused("its certificate is of another kind than Amazon's")
        key.verify(signature, text, PKCS1v15(), algorithm)
    except InvalidSignature as error:
        raise Refused("the signature is wrong") from error


def _signed(message: Mapping[str, Any]) -> bytes:
    parts = []
    for name in _SIGNED[message["Type"]]:
        value = message.get(name)
        if value is None and name == "Subject":
            continue
        if not isinstance(value, str):
            raise TypeError(name)
        parts.append(f"{name}\n{value}\n")
    return "".join(parts).encode()


def _certificate(place: str) -> x509.Certificate:
    """The certificate at that address, kept until it ends. Raises BroadsheetError."""
    now = datetime.now(UTC)
    with _lock:
        if (kept := _kept.get(place)) is not None and kept.not_valid_after_utc > now:
            return kept
    answer = get(place, Request(accept="application/x-pem-file, */*", max_bytes=_MOST_BYTES))
    try:
        found = x509.load_pem_x509_certificate(answer.body or b"")
    except ValueError as error:
        raise BroadsheetError(f"What {place} holds is no certificate; Amazon tries again later.") from error
    if answer.address != place:
        raise Refused("its certificate is somewhere else")
    if not found.not_valid_before_utc <= now < found.not_valid_after_utc:
        raise Refused("its certificate is out of date")
    with _lock:
        while len(_kept) >= _ROOM:
            del _kept[next(iter(_kept))]
        _kept[place] = found
    return found
