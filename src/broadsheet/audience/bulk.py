"""Many rows at once, the way each database takes them fastest."""

import gc
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.backends.utils import CursorWrapper

Row = Sequence[Any]
#: Pages of SQLite's log before they are put in their places: 200 MB, so that a page that many batches touch goes once.
PATIENT_CHECKPOINT, CHECKPOINT = 50_000, 1_000


@contextmanager
def hurried() -> Iterator[None]:
    """Many batches in a row: SQLite syncs its file now and then rather than at each, which a second run mends.

    Garbage is not looked for meanwhile; the caller does so between batches.
    """
    gc.disable()  # rows are no cycles, and looking for some among a batch's tuples takes a fifth of the time
    try:
        with _synced_late() if connection.vendor == "sqlite" and not connection.in_atomic_block else nullcontext():
            yield
    finally:
        gc.enable()


@contextmanager
def _synced_late() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA wal_autocheckpoint={PATIENT_CHECKPOINT}")
        cursor.execute("PRAGMA synchronous=NORMAL")
        try:
            yield
        finally:
            cursor.execute("PRAGMA synchronous=FULL")
            cursor.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT}")
            cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")


def insert(cursor: CursorWrapper, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write the rows; one that a constraint refuses is there already and is left out.

    PostgreSQL takes a copy straight into the table, in half the time of inserts. Only where somebody else wrote one of
    the rows meanwhile does it go by way of a table of the session's own, and is compared row by row.
    """
    if connection.vendor == "postgresql":
        given = list(rows)
        try:
            with transaction.atomic():
                _copied(cursor, table, columns, given)
        except IntegrityError:
            _compared(cursor, table, columns, given)
        return
    names, places = ", ".join(columns), ", ".join(["%s"] * len(columns))
    one_by_one: Any = rows  # as the driver takes them, whatever its stubs say
    cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING", one_by_one)  # noqa: S608


def _compared(cursor: CursorWrapper, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    names, temporary = ", ".join(columns), f"bulk_{table}"
    cursor.execute(f"CREATE TEMPORARY TABLE {temporary} AS SELECT {names} FROM {table} LIMIT 0")  # noqa: S608
    _copied(cursor, temporary, columns, rows)
    cursor.execute(  # the names are ours, the values are in the table
        f"INSERT INTO {table} ({names}) SELECT {names} FROM {temporary} ON CONFLICT DO NOTHING"  # noqa: S608
    )
    cursor.execute(f"DROP TABLE {temporary}")


def _copied(cursor: CursorWrapper, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    if rows:
        with (
            connection.wrap_database_errors,
            cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)


def update(cursor: CursorWrapper, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Set the columns of rows by id; each of ``rows`` is the new values and, last, the id."""
    if rows:
        cursor.executemany(
            f"UPDATE {table} SET {', '.join(f'{name} = %s' for name in columns)} WHERE id = %s",  # noqa: S608
            rows,
        )


def select(cursor: CursorWrapper, columns: str, table: str, key: str, values: Iterable[Any]) -> list[tuple[Any, ...]]:
    """The rows whose ``key``, which has an index, is one of the values, however many there are.

    PostgreSQL takes 10,000 of a million for reason enough to read the whole table, which takes three processes half a
    second each; told to look each of them up (``OFFSET 0`` keeps it from making a join of that), it takes 150 ms.
    """
    given = list(dict.fromkeys(values))
    if not given:
        return []
    if connection.vendor == "postgresql":
        kind = "bigint" if isinstance(given[0], int) else "text"
        cursor.execute(
            f"SELECT found.* FROM unnest(%s::{kind}[]) AS given(one) CROSS JOIN LATERAL"  # noqa: S608
            f" (SELECT {columns} FROM {table} WHERE {key} = given.one OFFSET 0) AS found",
            [given],
        )
    else:
        cursor.execute(
            f"SELECT {columns} FROM {table} WHERE {key} IN (SELECT value FROM json_each(%s))",  # noqa: S608
            [json.dumps(given)],
        )
    return list(cursor.fetchall())
