"""The settings of the pages that subscribers meet."""

import ipaddress
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from broadsheet.conf.forms import STRICT, WebAddress


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(f"“{text}” is no address or network; write one like 10.0.0.7 or 10.0.0.0/8") from None
    return text


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if text != "*" and (parts.scheme not in ("http", "https") or text != f"{parts.scheme}://{parts.netloc}"):
        raise ValueError(f"“{text}” is no web origin; write one like https://clinic.example, without a path")
    return text


@dataclass(frozen=True, config=STRICT)
class Public:
    """``[public]``: the pages that subscribers meet, as `broadsheet serve` serves them."""

    url: WebAddress = Field(
        default="http://127.0.0.1:8000",
        description="Where readers reach `broadsheet serve`: unsubscribe, view in browser.",
    )
    images: Literal["public", "source"] = Field(
        default="public",
        description="`public`: pictures are served under `/i/`; `source`: PNG, JPEG and GIF keep their own address.",
    )
    mail_domain: str | None = Field(default=None, description="Domain of Message-ID and List-Id, if not the sender's.")
    adapter: str = Field(default="default", description="The adapter of confirmations, welcome mails and their like.")
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="Further host names the pages answer to, beside the one in `public.url` and loopback."
    )
    trusted_proxies: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(
        default=("127.0.0.1", "::1"),
        description="Addresses or networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.",
    )
    origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = Field(
        default=(), description="Websites whose scripts may use `/subscribe.json`; `*` for any."
    )
    archive: Literal["public", "none"] = Field(
        default="public", description="`public`: past editions of public lists can be read by anyone; `none`."
    )
    robots: Literal["none", "archive"] = Field(
        default="none", description="What search engines may keep: nothing, or the `archive` and the subscribe pages."
    )
    asks_per_address: int = Field(
        default=5, ge=1, description="How often an hour one mail address may be entered on the pages."
    )
    asks_per_network: int = Field(
        default=60, ge=1, description="How often an hour people of one network (IPv4 /24, IPv6 /56) may do so."
    )
