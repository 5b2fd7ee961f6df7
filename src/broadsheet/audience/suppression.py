"""Addresses that must not be mailed, and people who were erased, of whom only a keyed hash stays."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from broadsheet.audience.addresses import known_address
from broadsheet.models import Erased, Errand, ErrandKind, PersonNote, Subscriber, Suppression, SuppressionReason

ERASED = "erased"


def is_suppressed(address: str) -> str:
    """Why the address must not be mailed: a :class:`SuppressionReason`, or ``erased``; empty if it may be.

    Raises ValueError for what is no address.
    """
    key = known_address(address)[1]
    reason = Suppression.objects.filter(email_key=key).values_list("reason", flat=True).first()
    return reason or (ERASED if Erased.objects.filter(key_hash=_hash(key)).exists() else "")


def suppress(address: str, reason: SuppressionReason, detail: str = "", *, who: str = "") -> bool:
    """Never mail the address, whatever list it is on; whether that is new. The first reason stays.

    Raises ValueError for what is no address.
    """
    key = known_address(address)[1]
    with transaction.atomic():
        _, new = Suppression.objects.get_or_create(email_key=key, defaults={"reason": reason, "detail": detail[:300]})
        if new and who:
            note(key, who, f"suppressed ({reason})" + (f": {detail}" if detail else ""))
    return new


def unsuppress(address: str, reason: str, *, who: str) -> bool:
    """Let the address be mailed again, for a reason that is kept; whether anything kept it from being mailed.

    Subscriptions stay as they are: who has left has still left. Raises ValueError for what is no address.
    """
    key = known_address(address)[1]
    with transaction.atomic():
        gone, _ = Suppression.objects.filter(email_key=key).delete()
        known_again, _ = Erased.objects.filter(key_hash=_hash(key)).delete()
        if gone or known_again:
            note(key, who, f"may be mailed again: {reason}")
    return bool(gone or known_again)


def erase(subscriber: Subscriber) -> None:
    """Take everything known of a person out of the database; a keyed hash stays, so that no import brings them back.

    Their copies leave the ledger with them, so the numbers of editions they got fall by one.
    """
    with transaction.atomic():
        erase_address(subscriber.email_key)
        subscriber.delete()


def erase_address(email_key: str) -> None:
    """The same for an address of nobody here: its suppression and notes, and what was asked for in its name."""
    with transaction.atomic():
        PersonNote.objects.filter(email_key=email_key).delete()
        Suppression.objects.filter(email_key=email_key).delete()
        requests_of(email_key).delete()
        Erased.objects.get_or_create(key_hash=_hash(email_key))


def requests_of(email_key: str) -> QuerySet[Errand]:
    """Requests to join in the name of the address that nobody has looked at yet, or that were given up."""
    return Errand.objects.filter(kind=ErrandKind.JOIN, detail__email__iexact=email_key)


def note(email_key: str, who: str, what: str) -> None:
    """Keep what was done about an address, for its history."""
    PersonNote.objects.create(email_key=email_key, who=who[:200], what=what)


def erased_among(keys: Iterable[str]) -> set[str]:
    """Those of the addresses' known forms whose people were erased."""
    if not Erased.objects.exists():
        return set()
    hashes = {_hash(key): key for key in keys}
    found = Erased.objects.filter(key_hash__in=hashes) if len(hashes) < 500 else Erased.objects.all()
    return {hashes[each] for each in found.values_list("key_hash", flat=True).iterator() if each in hashes}


class Suppressed(NamedTuple):
    """Why an address must not be mailed, and since when; it may be if there is no reason."""

    reason: str = ""
    detail: str = ""
    at: datetime | None = None


def suppressions_of(keys: Iterable[str]) -> dict[str, Suppressed]:
    """Why each of the addresses' known forms must not be mailed, as far as one must not."""
    found = Suppression.objects.filter(email_key__among=set(keys))
    rows = found.values_list("email_key", "reason", "detail", "created_at")
    return {key: Suppressed(reason, detail, at) for key, reason, detail, at in rows}


def _hash(email_key: str) -> str:
    """A keyed hash: without the workspace's secret key nobody can tell whose it is, not even by trying addresses."""
    return salted_hmac("broadsheet.erased", email_key, algorithm="sha256").hexdigest()
