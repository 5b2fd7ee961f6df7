"""The mail's HTML made fit for the frame: its pictures found on this server, or left out."""

import re

from broadsheet.sending.inbox import CaughtMail
from broadsheet.web.headers import MAIL_POLICY
from broadsheet.web.inbox.frame import Dark, framed

_PICTURES = re.compile(r"img-src [^;]*;")


def frame_html(mail: CaughtMail, dark: Dark, public_url: str) -> str:
    """The HTML of ``mail``, light or dark as asked; what the public site would serve is served from here."""
    return framed(mail, dark).replace(f"{public_url}/i/", "/i/")


def frame_policy(images: bool) -> str:
    """The frame's Content-Security-Policy: no script, no form, and no picture unless ``images``."""
    policy = MAIL_POLICY if images else _PICTURES.sub("img-src 'none';", MAIL_POLICY)
    return f"{policy}; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
