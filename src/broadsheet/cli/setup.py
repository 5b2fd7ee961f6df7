"""Before a command works: the workspace, Django, and a database that is up to date."""

import fcntl
import getpass
import os
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import django
from django.core.management import call_command

from broadsheet.conf.cluster import broker
from broadsheet.errors import BroadsheetError
from broadsheet.workspace import Workspace, find_root


class WrongUse(BroadsheetError):
    """The command was called in a way that can't work; exit code 2."""


def workspace_only() -> Workspace:
    """The workspace, for commands that need its files and no database."""
    return Workspace(find_root())


def ready() -> Workspace:
    """The workspace, with Django set up on it and its database migrated."""
    workspace = workspace_only()
    workspace.config  # noqa: B018  mistakes in broadsheet.toml show here, before Django reads it
    broker()  # as do those of the environment
    os.environ["BROADSHEET_WORKSPACE"] = str(workspace.root)
    os.environ["DJANGO_SETTINGS_MODULE"] = "broadsheet.settings"
    try:
        workspace.state.mkdir(parents=True, exist_ok=True)
        workspace.secret_key()
    except OSError as error:
        raise BroadsheetError(f"{workspace.state} can't be written ({error.strerror}); check its owner.") from error
    django.setup()
    with (workspace.state / "migrating").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # commands that start together on a new workspace would migrate it together
        _migrate()
    return workspace


#: The advisory lock of whoever migrates PostgreSQL: machines that start together would migrate it together.
_MIGRATING = 0x0B20AD5C4EE


def _migrate() -> None:
    from django.db import connection
    from django.db.utils import DatabaseError

    try:
        if _outdated() and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(%s)", [_MIGRATING])
                try:
                    _migrate_what_is_left()
                finally:
                    cursor.execute("SELECT pg_advisory_unlock(%s)", [_MIGRATING])
        else:
            _migrate_what_is_left()
    except DatabaseError as error:
        raise BroadsheetError(
            f"The database can't be used ({str(error).strip().splitlines()[0]}); "
            "check BROADSHEET_DATABASE, or that the state folder can be written."
        ) from error


def _outdated() -> bool:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _migrate_what_is_left() -> None:
    if _outdated():
        call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
        call_command("createcachetable", verbosity=0)


def moment(text: str | None, zone: ZoneInfo) -> datetime | None:
    """``--at``: ISO 8601, in the workspace's zone if it names none. Raises WrongUse."""
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise WrongUse(f"--at “{text}” is not a time; write one like 2026-11-24T09:00 or 2026-11-24.") from error
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)).replace(second=0, microsecond=0)


def who() -> str:
    """The person at the command, for the audit of what they did."""
    try:
        return f"{getpass.getuser()} (command)"
    except (OSError, KeyError):  # a user without a name
        return "command"


def is_terminal() -> bool:
    """Whether a person is typing."""
    return sys.stdin.isatty()


def existing_file(path: Path) -> Path:
    """``path``, if it is a file. Raises WrongUse."""
    if not path.is_file():
        raise WrongUse(f"There is no file {path}.")
    return path
