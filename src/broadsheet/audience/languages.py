"""Languages of readers: as they are kept, and which of them a rule means."""

from collections.abc import Iterable
from functools import lru_cache

from django.db.models import Q

LONGEST = 35


@lru_cache(maxsize=5_000)
def normal_language(text: str) -> str:
    """The tag as RFC 5646 writes it (section 2.1.1), ``de``, ``de-AT``, ``zh-Hant-TW``, however it was written."""
    first, *others = text.strip().replace("_", "-").split("-")
    return "-".join((first.lower(), *map(_subtag, others)))[:LONGEST]


def _subtag(text: str) -> str:
    """A script has four letters, a region two."""
    if text.isalpha() and len(text) == 4:
        return text.title()
    return text.upper() if len(text) == 2 else text.lower()


def language_query(names: Iterable[str]) -> Q:
    """Readers of one of these languages: ``de`` is ``de-AT``, too."""
    wanted = [normal_language(name) for name in names]
    query = Q(language__in=wanted)
    for name in wanted:
        query |= Q(language__startswith=f"{name}-")
    return query
