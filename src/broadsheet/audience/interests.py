"""Interests are kept as sets that readers share: picking works on the sets."""

from collections.abc import Collection, Iterable

from django.db.backends.utils import CursorWrapper

from broadsheet.audience import bulk
from broadsheet.models import InterestSet, Subscriber

SEPARATOR = "|"


def normal_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags lower-case, without doubles, sorted."""
    return tuple(sorted({" ".join(tag.lower().replace(SEPARATOR, " ").split()) for tag in tags} - {""}))


def tags_cell(tags: Iterable[str]) -> str:
    """The tags as one cell that an import takes apart: semicolons between them, quotes where a tag holds a sign."""
    return ";".join('"' + tag.replace('"', '""') + '"' if any(sign in tag for sign in ';,"') else tag for tag in tags)


#: Longer sets would not fit their key.
LONGEST_KEY = 2_000


def set_key(tags: Iterable[str]) -> str:
    """The key of a set of normal tags. Raises ValueError for one that is too long."""
    key = SEPARATOR.join(tags)
    if len(key) > LONGEST_KEY:
        raise ValueError(f"the interests are longer than {LONGEST_KEY:,} characters")
    return key


def interest_set(tags: Iterable[str]) -> InterestSet:
    """The row of that set of tags, made if there is none yet. Raises ValueError for too many of them."""
    normal = normal_tags(tags)
    found, _ = InterestSet.objects.get_or_create(key=set_key(normal), defaults={"tags": list(normal)})
    return found


def set_ids(
    cursor: CursorWrapper, wanted: Collection[tuple[str, ...]], *, make: bool = True
) -> dict[tuple[str, ...], int]:
    """The ids of the rows of those sets of normal tags; ``make`` makes those that are missing."""
    keys = {SEPARATOR.join(tags): tags for tags in wanted}
    table = InterestSet._meta.db_table
    found = {keys[key]: pk for pk, key in bulk.select(cursor, "id, key", table, "key", keys)}
    missing = [InterestSet(key=key, tags=list(tags)) for key, tags in keys.items() if tags not in found]
    if missing and make:
        InterestSet.objects.bulk_create(missing, ignore_conflicts=True)
        keys = {each.key: tuple(each.tags) for each in missing}
        found |= {keys[key]: pk for pk, key in bulk.select(cursor, "id, key", table, "key", keys)}
    return found


def set_interests(subscriber: Subscriber, tags: Iterable[str]) -> None:
    """Make these the subscriber's interests."""
    subscriber.interests = interest_set(tags)
    subscriber.save(update_fields=["interests"])
