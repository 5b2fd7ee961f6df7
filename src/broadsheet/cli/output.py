"""What commands print: one JSON document or a table on standard output, everything else on standard error."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

OUT = Console(highlight=False, soft_wrap=False)
ERR = Console(stderr=True, highlight=False)


def print_json(data: Any) -> None:
    """``data`` as one JSON document; times in ISO 8601."""
    json.dump(data, sys.stdout, ensure_ascii=False, indent=2, default=_plain)
    sys.stdout.write("\n")


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table; numbers to the right."""
    table = Table(header_style="bold", pad_edge=False)
    listed = [list(row) for row in rows]
    for position, column in enumerate(columns):
        number = bool(listed) and all(isinstance(row[position], int) for row in listed)
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    for row in listed:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    OUT.print(title, style="bold", markup=False)  # a table's own title would be as narrow as the table
    OUT.print(table)


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 reader``, ``2 readers``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def in_zone(moment: datetime, zone: Any) -> str:
    """A time for people, with its zone: ``Tue 24 Nov 2026, 09:00 (Europe/Berlin)``."""
    return f"{moment.astimezone(zone):%a %-d %b %Y, %H:%M} ({zone})"
