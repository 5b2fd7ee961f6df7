"""Where a finding is mended: the page of the console that its place belongs to."""

import re
from collections.abc import Iterable
from typing import Any, Final

from django.urls import NoReverseMatch, reverse

from broadsheet.rendering.findings import Finding

#: What a finding's place looks like, and the page on which that is mended; the groups are what its address needs.
_PAGES: Final = (
    (re.compile(r"campaigns/(?P<slug>[^/:]+)\.md\b"), "console-campaign-compose"),
    (re.compile(r"templates/(?P<name>[^/]+)/(?P<file>[^/,]+)"), "console-template-file"),
    (re.compile(r"list \S"), "console-reports"),
    (re.compile(r"article \S"), "console-articles"),
)
#: Places that every mail has; they are written in its campaign.
_OF_CAMPAIGN: Final = ("subject", "preheader", "text", "headers")


def with_pages(findings: Iterable[Finding], slug: str) -> list[dict[str, Any]]:
    """The findings about an edition of that campaign, each with the page where it is mended; empty if there is none."""
    return [{**vars(each), "page": page_of(each.where, slug)} for each in findings]


def page_of(where: str, slug: str) -> str:
    """The address of the page where what is at this place is mended; empty if the console has none."""
    if where in _OF_CAMPAIGN:
        where = f"campaigns/{slug}.md"
    for place, name in _PAGES:
        if found := place.match(where):
            try:
                return reverse(name, kwargs=found.groupdict())
            except NoReverseMatch:  # a file that the console does not show is mended where it lies
                return ""
    return ""
