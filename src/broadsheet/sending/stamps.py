"""The stamps of an edition: one for each variant and way of counting, made before a reader needs them."""

from collections.abc import Iterable

from broadsheet.audience import Reader
from broadsheet.models import Edition, Link, Variant
from broadsheet.rendering import Message
from broadsheet.stamping import Counted, Imprint, LinkSigner, Stamp

#: Compiled messages that are kept ready; copies are claimed in the order of variants.
KEPT = 64


class Stamps:
    """Gives the stamp for a reader's copy. One thread makes ready, another may ask meanwhile."""

    def __init__(self, edition: Edition, signer: LinkSigner) -> None:
        self._edition = edition
        self._imprint = Imprint(edition.pk, edition.public_url, edition.mail_domain, edition.mail_from, signer)
        self._links = dict(Link.objects.filter(edition=edition).values_list("url", "pk"))
        self._made: dict[int, dict[str, Stamp]] = {}

    def of(self, variant_id: int, reader: Reader) -> Stamp:
        """The stamp of a variant that was made ready, as this reader agreed to be counted."""
        return self._made[variant_id][self._counting(reader)]

    def make_ready(self, variants: set[int], in_hand: Iterable[int]) -> None:
        """Stamps for those variants, and for what is in hand; the oldest of others go."""
        for row in Variant.objects.filter(pk__in=variants - self._made.keys()).iterator():
            message = Message.from_bytes(bytes(row.message))
            self._made[row.pk] = {way: self._stamp(message, row.pk, way) for way in self._ways()}
        needed = variants | set(in_hand)
        for variant in [each for each in self._made if each not in needed][: max(0, len(self._made) - KEPT)]:
            del self._made[variant]

    def _counting(self, reader: Reader) -> str:
        tracking = self._edition.tracking
        return self._edition.without_consent if tracking == "individual" and not reader.counted else tracking

    def _ways(self) -> set[str]:
        edition = self._edition
        return {edition.tracking, edition.without_consent} if edition.tracking == "individual" else {edition.tracking}

    def _stamp(self, message: Message, variant_id: int, way: str) -> Stamp:
        counted = None if way == "none" else Counted(variant_id, self._links, way == "individual")
        return Stamp(message, self._imprint, counted)
