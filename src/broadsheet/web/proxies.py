"""Who is really asking, and over what, where a proxy stands before the pages."""

import ipaddress
from collections.abc import Callable
from functools import lru_cache

from django.http import HttpRequest, HttpResponse

from broadsheet.web.configured import configured

_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED")


def believe_proxies(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: a trusted proxy's word on client and scheme is taken; anybody else's is thrown away."""

    def answer(request: HttpRequest) -> HttpResponse:
        said = {name: request.META.pop(name, "") for name in _FORWARDED}
        trusted = configured().public.trusted_proxies
        if is_trusted(request.META.get("REMOTE_ADDR", ""), trusted):
            request.META["REMOTE_ADDR"] = _client(said["HTTP_X_FORWARDED_FOR"], trusted) or request.META["REMOTE_ADDR"]
            if said["HTTP_X_FORWARDED_PROTO"].strip().lower() == "https":
                request.META["wsgi.url_scheme"] = "https"
        return get_response(request)

    return answer


@lru_cache(maxsize=8192)
def is_trusted(address: str, trusted: tuple[str, ...]) -> bool:
    """Whether the address is one of the trusted networks' own."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in ipaddress.ip_network(network) for network in trusted)


def _client(forwarded: str, trusted: tuple[str, ...]) -> str:
    """The last address that no trusted proxy added on behalf of another: what stands before it, anyone can write."""
    for part in reversed(forwarded.split(",")):
        address = part.strip()
        try:
            ipaddress.ip_address(address)
        except ValueError:
            return ""
        if not is_trusted(address, trusted):
            return address
    return ""
