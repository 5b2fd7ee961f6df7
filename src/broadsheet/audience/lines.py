"""A file as lines of text, of any encoding, each bounded."""

import codecs
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from broadsheet.errors import BroadsheetError

#: A line longer than this is no person's.
LONGEST_LINE = 1_000_000
#: Of such a line so much is kept.
LONGEST_KEPT = 10_000
CHUNK = 1 << 20


@dataclass(frozen=True)
class BadRow:
    """A line that could not be read, and why."""

    reason: str
    text: str = ""
    """The line itself, or its beginning."""
    cells: Sequence[str] = ()
    """What its cells may be."""


class Counting(io.RawIOBase):
    """A stream that knows how many bytes were read of it, and refuses to give more than was announced."""

    def __init__(self, inner: IO[bytes], most: int) -> None:
        super().__init__()
        self.inner, self.most, self.count = inner, most, 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """How many bytes were read; raises BadZipFile for more than there should be."""
        data = self.inner.read(len(buffer))
        self.count += len(data)
        if self.count > self.most:
            raise zipfile.BadZipFile("it holds more than it says")
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the file, too."""
        self.inner.close()
        super().close()


class Lines:
    """The lines of a text, each bounded; of what is longer an empty one is given, and its beginning kept for later."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self.text = text
        #: of the line that was given last, counted from one
        self.number = 0
        #: the lines that were given since somebody last cleared this
        self.taken: list[str] = []
        self._overlong: list[tuple[int, BadRow]] = []
        self._waiting: list[str] = []

    def put_back(self, lines: Sequence[str]) -> None:
        """These, the last that were given, come once more."""
        self._waiting += reversed(lines)
        self.number -= len(lines)

    def left_out(self) -> Iterator[tuple[int, BadRow]]:
        """Those that were too long since this was last asked."""
        yield from self._overlong
        self._overlong.clear()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._waiting.pop() if self._waiting else self._read()
        if not line:
            raise StopIteration
        self.number += 1
        self.taken.append(line)
        return line

    def _read(self) -> str:
        readline = self.text.readline
        line = rest = readline(LONGEST_LINE)
        while len(rest) == LONGEST_LINE and rest[-1] != "\n":
            rest = readline(LONGEST_LINE)
        if rest is line:
            return line
        self._overlong.append(
            (self.number + 1, BadRow(f"is longer than {LONGEST_LINE:,} characters", line[:LONGEST_KEPT]))
        )
        return "\n"


def encoding_of(opened: Callable[[], IO[bytes]], name: str) -> tuple[str, str]:
    """The file's encoding and what people call it, from reading all of it once."""
    with opened() as file:
        start = file.read(4096)
    found = next((each for each in _MARKS if start.startswith(each[0])), None)
    if found is None and (wide := _wide(start)):
        found = (b"", wide, "UTF-16")
    for encoding, shown in (found[1:],) if found else (("utf-8", "UTF-8"), ("cp1252", "Windows-1252 (Latin-1)")):
        decoder = codecs.getincrementaldecoder(encoding)("replace" if encoding == "cp1252" else "strict")
        try:
            with opened() as file:
                while chunk := file.read(CHUNK):
                    if "\0" in decoder.decode(chunk):
                        raise BroadsheetError(f"{name} is not a text file; export it as CSV.")
                if "\0" in decoder.decode(b"", final=True):
                    raise BroadsheetError(f"{name} is not a text file; export it as CSV.")
        except UnicodeDecodeError:
            continue
        return encoding, shown
    raise BroadsheetError(f"{name} is not a text file; export it as CSV.")


_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with a mark"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)


def _wide(start: bytes) -> str:
    """UTF-16 without a mark: every other byte of plain letters is zero."""
    pairs = len(start) // 2
    if pairs < 4:
        return ""
    if start[1::2].count(0) > pairs * 0.7 and start[::2].count(0) == 0:
        return "utf-16-le"
    return "utf-16-be" if start[::2].count(0) > pairs * 0.7 and start[1::2].count(0) == 0 else ""
