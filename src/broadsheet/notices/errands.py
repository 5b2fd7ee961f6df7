"""The rows of what is to be done: added, claimed, done or tried again."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from broadsheet.models import Errand, ErrandKind, Subscriber

LEASE = timedelta(minutes=5)
#: How long what failed waits before the next attempt; after the last of them it is given up.
RETRIES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720))
#: Whom to wake when something was added: the threads of this process that carry errands out.
_wakers: list[Callable[[], None]] = []


def add(kind: ErrandKind, detail: dict[str, Any], subscriber: Subscriber | None = None) -> None:
    """Leave something to be done, as soon as this transaction is through."""
    Errand.objects.create(kind=kind, detail=detail, subscriber=subscriber, due_at=timezone.now())
    transaction.on_commit(_wake)


def post(notice: str, subscriber: Subscriber, **detail: Any) -> None:
    """Write to one person: ``notice`` is one of :data:`broadsheet.notices.letters.NOTICES`. It leaves soon after."""
    add(ErrandKind.NOTICE, {"notice": notice, **detail}, subscriber)


def invite(user: User) -> None:
    """Write to somebody who is to work here. An invitation that waits still is this one, and leaves now."""
    withdraw(user)
    add(ErrandKind.NOTICE, {"notice": "invitation", "user": user.pk})


def invitations_of(user_ids: Iterable[int]) -> dict[int, Errand]:
    """The invitations of these accounts that have not left, by account."""
    waiting = Errand.objects.filter(
        kind=ErrandKind.NOTICE, detail__notice="invitation", detail__user__in=list(user_ids)
    )
    return {errand.detail["user"]: errand for errand in waiting}


def withdraw(user: User) -> None:
    """An invitation that has not left never does."""
    Errand.objects.filter(kind=ErrandKind.NOTICE, detail__notice="invitation", detail__user=user.pk).delete()


def on_waking(wake: Callable[[], None]) -> Callable[[], None]:
    """Has ``wake`` called whenever something was added in this process; what is returned ends that."""
    _wakers.append(wake)
    return lambda: _wakers.remove(wake)


def _wake() -> None:
    for wake in _wakers:
        wake()


def claim(size: int) -> list[Errand]:
    """Up to ``size`` errands that are due, oldest first. Nobody else gets them while the lease runs."""
    now = timezone.now()
    due = Errand.objects.filter(due_at__lte=now)
    if not due.exists():  # asked every few seconds: a claim would take the write lock for nothing
        return []
    with transaction.atomic():
        locked = due.order_by("due_at", "id").select_for_update(
            skip_locked=connection.features.has_select_for_update_skip_locked
        )
        ids = list(locked.values_list("pk", flat=True)[:size])
        Errand.objects.filter(pk__in=ids).update(due_at=now + LEASE, attempts=F("attempts") + 1)
    return list(Errand.objects.filter(pk__in=ids).select_related("subscriber__interests").order_by("id"))


def try_again(errand: Errand, reason: str) -> None:
    """It could not be done: it waits for its next attempt, or is given up after the last, and keeps the reason."""
    left = errand.attempts <= len(RETRIES)
    errand.due_at = timezone.now() + RETRIES[errand.attempts - 1] if left else None
    errand.reason = reason[:300]
    errand.save(update_fields=["due_at", "reason"])


def give_up(errand: Errand, reason: str) -> None:
    """It can't ever be done; the row keeps the reason until it is cleaned up."""
    errand.due_at, errand.reason = None, reason[:300]
    errand.save(update_fields=["due_at", "reason"])
