"""A mail's HTML made fit for the preview's frame: dark or light as asked, links in a new tab, pictures found."""

import re

from django.db.models import TextChoices
from django.urls import reverse
from django.utils.html import escape

from broadsheet.sending.inbox import CaughtMail
from broadsheet.web.images import locally


class Dark(TextChoices):
    """How the frame shows the mail."""

    #: on a light screen
    OFF = "off", "Light"
    #: on a dark screen, with the author's own dark styles
    OWN = "own", "Dark"
    #: with all colours turned round, as some mail apps do
    FORCED = "forced", "Inverted"


_ASKED_SCHEME = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)", re.IGNORECASE)
_HEAD = re.compile(r"<head\b[^>]*>|<html\b[^>]*>|<!doctype\b[^>]*>", re.IGNORECASE)
_CID = re.compile(r"\bcid:([^\"'\s)>]+)", re.IGNORECASE)

#: Pictures keep their colours when the frame itself is turned round.
_UPRIGHT_PICTURES = "img,video,svg{filter:invert(1) hue-rotate(180deg)!important}"


def framed(mail: CaughtMail, dark: Dark) -> str:
    """The HTML of ``mail`` for a sandboxed frame; empty if it has none.

    Media queries for the colour scheme are answered here, whatever the browser's own scheme is.
    """
    html = locally(mail.html or "")
    own = dark is Dark.OWN
    can_be_dark = own and "color-scheme" in html.lower()
    style = f":root{{color-scheme:{'dark' if can_be_dark else 'light'}!important}}"
    if dark is Dark.FORCED:
        style += _UPRIGHT_PICTURES
    html = _ASKED_SCHEME.sub(lambda asked: _always((asked[1].lower() == "dark") is own), html)
    html = _CID.sub(lambda cid: _picture(mail, cid[1], cid[0]), html)
    # Links open beside the frame: inside it they would have no scripts and no way back.
    return _at_head(html, f'<base target="_blank"><style>{style}</style>')


def _always(true: bool) -> str:
    return "(min-width:0)" if true else "(max-width:0)"


def _picture(mail: CaughtMail, content_id: str, as_written: str) -> str:
    for part in mail.attachments:
        if part.content_id == content_id:
            return escape(reverse("mail-attachment", args=[mail.summary.name, part.number]))
    return as_written


def _at_head(html: str, addition: str) -> str:
    """``addition`` first in the head, or as near as the HTML has it; never before the doctype."""
    places = {match[0].lower()[1:5]: match.end() for match in reversed(list(_HEAD.finditer(html)))}
    at = places.get("head") or places.get("html") or places.get("!doc") or 0
    return html[:at] + addition + html[at:]
