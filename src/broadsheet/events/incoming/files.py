"""Messages in files: `.eml`, folders of them, and mbox."""

import mailbox
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

#: more than that of a file is not read: reports return what they are about
MOST_BYTES = 20_000_000


def messages(paths: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Each message with its file's name, in order: files as they are named, folders with all in them by name.

    A file that begins with a ``From `` line is an mbox; its messages are numbered from 1. Raises OSError, naming the
    file, for what can't be read.
    """
    for path in paths:
        if path.is_dir():
            inside = (each for each in sorted(path.rglob("*")) if each.is_file() and not each.name.startswith("."))
            yield from messages(inside)
            continue
        with path.open("rb") as file:
            start = file.read(5)
            raw = b"" if start == b"From " else start + file.read(MOST_BYTES)
        if start == b"From ":
            yield from _of_mbox(path)
        else:
            yield str(path), raw


def _of_mbox(path: Path) -> Iterator[tuple[str, bytes]]:
    with closing(mailbox.mbox(path, create=False)) as box:
        for number, key in enumerate(box.iterkeys(), 1):
            with box.get_file(key) as file:
                yield f"{path}:{number}", file.read(MOST_BYTES)
