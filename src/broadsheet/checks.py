"""Django system checks: what would make the database unfit for the ledger."""

import sqlite3
from typing import Any

from django.core.checks import Error, register
from django.db import connection


@register()
def sqlite_is_new_enough(**_: Any) -> list[Error]:
    """An error if SQLite lacks ``RETURNING`` and upserts (3.35), which the ledger uses."""
    if connection.vendor == "sqlite" and sqlite3.sqlite_version_info < (3, 35):
        return [Error(f"SQLite {sqlite3.sqlite_version} is too old; 3.35 or newer is needed.", id="broadsheet.E001")]
    return []
