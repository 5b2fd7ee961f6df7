"""Files of people as rows of text: any delimiter, encoding and packing that the tools people come from write.

Everything is read as a stream and bounded: a file that unpacks to far more than it is, a line or a cell without end are
refused in a sentence.
"""

import codecs
import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from zlib import error as zlib_error

from broadsheet.audience import own_lines
from broadsheet.audience.lines import CHUNK, BadRow, Counting, Lines, encoding_of
from broadsheet.audience.workbooks import DAMAGED, Sheet, open_sheet
from broadsheet.errors import BroadsheetError

#: More is no list of people.
MOST_COLUMNS = 2_000
#: What a packed file may unpack to, and how many times its own size; below the floor any ratio will do.
LARGEST, MOST_PACKED, PACKED_FLOOR = 4 << 30, 200, 50 << 20
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass
class Table:
    """A file of people, opened: its first line, then its rows with their line numbers."""

    said: str
    """What was found: ``CSV parted by semicolons, Windows-1252``."""
    header: list[str]
    rows: Iterator[tuple[int, list[str] | BadRow]]
    size: int
    """Units of work in all, bytes or rows, to show how far it is."""
    done: Callable[[], int]
    """How many of them are done."""
    closing: ExitStack = field(default_factory=ExitStack)


def open_table(path: Path, name: str) -> Table:
    """The file as a table. Raises BroadsheetError for what is none; close it with ``table.closing``."""
    try:
        with path.open("rb") as file:
            start = file.read(8)
        if start.startswith(b"PK\x03\x04"):
            return _packed(path, name)
        if start.startswith(b"\xd0\xcf\x11\xe0"):
            raise BroadsheetError(f"{name} is an old Excel file (.xls); save it as .xlsx or CSV.")
        if start.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{"):
            return _json_lines(path, name)
        return _csv(lambda: path.open("rb"), path.stat().st_size, name, "CSV")
    except OSError as error:
        raise BroadsheetError(f"{name} can't be read ({error.strerror or error}); check its name.") from error


def _packed(path: Path, name: str) -> Table:
    try:
        archive = zipfile.ZipFile(path)
        members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError) as error:
        raise BroadsheetError(f"{name} is a damaged ZIP file ({error}); nothing was imported.") from error
    unpacked = sum(each.file_size for each in members)
    if unpacked > LARGEST or unpacked > max(PACKED_FLOOR, path.stat().st_size * MOST_PACKED):
        archive.close()
        raise BroadsheetError(
            f"{name} unpacks to {unpacked:,} bytes, far more than a list of people; unpack it by hand."
        )
    if any(each.filename == "xl/workbook.xml" for each in members):
        return _sheet(archive, name)
    tables = [
        each
        for each in members
        if not each.is_dir()
        and Path(each.filename).suffix.lower() in (".csv", ".tsv", ".txt", ".tab")
        and not each.filename.startswith("__MACOSX/")
    ]
    if len(tables) != 1:
        archive.close()
        inside = ", ".join(sorted(each.filename for each in tables)[:5]) or "none"
        raise BroadsheetError(
            f"{name} is a ZIP file with {len(tables)} tables in it ({inside}), not one; unpack it and import each."
        )
    member = tables[0]
    if member.flag_bits & 1:
        archive.close()
        raise BroadsheetError(f"{name} is locked with a password; unpack it and import what is in it.")
    table = _csv(lambda: archive.open(member), member.file_size, name, f"ZIP of {member.filename}: CSV")
    table.closing.callback(archive.close)
    return table


def _json_lines(path: Path, name: str) -> Table:
    encoding, shown = encoding_of(lambda: path.open("rb"), name)
    size = path.stat().st_size
    stream = Counting(path.open("rb"), size)
    text = io.TextIOWrapper(io.BufferedReader(stream, CHUNK), encoding, "replace" if encoding == "cp1252" else "strict")
    closing = ExitStack()
    closing.callback(text.close)
    rows = own_lines.rows_of(Lines(text))
    return Table(f"JSON Lines, {shown}", own_lines.HEADER, rows, size, lambda: stream.count, closing)


# CSV


def _csv(opened: Callable[[], IO[bytes]], size: int, name: str, kind: str) -> Table:
    try:
        encoding, shown = encoding_of(opened, name)
        stream = Counting(opened(), size)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib_error) as error:
        raise BroadsheetError(f"{name} is a damaged ZIP file ({error}); nothing was imported.") from error
    closing = ExitStack()
    text = io.TextIOWrapper(
        io.BufferedReader(stream, CHUNK), encoding=encoding, errors="replace" if encoding == "cp1252" else "strict"
    )
    closing.callback(text.close)
    try:
        lines = Lines(text)
        delimiter = _announced(first := next(lines, ""))
        if delimiter:
            first = next(lines, "")
        delimiter = delimiter or _delimiter(first)
        lines.put_back([first] if first else [])
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        header = _header(reader, name)
    except BaseException:
        closing.close()
        raise
    said = f"{kind} parted by {DELIMITERS.get(delimiter, repr(delimiter))}, {shown}"
    rows = _csv_rows(reader, lines, _Shape(delimiter, len(header)), name)
    return Table(said, header, rows, size, lambda: stream.count, closing)


def _header(reader: Iterator[list[str]], name: str) -> list[str]:
    try:
        header = next(reader)
    except csv.Error as error:
        raise BroadsheetError(f"{name}: the first line can't be read: {error}.") from error
    except StopIteration:
        raise BroadsheetError(f"{name} is empty; nothing was imported.") from None
    if len(header) > MOST_COLUMNS:
        raise BroadsheetError(f"{name} has {len(header):,} columns, more than a list of people; check the file.")
    return header


def _csv_rows(
    reader: Iterator[list[str]], lines: Lines, shape: "_Shape", name: str
) -> Iterator[tuple[int, list[str] | BadRow]]:
    """Rows with their numbers. A line whose quotes go wrong is refused by itself: those after it are read as lines."""
    taken = lines.taken
    while True:
        taken.clear()
        try:
            row, wrong = next(reader), ""
        except StopIteration:
            yield from shape.guessed(lines.left_out())
            return
        except csv.Error as error:
            row, wrong = [], f"not CSV: {error}"
        except (zipfile.BadZipFile, EOFError, zlib_error) as error:
            raise BroadsheetError(f"{name} is damaged after line {lines.number:,} ({error}).") from error
        if len(taken) > 1:
            if not wrong and len(row) != shape.width and any("@" in line for line in taken[1:]):
                wrong = f"has {len(row)} cells, but the first line {shape.width}"
            if wrong:
                wrong = f"a quote in it is not closed as it should be ({wrong})"
                lines.put_back(taken[1:])
        yield from shape.guessed(lines.left_out())
        if wrong:
            yield lines.number, shape.bad(wrong, taken[0])
        elif row:
            yield lines.number, row


@dataclass(frozen=True)
class _Shape:
    """What a row looks like."""

    delimiter: str
    width: int

    def bad(self, reason: str, line: str) -> BadRow:
        """The line as one that can't be read, with what its cells may be.

        They are read leniently, or parted at every delimiter: whichever gives as many as there are columns.
        """
        parts = [part.strip().strip('"') for part in line.split(self.delimiter, MOST_COLUMNS)]
        try:
            cells = next(csv.reader([line], delimiter=self.delimiter), [])
        except csv.Error:
            cells = []
        return BadRow(reason, line.rstrip("\r\n"), cells if len(cells) == self.width else parts)

    def guessed(self, rows: Iterator[tuple[int, BadRow]]) -> Iterator[tuple[int, BadRow]]:
        """The same of lines that are cut off."""
        for number, row in rows:
            yield number, BadRow(row.reason, row.text, self.bad("", row.text).cells[:-1])


def _announced(line: str) -> str:
    """The delimiter that a first line of ``sep=;`` names, as Excel writes it."""
    word = line.strip("\r\n").strip('"')
    return word[4:5] if word[:4].lower() == "sep=" and len(word) == 5 else ""


def _delimiter(line: str) -> str:
    """The delimiter that the first line uses most, outside quotes; a comma where there is none."""
    bare = "".join(line.split('"')[::2])
    return max(DELIMITERS, key=bare.count)


# XLSX


def _sheet(archive: zipfile.ZipFile, name: str) -> Table:
    closing = ExitStack()
    closing.callback(archive.close)
    try:
        sheet = open_sheet(archive, MOST_COLUMNS)
        closing.callback(sheet.close)
        _, header = next(sheet.rows, (0, []))
    except DAMAGED as error:
        closing.close()
        raise BroadsheetError(f"{name} is a spreadsheet that can't be read ({error}); save it as CSV.") from error
    if not header:
        closing.close()
        raise BroadsheetError(f"{name} is empty; nothing was imported.")
    said = f"XLSX, sheet “{sheet.name}”" + (f" (the first of {sheet.sheets})" if sheet.sheets > 1 else "")
    return Table(said, header, _sheet_rows(sheet, name), sheet.size, sheet.done, closing)


def _sheet_rows(sheet: Sheet, name: str) -> Iterator[tuple[int, list[str] | BadRow]]:
    number = 1
    try:
        for number, row in sheet.rows:
            yield number, _without_nul(row) if any("\0" in cell for cell in row) else row
    except DAMAGED as error:
        raise BroadsheetError(f"{name} is damaged after line {number:,} ({error}).") from error


def _without_nul(row: Sequence[str]) -> BadRow:
    cells = [cell.replace("\0", "") for cell in row]
    return BadRow("holds a NUL character", "\t".join(cells), cells)
