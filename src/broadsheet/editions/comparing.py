"""A plan beside the edition before it: what changed since staff last said yes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count

from broadsheet.editions.freezing import PrintedVariant
from broadsheet.editions.planning import Plan
from broadsheet.models import Delivery, Edition, EditionState


@dataclass(frozen=True)
class Side:
    """One variant on one side of a comparison."""

    articles: tuple[str, ...]
    subject: str
    readers: int
    digest: str
    """Of the compiled mail."""


@dataclass(frozen=True)
class Difference:
    """What a plan changes against an edition."""

    edition: Edition
    settings: dict[str, tuple[str, str]]
    """List and adapter, where they differ: then, now."""
    readers: tuple[int, int]
    """Who get a mail: then, now."""
    excluded: dict[str, tuple[int, int]]
    """By reason, where the number differs: then, now."""
    added: tuple[Side, ...]
    """Variants that the edition did not have."""
    removed: tuple[Side, ...]
    """Variants that only the edition has."""
    changed: tuple[tuple[Side, Side], ...]
    """The same articles in another mail, or for another number of readers: then, now."""

    @property
    def nothing(self) -> bool:
        """Whether plan and edition are alike."""
        return not (self.settings or self.excluded or self.added or self.removed or self.changed)


def earlier(planned: Plan) -> Edition | None:
    """The edition to compare the plan with: the one of its time, else the campaign's last not called off."""
    found = Edition.objects.select_related("campaign").filter(campaign__slug=planned.campaign.slug)
    own = found.filter(scheduled_for=planned.scheduled_for).exclude(state=EditionState.SKIPPED).first()
    called_off = (EditionState.SKIPPED, EditionState.CANCELLED)
    return own or found.exclude(state__in=called_off).order_by("-scheduled_for", "-pk").first()


def difference(planned: Plan, printed: Sequence[PrintedVariant], edition: Edition) -> Difference:
    """What the plan, with its variants' mails in order, changes against the edition."""
    now = {
        variant.slugs: Side(variant.slugs, mail.subject, variant.readers, _digest(mail.message))
        for variant, mail in zip(planned.variants, printed, strict=True)
    }
    then = {side.articles: side for side in _sides(edition)}
    reasons = [*edition.excluded, *(reason for reason in planned.excluded if reason not in edition.excluded)]
    counts = {reason: (edition.excluded.get(reason, 0), planned.excluded.get(reason, 0)) for reason in reasons}
    settings = {
        "list": (edition.list_name, planned.campaign.list),
        "adapter": (edition.adapter, planned.campaign.adapter),
    }
    return Difference(
        edition=edition,
        settings={name: both for name, both in settings.items() if both[0] != both[1]},
        readers=(sum(side.readers for side in then.values()), planned.readers),
        excluded={reason: both for reason, both in counts.items() if both[0] != both[1]},
        added=tuple(side for slugs, side in now.items() if slugs not in then),
        removed=tuple(side for slugs, side in then.items() if slugs not in now),
        changed=tuple((then[slugs], side) for slugs, side in now.items() if slugs in then and then[slugs] != side),
    )


def _sides(edition: Edition) -> list[Side]:
    copies = Delivery.objects.filter(edition=edition, variant__isnull=False)
    readers = dict(copies.values_list("variant_id").annotate(Count("pk")).order_by())
    return [
        Side(tuple(articles), subject, readers.get(pk, 0), _digest(bytes(message)))
        for pk, articles, subject, message in edition.variants.order_by("pk").values_list(
            "pk", "articles", "subject", "message"
        )
    ]


def _digest(message: bytes) -> str:
    return hashlib.sha256(message).hexdigest()
