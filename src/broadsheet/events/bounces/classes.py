"""A status and a server's words to why a copy bounced. A false "dead" costs a reader: in doubt, it is not dead."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from broadsheet.events.bounces import words
from broadsheet.models import BounceClass

#: RFC 3463, and how servers write it: ``5.1.1``, ``#5.1.1``, ``5-1-1`` never.
STATUS: Final = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
#: RFC 5321 section 4.2, at the beginning or after what a server puts before it.
_CODE: Final = re.compile(r"(?:^|[\s:;>\"'])([45][0-5]\d)(?=[ \-:]|$)")
_LINK: Final = re.compile(r"\bhttps?://\S{1,300}|\bwww\.\S{1,300}")
#: Addresses, links, host names. Exchange's own words (``RESOLVER.ADR.RecipNotFound``) are in capitals.
_NOT_WORDS: Final = re.compile(
    r"<?[^\s<>\"'()]{1,250}@[^\s<>\"'()]{1,250}>?|\bhttps?://\S+|\bwww\.\S+|\b[\w-]+(?:\.[\w-]+)*\.[a-z][\w-]*\b"
)
_LONGEST: Final = 2_000
#: what a server is quoted with is at least so long
_SHORTEST: Final = 8

#: Subject and detail of a status that says by itself what happened ...
_BY_STATUS: Final = {
    "1.1": BounceClass.DEAD,
    "1.2": BounceClass.DEAD,
    "1.3": BounceClass.DEAD,
    "1.6": BounceClass.DEAD,
    "1.10": BounceClass.DEAD,  # RFC 7505: null MX; Exchange: no such recipient
    "2.2": BounceClass.FULL,
    "2.3": BounceClass.POLICY,
    "3.4": BounceClass.POLICY,
    "1.7": BounceClass.POLICY,
    "1.8": BounceClass.POLICY,
    "4.5": BounceClass.TEMPORARY,
}
#: ... or by its subject alone.
_BY_SUBJECT: Final = {
    "3": BounceClass.TEMPORARY,
    "4": BounceClass.TEMPORARY,
    "6": BounceClass.POLICY,
    "7": BounceClass.POLICY,
}
#: Statuses that say no more than "failed", and are as good as none.
_VAGUE: Final = {"0.0", "5.0", "1.0", "2.0", "1.351", "3.0", "5.1", "5.2", "5.4", "4.0"}


def classified(status: str, reply: str) -> BounceClass:
    """Why it bounced, from every code and phrase that the two hold."""
    reply = " ".join(words.PADDING.sub(" ", " ".join(reply[:_LONGEST].split())).split())
    whole = reply
    for found in words.QUOTED.finditer(reply):
        if len(reply) - found.end() > _SHORTEST:
            whole, reply = reply, reply[found.end() :]
            break
    statuses = STATUS.findall(f"{status} {reply}")
    exact = [(first, f"{subject}.{detail}") for first, subject, detail in statuses]
    said = _Said(
        by_status={_meaning(*each) for each in exact if each[1] not in _VAGUE} - {None},
        exact=any(detail not in _VAGUE for _, detail in exact),
        passes=any(first == "4" for first, _ in exact) or any(code[0] == "4" for code in _CODE.findall(reply)),
        words=" ".join(_NOT_WORDS.sub(" ", reply).split()),
        listed=any(words.LISTS.search(link) for link in _LINK.findall(reply)),
        late=bool(words.AFTER_DATA.search(whole)),
    )
    return next((answer for answer, holds in _DECISIONS if holds(said)), BounceClass.UNKNOWN)


@dataclass(frozen=True)
class _Said:
    """What a reply says, in codes and in words."""

    by_status: set[BounceClass | None]
    exact: bool
    """Whether any status says more than "failed"."""
    passes: bool
    """Whether any code is of the 4 kind."""
    words: str
    listed: bool
    """Whether a link in it leads to a list of senders."""
    late: bool
    """Whether it was said after the content: then words alone say nothing about the address."""


def _meaning(first: str, detail: str) -> BounceClass | None:
    if first == "4":
        return BounceClass.FULL if detail == "2.2" else None
    return _BY_STATUS.get(detail) or _BY_SUBJECT.get(detail.partition(".")[0])


#: The first that holds is the answer. Dead comes last: whatever else is said speaks against it.
_DECISIONS: Final[tuple[tuple[BounceClass, Callable[[_Said], object]], ...]] = (
    (BounceClass.FULL, lambda said: BounceClass.FULL in said.by_status),
    (BounceClass.FULL, lambda said: words.FULL.search(said.words) and not words.NOT_FULL.search(said.words)),
    (BounceClass.TEMPORARY, lambda said: said.passes and words.PACE.search(said.words)),
    (BounceClass.POLICY, lambda said: not said.passes and words.NOT_FULL.search(said.words)),
    (BounceClass.POLICY, lambda said: BounceClass.POLICY in said.by_status or words.POLICY.search(said.words)),
    (BounceClass.POLICY, lambda said: said.listed),
    (BounceClass.TEMPORARY, lambda said: said.passes or BounceClass.TEMPORARY in said.by_status),
    (BounceClass.TEMPORARY, lambda said: words.TEMPORARY.search(said.words)),
    (BounceClass.UNKNOWN, lambda said: words.DOUBT.search(said.words)),
    (BounceClass.DEAD, lambda said: said.by_status == {BounceClass.DEAD}),
    (BounceClass.DEAD, lambda said: not (said.exact or said.late) and words.DEAD.search(said.words)),
)
