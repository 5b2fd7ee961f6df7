"""A mail with clicks laid over it: beside each link how often it was followed, by everybody together."""

import re
from collections.abc import Mapping
from html import unescape
from typing import Final

_LINK: Final = re.compile(r"""(<a\b[^>]*?\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')[^>]*>.*?)(</a\s*>)""", re.DOTALL | re.I)
_BADGE: Final = (
    '<span title="{title}" style="display:inline-block;margin:0 0 0 4px;padding:0 7px;border-radius:9px;'
    "background:{ground};color:#ffffff;font:bold 12px/18px sans-serif;text-decoration:none;white-space:nowrap;"
    'vertical-align:middle">{clicks:,}</span>'
)
#: The share of all clicks from which on a link's number has this ground, hottest first; each reads with white on it.
_HEAT: Final = ((0.3, "#a02c1a"), (0.1, "#9a4d00"), (0.0, "#3f5654"))


def with_clicks(html: str, clicks: Mapping[str, int]) -> str:
    """The mail's HTML with a number beside each link whose clicks were counted."""
    total = sum(clicks.values()) or 1

    def marked(match: re.Match[str]) -> str:
        address = unescape(match[2] if match[2] is not None else match[3])
        count = clicks.get(address)
        if count is None:
            return match[0]
        share = count / total
        ground = next(ground for least, ground in _HEAT if share >= least)
        title = f"{count:,} {'click' if count == 1 else 'clicks'}, {share:.0%} of all"
        return f"{match[1]}{_BADGE.format(title=title, ground=ground, clicks=count)}{match[4]}"

    return _LINK.sub(marked, html)
