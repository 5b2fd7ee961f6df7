"""An edition's states, the moves between them, and who made each."""

from collections.abc import Callable
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from broadsheet.errors import WrongState
from broadsheet.models import (
    Claim,
    Delivery,
    DeliveryState,
    Edition,
    EditionMove,
    EditionState,
    Repeat,
    Subscriber,
    Summary,
    Variant,
)
from broadsheet.models.delivery import HAD

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


#: How the reason of a move begins that put another plan in place of what was frozen.
ANEW = "frozen anew"

#: The states that nothing leaves from any more, and what the ledger says of the copies that waited.
_CALLED_OFF: dict[str, str] = {
    EditionState.CANCELLED: "the edition was cancelled",
    EditionState.SKIPPED: "the edition was skipped",
}


def note(edition: Edition, *, before: str, who: str, why: str) -> None:
    """Write down a change of state that was just made."""
    EditionMove.objects.create(edition=edition, before=before, after=edition.state, who=who[:200], why=why[:300])


def move(edition: Edition, to: EditionState, *, who: str, why: str = "") -> None:
    """Move the edition to another state. Raises WrongState if its present one does not allow that.

    What is called off takes its waiting copies along, so that their articles are due again.
    """
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
        call_off_waiting(edition)


def resume(edition: Edition, *, who: str, why: str = "") -> None:
    """Go on with an edition that was held. Raises WrongState for any other: what waits for its time keeps waiting."""
    if edition.state not in (EditionState.PAUSED, EditionState.FAILED):
        raise WrongState(f"Edition {edition.pk} is {edition.state}; only one that is paused or failed can be resumed.")
    move(edition, EditionState.SENDING, who=who, why=why)


def call_off_waiting(edition: Edition) -> int:
    """Cancel what still waits of an edition that was cancelled or skipped; how many copies."""
    if edition.state not in _CALLED_OFF:
        return 0
    waiting = Delivery.objects.filter(edition=edition, state__in=DeliveryState.open())
    for claim in Claim.objects.filter(edition=edition):  # may be on the wire; its sender ends within seconds
        waiting = waiting.exclude(claim.held())
    return waiting.update(state=DeliveryState.CANCELLED, reason=_CALLED_OFF[edition.state], at=None)


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
    edition.refresh_from_db(fields=["state", "reason", "content_hash", "approved_hash"])
    if edition.state in (EditionState.SENDING, EditionState.SENT, EditionState.SKIPPED, EditionState.CANCELLED):
        return edition.state == EditionState.SENDING
    if edition.state in (EditionState.DRAFT, EditionState.PROOFED):
        raise WrongState(f"Edition {edition.pk} waits for approval: broadsheet edition {edition.pk} approve.")
    if edition.state == EditionState.APPROVED and edition.approved_hash != edition.content_hash:
        raise WrongState(f"Edition {edition.pk} has changed since it was approved; look again, then approve.")
    if edition.state == EditionState.PAUSED:
        raise WrongState(f"Edition {edition.pk} is paused: broadsheet edition {edition.pk} resume.")
    late = edition.reason if edition.state == EditionState.APPROVED else ""  # kept: an edition says that it is late
    try:
        move(edition, EditionState.SENDING, who=who, why=late)
    except WrongState:
        if edition.state != EditionState.SENDING:  # else another sender began it at the same moment: both send
            raise
    return True


def cancel(edition: Edition, *, who: str, why: str = "") -> int:
    """Call the edition off; how many copies did not leave for it. What is on the wire is still answered."""
    with transaction.atomic():
        move(edition, EditionState.CANCELLED, who=who, why=why)
        return Delivery.objects.filter(edition=edition, state=DeliveryState.CANCELLED).count()


def resend_failed(edition: Edition, *, who: str) -> int:
    """Queue the failed copies again; how many. Raises WrongState for an edition that can't send any more.

    Readers who had one of the articles from another edition meanwhile keep their failure: nobody gets one twice.
    What goes to a dead address is set aside by the sender. A paused edition stays paused.
    """
    with transaction.atomic():
        one_at_a_time()
        Summary.objects.filter(edition=edition).delete()
        failed = Delivery.objects.filter(edition=edition, state=DeliveryState.FAILED)
        had = _had_meanwhile(edition, failed)
        again = 0
        pks = [pk for pk in failed.values_list("pk", flat=True) if pk not in had]
        for start in range(0, len(pks), 500):
            again += Delivery.objects.filter(pk__in=pks[start : start + 500]).update(
                state=DeliveryState.QUEUED, reason="", attempts=0, deferred_since=None, at=timezone.now()
            )
        why = f"{again} failed copies go again"
        if again and edition.state in (EditionState.SENDING, EditionState.PAUSED):
            note(edition, before=edition.state, who=who, why=why)
        elif again:
            move(edition, EditionState.SENDING, who=who, why=why)
    return again


def _had_meanwhile(edition: Edition, failed: QuerySet[Delivery]) -> set[int]:
    """Those of the failed copies that hold an article which another edition brought, or is about to bring."""
    articles = dict(Variant.objects.filter(edition=edition).values_list("pk", "articles"))
    mine = {row.subscriber_id: row for row in failed}
    others = (
        Delivery.objects.filter(subscriber__in=failed.values("subscriber_id"), state__in=HAD, variant__isnull=False)
        .exclude(edition=edition)
        .values_list("subscriber_id", "variant_id")
    )
    pairs = list(others)
    theirs = dict(Variant.objects.filter(pk__in={variant for _, variant in pairs}).values_list("pk", "articles"))
    return {
        mine[subscriber].pk
        for subscriber, variant in pairs
        if not set(theirs[variant]).isdisjoint(articles[mine[subscriber].variant_id or 0])
    }


#: Any number that nobody else takes a PostgreSQL advisory lock on.
_FREEZE_LOCK = 0x62726F6164


def one_at_a_time() -> None:
    """Hold off freezes until this transaction ends. SQLite's transactions do so by themselves."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_FREEZE_LOCK])


def newest_move() -> int:
    """The last move that put copies into the queue: a plan made before it may not know what readers have had."""
    frozen = (Q(before="") & ~Q(after=EditionState.SKIPPED)) | Q(why__startswith=ANEW)
    again = (Q(after=EditionState.SENDING) & ~Q(before=EditionState.APPROVED)) | Q(before=F("after"))
    return EditionMove.objects.filter(frozen | again).aggregate(newest=Max("pk"))["newest"] or 0


def refuse_begun(edition: Edition, what: str, *, skipped_may: bool = False) -> None:
    """Raise WrongState if the edition has begun or is over, so that it can't be ``what``.

    ``skipped_may``: one that was skipped may, as long as its time is still to come.
    """
    may = skipped_may and edition.state == EditionState.SKIPPED and edition.scheduled_for > timezone.now()
    if edition.state not in (EditionState.DRAFT, EditionState.PROOFED, EditionState.APPROVED) and not may:
        raise WrongState(f"Edition {edition.pk} is {edition.state}; only one that has not begun can be {what}.")


def reschedule(
    edition: Edition, at: datetime, *, who: str, local: Callable[[str], datetime | None] | None = None
) -> None:
    """Move an edition that has not begun to another time. Raises WrongState once it has, or if that time is taken.

    Copies with a time of their own move to ``local`` of their reader's zone; without it, by as much as the edition.
    """
    with transaction.atomic():
        locked = Edition.objects.select_for_update().select_related("campaign").get(pk=edition.pk)
        refuse_begun(locked, "moved")
        if Edition.objects.filter(campaign=locked.campaign, scheduled_for=at).exclude(pk=edition.pk).exists():
            raise WrongState(f"{locked.campaign.slug} has an edition at that time already.")
        later = at - locked.scheduled_for
        timed = Delivery.objects.filter(edition=edition, state=DeliveryState.QUEUED, at__isnull=False)
        zones = timed.values_list("subscriber__time_zone", flat=True).distinct().order_by()
        moments = {zone: local(zone) for zone in list(zones)} if local else {}
        if moments and all(moments.values()):
            for zone, moment in moments.items():
                timed.filter(subscriber__in=Subscriber.objects.filter(time_zone=zone)).update(at=moment)
        else:
            timed.update(at=F("at") + later)
        first = locked.moved_from or locked.scheduled_for  # its schedule's time, which has its edition with this one
        Edition.objects.filter(pk=edition.pk).update(scheduled_for=at, moved_from=None if at == first else first)
        note(locked, before=locked.state, who=who, why=f"moved from {locked.scheduled_for:%Y-%m-%d %H:%M} UTC")
    edition.refresh_from_db()


def ready_to_send(now: datetime) -> list[Edition]:
    """Editions whose copies may leave: approved and due, sending with copies due, or with nothing left but to close."""
    waiting = Delivery.objects.filter(edition=OuterRef("pk"), state__in=DeliveryState.open())
    due = Delivery.objects.filter(edition=OuterRef("pk")).filter(
        Q(state=DeliveryState.QUEUED, at__isnull=True) | Q(state__in=DeliveryState.open(), at__lte=now)
    )
    repeats = Repeat.objects.filter(edition=OuterRef("pk"))
    return list(
        Edition.objects.select_related("campaign")
        .filter(
            Q(state=EditionState.APPROVED, scheduled_for__lte=now)
            | Q(Exists(due.filter(at__isnull=False)), state=EditionState.APPROVED)
            | Q(Exists(due), state=EditionState.SENDING)
            | Q(Exists(repeats.filter(again_at__lte=now)), state=EditionState.SENDING)
            | Q(~Exists(waiting), ~Exists(repeats), state=EditionState.SENDING)  # its sender died after the last copy
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
