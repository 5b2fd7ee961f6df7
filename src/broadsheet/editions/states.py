"""An edition's states, the moves between them, and who made each."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from broadsheet.errors import WrongState
from broadsheet.models import Delivery, DeliveryState, Edition, EditionMove, EditionState

#: Every allowed move. What is not here is refused.
MOVES: dict[str, tuple[str, ...]] = {
    EditionState.DRAFT: (EditionState.PROOFED, EditionState.APPROVED, EditionState.SKIPPED, EditionState.CANCELLED),
    EditionState.PROOFED: (EditionState.APPROVED, EditionState.DRAFT, EditionState.SKIPPED, EditionState.CANCELLED),
    EditionState.APPROVED: (EditionState.SENDING, EditionState.DRAFT, EditionState.SKIPPED, EditionState.CANCELLED),
    EditionState.SENDING: (EditionState.PAUSED, EditionState.SENT, EditionState.CANCELLED, EditionState.FAILED),
    EditionState.PAUSED: (EditionState.SENDING, EditionState.CANCELLED),
    EditionState.FAILED: (EditionState.SENDING, EditionState.CANCELLED),
    EditionState.SENT: (EditionState.SENDING,),
    EditionState.SKIPPED: (),
    EditionState.CANCELLED: (),
}


def note(edition: Edition, *, before: str, who: str, why: str) -> None:
    """Write down a change of state that was just made."""
    EditionMove.objects.create(edition=edition, before=before, after=edition.state, who=who[:200], why=why[:300])


def move(edition: Edition, to: EditionState, *, who: str, why: str = "") -> None:
    """Move the edition to another state. Raises WrongState if its present one does not allow that."""
    with transaction.atomic():
        before = edition.state
        if to not in MOVES[before]:
            allowed = ", ".join(MOVES[before]) or "nothing more"
            raise WrongState(f"Edition {edition.pk} is {before}, so it can't become {to}; it can become {allowed}.")
        if not Edition.objects.filter(pk=edition.pk, state=before).update(state=to, reason=why[:300]):
            edition.refresh_from_db()
            raise WrongState(f"Edition {edition.pk} became {edition.state} meanwhile; look again before you go on.")
        edition.state, edition.reason = to, why[:300]
        note(edition, before=before, who=who, why=why)


def approve(edition: Edition, *, who: str, content_hash: str | None = None) -> None:
    """Approve what is frozen now. Raises WrongState if it changed since ``content_hash`` was looked at."""
    with transaction.atomic():
        locked = Edition.objects.select_for_update().get(pk=edition.pk)
        if content_hash and locked.content_hash != content_hash:
            raise WrongState(f"Edition {edition.pk} has changed since you looked at it; look again, then approve.")
        move(locked, EditionState.APPROVED, who=who)
        Edition.objects.filter(pk=edition.pk).update(approved_hash=locked.content_hash)
    edition.refresh_from_db()


def begin(edition: Edition, *, who: str) -> bool:
    """Make ready to send; whether copies may leave now. Raises WrongState for an edition nobody approved."""
    if edition.state in (EditionState.SENDING, EditionState.SENT, EditionState.SKIPPED, EditionState.CANCELLED):
        return edition.state == EditionState.SENDING
    if edition.state in (EditionState.DRAFT, EditionState.PROOFED):
        raise WrongState(f"Edition {edition.pk} waits for approval: broadsheet edition {edition.pk} approve.")
    if edition.state == EditionState.APPROVED and edition.approved_hash != edition.content_hash:
        raise WrongState(f"Edition {edition.pk} has changed since it was approved; look again, then approve.")
    if edition.state == EditionState.PAUSED:
        raise WrongState(f"Edition {edition.pk} is paused: broadsheet edition {edition.pk} resume.")
    late = edition.reason if edition.state == EditionState.APPROVED else ""  # kept: an edition says that it is late
    move(edition, EditionState.SENDING, who=who, why=late)
    return True


def may_go_on(edition: Edition) -> bool:
    """Whether copies may still leave: nobody paused or cancelled it meanwhile."""
    return Edition.objects.filter(pk=edition.pk, state=EditionState.SENDING).exists()


def cancel(edition: Edition, *, who: str, why: str = "") -> int:
    """Call the edition off; how many copies did not leave for it. What a sender has in hand still ends."""
    with transaction.atomic():
        move(edition, EditionState.CANCELLED, who=who, why=why)
        waiting = Delivery.objects.filter(edition=edition, state__in=(DeliveryState.QUEUED, DeliveryState.DEFERRED))
        return waiting.update(state=DeliveryState.CANCELLED, reason="the edition was cancelled", at=None)


def resend_failed(edition: Edition, *, who: str) -> int:
    """Queue the failed copies again, but for dead addresses; how many."""
    with transaction.atomic():
        again = Delivery.objects.filter(edition=edition, state=DeliveryState.FAILED).update(
            state=DeliveryState.QUEUED, reason="", attempts=0, at=None
        )
        if again and edition.state != EditionState.SENDING:
            move(edition, EditionState.SENDING, who=who, why=f"{again} failed copies go again")
    return again


def reschedule(edition: Edition, at: datetime, *, who: str) -> None:
    """Move an edition that has not begun to another time. Raises WrongState once it has, or if that time is taken."""
    with transaction.atomic():
        locked = Edition.objects.select_for_update().select_related("campaign").get(pk=edition.pk)
        if locked.state not in (EditionState.DRAFT, EditionState.PROOFED, EditionState.APPROVED):
            raise WrongState(f"Edition {edition.pk} is {locked.state}; only one that has not begun can be moved.")
        if Edition.objects.filter(campaign=locked.campaign, scheduled_for=at).exclude(pk=edition.pk).exists():
            raise WrongState(f"{locked.campaign.slug} has an edition at that time already.")
        later = at - locked.scheduled_for
        timed = Delivery.objects.filter(edition=edition, state=DeliveryState.QUEUED, at__isnull=False)
        timed.update(at=F("at") + later)
        first = locked.moved_from or locked.scheduled_for  # its schedule's time, which has its edition with this one
        Edition.objects.filter(pk=edition.pk).update(scheduled_for=at, moved_from=first)
        note(locked, before=locked.state, who=who, why=f"moved from {locked.scheduled_for:%Y-%m-%d %H:%M} UTC")
    edition.refresh_from_db()


def ready_to_send(now: datetime) -> list[Edition]:
    """Editions whose copies may leave: approved and due, sending with copies due, or with nothing left but to close."""
    waiting = Delivery.objects.filter(edition=OuterRef("pk"), state__in=DeliveryState.open())
    due = Delivery.objects.filter(edition=OuterRef("pk")).filter(
        Q(state=DeliveryState.QUEUED, at__isnull=True)
        | Q(state__in=(DeliveryState.QUEUED, DeliveryState.DEFERRED, DeliveryState.CLAIMED), at__lte=now)
    )
    return list(
        Edition.objects.select_related("campaign")
        .filter(
            Q(state=EditionState.APPROVED, scheduled_for__lte=now)
            | Q(Exists(due.filter(at__isnull=False)), state=EditionState.APPROVED)
            | Q(Exists(due), state=EditionState.SENDING)
            | Q(~Exists(waiting), state=EditionState.SENDING)  # its sender died after the last copy
        )
        .order_by("scheduled_for", "pk")
    )


def unapproved(now: datetime) -> list[Edition]:
    """Editions whose time has come and that nobody approved: held, never sent."""
    return list(
        Edition.objects.select_related("campaign")
        .filter(state__in=(EditionState.DRAFT, EditionState.PROOFED), scheduled_for__lte=now)
        .order_by("scheduled_for", "pk")
    )
