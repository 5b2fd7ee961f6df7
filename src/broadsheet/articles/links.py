"""Trying links: each address is asked for once, politely, and never one at a private address.

Hosts are asked in parallel, one host by at most two connections with a pause between questions. A host that
does not answer is not asked again. HEAD first; GET, without reading the body, where a server refuses HEAD.
"""

import socket
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal
from urllib.parse import urljoin, urlsplit

import requests

from broadsheet.articles.fetching import MAX_REDIRECTS, PinnedAdapter, checked_address, why_failed
from broadsheet.errors import BroadsheetError

TIMEOUT: Final = (5.0, 10.0)
PARALLEL: Final = 16
PER_HOST: Final = 2
PAUSE: Final = 0.2
_HEADERS: Final = {"User-Agent": "Broadsheet link check", "Accept": "*/*"}
_REDIRECTS: Final = (301, 302, 303, 307, 308)
#: answers to HEAD after which GET is worth a try: servers that don't know HEAD, or treat it as a robot's
_TRY_GET: Final = (400, 403, 404, 405, 410, 501)


@dataclass(frozen=True)
class Answer:
    """What came of trying an address."""

    kind: Literal["answered", "private", "no-host", "unreachable"]
    status: int | None = None
    """The HTTP status in the end, if there was an answer."""
    reason: str = ""
    """Why there was none."""
    size: int | None = None
    """Bytes, if the server said how many."""


def try_links(addresses: Iterable[str], *, allow_private: bool = False) -> dict[str, Answer]:
    """The answer of each HTTP or HTTPS address. ``allow_private`` lets tests reach a server of their own."""
    wanted = sorted({each for each in addresses if each.startswith(("http://", "https://"))}, key=_host)
    queues: list[list[str]] = []
    for _, group in groupby(wanted, key=_host):
        of_host = list(group)
        queues += [of_host[start::PER_HOST] for start in range(min(PER_HOST, len(of_host)))]
    with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
        answered = pool.map(lambda queue: _in_turn(queue, allow_private=allow_private), queues)
        return {address: answer for answers in answered for address, answer in answers.items()}


def _host(address: str) -> str:
    try:
        return urlsplit(address).netloc.lower()
    except ValueError:
        return ""


def _in_turn(addresses: list[str], *, allow_private: bool) -> dict[str, Answer]:
    answers: dict[str, Answer] = {}
    for address in addresses:
        before = next(reversed(answers.values()), None)
        if before is not None and before.status is None:
            answers[address] = before  # the host is not there, or not for us: its other pages aren't either
            continue
        if before is not None:
            time.sleep(PAUSE)
        answers[address] = _try(address, allow_private=allow_private)
    return answers


def _try(address: str, *, allow_private: bool) -> Answer:
    try:
        answer = _followed("HEAD", address, allow_private=allow_private)
        if answer.status in _TRY_GET:
            answer = _followed("GET", address, allow_private=allow_private)
    except BroadsheetError as error:
        return Answer("private", reason=str(error))
    except socket.gaierror as error:
        if error.errno == socket.EAI_NONAME:
            return Answer("no-host", reason="there is no such host")
        return Answer("unreachable", reason="its host's name can't be looked up now")
    except (requests.RequestException, OSError, UnicodeError, ValueError) as error:
        return Answer("unreachable", reason=why_failed(error))
    return answer


def _followed(method: str, address: str, *, allow_private: bool) -> Answer:
    """The last answer after at most five redirects. Raises BroadsheetError for a private address."""
    for _ in range(MAX_REDIRECTS + 1):
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return Answer("unreachable", reason="it is redirected to what is no web address")
        pinned = checked_address(parts, allow_private=allow_private)
        with requests.Session() as session:
            session.trust_env = False  # a proxy would resolve the name itself
            session.mount(f"{parts.scheme}://", PinnedAdapter(parts, pinned))
            with session.request(
                method, address, headers=_HEADERS, timeout=TIMEOUT, stream=True, allow_redirects=False
            ) as response:
                if response.status_code not in _REDIRECTS or "location" not in response.headers:
                    length = response.headers.get("content-length", "")
                    size = int(length) if length.isdecimal() else None
                    return Answer("answered", status=response.status_code, size=size)
                address = urljoin(address, response.headers["location"])
    return Answer("unreachable", reason=f"it is redirected more than {MAX_REDIRECTS} times")
