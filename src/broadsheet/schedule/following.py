"""The workspace as its files last made sense, while people edit them."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from broadsheet.errors import BroadsheetError
from broadsheet.workspace import CampaignFile, Workspace

log = logging.getLogger(__name__)

#: The files that say when and what; articles are read when an edition is made.
_FILES = (
    *("broadsheet.toml", "subscribers/lists.yaml", "subscribers/segments.yaml"),
    *("campaigns/*.md", "templates/*/template.*"),
)
#: What campaigns share; properties of a workspace.
_SHARED = ("config", "lists", "segments")
#: Nanoseconds in which a file may change again without a new mtime.
_UNSURE = 2_000_000_000

Fingerprint = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True)
class Snapshot(Workspace):
    """A workspace whose campaigns stay as they were when they were read."""

    kept: Mapping[str, CampaignFile] = field(default_factory=dict, compare=False)

    def campaign(self, slug: str) -> CampaignFile:
        """The campaign as last read without mistakes. Raises as the workspace does if it never was."""
        return self.kept.get(slug) or super().campaign(slug)


class Follower:
    """Looks at the files' times, and reads them again when one has changed.

    A file with mistakes keeps its last good version; the mistake is logged once.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = _snapshot(workspace, {})
        self._seen: Fingerprint | None = None
        self._said: dict[str, str] = {}
        self._began = False
        self.look()
        self._began = True

    def look(self) -> bool:
        """Whether something that counts has changed; :attr:`workspace` is up to date then."""
        newest, seen = fingerprint(self.workspace.root)
        if seen == self._seen:
            return False
        self._seen = None if time.time_ns() - newest < _UNSURE else seen
        before, self.workspace = self.workspace, self._read()
        return self._changes(before)

    def _read(self) -> Snapshot:
        """The files as they are now, but for those with mistakes."""
        before, fresh = self.workspace, Workspace(self.workspace.root)
        for name in _SHARED:
            try:
                getattr(fresh, name)
            except BroadsheetError as error:
                self._complain(name, str(error))
                vars(fresh).update({name: vars(before)[name]} if name in vars(before) else {})
            else:
                self._said.pop(name, None)
        kept: dict[str, CampaignFile] = {}
        for slug in fresh.campaign_names():
            try:
                kept[slug] = fresh.campaign(slug)
            except BroadsheetError as error:
                self._complain(slug, str(error))
                kept.update({slug: before.kept[slug]} if slug in before.kept else {})
            else:
                self._said.pop(slug, None)
        return _snapshot(fresh, kept)

    def _complain(self, what: str, mistakes: str) -> None:
        if self._said.get(what) != mistakes:
            self._said[what] = mistakes
            log.warning("%s\nIts last good version, if there was one, goes on until that is mended.", mistakes)

    def _changes(self, before: Snapshot) -> bool:
        """Whether campaigns or settings are others than before; says which, but not what was there at the start."""
        now, then = self.workspace.kept, before.kept
        for slug in sorted({*now, *then}) if self._began else ():
            if now.get(slug) != then.get(slug):
                what = "changed" if slug in now and slug in then else "new" if slug in now else "gone"
                log.info("campaigns/%s.md is %s", slug, what)
        return dict(now) != dict(then) or self.workspace.config != before.config


def _snapshot(workspace: Workspace, kept: Mapping[str, CampaignFile]) -> Snapshot:
    """A snapshot that holds what the workspace has read, where a cached property keeps it."""
    made = Snapshot(workspace.root, kept)
    vars(made).update({name: vars(workspace)[name] for name in _SHARED if name in vars(workspace)})
    return made


def fingerprint(root: Path) -> tuple[int, Fingerprint]:
    """The newest mtime of the files that count, in nanoseconds, and what tells their states apart."""
    found = []
    for path in sorted(path for pattern in _FILES for path in root.glob(pattern)):
        try:
            stat = path.stat()
        except OSError:
            continue  # gone since it was listed
        found.append((str(path), stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return max((each[1] for each in found), default=0), tuple(found)
