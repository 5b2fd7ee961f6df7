"""The first sheet of a spreadsheet (XLSX, ECMA-376 part 1, clause 18), row by row: memory does not grow with it.

Its XML is read as a stream. The texts that cells name by number, which Excel keeps in a table of their own, lie in a
temporary file of SQLite's.
"""

import posixpath
import re
import sqlite3
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from xml.etree import ElementTree
from xml.parsers import expat
from zlib import error as zlib_error

#: A row, a text, a list of sheets or of styles that is longer than this many bytes of XML is no person's.
LONGEST_PART = 8 << 20
CHUNK = 1 << 16
#: Texts that many cells share are kept at hand, so many of them.
AT_HAND = 4_000
#: What reading a damaged workbook raises, now or while its rows are read.
DAMAGED = (
    zipfile.BadZipFile, expat.ExpatError, ElementTree.ParseError, sqlite3.Error, zlib_error,
    EOFError, LookupError, NotImplementedError, OSError, RuntimeError, ValueError,
)  # fmt: skip


@dataclass(frozen=True)
class Sheet:
    """A workbook's first sheet, to be read once."""

    name: str
    sheets: int
    """How many the workbook has."""
    rows: Iterator[tuple[int, list[str]]]
    """Those that hold anything, each with its number."""
    size: int
    """Its bytes of XML."""
    done: Callable[[], int]
    """How many of them are read."""
    close: Callable[[], None]


def open_sheet(archive: zipfile.ZipFile, most_columns: int) -> Sheet:
    """The first sheet of the workbook; cells beyond ``most_columns`` are left out. Raises one of :data:`DAMAGED`."""
    book = _tree(archive, "xl/workbook.xml")
    links = {each.attrib["Id"]: each.attrib for each in _tree(archive, "xl/_rels/workbook.xml.rels")}
    there = set(archive.namelist())
    members = {_kind(link): _member(link) for link in links.values() if _member(link) in there}
    sheets = book.findall("{*}sheets/{*}sheet")
    linked = [(sheet.attrib["name"], links[_link_of(sheet)]) for sheet in sheets]
    name, link = next(each for each in linked if _kind(each[1]) == "worksheet")
    date_system = book.find("{*}workbookPr")
    first = _FIRST_1904 if date_system is not None and date_system.get("date1904") in ("1", "true") else _FIRST_1900
    looks = _looks(_tree(archive, members["styles"])) if "styles" in members else []
    elements = _Elements(archive, _member(link), ("c", "row", "sheetData"))
    shared = _Elements(archive, members["sharedStrings"], ("si",)) if "sharedStrings" in members else ()
    texts = _Texts(_plain(text) for _, _, text in shared)
    rows = _rows(elements, _Cells(texts.text, looks, first), most_columns)
    return Sheet(name, len(sheets), rows, elements.size, lambda: elements.read, texts.close)


def _tree(archive: zipfile.ZipFile, member: str) -> ElementTree.Element:
    if archive.getinfo(member).file_size > LONGEST_PART:
        raise ValueError(f"its {member} is longer than {LONGEST_PART >> 20} MB")
    return ElementTree.fromstring(archive.read(member))  # noqa: S314  expat itself ends entities that grow


def _link_of(sheet: ElementTree.Element) -> str:
    return next(value for name, value in sheet.attrib.items() if name.endswith("}id"))


def _kind(link: dict[str, str]) -> str:
    return link["Type"].rpartition("/")[2]


def _member(link: dict[str, str]) -> str:
    return posixpath.normpath(posixpath.join("/xl", link["Target"])).lstrip("/")


# What a sheet is made of


class _Elements:
    """The elements of some names, each as it ends: its name, its attributes, and the text within it."""

    def __init__(self, archive: zipfile.ZipFile, member: str, names: Iterable[str]) -> None:
        self.part = archive.open(member)  # which gives no more than it announces, and is checked by its sum
        self.size, self.read = archive.getinfo(member).file_size, 0
        self.names = frozenset(names)
        self.begun: dict[str, dict[str, str]] = {}
        self.text: list[str] = []
        self.aside = 0
        self.ready: list[tuple[str, dict[str, str], str]] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._declared
        self.parser.StartElementHandler, self.parser.EndElementHandler = self._start, self._end
        self.local = lru_cache(1_000)(_local)

    def __iter__(self) -> Iterator[tuple[str, dict[str, str], str]]:
        last = 0
        with self.part as part:
            while chunk := part.read(CHUNK):
                self.read += len(chunk)
                self.parser.Parse(chunk)
                if self.ready:
                    last = self.read
                    yield from self.ready
                    self.ready.clear()
                elif self.read - last > LONGEST_PART:
                    raise ValueError(f"something in it is longer than {LONGEST_PART >> 20} MB")
            self.parser.Parse(b"", True)
        yield from self.ready

    def _declared(self, *_: object) -> None:
        raise ValueError("it declares a document type, which no spreadsheet does")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = self.local(name)
        if local in _TEXT:
            self.parser.CharacterDataHandler = self.text.append
        elif local in self.names:
            self.begun[local] = attributes
            self.text.clear()
        elif local == "rPh":  # how what stands before it is pronounced
            self.aside = len(self.text)

    def _end(self, name: str) -> None:
        local = self.local(name)
        if local in _TEXT:
            self.parser.CharacterDataHandler = None
        elif local in self.names:
            self.ready.append((local, self.begun[local], "".join(self.text)))
        elif local == "rPh":
            del self.text[self.aside :]


#: Values, and texts or pieces of them.
_TEXT = ("v", "t")


def _local(name: str) -> str:
    """The name without its namespace, of which there are two, a strict and a transitional one."""
    return name.rpartition(" ")[2]


def _rows(
    elements: Iterable[tuple[str, dict[str, str], str]], cells: "_Cells", most_columns: int
) -> Iterator[tuple[int, list[str]]]:
    row: list[str] = []
    number = column = 0
    for name, attributes, text in elements:
        if name == "c":
            reference = attributes.get("r")
            column = _column(reference.rstrip("0123456789")) if reference else column + 1
            if text and column <= most_columns:
                row += [""] * (column - len(row))
                row[column - 1] = cells.shown(attributes, text)
        elif name == "row":
            number = int(attributes.get("r", number + 1))
            if row:
                yield number, row
            row, column = [], 0
        else:
            return  # what follows the last row is about how it looks


@lru_cache(20_000)
def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    if not 0 < number <= 16_384:
        raise ValueError(f"it has a column {letters[:10]}")
    return number


# What a cell holds


class _Texts:
    """Texts by number, in a file that goes when it is closed."""

    def __init__(self, texts: Iterable[str]) -> None:
        # The file is nameless. An import into PostgreSQL opens a table in one thread and reads it in another.
        self.file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self.file.execute("PRAGMA journal_mode=OFF")
        self.file.execute("CREATE TABLE texts (number INTEGER PRIMARY KEY, text TEXT)")
        self.file.execute("BEGIN")
        self.file.executemany("INSERT INTO texts VALUES (?, ?)", enumerate(texts))
        self.file.execute("COMMIT")
        self.text, self.close = lru_cache(AT_HAND)(self._text), self.file.close

    def _text(self, number: str) -> str:
        found = self.file.execute("SELECT text FROM texts WHERE number = ?", (int(number),)).fetchone()
        if found is None:
            raise ValueError(f"a cell names text {number[:20]}, which there is not")
        return str(found[0])


_ESCAPED = re.compile("_x(00[01][0-9A-Fa-f]|005[Ff])_")


def _plain(text: str) -> str:
    """The text without escapes of what XML can't hold, ``_x000D_``, and of what would look like one."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


class _Cells:
    """Cells as text: a number as it is, a date in ISO 8601."""

    def __init__(self, text: Callable[[str], str], looks: list[str], first: datetime) -> None:
        self.text, self.looks, self.first = text, looks, first
        self.number = lru_cache(AT_HAND)(self._number)

    def shown(self, attributes: dict[str, str], value: str) -> str:
        """The cell with these attributes and that value."""
        kind = attributes.get("t", "n")
        if kind == "s":
            return self.text(value)
        if kind == "n":
            return self.number(value, int(attributes.get("s", 0)))
        if kind == "b":
            return "true" if value == "1" else "false"
        return "" if kind == "e" else _plain(value)

    def _number(self, value: str, style: int) -> str:
        number = float(value)
        look = self.looks[style] if style < len(self.looks) else ""
        if look and -700_000 < number < 3_000_000:
            return _moment(self.first, number) if look == "date" else str(timedelta(days=number))
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else str(number)


_FIRST_1900, _FIRST_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)


def _moment(first: datetime, days: float) -> str:
    """The time so many days after the first; midnight is left out, and so is the day of a mere time of day."""
    early = first == _FIRST_1900 and 1 <= days < 60  # in these days, 1900 has a 29th of February
    moment = first + timedelta(days=early, milliseconds=round(days * 86_400_000))
    if days < 1:
        return moment.time().isoformat()
    return moment.date().isoformat() if moment.time() == datetime.min.time() else moment.isoformat()


#: The formats that have a number and no code (18.8.30), in every language.
_DATES = {*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)}
_SPAN = re.compile(r"\[[hms]+\]", re.IGNORECASE)
_LITERAL = re.compile(r'"[^"]*"|[\\_*].|\[[^\]]*\]')


def _looks(styles: ElementTree.Element) -> list[str]:
    """How the numbers of each style look: as a ``date``, a ``span`` of time, or as they are (empty)."""
    formats = {46: "span"} | dict.fromkeys(_DATES, "date")
    for each in styles.iterfind("{*}numFmts/{*}numFmt"):
        code = each.attrib["formatCode"]
        date = re.search("[dmyhs]", _LITERAL.sub("", code), re.IGNORECASE)
        formats[int(each.attrib["numFmtId"])] = "span" if _SPAN.search(code) else "date" if date else ""
    return [formats.get(int(each.get("numFmtId", 0)), "") for each in styles.iterfind("{*}cellXfs/{*}xf")]
