"""Checks of links: their addresses, their words, their domains, and what came of trying them."""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import SplitResult, urlsplit

from lxml.html import HtmlElement

from broadsheet.articles.links import Answer
from broadsheet.rendering.findings.codes import Finding, found
from broadsheet.rendering.findings.copies import Copy, House, has_words, shortened, spoken
from broadsheet.rendering.findings.domains import looks_like, mixes_scripts, one_letter_off, readable, registered

_OTHER_SCHEMES: Final = ("tel", "sms", "geo", "webcal", "maps", "whatsapp", "facetime")
_GONE: Final = (404, 410)
_VAGUE: Final = {
    *("click here", "here", "click", "this", "link", "this link", "more", "read more", "learn more", "see more"),
    *("details", "continue", "continue reading", "go", "hier", "hier klicken", "mehr", "klick", "weiter"),
    *("ici", "cliquez ici", "en savoir plus", "aquí", "haga clic aquí", "leer más", "こちら", "اضغط هنا"),
}
_TOP_LEVEL: Final = "com|net|org|edu|gov|info|biz|eu|de|at|ch|uk|fr|es|it|nl|be|pl|us|ca|au|nz|jp|example"
_SHOWN_DOMAIN: Final = re.compile(
    rf"(?:(?:https?://|www\.)(?P<sure>[\w-]+(?:\.[\w-]+)+)|^(?P<bare>[\w-]+(?:\.[\w-]+)*\.(?:{_TOP_LEVEL}))(?=/|$))",
    re.IGNORECASE,
)


def addresses(copies: Iterable[Copy], house: House) -> list[str]:
    """The addresses of links and pictures that are worth trying: not the reader's own pages, each once."""
    wanted = (
        address.strip()
        for copy in copies
        for element in copy.elements("a", "area", "img")
        if (address := element.get("href") or element.get("src") or "").startswith(("http://", "https://"))
    )
    return [each for each in dict.fromkeys(wanted) if not house.is_ours(each)]


def check_links(copy: Copy, house: House) -> Iterator[Finding]:
    """Findings about every link of the HTML part that is shown."""
    for link in copy.elements("a", "area"):
        if link.get("href") is None and (link.get("name") or link.get("id")):
            continue
        address = (link.get("href") or "").strip()
        yield from _words(link, address)
        yield from _address(copy, house, link, address)


def _place(address: str) -> str:
    return f"HTML: link to {shortened(address, 120)}" if address else "HTML: link without an address"


def _words(link: HtmlElement, address: str) -> Iterator[Finding]:
    said = spoken(link)
    if not has_words(said):
        yield found("link-without-text", "A link has no text.", _place(address))
    elif said.strip(" .…»›→>!:").casefold() in _VAGUE:
        yield found("link-text-vague", f"“{shortened(said)}” doesn't say where it leads.", _place(address))


def _address(copy: Copy, house: House, link: HtmlElement, address: str) -> Iterator[Finding]:
    if address in ("", "#"):
        yield found("link-empty", f"The link “{shortened(spoken(link))}” leads nowhere.", _place(spoken(link)))
        return
    if address.startswith("#"):
        if not copy.root.xpath("//*[@id=$n or @name=$n]", n=address[1:]):
            yield found("link-broken", f"Nothing in the mail is called {address}.", _place(address))
        return
    try:
        parts = urlsplit(address)
        scheme, host, _ = parts.scheme.lower(), parts.hostname, parts.port
    except ValueError as error:
        yield found("link-broken", f"{shortened(address, 100)} is no valid address ({error}).", _place(address))
        return
    if scheme in ("http", "https"):
        yield from _web(house, link, address, parts)
    elif scheme == "mailto":
        if not re.match(r"[^@\s?]+@[^@\s?]+\.[^@\s?]+|\?.*\bto=", parts.path or f"?{parts.query}"):
            yield found("link-broken", f"{shortened(address, 100)} names no mail address.", _place(address))
    elif not scheme:
        message = f"{shortened(address, 100)} is relative to nothing." if not host else f"{address} lacks its https:."
        yield found("link-relative", message, _place(address))
    elif scheme not in _OTHER_SCHEMES:
        yield found("link-broken", f"Mail programs don't follow {scheme}: links.", _place(address))


def _web(house: House, link: HtmlElement, address: str, parts: SplitResult) -> Iterator[Finding]:
    host = parts.hostname or ""
    if not re.fullmatch(r"[\w.-]+\w\.?|[0-9a-f:.]+", host) or ".." in host or re.search(r"\s", address):
        yield found("link-broken", f"{shortened(address, 100)} is no valid address.", _place(address))
        return
    if house.is_ours(address) and is_private(host):
        return  # somebody tries things out on their own machine
    if is_private(host):
        yield found("link-private", f"{shortened(address, 100)} can't be reached by readers.", _place(address))
    elif parts.scheme.lower() == "http":
        yield found("link-not-https", f"{shortened(address, 100)} is not encrypted.", _place(address))
    yield from _domain(house, link, address, host)
    if answer := house.answers.get(address):
        yield from _tried(address, answer)


def is_private(host: str) -> bool:
    """Whether a host's very name says that it is this machine's or a private network's."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host.rstrip(".") or host.endswith((".localhost", ".local", ".internal", ".lan"))


def _domain(house: House, link: HtmlElement, address: str, host: str) -> Iterator[Finding]:
    own = [each for each in house.domains if registered(each) == registered(host)]
    posed = next((each for each in house.domains if not own and looks_like(host, each)), None)
    if posed or mixes_scripts(host):
        like = f" looks like {registered(posed)}" if posed else " has letters that pose as others"
        yield found("domain-lookalike", f"{readable(host)} ({host}){like}.", _place(address))
    elif near := next((each for each in house.domains if not own and one_letter_off(host, each)), None):
        yield found("domain-misspelt", f"{host} is one letter away from {registered(near)}.", _place(address))
    shown = _SHOWN_DOMAIN.search(_text(link))
    if shown and not house.is_ours(address):
        domain = shown["sure"] or shown["bare"]
        if registered(domain) != registered(host):
            yield found("link-text-mismatch", f"The text shows {domain}, the link leads to {host}.", _place(address))


def _text(link: HtmlElement) -> str:
    return " ".join(str(link.text_content()).split())


def _tried(address: str, answer: Answer) -> Iterator[Finding]:
    status = answer.status or 0
    # a host that doesn't answer is one finding, not one for each of its pages
    place = _place(address) if status else f"HTML: links to {urlsplit(address).hostname}"
    reason = f"{shortened(address, 100)}: {answer.reason or f'the server answered {status}'}."
    if answer.kind == "private":
        yield found("link-private", reason, place)
    elif answer.kind == "no-host" or status in _GONE:
        yield found("link-dead", reason, place)
    elif answer.kind == "unreachable" or status >= 500:
        yield found("link-unreachable", reason, place)
    elif status >= 400:
        yield found("link-refused", reason, place)
