"""Fetching a file from the web so that nobody can make us reach a private address.

Every hop's name is resolved here, every address it resolves to must be public, and the connection goes to the
address that was checked: a name server that changes its answer in between (DNS rebinding) gains nothing.
"""

import ipaddress
import socket
import time
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter

from broadsheet.errors import BroadsheetError

MAX_BYTES = 8_000_000
MAX_REDIRECTS = 5
TIMEOUT = 10.0
DEADLINE = 30.0
_REDIRECTS = (301, 302, 303, 307, 308)
_CHUNK = 16_384
_HEADERS = {"User-Agent": "Broadsheet", "Accept": "image/*", "Accept-Encoding": "identity"}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def fetch(address: str, *, allow_private: bool = False) -> bytes:
    """What ``address`` (HTTP or HTTPS) holds, at most 8 MB of it, over at most five redirects.

    Raises BroadsheetError with the reason. ``allow_private`` lets tests reach a server of their own.
    """
    ends_at = time.monotonic() + DEADLINE
    for _ in range(MAX_REDIRECTS + 1):
        try:
            found = _one_hop(address, ends_at, allow_private=allow_private)
        except (requests.RequestException, OSError, UnicodeError, ValueError) as error:
            raise BroadsheetError(f"can't be fetched ({_short(error)})") from error
        if isinstance(found, bytes):
            return found
        address = found
    raise BroadsheetError(f"is redirected more than {MAX_REDIRECTS} times")


class _PinnedAdapter(HTTPAdapter):
    """Connects to one checked address, while TLS and the Host header keep the name."""

    def __init__(self, parts: SplitResult, pinned: str) -> None:
        self.parts = parts
        self.pinned = f"[{pinned}]" if ":" in pinned else pinned
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        if self.parts.scheme == "https":
            options |= {"server_hostname": self.parts.hostname, "assert_hostname": self.parts.hostname}
        super().init_poolmanager(*args, **options)

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        parts = urlsplit(request.url or "")
        port = f":{parts.port}" if parts.port else ""
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        request.headers["Host"] = f"{host}{port}"
        request.url = parts._replace(netloc=f"{self.pinned}{port}").geturl()
        return super().send(request, *args, **options)


def _one_hop(address: str, ends_at: float, *, allow_private: bool) -> bytes | str:
    """The bytes at ``address``, or the address that it redirects to."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BroadsheetError("is neither an http nor an https address")
    pinned = _checked_address(parts, allow_private=allow_private)
    with requests.Session() as session:
        session.trust_env = False  # a proxy would resolve the name itself
        session.mount(f"{parts.scheme}://", _PinnedAdapter(parts, pinned))
        with session.get(address, headers=_HEADERS, timeout=TIMEOUT, stream=True, allow_redirects=False) as response:
            if response.status_code in _REDIRECTS and "location" in response.headers:
                return urljoin(address, response.headers["location"])
            if response.status_code != 200:
                raise BroadsheetError(f"can't be fetched (the server answered {response.status_code})")
            return _body(response, ends_at)


def _body(response: requests.Response, ends_at: float) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK):
        body += chunk
        if len(body) > MAX_BYTES:
            raise BroadsheetError(f"is larger than {MAX_BYTES // 1_000_000} MB")
        if time.monotonic() > ends_at:
            raise BroadsheetError(f"took longer than {DEADLINE:.0f} seconds to fetch")
    return bytes(body)


def _checked_address(parts: SplitResult, *, allow_private: bool) -> str:
    """One address of the host. Raises BroadsheetError if any of them is not public."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    answers = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    addresses = [str(answer[4][0]) for answer in answers]
    if not allow_private and not all(is_public(each) for each in addresses):
        raise BroadsheetError("is at a private address; only public ones are fetched")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address, or the IPv4 address wrapped in it, is one of the open internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner:
            ip = inner
    return ip.is_global and not ip.is_multicast


def _short(error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not good"
    if isinstance(error, socket.gaierror | UnicodeError):
        return "there is no such host"
    if isinstance(error, requests.ConnectionError | OSError):
        return "no connection"
    return "the address is not valid"
