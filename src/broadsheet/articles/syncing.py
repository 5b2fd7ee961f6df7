"""The article sources become rows: what is new, what changed, what is gone, and what can't be read."""

from dataclasses import dataclass

from django.utils import timezone

from broadsheet.articles.findings import Finding
from broadsheet.articles.folders import Folders, check_folder
from broadsheet.articles.parsing import Context
from broadsheet.articles.polling import Feeds, polled
from broadsheet.articles.rows import Known, Tally, Writer
from broadsheet.articles.tagging import Tagging
from broadsheet.conf import FeedSource, FolderSource
from broadsheet.errors import Problem
from broadsheet.models import SourceState
from broadsheet.workspace import Workspace


@dataclass(frozen=True)
class SyncReport:
    """What a sync did; ``articles`` is how many there are now."""

    added: int
    changed: int
    unchanged: int
    removed: int
    rejected: tuple[Problem, ...]
    articles: int
    failed: tuple[Problem, ...] = ()
    """Feeds that could not be read; their articles stay as they are."""
    findings: tuple[tuple[str, Finding], ...] = ()
    """Advice about the articles that were added or changed, each with the article's path."""

    @property
    def fine(self) -> bool:
        """Whether everything could be read."""
        return not self.rejected and not self.failed


def sync(workspace: Workspace) -> SyncReport:
    """Bring the article rows up to date with the sources, and say what that meant.

    1. Feeds are asked, several at once. 2. Meanwhile the folders' files are read; what did not change is not
    parsed. 3. Files with a new slug turn out to be old articles under a new name, or new ones. 4. What the
    feeds answered is taken. 5. Articles of files and sources that are gone are removed.

    A file that was fine and no longer is keeps its row, and so do the articles of a feed that fails. Raises
    BroadsheetError, and changes nothing, if a folder isn't there.
    """
    config = workspace.config
    sources = {source.place: source for source in reversed(config.sources)}  # the first of a place counts
    folders = [source for source in reversed(sources.values()) if isinstance(source, FolderSource)]
    feeds = [source for source in reversed(sources.values()) if isinstance(source, FeedSource)]
    for folder in folders:
        check_folder(workspace, folder)
    tagging = Tagging.of(config)
    context = Context.of(config, tagging)
    states = {state.place: state for state in SourceState.objects.all()}
    now = timezone.now()
    tally = Tally(now, Known.load(), states, Writer(now))
    from_folders = Folders(tally, workspace)
    from_feeds = Feeds(tally, feeds, frozenset(sources))
    with polled(feeds, states, context) as answers:
        from_feeds.claim_slugs()
        for folder in folders:
            from_folders.read(folder, Context.of(config, tagging, folder.keys))
        from_folders.settle()
        from_feeds.take(answers, context)
    gone = _gone(tally)
    tally.writer.finish(gone)
    _remember(tally, folders, feeds)
    return SyncReport(
        added=tally.added,
        changed=tally.changed,
        unchanged=tally.unchanged,
        removed=len(gone),
        rejected=tuple(tally.rejected),
        articles=len(tally.known.by_slug) + tally.added - len(gone),
        failed=tuple(tally.failed),
        findings=tuple(tally.findings),
    )


def _gone(tally: Tally) -> set[str]:
    """The slugs that no file and no feed has any more; a file that can't be read still has its own."""
    by_path = tally.known.by_path
    kept = {by_path[problem.path].slug for problem in tally.rejected if problem.path in by_path}
    return tally.known.by_slug.keys() - tally.path_of.keys() - kept


def _remember(tally: Tally, folders: list[FolderSource], feeds: list[FeedSource]) -> None:
    """Write the sources' rows: those of feeds each time, those of folders when they are new."""
    fresh = []
    for folder in folders:
        state = tally.state(folder)
        if state.first_synced_at is None or state.name != folder.label:
            state.first_synced_at = state.first_synced_at or tally.now
            state.checked_at = tally.now
            state.name = folder.label
            fresh.append(state)
    for feed in feeds:
        state = tally.state(feed)
        state.name = feed.label
        fresh.append(state)
    if fresh:
        columns = [each.name for each in SourceState._meta.concrete_fields if each.name not in ("id", "place")]
        SourceState.objects.bulk_create(
            [SourceState(place=s.place, **{name: getattr(s, name) for name in columns}) for s in fresh],
            update_conflicts=True,
            unique_fields=["place"],
            update_fields=columns,
        )
    if left := tally.states.keys() - {source.place for source in (*folders, *feeds)}:
        SourceState.objects.filter(place__in=left).delete()
