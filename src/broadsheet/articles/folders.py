"""Folder sources: the article files of one folder, found and read."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from broadsheet.articles.parsing import ParsedArticle, content_hash, parse_article
from broadsheet.conf import Source
from broadsheet.errors import BroadsheetError, Problem, RejectedArticle
from broadsheet.workspace import Workspace
from broadsheet.workspace.reading import read_text

MAX_BYTES = 5_000_000


@dataclass(frozen=True)
class ArticleFile:
    """One article file, read but not parsed."""

    workspace: Workspace
    path: str
    """Where it is, as people see it: relative to the workspace where it can be."""
    text: str

    @property
    def content_hash(self) -> str:
        """The digest that the parsed article would bear; far cheaper than parsing."""
        site = self.workspace.config.site
        return content_hash(
            self.text,
            path=self.path,
            site_url=site.url,
            language=site.language,
            zone=self.workspace.config.zone,
        )

    def parsed(self) -> ParsedArticle | RejectedArticle:
        """The article, or why it can't be taken."""
        site = self.workspace.config.site
        try:
            return parse_article(
                self.text,
                path=self.path,
                site_url=site.url,
                language=site.language,
                zone=self.workspace.config.zone,
            )
        except RejectedArticle as rejected:
            return rejected


def article_files(workspace: Workspace, source: Source) -> Iterator[ArticleFile | RejectedArticle]:
    """The files of ``source`` in the order of their paths; those that can't be read come as RejectedArticle.

    Names that begin with ``.`` or ``_`` are left out. Nothing outside of the folder is read, wherever a
    symbolic link leads. Raises BroadsheetError if the folder isn't there.
    """
    folder = workspace.root / source.path
    if not folder.is_dir():
        raise BroadsheetError(
            f"The article folder “{source.path}” isn't there. Make it, or correct `path` under `sources` in "
            "broadsheet.toml."
        )
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
            yield _read(workspace, path, shown)


def read_source(workspace: Workspace, source: Source) -> Iterator[ParsedArticle | RejectedArticle]:
    """The articles of ``source`` in the order of their paths, each parsed or rejected.

    Raises as :func:`article_files` does.
    """
    for file in article_files(workspace, source):
        yield file if isinstance(file, RejectedArticle) else file.parsed()


def _matching(folder: Path, source: Source) -> list[Path]:
    try:
        return sorted(folder.glob(source.glob))
    except (ValueError, NotImplementedError, IndexError) as error:
        raise BroadsheetError(
            f"`glob` under `sources` in broadsheet.toml is “{source.glob}”, which is no pattern; "
            "write one like **/*.md."
        ) from error


def _shown(path: Path, root: Path) -> str:
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def _read(workspace: Workspace, path: Path, shown: str) -> ArticleFile | RejectedArticle:
    readable = shown.encode("utf-8", "replace").decode("utf-8")
    if readable != shown:
        return RejectedArticle(Problem(readable, "", "has a name that is not UTF-8; rename it"))
    try:
        if not path.is_file():
            return RejectedArticle(Problem(shown, "", "is not a file that can be read"))
        if path.stat().st_size > MAX_BYTES:
            return RejectedArticle(Problem(shown, "", f"is larger than {MAX_BYTES // 1_000_000} MB"))
        return ArticleFile(workspace, shown, read_text(path))
    except ValueError:
        return RejectedArticle(Problem(shown, "", "is not a text file"))
    except OSError as error:
        return RejectedArticle(Problem(shown, "", f"can't be read ({error.strerror})"))
