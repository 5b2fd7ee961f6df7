"""Fetching a file from the web so that nobody can make us reach a private address.

Every hop's name is resolved here, every address it resolves to must be public, and the connection goes to the
address that was checked: a name server that changes its answer in between (DNS rebinding) gains nothing.
"""

import ipaddress
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from broadsheet.errors import BroadsheetError

MAX_BYTES = 8_000_000
MAX_REDIRECTS = 5
TIMEOUT = 10.0
DEADLINE = 30.0
_REDIRECTS = (301, 302, 303, 307, 308)
_CHUNK = 16_384
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class Request:
    """What is wanted of an address, and how much of it at the most."""

    accept: str = "*/*"
    encodings: str = "identity"
    max_bytes: int = MAX_BYTES
    seconds: float = DEADLINE
    """All hops together may take so long."""
    allow_private: bool = False
    etag: str = ""
    last_modified: str = ""
    """What was answered before: if nothing changed since, the body is not sent again."""

    def headers(self) -> dict[str, str]:
        """The headers that say so."""
        conditions = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        wanted = {"User-Agent": "Broadsheet", "Accept": self.accept, "Accept-Encoding": self.encodings}
        return wanted | {name: value for name, value in conditions.items() if value}


@dataclass(frozen=True)
class Answer:
    """What an address held."""

    body: bytes | None
    """None: unchanged since the answer that the request speaks of."""
    address: str
    """Where it was in the end, after redirects."""
    content_type: str = ""
    language: str = ""
    etag: str = ""
    last_modified: str = ""


def fetch(address: str, *, allow_private: bool = False) -> bytes:
    """The image at ``address`` (HTTP or HTTPS), at most 8 MB of it, over at most five redirects.

    Raises BroadsheetError with the reason. ``allow_private`` lets tests reach a server of their own.
    """
    request = Request(accept="image/*", seconds=DEADLINE, allow_private=allow_private)
    return get(address, request).body or b""


def get(address: str, request: Request) -> Answer:
    """What ``address`` answers, over at most five redirects. Raises BroadsheetError with the reason."""
    ends_at = time.monotonic() + request.seconds
    for _ in range(MAX_REDIRECTS + 1):
        try:
            with _Guard(ends_at) as guard:
                found = _one_hop(address, request, guard)
        except (requests.RequestException, OSError, UnicodeError, ValueError) as error:
            if time.monotonic() > ends_at:
                raise _too_slow(request) from error
            raise BroadsheetError(f"can't be fetched ({why_failed(error)})") from error
        if isinstance(found, Answer):
            return found
        address = found
    raise BroadsheetError(f"is redirected more than {MAX_REDIRECTS} times")


class _Guard:
    """Ends a connection at its time, wherever it then stands: a server may send one byte every few seconds."""

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(max(0.0, ends_at - time.monotonic()), self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        for each in self._sockets:
            each.close()

    def watch(self, connected: socket.socket) -> socket.socket:
        """``connected``; a duplicate is kept, for TLS takes the socket itself over."""
        self._sockets.append(connected.dup())
        return connected

    def over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() > self.ends_at

    def _cut(self) -> None:
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class _PlainConnection(HTTPConnection):
    guard: _Guard

    def _new_conn(self) -> socket.socket:
        return self.guard.watch(super()._new_conn())


class _SecureConnection(HTTPSConnection):
    guard: _Guard

    def _new_conn(self) -> socket.socket:
        return self.guard.watch(super()._new_conn())


class PinnedAdapter(HTTPAdapter):
    """Connects to one checked address, while TLS and the Host header keep the name."""

    def __init__(self, parts: SplitResult, pinned: str, guard: _Guard | None = None) -> None:
        self.parts = parts
        self.guard = guard
        self.pinned = f"[{pinned}]" if ":" in pinned else pinned
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make pools that check the certificate against the name."""
        if self.parts.scheme == "https":
            options |= {"server_hostname": self.parts.hostname, "assert_hostname": self.parts.hostname}
        super().init_poolmanager(*args, **options)
        if self.guard:
            self.poolmanager.pool_classes_by_scheme = _guarded_pools(self.guard)

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """The answer of the checked address."""
        parts = urlsplit(request.url or "")
        port = f":{parts.port}" if parts.port else ""
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        request.headers["Host"] = f"{host}{port}"
        request.url = parts._replace(netloc=f"{self.pinned}{port}").geturl()
        return super().send(request, *args, **options)


def _guarded_pools(guard: _Guard) -> dict[str, type[HTTPConnectionPool]]:
    """urllib3's pools with connections that the guard watches."""
    plain = type("_Plain", (_PlainConnection,), {"guard": guard})
    secure = type("_Secure", (_SecureConnection,), {"guard": guard})
    return {
        "http": type("_PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("_SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
    }


def _one_hop(address: str, request: Request, guard: _Guard) -> Answer | str:
    """The answer of ``address``, or the address that it redirects to."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BroadsheetError("is neither an http nor an https address")
    pinned = checked_address(parts, allow_private=request.allow_private)
    timeout = max(0.001, min(TIMEOUT, guard.ends_at - time.monotonic()))
    with requests.Session() as session:
        session.trust_env = False  # a proxy would resolve the name itself
        session.mount(f"{parts.scheme}://", PinnedAdapter(parts, pinned, guard))
        with session.get(
            address, headers=request.headers(), timeout=timeout, stream=True, allow_redirects=False
        ) as response:
            if response.status_code in _REDIRECTS and "location" in response.headers:
                return urljoin(address, response.headers["location"])
            unchanged = response.status_code == 304 and (request.etag or request.last_modified)
            if response.status_code != 200 and not unchanged:
                raise BroadsheetError(f"can't be fetched (the server answered {response.status_code})")
            return Answer(
                None if unchanged else _body(response, request, guard),
                address,
                content_type=response.headers.get("content-type", ""),
                language=response.headers.get("content-language", ""),
                etag=response.headers.get("etag", ""),
                last_modified=response.headers.get("last-modified", ""),
            )


def _body(response: requests.Response, request: Request, guard: _Guard) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK):
        body += chunk
        if len(body) > request.max_bytes:
            raise BroadsheetError(f"is larger than {request.max_bytes // 1_000_000} MB")
        if guard.over():
            break
    if guard.over():  # cut off, what is there looks like the whole
        raise _too_slow(request)
    return bytes(body)


def _too_slow(request: Request) -> BroadsheetError:
    return BroadsheetError(f"took longer than {request.seconds:g} seconds to fetch")


def checked_address(parts: SplitResult, *, allow_private: bool) -> str:
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


#: What a failure is called; the first kind that fits counts.
_REASONS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (requests.Timeout, "no answer in time"),
    (requests.exceptions.SSLError, "its certificate is not good"),
    (requests.exceptions.ChunkedEncodingError, "the answer broke off"),
    (requests.exceptions.ContentDecodingError, "its compression is damaged"),
    ((socket.gaierror, UnicodeError), "there is no such host"),
    ((requests.ConnectionError, OSError), "no connection"),
)


def why_failed(error: Exception) -> str:
    """What the failure is called, in a few words."""
    return next((reason for kind, reason in _REASONS if isinstance(error, kind)), "the address is not valid")
