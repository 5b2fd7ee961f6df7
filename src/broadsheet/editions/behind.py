"""Who is behind an edition: whoever wrote its campaign or froze it."""

from django.db.models import Q

from broadsheet.editions.states import ANEW
from broadsheet.errors import WrongState
from broadsheet.models import Audit, Edition, EditionMove

#: What staff do to a campaign's file in the console that is no writing of what readers get.
_NO_WRITING = ("campaign-state", "campaign-discard")


def composers(edition: Edition) -> dict[str, str]:
    """Who is behind the edition, in lower case, and what they did last: whoever froze it last, and its writers."""
    frozen = _last_freeze(edition)
    return _writers(edition, frozen) | ({frozen.who.casefold(): "froze it"} if frozen else {})


def _last_freeze(edition: Edition) -> EditionMove | None:
    return edition.moves.filter(Q(before="") | Q(why__startswith=ANEW)).last()


def _writers(edition: Edition, frozen: EditionMove | None) -> dict[str, str]:
    """Whoever wrote its campaign's file in the console since the edition before was frozen, or else wrote it last."""
    written = Audit.objects.filter(target=f"campaigns/{edition.campaign.slug}.md").exclude(what__in=_NO_WRITING)
    if frozen:
        written = written.filter(at__lte=frozen.at)
    before = Edition.objects.filter(campaign=edition.campaign_id, pk__lt=edition.pk).order_by("-pk").first()
    lately = written.filter(at__gt=before.frozen_at) if before else written
    last = written.order_by("pk").last()
    wrote = {*lately.values_list("who", flat=True), *([last.who] if last else [])}
    return dict.fromkeys((who.casefold() for who in wrote), "wrote its campaign")


def refuse_own(edition: Edition, who: str, *, froze_to_send: bool = False) -> None:
    """Raise WrongState if ``who`` is behind the edition.

    With ``froze_to_send`` they froze it by sending it now, at once and as it was: that made nothing of it theirs, and
    only what they wrote counts.
    """
    behind = _writers(edition, _last_freeze(edition)) if froze_to_send else composers(edition)
    if did := behind.get(who.casefold()):
        raise WrongState(
            f"You {did} yourself, so somebody else has to approve it (broadsheet.toml: approval.four_eyes)."
        )
