"""What several machines must have in common: the database, the broker and the key that signs links."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from broadsheet.conf import from_environment
from broadsheet.errors import BroadsheetError

#: The schemes of the brokers that work is tested with.
_BROKERS = ("amqp", "amqps", "redis", "rediss")
#: What a machine needs beside the broker, and why.
_SHARED = {
    "BROADSHEET_DATABASE": "the rows of all machines are in one PostgreSQL",
    "BROADSHEET_SECRET_KEY": "links that one machine signs are read on another, so all need the same key",
}


def broker(environ: Mapping[str, str] | None = None) -> str | None:
    """The broker's address; None if this machine works by itself.

    Raises BroadsheetError if the address names no broker that can be used, or what machines must share is missing.
    """
    address = from_environment("BROADSHEET_BROKER", environ)
    if address is None:
        return None
    if not _is_broker(address):
        raise BroadsheetError(
            "BROADSHEET_BROKER names no broker; write amqp://user:password@host:5672// or redis://host:6379/0."
        )
    for name, why in _SHARED.items():
        if from_environment(name, environ) is None:
            raise BroadsheetError(f"BROADSHEET_BROKER is set, so {name} (or {name}_FILE) must be set as well: {why}.")
    return address


def _is_broker(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in _BROKERS and bool(parts.hostname)
