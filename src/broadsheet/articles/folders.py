"""Folder sources: the article files of one folder, found and read."""

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from broadsheet.articles.parsing import Context, ParsedArticle, parse_article
from broadsheet.articles.tagging import Tagging
from broadsheet.conf import FolderSource
from broadsheet.errors import BroadsheetError, Problem, RejectedArticle
from broadsheet.workspace import Workspace
from broadsheet.workspace.reading import read_text

MAX_BYTES = 5_000_000
#: A file that changed so few nanoseconds ago may change again and bear the same time; 2 s is FAT's step.
_FRESH = 2_000_000_000


@dataclass(frozen=True)
class ArticleFile:
    """One article file, found but not read."""

    file: Path
    path: str
    """Where it is, as people see it: relative to the workspace where it can be."""
    status: os.stat_result

    def stamp(self, context: Context) -> str:
        """What the file and the settings are known by without reading; empty if the file has just changed."""
        if self.status.st_mtime_ns > time.time_ns() - _FRESH:
            return ""
        return f"{context.fingerprint[:16]} {self.status.st_mtime_ns} {self.status.st_size}"

    def text(self) -> str:
        """What is in it. Raises RejectedArticle if that is no text."""
        try:
            return read_text(self.file)
        except ValueError as error:
            raise RejectedArticle(Problem(self.path, "", "is not a text file")) from error
        except OSError as error:
            raise RejectedArticle(_unreadable(self.path, error)) from error


def check_folder(workspace: Workspace, source: FolderSource) -> None:
    """Raise BroadsheetError if the folder isn't there."""
    if not (workspace.root / source.path).is_dir():
        raise BroadsheetError(
            f"The article folder “{source.path}” isn't there. Make it, or correct `path` under `sources` in "
            "broadsheet.toml."
        )


def article_files(workspace: Workspace, source: FolderSource) -> Iterator[ArticleFile | RejectedArticle]:
    """The files of ``source`` in the order of their paths; those that can't be read come as RejectedArticle.

    Names that begin with ``.`` or ``_`` are left out. Nothing outside of the folder is read, wherever a
    symbolic link leads. Raises BroadsheetError if the folder isn't there.
    """
    check_folder(workspace, source)
    folder = workspace.root / source.path
    base = folder.resolve()
    inside = lru_cache(maxsize=None)(lambda parent: parent.resolve().is_relative_to(base))
    for path in _matching(folder, source):
        shown = _shown(path, workspace.root)
        relative = path.relative_to(folder)
        if any(part.startswith((".", "_")) for part in relative.parts):
            continue
        if ".." in relative.parts or not inside(path.parent) or (path.is_symlink() and not inside(path)):
            yield RejectedArticle(Problem(shown, "", f"leads out of the folder “{source.path}”"))
        elif not path.is_dir():
            yield _found(path, shown)


def read_source(workspace: Workspace, source: FolderSource) -> Iterator[ParsedArticle | RejectedArticle]:
    """The articles of ``source`` in the order of their paths, each parsed or rejected; no row is touched.

    Raises as :func:`article_files` does.
    """
    context = Context.of(workspace.config, Tagging.of(workspace.config), source.keys)
    for file in article_files(workspace, source):
        try:
            yield file if isinstance(file, RejectedArticle) else parse_article(file.text(), file.path, context)
        except RejectedArticle as rejected:
            yield rejected


def _matching(folder: Path, source: FolderSource) -> list[Path]:
    found: set[Path] = set()
    for pattern in source.glob:
        try:
            found.update(folder.glob(pattern))
        except (ValueError, NotImplementedError, IndexError) as error:
            raise BroadsheetError(
                f"`glob` under `sources` in broadsheet.toml is “{pattern}”, which is no pattern; "
                "write one like **/*.md."
            ) from error
    return sorted(found)


def _shown(path: Path, root: Path) -> str:
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def _found(path: Path, shown: str) -> ArticleFile | RejectedArticle:
    readable = shown.encode("utf-8", "replace").decode("utf-8")
    if readable != shown:
        return RejectedArticle(Problem(readable, "", "has a name that is not UTF-8; rename it"))
    try:
        status = path.stat()
    except FileNotFoundError:
        return RejectedArticle(Problem(shown, "", "is not a file that can be read"))
    except OSError as error:
        return RejectedArticle(_unreadable(shown, error))
    if not stat.S_ISREG(status.st_mode):
        return RejectedArticle(Problem(shown, "", "is not a file that can be read"))
    if status.st_size > MAX_BYTES:
        return RejectedArticle(Problem(shown, "", f"is larger than {MAX_BYTES // 1_000_000} MB"))
    return ArticleFile(path, shown, status)


def _unreadable(shown: str, error: OSError) -> Problem:
    return Problem(shown, "", f"can't be read ({error.strerror})")
