"""The doctor in the background: what it finds is kept for everybody, as it finds it, for some weeks."""

import secrets
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from threading import Thread
from typing import Final

from django.core.cache import cache
from django.db import Error as DatabaseError
from django.db import connections
from django.utils import timezone

from broadsheet.doctor import Check, Names, Record, examine
from broadsheet.errors import BroadsheetError
from broadsheet.models import Audit
from broadsheet.workspace import Workspace

#: How long it may take. Whatever it still waits for then is given up, and the page says so.
PATIENCE: Final = timedelta(seconds=90)
_KEPT: Final = 30 * 24 * 3600
_KEY: Final = "settings-doctor"


@dataclass(frozen=True)
class Examined:
    """What the last run found, or has found so far."""

    by: str
    started_at: datetime
    checks: tuple[Check, ...] = ()
    ended_at: datetime | None = None
    selectors: tuple[str, ...] = ()
    trouble: str = ""
    """Why it could not go on."""
    mark: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def is_running(self) -> bool:
        """Whether more is to come."""
        return self.ended_at is None and timezone.now() - self.started_at < PATIENCE

    @property
    def is_given_up(self) -> bool:
        """Whether it took too long, or its server was stopped."""
        return self.ended_at is None and not self.is_running

    @property
    def wrong(self) -> tuple[Check, ...]:
        """What is to be changed."""
        return tuple(each for each in self.checks if not each.ok)

    @property
    def well(self) -> tuple[Check, ...]:
        """What is as it should be."""
        return tuple(each for each in self.checks if each.ok)


def last() -> Examined | None:
    """The last run; None if nobody ever asked."""
    kept = cache.get(_KEY)
    if kept is None:
        return None
    checks = tuple(
        Check(each["check"], each["ok"], each["detail"], each["record"] and Record(**each["record"]))
        for each in kept["checks"]
    )
    return Examined(**{**kept, "checks": checks})


def start(workspace: Workspace, by: str, selectors: tuple[str, ...]) -> bool:
    """Begin to look, unless somebody's run is under way; whether it began."""
    before = last()
    if before and before.is_running:
        return False
    begun = Examined(by, timezone.now(), selectors=selectors)
    _keep(begun)
    target = f"doctor, selectors {', '.join(selectors)}" if selectors else "doctor"
    row = Audit.objects.create(who=by[:200], what="doctor", target=target[:300], after="it began to look")
    Thread(target=_run, args=(workspace, begun, row), name="doctor", daemon=True).start()
    return True


def _run(workspace: Workspace, begun: Examined, row: Audit) -> None:
    """Look; the audit's row says what came of it, or that it began, if this server ends before."""
    found: list[Check] = []
    try:
        for check in examine(workspace, resolver(), begun.selectors):
            found.append(check)
            if not _goes_on(begun):
                _write(row, f"given up after {_counted(found)}")
                return
            _keep(replace(begun, checks=tuple(found)))
        _keep(replace(begun, checks=tuple(found), ended_at=timezone.now()))
        _write(row, _counted(found))
    except (BroadsheetError, DatabaseError, OSError) as error:
        _keep(replace(begun, checks=tuple(found), ended_at=timezone.now(), trouble=str(error)))
        _write(row, f"{error} (after {_counted(found)})")
    finally:
        connections.close_all()


def _counted(found: list[Check]) -> str:
    wrong = ", ".join(dict.fromkeys(each.check for each in found if not each.ok))
    return (
        f"{len(found)} check{'' if len(found) == 1 else 's'}: {f'to be changed: {wrong}' if wrong else 'all is well'}"
    )


def _write(row: Audit, came: str) -> None:
    Audit.objects.filter(pk=row.pk).update(after=came)


def resolver() -> Names:
    """What is asked for names: the system's resolvers."""
    return Names()


def _goes_on(begun: Examined) -> bool:
    """Whether this is still the run that counts, and has time left."""
    now = last()
    return now is not None and now.mark == begun.mark and now.is_running


def _keep(examined: Examined) -> None:
    cache.set(_KEY, asdict(examined), _KEPT)
