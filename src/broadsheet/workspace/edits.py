"""A file that is edited in a browser: read with its version, and replaced only while it is still that version."""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from broadsheet.errors import BroadsheetError, ChangedMeanwhile
from broadsheet.workspace.reading import read_text, write_atomically


@dataclass(frozen=True)
class Edited:
    """A file's text, lines ending in LF, and which version of the file that is."""

    text: str
    version: str
    newline: str = "\n"
    """How its lines end on the disk."""


def read_edited(path: Path, shown: str) -> Edited:
    """The file as it is now, of version ``""`` if there is none. Raises BroadsheetError if it can't be read as text."""
    if not path.exists():
        return Edited("", "")
    try:
        raw, text = path.read_bytes(), read_text(path)
    except ValueError as error:
        raise BroadsheetError(f"{shown} {error}; it can't be edited here.") from error
    except OSError as error:
        raise BroadsheetError(f"{shown} can't be read ({error.strerror}).") from error
    newline = "\r\n" if raw.count(b"\r\n") * 2 > raw.count(b"\n") else "\n"
    return Edited(text, hashlib.sha256(raw).hexdigest()[:32], newline)


def replace_edited(path: Path, shown: str, text: str, version: str, lock: Path) -> str:
    """Put ``text`` into the file, if it is still that version; the text that was there.

    Others who replace files under the same ``lock`` wait meanwhile. Raises ChangedMeanwhile if it is another version,
    and BroadsheetError if it can't be written; the file is whole either way.
    """
    with _locked(lock):
        now = read_edited(path, shown)
        if now.version != version:
            raise ChangedMeanwhile(f"{shown} was changed since you opened it. Nothing was written over it.")
        try:
            write_atomically(path, text.replace("\n", now.newline))
        except OSError as error:
            raise BroadsheetError(f"{shown} can't be written ({error.strerror}); it is as it was.") from error
        return now.text


@contextmanager
def _locked(lock: Path) -> Iterator[None]:
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
