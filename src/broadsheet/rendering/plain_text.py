"""A plain-text part made from HTML, for templates that have none of their own."""

import re

from inscriptis import get_text
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.config import ParserConfig

_HIDDEN = re.compile(r"<(\w+)[^>]*style=\"[^\"]*display:\s*none[^\"]*\"[^>]*>.*?</\1>", re.IGNORECASE | re.DOTALL)
_COMMENTS = re.compile(r"<!--(?!zq).*?-->", re.DOTALL)


def from_html(html: str) -> str:
    """``html`` as plain text, links as ``[text](address)``; what is hidden and what is for Outlook is left out."""
    visible = _HIDDEN.sub("", _COMMENTS.sub("", html)).replace("<!--zq", "zq").replace("z-->", "z")
    config = ParserConfig(css=CSS_PROFILES["strict"], display_links=True)
    return "\n".join(line.rstrip() for line in get_text(visible, config).splitlines()).strip() + "\n"
