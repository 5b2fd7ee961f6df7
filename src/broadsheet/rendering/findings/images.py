"""Checks of pictures."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote, urlsplit

from lxml.html import HtmlElement

from broadsheet.rendering.findings.codes import Finding, found
from broadsheet.rendering.findings.copies import Copy, House, shortened
from broadsheet.rendering.findings.links import is_private
from broadsheet.rendering.findings.style import declarations, pixels

HEAVY: Final = 200_000
ALL_HEAVY: Final = 1_000_000
_UNSHOWN: Final = {
    "svg": "SVG",
    "svgz": "SVG",
    "webp": "WebP",
    "avif": "AVIF",
    "heic": "HEIF",
    "heif": "HEIF",
    "tif": "TIFF",
    "tiff": "TIFF",
    "ico": "ICO",
    "apng": "APNG",
    "mp4": "video",
    "webm": "video",
}


def check_images(copy: Copy, house: House) -> Iterator[Finding]:
    """Findings about every picture of the HTML part that is shown."""
    weights: dict[str, int] = {}
    for image in copy.elements("img"):
        address = (image.get("src") or "").strip()
        yield from _dress(image, address)
        yield from _address(address, house)
        size = _weight(address, house)
        if size is not None:
            weights[address] = size
            if size > HEAVY:
                yield found("image-heavy", f"The picture has {size / 1000:,.0f} kB.", _place(address))
    total = sum(weights.values())
    if total > ALL_HEAVY:
        yield found("images-heavy", f"{len(weights)} pictures have {total / 1_000_000:.1f} MB together.", "HTML")


def _place(address: str) -> str:
    return f"HTML: picture {shortened(address, 120)}" if address else "HTML: picture without an address"


def _dress(image: HtmlElement, address: str) -> Iterator[Finding]:
    if image.get("alt") is None:
        yield found("image-without-alt", "The picture has no alt text.", _place(address))
    width = declarations(image.get("style") or "").get("width", "")
    if not re.fullmatch(r"\s*\d+(px|%)?\s*", image.get("width") or "") and pixels(width) is None:
        yield found("image-without-width", "The picture has no width attribute.", _place(address))


def _address(address: str, house: House) -> Iterator[Finding]:
    if address.startswith("data:"):
        yield found("image-format", "The picture is embedded in the HTML, which Gmail doesn't show.", _place(address))
        return
    try:
        parts = urlsplit(address)
        scheme, host = parts.scheme.lower(), parts.hostname or ""
    except ValueError:
        scheme, host = "", ""
    if scheme == "cid":
        return
    if scheme not in ("http", "https") or not host:
        message = f"The address {shortened(address, 100)} can't be loaded." if address else "A picture has no address."
        yield found("image-missing", message, _place(address))
        return
    ending = parts.path.rpartition(".")[2].lower()
    if ending in _UNSHOWN:
        message = f"The picture is in a format ({_UNSHOWN[ending]}) that not every mail program shows."
        yield found("image-format", message, _place(address))
    if house.is_ours(address):
        if (name := _own_name(address, house)) and not (house.images / name).is_file():
            yield found("image-missing", "The picture's file is not in the workspace's cache.", _place(address))
        if is_private(host):
            return  # somebody tries things out on their own machine
    if scheme == "http":
        yield found("image-not-https", f"{shortened(address, 100)} is not encrypted.", _place(address))
    answer = house.answers.get(address)
    if answer and (answer.kind == "no-host" or answer.status in (404, 410)):
        yield found("image-missing", f"{shortened(address, 100)} does not exist.", _place(address))


def _own_name(address: str, house: House) -> str:
    """The file's name of a picture that the public site serves; empty for any other."""
    name = unquote(address.removeprefix(f"{house.public_url}/i/"))
    return name if re.fullmatch(r"[\w.-]+", name) and not name.startswith(".") else ""


def _weight(address: str, house: House) -> int | None:
    if house.is_ours(address) and (name := _own_name(address, house)):
        file = house.images / name
        return file.stat().st_size if file.is_file() else None
    answer = house.answers.get(address)
    return answer.size if answer and answer.status == 200 else None
