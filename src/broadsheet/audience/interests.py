"""Interests are kept as sets that readers share: picking works on the sets."""

from collections.abc import Iterable

from broadsheet.models import InterestSet, Subscriber


def normal_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags lower-case, without doubles, sorted."""
    return tuple(sorted({" ".join(tag.lower().replace("|", " ").split()) for tag in tags} - {""}))


def interest_set(tags: Iterable[str]) -> InterestSet:
    """The row of that set of tags, made if there is none yet."""
    normal = normal_tags(tags)
    found, _ = InterestSet.objects.get_or_create(key="|".join(normal), defaults={"tags": list(normal)})
    return found


def set_interests(subscriber: Subscriber, tags: Iterable[str]) -> None:
    """Make these the subscriber's interests."""
    subscriber.interests = interest_set(tags)
    subscriber.save(update_fields=["interests"])
