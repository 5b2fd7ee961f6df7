"""What is wrong with a mail before it goes: findings. Pure; :mod:`.codes` lists everything that can be found.

::

    of_plan       would anybody get a mail?
    of_health     did its list's last editions go well?
    of_rules      are there the tags, categories and articles that the campaign names?
    of_articles   are one mail's articles whole and different?
    of_problem    the template can't be compiled
    of_message    does the compiled mail ask for what subscribers have?
    of_reader     the mail can't be made for a reader
    of_copy       one reader's copy: subject, links, pictures, size, mail programs, accessibility, leftovers
    of_score      what SpamAssassin thinks
    in_order      all of these, each once, worst first
"""

from collections.abc import Callable, Iterator
from typing import Final

from broadsheet.rendering.findings.accessibility import check_accessibility
from broadsheet.rendering.findings.clients import check_clients
from broadsheet.rendering.findings.codes import CODES, LEVELS, Code, Finding, Level, in_order
from broadsheet.rendering.findings.copies import Copy, House
from broadsheet.rendering.findings.editions import of_articles, of_health, of_plan, of_rules
from broadsheet.rendering.findings.heading import check_heading
from broadsheet.rendering.findings.images import check_images
from broadsheet.rendering.findings.leftovers import check_leftovers
from broadsheet.rendering.findings.links import addresses, check_links
from broadsheet.rendering.findings.samples import sample_readers
from broadsheet.rendering.findings.spam import of_score
from broadsheet.rendering.findings.variables import of_message, of_problem, of_reader

CHECKS: Final[tuple[Callable[[Copy, House], Iterator[Finding]], ...]] = (
    check_heading,
    check_links,
    check_images,
    check_clients,
    check_accessibility,
    check_leftovers,
)


def of_copy(copy: Copy, house: House) -> list[Finding]:
    """All findings about one reader's copy."""
    return [finding for check in CHECKS for finding in check(copy, house)]


__all__ = [
    "CODES",
    "LEVELS",
    "Code",
    "Copy",
    "Finding",
    "House",
    "Level",
    "addresses",
    "in_order",
    "of_articles",
    "of_copy",
    "of_health",
    "of_message",
    "of_plan",
    "of_problem",
    "of_reader",
    "of_rules",
    "of_score",
    "sample_readers",
]
