"""Who is behind an edition: whoever wrote its campaign or froze it."""

from django.db.models import Q

from broadsheet.editions.states import ANEW
from broadsheet.errors import WrongState
from broadsheet.models import Audit, Edition

#: What staff do to a campaign's file in the console that is no writing of what readers get.
_NO_WRITING = ("campaign-state", "campaign-discard")


def composers(edition: Edition) -> dict[str, str]:
    """Who is behind the edition, in lower case, and what they did last.

    Those are whoever froze it last, and whoever wrote its campaign's file in the console since the edition before it
    was frozen, or else wrote it last.
    """
    frozen = edition.moves.filter(Q(before="") | Q(why__startswith=ANEW)).last()
    written = Audit.objects.filter(target=f"campaigns/{edition.campaign.slug}.md").exclude(what__in=_NO_WRITING)
    if frozen:
        written = written.filter(at__lte=frozen.at)
    before = Edition.objects.filter(campaign=edition.campaign_id, pk__lt=edition.pk).order_by("-pk").first()
    lately = written.filter(at__gt=before.frozen_at) if before else written
    last = written.order_by("pk").last()
    wrote = {*lately.values_list("who", flat=True), *([last.who] if last else [])}
    found = dict.fromkeys((who.casefold() for who in wrote), "wrote its campaign")
    return found | ({frozen.who.casefold(): "froze it"} if frozen else {})


def refuse_own(edition: Edition, who: str) -> None:
    """Raise WrongState if ``who`` is behind the edition."""
    if who.casefold() in composers(edition):
        raise WrongState(
            f"You wrote or froze edition {edition.pk} yourself, so somebody else has to approve it "
            "(broadsheet.toml: approval.four_eyes)."
        )
