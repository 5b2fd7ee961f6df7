"""What the checks look at: one reader's copy of a mail, taken apart, and the house it comes from."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from lxml import html as lxml_html
from lxml.html import HtmlElement

from broadsheet.articles.links import Answer
from broadsheet.rendering.findings.style import (
    BLACK,
    WHITE,
    Colour,
    colour,
    declarations,
    font_size,
    size_in_shorthand,
)
from broadsheet.workspace import Workspace

_UNSEEN: Final = {"head", "title", "style", "script", "template", "noscript"}
_LINK_BLUE: Final[Colour] = (0, 0, 238)
_SIZES: Final = {"h1": 2.0, "h2": 1.5, "h3": 1.17, "h5": 0.83, "h6": 0.67, "small": 0.83, "big": 1.2}


@dataclass(frozen=True)
class House:
    """What is the same for every mail of a workspace."""

    site_url: str
    public_url: str
    postal_address: str
    sender_domain: str
    images: Path
    """The folder of pictures that the public site serves under ``/i/``."""
    attributes: frozenset[str] = frozenset()
    """What is known of subscribers, beside what is built in."""
    answers: Mapping[str, Answer] = field(default_factory=dict)
    """What came of trying links, by address; empty if they weren't tried."""

    @classmethod
    def of(cls, workspace: Workspace, attributes: frozenset[str] = frozenset()) -> "House":
        """The workspace's house; ``attributes`` that its subscribers have, beside those it declares."""
        config = workspace.config
        return cls(
            site_url=config.site.url,
            public_url=config.public.url,
            postal_address=config.site.postal_address,
            sender_domain=config.sender.email.rpartition("@")[2],
            images=workspace.state / "images",
            attributes=attributes | frozenset(workspace.lists.attributes),
        )

    def is_ours(self, address: str) -> bool:
        """Whether the address is one of the public pages' own."""
        return address == self.public_url or address.startswith(f"{self.public_url}/")

    @cached_property
    def domains(self) -> tuple[str, ...]:
        """The host names that are the sender's own, but not bare IP addresses."""
        hosts = (urlsplit(self.site_url).hostname, urlsplit(self.public_url).hostname, self.sender_domain)
        return tuple(dict.fromkeys(host.lower() for host in hosts if host and re.search(r"\.[^\W\d]", host)))


@dataclass(frozen=True)
class Look:
    """How text is shown where it stands."""

    ink: Colour
    ground: Colour | None
    """None over a picture, where nobody knows."""
    size: float
    visible: bool = True

    @property
    def shown(self) -> bool:
        """Whether anybody can see text here; size 0 is no bar to larger text within."""
        return self.visible and self.size > 1


@dataclass(frozen=True)
class Run:
    """A piece of text and how it is shown."""

    text: str
    element: HtmlElement
    look: Look


@dataclass(frozen=True)
class Copy:
    """One reader's copy of a mail."""

    mail: EmailMessage
    content: bytes

    @classmethod
    def of(cls, content: bytes) -> "Copy":
        """The copy in these RFC 5322 bytes."""
        return cls(message_from_bytes(content, policy=policy.default), content)

    @cached_property
    def subject(self) -> str:
        """The subject, in one line."""
        return " ".join(str(self.mail["Subject"] or "").split())

    @cached_property
    def text(self) -> str:
        """The plain-text part; empty if there is none."""
        part = self.mail.get_body(("plain",))
        return str(part.get_content()) if part else ""

    @cached_property
    def html(self) -> str:
        """The HTML part; empty if there is none."""
        part = self.mail.get_body(("html",))
        return str(part.get_content()).lstrip() if part else ""

    @cached_property
    def root(self) -> HtmlElement:
        """The HTML part, parsed."""
        parser = lxml_html.HTMLParser(encoding="utf-8")
        written = self.html if re.search(r"<html\b", self.html, re.IGNORECASE) else f"<html>{self.html}</html>"
        return lxml_html.document_fromstring(written.encode(), parser=parser, ensure_head_body=True)

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """All text of the HTML part in reading order, the unseen included."""
        return tuple(_runs(self.root, Look(BLACK, WHITE, 16.0)))

    @cached_property
    def seen_text(self) -> str:
        """The text of the HTML part that is shown."""
        return " ".join(run.text for run in self.runs if run.look.shown)

    @cached_property
    def seen(self) -> frozenset[HtmlElement]:
        """The elements that are shown."""
        return frozenset(_seen(self.root))

    def elements(self, *tags: str) -> list[HtmlElement]:
        """The elements of those names that are shown, in reading order."""
        return [each for each in self.root.iter(*tags) if each in self.seen]


def _hidden(element: HtmlElement) -> bool:
    style = declarations(element.get("style") or "")
    return (
        style.get("display") == "none"
        or element.get("hidden") is not None
        or style.get("visibility") == "hidden"
        or (style.get("max-height", "") in ("0", "0px") and style.get("overflow") == "hidden")
        or style.get("opacity") == "0"
    )


def _seen(element: HtmlElement) -> Iterator[HtmlElement]:
    if not isinstance(element.tag, str) or _hidden(element):
        return
    yield element
    for child in element:
        yield from _seen(child)


def _runs(element: HtmlElement, around: Look) -> Iterator[Run]:
    if not isinstance(element.tag, str) or element.tag in _UNSEEN:
        return
    look = _look(element, around)
    if has_words(element.text):
        yield Run(_one_line(element.text), element, look)
    for child in element:
        yield from _runs(child, look)
        if has_words(child.tail):
            yield Run(_one_line(child.tail), element, look)


def _look(element: HtmlElement, around: Look) -> Look:
    style = declarations(element.get("style") or "")
    ground = _ground(element, style, around.ground)
    written = style.get("color") or element.get("color") or ""
    ink = around.ink
    if element.tag == "a" and element.get("href") and not written:
        ink = _LINK_BLUE
    elif written not in ("inherit", "currentcolor"):
        ink = colour(written, ground) or ink
    size = around.size * _SIZES.get(element.tag, 1.0)
    if given := style.get("font-size") or size_in_shorthand(style.get("font", "")):
        size = font_size(given, around.size)
    return Look(ink, ground, size, around.visible and not _hidden(element))


def _ground(element: HtmlElement, style: Mapping[str, str], around: Colour | None) -> Colour | None:
    given = style.get("background-color") or style.get("background") or element.get("bgcolor") or ""
    painted = colour(re.sub(r"url\([^)]*\)|[\w-]*gradient\(.*\)", "", given), around) if given else None
    if painted:
        return painted
    picture = f"{style.get('background', '')} {style.get('background-image', '')}"
    return None if "url(" in picture or "gradient(" in picture or element.get("background") else around


def has_words(text: str | None) -> bool:
    """Whether there is anything to read in ``text``: more than spaces and invisible characters."""
    return text is not None and any(unicodedata.category(each)[0] not in "ZCM" for each in text)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def shortened(text: str, length: int = 60) -> str:
    """``text`` in one line, its end left out where it is long."""
    line = _one_line(text)
    return line if len(line) <= length else f"{line[: length - 1].rstrip()}…"


def spoken(element: HtmlElement) -> str:
    """What a screen reader says for a link: its label, else its text and its pictures' alt texts."""
    if label := _one_line(element.get("aria-label") or ""):
        return label
    words = [element.get("alt") or "", element.text or ""]
    for child in element:
        if isinstance(child.tag, str):
            words.append(spoken(child))
        words.append(child.tail or "")
    return _one_line(" ".join(words)) or _one_line(element.get("title") or "")


def tag_of(element: HtmlElement) -> str:
    """The element as a person would find it: ``<div class="col">``."""
    name = next((f' {key}="{element.get(key)}"' for key in ("id", "class") if element.get(key)), "")
    return f"<{element.tag}{name}>"
