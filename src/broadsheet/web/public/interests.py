"""What one may say that one likes to read about."""

from collections.abc import Iterable

from django.db.models import Count

from broadsheet.models import Tag

MOST = 40


def known_tags(own: Iterable[str] = ()) -> list[str]:
    """The tags that most articles have, at most :data:`MOST`, and the reader's own."""
    used = Tag.objects.filter(articles__draft=False).annotate(uses=Count("articles")).order_by("-uses", "name")
    return sorted({*used.values_list("name", flat=True)[:MOST], *own})
