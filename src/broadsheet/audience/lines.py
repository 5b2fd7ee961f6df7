"""A file as lines of text, of any encoding, each bounded."""

import codecs
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from broadsheet.errors import BroadsheetError

#: A line longer than this is no person's.
LONGEST_LINE = 1_000_000
CHUNK = 1 << 20


@dataclass(frozen=True)
class BadRow:
    """A line that could not be read, and why."""

    reason: str


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
    """The lines of a text, each bounded; what is longer is left out whole and noted in ``overlong``."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self.text, self.number, self.skipped = text, 0, 0
        self.overlong: list[int] = []

    def first(self) -> str:
        """The next line, for a look at it; empty at the end."""
        self.skipped = self.number
        return next(self, "")

    def again(self, line: str) -> Iterator[str]:
        """That line, and then the others."""
        yield line
        yield from self

    def left_out(self) -> Iterator[tuple[int, BadRow]]:
        """Those that were left out since this was last asked."""
        yield from ((line, BadRow(f"is longer than {LONGEST_LINE:,} characters")) for line in self.overlong)
        self.overlong.clear()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        readline = self.text.readline
        line = readline(LONGEST_LINE)
        while len(line) == LONGEST_LINE and line[-1] != "\n":
            while len(line) == LONGEST_LINE and line[-1] != "\n":
                line = readline(LONGEST_LINE)
            self.number += 1
            self.overlong.append(self.number)
            line = readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        return line


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
