"""Plain text made from HTML: a campaign's intro, and the text part of templates that have none of their own."""

import re
from typing import Any, Final

from inscriptis import Inscriptis
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.config import ParserConfig
from lxml import etree, html

from broadsheet.rendering.notes import Notes
from broadsheet.rendering.recorder import Recorder

_HIDDEN: Final = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_FILLER: Final = re.compile("[\u00ad\u034f\u200b-\u200c\u2060\ufeff]")
_CONFIG: Final = ParserConfig(css=CSS_PROFILES["strict"])


def from_html(source: str, recorder: Recorder, notes: Notes) -> str:
    """``source`` as plain text, each link cited in ``notes``; what is hidden and what is for Outlook is left out."""
    page: Any = html.document_fromstring(source, parser=html.HTMLParser(huge_tree=True))
    for comment in list(page.iter(etree.Comment)):
        if recorder.pattern.fullmatch(comment.text or ""):
            comment.tail = f"{comment.text}{comment.tail or ''}"
        comment.drop_tree()
    for element in list(page.iter(etree.Element)):
        if element.tag in ("head", "style", "script") or _HIDDEN.search(element.get("style", "")):
            element.drop_tree()
        elif element.tag == "a":
            _cite(element, notes)
        elif element.tag in ("table", "tbody", "tr", "td") and _is_layout(element):
            element.tag = "div"
    text = _FILLER.sub("", Inscriptis(page, _CONFIG).get_text())
    lines = "\n".join(line.strip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", _joined(lines, recorder)).strip()


def _cite(link: Any, notes: Notes) -> None:
    """Put a note of the link's address behind its text, or behind its picture's where it has none."""
    address, shown = link.get("href", ""), link.text_content().strip()
    if not shown:
        shown = " ".join(each.get("alt", "") for each in link.iter("img")).strip()
        link.text = shown
    if shown and address and not address.startswith("#") and address.removeprefix("mailto:") != shown:
        link.tail = f" {notes.cite(notes.recorder.in_address(address))}{link.tail or ''}"


def _is_layout(element: Any) -> bool:
    table = element if element.tag == "table" else next(element.iterancestors("table", "div"), None)
    return table is not None and (table.tag == "div" or table.get("role") in ("presentation", "none"))


def _joined(text: str, recorder: Recorder) -> str:
    """``text`` without the line breaks after lines that hold nothing but a condition's ends."""
    return re.sub(rf"(?m)^((?:{recorder.mark}[ief]\d+z)+)\n+", r"\1", text)
