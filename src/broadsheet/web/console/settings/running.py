"""What version runs: the program, its database, and who sends."""

import platform
import sqlite3
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import django
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from broadsheet.conf import from_environment
from broadsheet.conf.cluster import broker
from broadsheet.errors import BroadsheetError
from broadsheet.workspace import Workspace


def running(workspace: Workspace) -> dict[str, list[tuple[str, str]]]:
    """Facts in groups, each a name and words. No secret is among them."""
    return {
        "Program": [
            ("Broadsheet", version("broadsheet")),
            ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
            ("Django", django.get_version()),
            ("Machine", f"{platform.system()} {platform.machine()}"),
        ],
        "Database": [*_database(), ("Migrations", _migrations())],
        "Sending": [("Work is done by", _queue()), ("Scheduler", _scheduler(workspace))],
        "Places": [
            ("Workspace", str(workspace.root)),
            ("State", str(workspace.state)),
            ("Key that signs links", _key()),
            ("Metrics from other machines", _metrics()),
        ],
    }


def _database() -> list[tuple[str, str]]:
    settings: dict[str, Any] = connection.settings_dict
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            number = cursor.fetchone()[0]
        place = f"{settings['NAME']} at {settings['HOST'] or 'this machine'}"
        return [("Kind", f"PostgreSQL {number}"), ("Name", place)]
    return [("Kind", f"SQLite {sqlite3.sqlite_version}"), ("File", str(settings["NAME"]))]


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    left = executor.migration_plan(executor.loader.graph.leaf_nodes())
    done = len(executor.loader.applied_migrations)
    return f"{done} applied" + (f", {len(left)} to be applied: restart `broadsheet serve`" if left else ", none left")


def _queue() -> str:
    try:
        address = broker()
    except BroadsheetError as error:
        return f"nobody: {error}"
    if address is None:
        return "`broadsheet run` or `scheduler` on one machine"
    parts = urlsplit(address)
    return f"Celery {version('celery')} workers, by {parts.scheme} at {parts.hostname}"


def _scheduler(workspace: Workspace) -> str:
    minutes = workspace.config.schedule.sync_minutes
    return f"reads the sources every {minutes} minutes" if minutes else "reads the sources before an edition only"


def _key() -> str:
    return "from the environment" if from_environment("BROADSHEET_SECRET_KEY") else "kept in the state folder"


def _metrics() -> str:
    return "with a token" if from_environment("BROADSHEET_METRICS_TOKEN") else "no: no token is set"
