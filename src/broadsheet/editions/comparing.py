"""What an edition is, beside what it was or would be: what changed since staff last said yes."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from broadsheet.editions.freezing import PrintedVariant
from broadsheet.editions.planning import Plan
from broadsheet.editions.wording import Passage, reworded
from broadsheet.models import ApprovedText, Edition, EditionState

#: A compiled mail as text that staff can read; who compiles mails knows how.
Read = Callable[[bytes], str]

#: Variants whose words are compared, and kept of what was approved: those that most readers get.
READ: Final = 20


@dataclass(frozen=True)
class Side:
    """One variant on one side of a comparison."""

    articles: tuple[str, ...]
    subject: str
    readers: int
    digest: str
    """Of the compiled mail."""
    text: str = field(default="", repr=False, compare=False)
    """What can be read of it; of the first :data:`READ` only."""


@dataclass(frozen=True)
class Snapshot:
    """An edition at one moment, most readers' variant first."""

    settings: dict[str, str]
    excluded: dict[str, int]
    sides: tuple[Side, ...]

    @classmethod
    def of_plan(cls, planned: Plan, printed: Sequence[PrintedVariant], read: Read) -> "Snapshot":
        """The plan, with its variants' mails in order."""
        pairs = zip(planned.variants, printed, strict=True)
        rows = ((variant.slugs, mail.subject, variant.readers, mail.message) for variant, mail in pairs)
        file = planned.campaign
        return cls(_settings(file.list, file.adapter, file.tracking), planned.excluded, _sides(rows, read))

    @classmethod
    def of_edition(cls, edition: Edition, read: Read) -> "Snapshot":
        """What is frozen."""
        found = edition.variants.order_by("-readers", "pk").values_list("articles", "subject", "readers", "message")
        rows = ((tuple(slugs), subject, readers, bytes(mail)) for slugs, subject, readers, mail in found.iterator())
        settings = _settings(edition.list_name, edition.adapter, edition.tracking)
        return cls(settings, edition.excluded, _sides(rows, read))

    @classmethod
    def of_approved(cls, kept: ApprovedText) -> "Snapshot":
        """What was approved."""
        content = kept.content
        sides = tuple(Side(**{**side, "articles": tuple(side["articles"])}) for side in content["sides"])
        return cls(content["settings"], content["excluded"], sides)

    def plain(self) -> dict[str, Any]:
        """The snapshot as :meth:`of_approved` reads it."""
        return asdict(self)


@dataclass(frozen=True)
class Changed:
    """The same articles in another mail, or for another number of readers."""

    then: Side
    now: Side
    words: tuple[Passage, ...]
    """Where its text differs; empty where only its looks do, or it is one of those that few readers get."""

    @property
    def otherwise(self) -> bool:
        """Whether the mail is another one."""
        return self.then.digest != self.now.digest

    @property
    def what(self) -> str:
        """What is different, in two words."""
        if not self.otherwise:
            return "other readers"
        if self.words:
            return "other text"
        return "other looks" if self.then.text and self.now.text else "other mail"


@dataclass(frozen=True)
class Difference:
    """What changed from one snapshot to another."""

    edition: Edition
    """What it was before, or whose."""
    settings: dict[str, tuple[str, str]]
    """List, adapter and tracking, where they differ: then, now."""
    readers: tuple[int, int]
    """Who get a mail: then, now."""
    excluded: dict[str, tuple[int, int]]
    """By reason, where the number differs: then, now."""
    added: tuple[Side, ...]
    """Variants that there were not."""
    removed: tuple[Side, ...]
    """Variants that there are no more."""
    changed: tuple[Changed, ...]

    @property
    def alike(self) -> list[tuple[list[Changed], tuple[Passage, ...]]]:
        """The changed variants, those together in which the same words changed: an intro is in all of them."""
        found: dict[tuple[Passage, ...], list[Changed]] = {}
        for each in self.changed:
            found.setdefault(each.words, []).append(each)
        return [(together, passages) for passages, together in found.items()]

    @property
    def nothing(self) -> bool:
        """Whether both are alike."""
        return not (self.settings or self.excluded or self.added or self.removed or self.changed)


def earlier(planned: Plan) -> Edition | None:
    """The edition to compare the plan with: the one of its time, else the campaign's last not called off."""
    found = Edition.objects.select_related("campaign").filter(campaign__slug=planned.campaign.slug)
    own = found.filter(scheduled_for=planned.scheduled_for).exclude(state=EditionState.SKIPPED).first()
    called_off = (EditionState.SKIPPED, EditionState.CANCELLED)
    return own or found.exclude(state__in=called_off).order_by("-scheduled_for", "-pk").first()


def approved_before(edition: Edition) -> Edition | None:
    """The campaign's last edition before this one that somebody approved and nobody called off."""
    found = Edition.objects.select_related("campaign").filter(campaign=edition.campaign_id)
    found = found.filter(scheduled_for__lt=edition.scheduled_for).exclude(approved_hash="")
    return found.exclude(state=EditionState.CANCELLED).order_by("-scheduled_for", "-pk").first()


def difference(then: Snapshot, now: Snapshot, edition: Edition) -> Difference:
    """What changed from ``then``, which was the edition, to ``now``."""
    before, after = ({side.articles: side for side in each.sides} for each in (then, now))
    reasons = dict.fromkeys([*then.excluded, *now.excluded])
    counts = {reason: (then.excluded.get(reason, 0), now.excluded.get(reason, 0)) for reason in reasons}
    settings = {name: (then.settings.get(name, ""), value) for name, value in now.settings.items()}
    both = [(before[slugs], side) for slugs, side in after.items() if slugs in before and before[slugs] != side]
    return Difference(
        edition=edition,
        settings={name: both for name, both in settings.items() if both[0] != both[1]},
        readers=(sum(side.readers for side in then.sides), sum(side.readers for side in now.sides)),
        excluded={reason: both for reason, both in counts.items() if both[0] != both[1]},
        added=tuple(side for slugs, side in after.items() if slugs not in before),
        removed=tuple(side for slugs, side in before.items() if slugs not in after),
        changed=tuple(Changed(old, new, words(old, new)) for old, new in both),
    )


def words(then: Side, now: Side) -> tuple[Passage, ...]:
    """Where the text of two variants differs, if both are kept."""
    return reworded(then.text, now.text) if then.text and now.text else ()


def _settings(list_name: str, adapter: str, tracking: str) -> dict[str, str]:
    return {"list": list_name, "adapter": adapter, "tracking": tracking}


def _sides(rows: Iterable[tuple[tuple[str, ...], str, int, bytes]], read: Read) -> tuple[Side, ...]:
    return tuple(
        Side(slugs, subject, readers, hashlib.sha256(mail).hexdigest(), read(mail) if place < READ else "")
        for place, (slugs, subject, readers, mail) in enumerate(rows)
    )
