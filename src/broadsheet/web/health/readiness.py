"""Whether what this process needs is there: the database, up to date, and the broker if one is set."""

import logging
import time
from collections.abc import Callable, Collection
from functools import cache

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import DatabaseError, InterfaceError

from broadsheet.conf.cluster import broker

log = logging.getLogger(__name__)

OK = "ok"
_KEPT = 1.0
_found: dict[str, tuple[float, str]] = {}


def checked(exclude: Collection[str] = ()) -> dict[str, str]:
    """The checks by name, each ``ok`` or what is wrong in a few words; addresses and reasons are in the log only."""
    return {name: _lately(name) for name in _CHECKS if name not in exclude}


def _lately(name: str) -> str:
    """The check's answer, at most :data:`_KEPT` seconds old: whoever asks often costs the broker no connections."""
    at, words = _found.get(name, (float("-inf"), ""))
    if time.monotonic() - at > _KEPT:
        words = _CHECKS[name]()
        _found[name] = (time.monotonic(), words)
    return words


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError) as error:
        log.warning("Not ready: the database can't be used (%s)", " ".join(str(error).split()))
        return "can't be used"
    return OK


def _migrations() -> str:
    if _lately("database") != OK:
        return "can't be known"
    try:
        missing = _known() - MigrationRecorder(connection).applied_migrations().keys()
    except (DatabaseError, InterfaceError):
        return "can't be known"
    return "the database is older than this program" if missing else OK


@cache
def _known() -> set[tuple[str, str]]:
    return set(MigrationLoader(None).disk_migrations)


def _broker() -> str:
    address = broker()
    if address is None:
        return OK
    from kombu.exceptions import OperationalError

    from broadsheet.schedule.hints import make_app, reached

    try:
        with reached(make_app(address)):
            return OK
    except OperationalError as error:
        log.warning("Not ready: the broker can't be reached (%s)", error)
        return "can't be reached"


_CHECKS: dict[str, Callable[[], str]] = {"database": _database, "migrations": _migrations, "broker": _broker}
