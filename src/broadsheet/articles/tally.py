"""A sync on its way: what was there, what has been taken, who has which slug."""

from dataclasses import dataclass, field
from datetime import datetime

from broadsheet.articles.findings import Finding
from broadsheet.articles.rows import Known, New, Writer
from broadsheet.conf import FeedSource, FolderSource
from broadsheet.errors import Problem
from broadsheet.models import SourceState


@dataclass
class Tally:
    """What the steps of a sync share."""

    now: datetime
    known: Known
    states: dict[str, SourceState]
    """By place: what earlier syncs have learnt of the source."""
    writer: Writer
    path_of: dict[str, str] = field(default_factory=dict)
    """By slug: the file or entry that has it."""
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: list[Problem] = field(default_factory=list)
    failed: list[Problem] = field(default_factory=list)
    findings: list[tuple[str, Finding]] = field(default_factory=list)

    def claim(self, slug: str, path: str) -> bool:
        """Whether the file may have the slug; if another has it, the file is rejected."""
        first = self.path_of.setdefault(slug, path)
        if first != path:
            self.rejected.append(Problem(path, "", f"has the slug “{slug}”, which {first} has too; change one"))
        return first == path

    def take(self, new: New) -> None:
        """Have an article written, and count it."""
        article = new.article
        self.path_of[article.slug] = article.path
        if article.slug in self.known.by_slug:
            self.changed += 1
        else:
            self.added += 1
        self.findings += [(article.path, each) for each in article.findings]
        self.writer.add(new)

    def state(self, source: FolderSource | FeedSource) -> SourceState:
        """The row of a source, made if there is none yet."""
        return self.states.setdefault(source.place, SourceState(place=source.place, name=source.label))

    def is_past(self, source: FolderSource | FeedSource, published: datetime | None) -> bool:
        """Whether a new article counts as seen: a source's first sync finds it older than ``max_age``, or undated."""
        if source.max_age is None or self.state(source).first_synced_at:
            return False
        return published is None or published < self.now - source.max_age
