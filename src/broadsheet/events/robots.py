"""Which clicks and opens are a robot's: mail gateways follow every link, proxies fetch every picture. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from broadsheet.models import EventKind

#: Programs that fetch what they find in a mail, by what they call themselves. A proxy that shows a mail to a person
#: (Google's, Yahoo's) is none of them.
_AGENTS: Final = re.compile(
    r"bot\b|crawl|spider|scan|preview|prefetch|monitor|slurp|fetch|"
    r"barracuda|mimecast|proofpoint|ironport|trend ?micro|symantec|forcepoint|fireeye|sophos|zscaler|messagelabs|"
    r"safelinks|defender|cloudmark|vade|headlesschrome|phantomjs|"
    r"python|curl/|wget|java/|okhttp|go-http-client|libwww|httpclient|axios|node|ruby|perl",
    re.IGNORECASE,
)
#: So many different links within so many seconds are more than a person follows.
MANY, WITHIN = 4, 10.0
#: Seconds after a copy's delivery in which nobody has read it yet.
TOO_SOON = 3.0


@dataclass(frozen=True)
class Hit:
    """One request of a counted address."""

    kind: EventKind
    edition_id: int
    at: float
    """Seconds since the epoch."""
    who: str
    """Whom requests are compared within: the reader, or for this process's lifetime whoever asked."""
    variant_id: int = 0
    link_id: int = 0
    subscriber_id: int = 0
    automatic: bool = False
    trap: bool = False
    sent_at: float = 0.0
    """When the reader's copy was delivered; 0 if nobody can say."""


def known_robot(agent: str) -> bool:
    """Whether a request with that ``User-Agent`` is no person's."""
    return not agent or bool(_AGENTS.search(agent))


def judged(hits: Sequence[Hit]) -> list[Hit]:
    """The hits of one who asked, in order, each marked automatic if a robot's."""
    clicks = sorted((hit for hit in hits if hit.kind is EventKind.CLICKED and not hit.trap), key=lambda hit: hit.at)
    hasty = any(
        len({each.link_id for each in clicks[start:] if each.at - first.at <= WITHIN}) >= MANY
        for start, first in enumerate(clicks)
    )
    robot = hasty or any(hit.trap for hit in hits)
    return [
        replace(hit, automatic=hit.automatic or robot or 0 <= hit.at - hit.sent_at < TOO_SOON)
        for hit in hits
        if not hit.trap
    ]
