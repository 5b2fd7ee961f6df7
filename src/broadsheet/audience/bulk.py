"""Many rows at once, the way each database takes them fastest."""

import gc
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.backends.utils import CursorWrapper

Row = str | tuple[Any, ...]
"""A row to be written, as :class:`Rows` makes them."""
#: Pages of SQLite's log before they are put in their places: 200 MB, so that a page that many batches touch goes once.
PATIENT_CHECKPOINT, CHECKPOINT = 50_000, 1_000
#: Seconds that a thread runs on while another wants to.
SWITCH = 0.0002


@contextmanager
def hurried() -> Iterator[None]:
    """Many batches in a row: the disk is waited for now and then rather than at each, which a second run mends.

    On PostgreSQL each batch asks for that itself, by :func:`hurry`. Garbage is not looked for meanwhile; the caller
    does so between batches.
    """
    gc.disable()  # rows are no cycles, and looking for some among a batch's tuples takes a fifth of the time
    late = _synced_late if connection.vendor == "sqlite" else _flushed_at_last
    try:
        with nullcontext() if connection.in_atomic_block else late():
            yield
    finally:
        gc.enable()


def hurry(cursor: CursorWrapper) -> None:
    """PostgreSQL need not have written its log to the disk when this transaction ends."""
    if connection.vendor == "postgresql":
        cursor.execute("SET LOCAL synchronous_commit = off")


@contextmanager
def _flushed_at_last() -> Iterator[None]:
    """Return when all is on PostgreSQL's disk: a transaction that waits for its log waits for all of it.

    Meanwhile a thread that reads lets the other one have its answers soon: with Python's 5 ms, at each of the server's
    answers, the server was idle a fifth of the time.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE broadsheet_imported () ON COMMIT DROP")


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


class Rows:
    """Makes rows for :func:`insert`, texts before all else. SQLite takes tuples."""

    @staticmethod
    def moment(moment: datetime | None) -> Any:
        """A time, UTC, or nothing."""
        return moment and _as_text(moment)

    @staticmethod
    def truth(value: bool) -> Any:
        """Yes or no."""
        return value

    @staticmethod
    def number(number: int | None) -> Any:
        """A number, or nothing."""
        return number

    @staticmethod
    def row(texts: Sequence[str], *others: Any) -> Row:
        """A row of texts and of what :meth:`moment` and :meth:`truth` made; whole, or the beginning of one."""
        return (*texts, *others)

    @staticmethod
    def completed(rows: Iterable[Row], *columns: Iterable[int]) -> list[Row]:
        """The rows with the numbers of more columns at their ends."""
        return [(*row, *numbers) for row, *numbers in zip(rows, *columns, strict=True)]


class Lines(Rows):
    """PostgreSQL takes lines of text, as COPY reads them: they can be made while it is busy, and go in one piece."""

    @staticmethod
    def moment(moment: datetime | None) -> str:
        """A time, UTC, or nothing."""
        return _with_zone(moment) if moment else "\\N"

    @staticmethod
    def truth(value: bool) -> str:
        """Yes or no."""
        return "t" if value else "f"

    @staticmethod
    def number(number: int | None) -> str:
        """A number, or nothing."""
        return "\\N" if number is None else str(number)

    @staticmethod
    def row(texts: Sequence[str], *others: str) -> str:
        """A line of texts and of what :meth:`moment` and :meth:`truth` made, without its end."""
        line = "\t".join(texts)
        if "\\" in line or "\n" in line or "\r" in line or line.count("\t") >= len(texts):
            line = "\t".join([text.translate(_ESCAPED) for text in texts])
        return "\t".join((line, *others))

    @staticmethod
    def completed(rows: Iterable[Any], *columns: Iterable[int]) -> list[Row]:
        """The lines with the numbers of more columns at their ends."""
        return list(map("\t".join, zip(rows, *(map(str, column) for column in columns), strict=True)))


_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@lru_cache(maxsize=20_000)
def _as_text(moment: datetime) -> str:
    return str(moment.replace(tzinfo=None))


@lru_cache(maxsize=20_000)
def _with_zone(moment: datetime) -> str:
    return str(moment)


def rows() -> type[Rows]:
    """What makes rows for the database there is."""
    return Lines if connection.vendor == "postgresql" else Rows


def insert(cursor: CursorWrapper, table: str, columns: Sequence[str], rows: Sequence[Row]) -> bool:
    """Write the rows, and return whether all are in; one that a constraint refuses is there already and is left out.

    PostgreSQL takes a copy straight into the table, in half the time of inserts. Only where somebody else wrote one of
    the rows meanwhile does it go by way of a table of the session's own, and is compared row by row.
    """
    if not rows:
        return True
    if connection.vendor == "postgresql":
        try:
            with transaction.atomic():
                _copied(cursor, table, columns, rows)
        except IntegrityError:
            _compared(cursor, table, columns, rows)
            return False
        return True
    names, places = ", ".join(columns), ", ".join(["%s"] * len(columns))
    one_by_one: Any = rows  # as the driver takes them, whatever its stubs say
    cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING", one_by_one)  # noqa: S608
    return True  # who writes is alone


def _compared(cursor: CursorWrapper, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    names, temporary = ", ".join(columns), f"bulk_{table}"
    cursor.execute(f"CREATE TEMPORARY TABLE {temporary} AS SELECT {names} FROM {table} LIMIT 0")  # noqa: S608
    _copied(cursor, temporary, columns, rows)
    cursor.execute(  # the names are ours, the values are in the table
        f"INSERT INTO {table} ({names}) SELECT {names} FROM {temporary} ON CONFLICT DO NOTHING"  # noqa: S608
    )
    cursor.execute(f"DROP TABLE {temporary}")


def _copied(cursor: CursorWrapper, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    lines: Any = rows
    with (
        connection.wrap_database_errors,
        cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy,
    ):
        copy.write("\n".join((*lines, "")))


def new_ids(cursor: CursorWrapper, table: str, count: int) -> list[int]:
    """So many ids for rows of the table that are about to be written, in rising order."""
    if not count:
        return []
    if connection.vendor == "postgresql":
        cursor.execute(
            "SELECT nextval(sequence) FROM generate_series(1, %s),"
            " (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS sequence OFFSET 0) AS found",
            [count, table],
        )
        return [row[0] for row in cursor.fetchall()]
    cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])  # who writes is alone
    last = cursor.fetchone()
    first = last[0] + 1 if last else 1
    return list(range(first, first + count))


def update(cursor: CursorWrapper, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
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
        cursor.execute(  # as JSON, which takes a fifth of the time of an array that is made value by value
            f"SELECT found.* FROM json_array_elements_text(%s) AS given(one) CROSS JOIN LATERAL"  # noqa: S608
            f" (SELECT {columns} FROM {table} WHERE {key} = given.one::{kind} OFFSET 0) AS found",
            [json.dumps(given)],
        )
    else:
        cursor.execute(
            f"SELECT {columns} FROM {table} WHERE {key} IN (SELECT value FROM json_each(%s))",  # noqa: S608
            [json.dumps(given)],
        )
    return list(cursor.fetchall())
