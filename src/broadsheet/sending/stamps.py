"""The stamps of an edition: one for each variant and way of counting, made when a reader first needs it."""

from broadsheet.audience import Reader
from broadsheet.models import Edition, Link, Variant
from broadsheet.rendering import Message
from broadsheet.stamping import Counted, Imprint, LinkSigner, Stamp


class Stamps:
    """Gives the stamp for a reader's copy; the last few variants' are kept."""

    def __init__(self, edition: Edition, signer: LinkSigner, keep: int = 32) -> None:
        self._edition = edition
        self._imprint = Imprint(edition.pk, edition.public_url, edition.mail_domain, edition.mail_from, signer)
        self._links = dict(Link.objects.filter(edition=edition).values_list("url", "pk"))
        self._made: dict[tuple[int, str], Stamp] = {}
        self._keep = keep

    def of(self, variant_id: int, reader: Reader) -> Stamp:
        """The stamp of that variant for that reader. Raises Variant.DoesNotExist."""
        key = variant_id, self._counting(reader)
        stamp = self._made.get(key)
        if stamp is None:
            while len(self._made) >= self._keep:
                del self._made[next(iter(self._made))]
            stamp = self._made[key] = self._make(*key)
        return stamp

    def _counting(self, reader: Reader) -> str:
        edition = self._edition
        if edition.tracking == "individual" and not reader.counted:
            return edition.without_consent
        return edition.tracking

    def _make(self, variant_id: int, counting: str) -> Stamp:
        variant = Variant.objects.get(pk=variant_id, edition=self._edition)
        counted = None if counting == "none" else Counted(variant_id, self._links, counting == "individual")
        return Stamp(Message.from_bytes(bytes(variant.message)), self._imprint, counted)
