"""Marks the places of a mail whose clicks and opens an edition counts."""

import re
from html import unescape
from typing import Final

from broadsheet.rendering.message import MarkKind
from broadsheet.rendering.recorder import Recorder

_LINK: Final = re.compile(r"""(<a\s(?:[^>"']|"[^"]*"|'[^']*')*?\bhref=")(https?://[^"]+)(")""", re.IGNORECASE)
_BODY_ENDS: Final = re.compile(r"</body\s*>(?!.*</body)", re.IGNORECASE | re.DOTALL)


def marked(html: str, recorder: Recorder) -> str:
    """``html`` with a token for each fixed web address that people may click, one for opens and one for robots.

    An address that holds a reader's value stays as it is, and so do the reader's own (unsubscribe, preferences):
    they are never counted.
    """

    def link(match: re.Match[str]) -> str:
        if recorder.mark in match[2]:
            return match[0]
        return match[1] + _token(recorder, MarkKind.LINK, unescape(match[2])) + match[3]

    html = _LINK.sub(link, html)
    counters = _token(recorder, MarkKind.TRAP) + _token(recorder, MarkKind.OPEN)
    return _BODY_ENDS.sub(lambda match: counters + match[0], html, count=1)


def _token(recorder: Recorder, kind: MarkKind, url: str = "") -> str:
    return recorder.write("v", ["mark", kind.value, url], escaped=True)
