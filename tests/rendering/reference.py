"""The slow, plain way: a template rendered in full for one reader, by Jinja2's own sandbox.

What stamping gives is held against this. It shares with Broadsheet the filters, the sheet's names and the one
function that premailer is behind; nothing of how values wait, how pieces are cut, or how they are encoded.

Compared are the parsed HTML (elements, attributes, text), the text part, the subject and the preheader. Four
differences are meant, and undone here before comparing:

- mail has CRLF line ends, so a lone CR or LF in a reader's value is a line break like any other;
- an address from a reader's value whose scheme is none of http, https, mailto and tel becomes ``#``;
- blank space round an address means nothing to HTML, and goes;
- the press takes spare blank out of the templates of subject, preheader and text part, not out of readers' values.
"""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from jinja2 import ChainableUndefined, FileSystemLoader
from jinja2.sandbox import SandboxedEnvironment
from lxml import etree

from broadsheet.rendering.filters import FILTERS
from broadsheet.rendering.inlining import inlined

URL_ATTRIBUTES = {"href", "src", "action", "background", "cite"}


@dataclass(frozen=True)
class Full:
    """One reader's mail, rendered in full."""

    subject: str
    html: str
    text: str


def rendered_in_full(sheet: Any, reader: Any, addresses: dict[str, str]) -> Full:
    html_env, text_env = (_environment(sheet.templates, autoescape) for autoescape in (True, False))
    context = {
        "site": sheet.site,
        "sender": sheet.sender,
        "campaign": sheet.campaign,
        "list": sheet.list,
        "edition": sheet.edition,
        "articles": sheet.articles,
        "theme": sheet.theme,
        "subscriber": reader.values,
        "intro": "",
        **addresses,
    }
    head = {name: text_env.from_string(sheet.campaign[name]).render(context) for name in ("subject", "preheader")}
    html = html_env.get_template(f"{sheet.template}/template.html").render({**context, **head})
    text = text_env.get_template(f"{sheet.template}/text.txt").render({**context, **head})
    return Full(head["subject"], inlined(html), text)


def _environment(templates: Any, autoescape: bool) -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        loader=FileSystemLoader(templates),
        autoescape=autoescape,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(FILTERS)
    return environment


def canonical_html(html: str, *, addresses_checked: bool) -> Any:
    """The document as nested tuples: tag, attributes, and children between which stands their text."""
    return _canonical(etree.fromstring(html, etree.HTMLParser(huge_tree=True)), addresses_checked)


def _canonical(element: Any, addresses_checked: bool) -> Any:
    tag = element.tag if isinstance(element.tag, str) else "comment"
    attributes = {name: _attribute(name, value, addresses_checked) for name, value in element.items()}
    children: list[Any] = [_lines(element.text)]
    for child in element:
        children += [_canonical(child, addresses_checked), _lines(child.tail)]
    return (tag, tuple(sorted(attributes.items())), tuple(children))


def _attribute(name: str, value: str, addresses_checked: bool) -> str:
    value = _lines(value)
    if name not in URL_ATTRIBUTES:
        return value
    value = re.sub(r"%0D(?:%0A)?", "%0A", quote(value.strip(" \t\n\r\f"), safe="!#$%&'()*+,-./:;=?@[]_~"))
    value = re.sub(r"(?:%0A|%09|%20)+$", "", value)
    if not addresses_checked and re.match(r"[^/?#]*:|//", value) and not re.match(r"(?i)(https?|mailto|tel):", value):
        return "#"
    return value


def canonical_text(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", _lines(text)).strip()


def canonical_line(text: str) -> str:
    return re.sub(" +", " ", text).strip(" ")


def _lines(text: str | None) -> str:
    return (text or "").replace("\r\n", "\n").replace("\r", "\n")
