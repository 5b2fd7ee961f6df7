"""A step of the sync: the files of folders."""

from dataclasses import dataclass, field, replace

from broadsheet.articles.apart import in_time, is_large
from broadsheet.articles.findings import Finding
from broadsheet.articles.folders import ArticleFile, article_files
from broadsheet.articles.identity import same_file
from broadsheet.articles.parsing import Context, ParsedArticle, content_hash, parse_article
from broadsheet.articles.rows import New
from broadsheet.articles.tally import Tally
from broadsheet.conf import FolderSource
from broadsheet.errors import BroadsheetError, Problem, RejectedArticle, TooSlow
from broadsheet.workspace import Workspace

#: So many files of one sync may take too long to read.
MOST_SLOW = 3


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
