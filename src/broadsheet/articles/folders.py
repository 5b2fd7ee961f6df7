"""Folder sources: the article files of one folder found and read, and a step of the sync that takes them."""

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from broadsheet.articles.apart import in_time, is_large
from broadsheet.articles.findings import Finding
from broadsheet.articles.identity import same_file
from broadsheet.articles.parsing import Context, ParsedArticle, content_hash, parse_article
from broadsheet.articles.rows import New, Tally
from broadsheet.conf import FolderSource
from broadsheet.errors import BroadsheetError, Problem, RejectedArticle, TooSlow
from broadsheet.workspace import Workspace
from broadsheet.workspace.reading import read_text

MAX_BYTES = 5_000_000
#: A file that changed so few nanoseconds ago may change again and bear the same time; 2 s is FAT's step.
_FRESH = 2_000_000_000
#: So many files of one sync may take too long to read.
MOST_SLOW = 3


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


@dataclass
class Folders:
    """Reads files once each, in their order. A slug stays with its article; a new one is the first file's."""

    tally: Tally
    workspace: Workspace
    _seen: set[str] = field(default_factory=set)
    _waiting: list[New] = field(default_factory=list)
    """Articles with a new slug, which may be old ones under a new name."""
    _slow: int = 0
    _claimants: list[New] = field(default_factory=list)
    """Articles with the slug of another file's, which may be that article in another place."""

    def read(self, source: FolderSource, context: Context) -> None:
        """Take the files of one folder."""
        for file in article_files(self.workspace, source):
            path = file.problem.path if isinstance(file, RejectedArticle) else file.path
            if path in self._seen:  # two sources may overlap
                continue
            self._seen.add(path)
            try:
                if isinstance(file, RejectedArticle):
                    raise file
                self._take(source, file, context)
            except RejectedArticle as rejected:
                self.tally.rejected.append(rejected.problem)

    def settle(self) -> None:
        """Once every file is read: give what waits the rows of the articles that it turns out to be."""
        known = self.tally.known
        for problem in self.tally.rejected:  # a file that can't be read still has its slug
            if row := known.by_path.get(problem.path):
                self.tally.path_of.setdefault(row.slug, row.path)
        for new in self._claimants:
            if self.tally.claim(new.article.slug, new.article.path):
                self.tally.take(new)
        self.tally.rejected.sort(key=lambda problem: problem.path)
        for new in self._waiting:
            article = new.article
            candidates = [known.by_identity.get(article.identity), known.by_path.get(article.path)]
            row = same_file(article, [row for row in candidates if row and row.slug not in self.tally.path_of])
            if row:
                told = f"its slug stays “{row.slug}”, which readers may know; the file says “{article.slug}”"
                findings = (*article.findings, Finding("slug", told))
                article = replace(article, slug=row.slug, findings=findings)
            self.tally.take(replace(new, article=article))

    def _take(self, source: FolderSource, file: ArticleFile, context: Context) -> None:
        stamp = file.stamp(context)
        row = self.tally.known.by_path.get(file.path)
        ours = row is not None and (row.source, row.place) == (source.label, source.place)
        text = None if row and ours and stamp and stamp == row.file_stamp else file.text()
        if row and ours and (text is None or row.content_hash == content_hash(text, file.path, context)):
            if self.tally.claim(row.slug, file.path):
                self.tally.unchanged += 1
                if stamp and stamp != row.file_stamp:
                    self.tally.writer.restamp(row.slug, stamp)
            return
        article = self._parsed(text or "", file.path, context)
        past = self.tally.is_past(source, article.published_at)
        new = New(article, source.label, source.place, stamp, past)
        known = self.tally.known
        owner = known.by_slug.get(article.slug)
        if owner and owner.path != file.path:
            self._claimants.append(new)
        elif not self.tally.claim(article.slug, file.path):
            return
        elif article.slug not in known.by_slug and (row or article.identity in known.by_identity):
            self._waiting.append(new)
        else:
            self.tally.take(new)

    def _parsed(self, text: str, path: str, context: Context) -> ParsedArticle:
        """The article in ``text``. A few files may take too long, not a folder full of them."""
        if self._slow >= MOST_SLOW and is_large(text):
            raise RejectedArticle(Problem(path, "", "is large, and was not read: other files took too long already"))
        try:
            return in_time(parse_article, text, path, context)
        except RejectedArticle:
            raise
        except BroadsheetError as error:
            self._slow += isinstance(error, TooSlow)
            raise RejectedArticle(Problem(path, "", str(error))) from error
