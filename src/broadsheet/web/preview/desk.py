"""What lies on the desk: the workspace as its files are now, its campaigns' plans, and the mails shown so far.

A :class:`Desk` holds for one state of the files; :func:`desk` clears it when they change. Articles are brought up
to date with their files then; nothing else is written.
"""

import time
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import RLock

from django.conf import settings
from django.utils import timezone

from broadsheet import editions, pipeline, schedule
from broadsheet.articles import SyncReport, load_content
from broadsheet.audience import Reader
from broadsheet.editions import Plan
from broadsheet.models import Subscriber
from broadsheet.rendering import Message, Sheet, compile_message, sheet_for
from broadsheet.selection import pick, pool
from broadsheet.web.preview import files
from broadsheet.workspace import CampaignFile, Workspace

#: Seconds a plan is kept: who has left a list meanwhile shows no file's change.
PLAN_KEPT = 60
DRAFTS_KEPT = 50
#: Compiled mails kept; a large one takes some 100 kB.
PRINTED_KEPT = 200
TOO_FEW = -1


@dataclass(frozen=True)
class Draft:
    """A campaign's next edition as it would be now."""

    campaign: CampaignFile
    at: datetime
    planned: Plan
    made: float
    ids: "array[int]"
    """Everybody in the plan, by subscriber id …"""
    indexes: "array[int]"
    """… and which variant they would get; :data:`TOO_FEW` for none."""

    def variant(self, subscriber_id: int) -> int | None:
        """The index of their variant, or TOO_FEW; None for somebody who is not in the plan."""
        at = bisect_left(self.ids, subscriber_id)
        return self.indexes[at] if at < len(self.ids) and self.ids[at] == subscriber_id else None

    def first_reader(self, variant: int) -> int:
        """The id of the first reader who would get that variant."""
        return self.ids[self.indexes.index(variant)]


@dataclass(frozen=True)
class Printed:
    """One variant's mail, compiled, and what it was compiled from."""

    sheet: Sheet
    message: Message


@dataclass
class Desk:
    """Everything worked out for one state of the files."""

    workspace: Workspace
    folders: tuple[Path, ...]
    """What is watched beside ``broadsheet.toml``."""
    version: str
    synced: SyncReport | None = None
    _drafts: dict[tuple[str, datetime], Draft] = field(default_factory=dict)
    _printed: dict[tuple[str, datetime, tuple[str, ...]], Printed] = field(default_factory=dict)

    def draft(self, slug: str, at: datetime | None = None) -> Draft:
        """The plan of the campaign's edition at that time, or at its next. Raises BroadsheetError."""
        with _LOCK:
            campaign = self.workspace.campaign(slug)
            at = at or schedule.next_time(self.workspace, campaign, timezone.now())
            kept = self._drafts.get((slug, at))
            if kept is None or time.monotonic() - kept.made > PLAN_KEPT:
                if len(self._drafts) >= DRAFTS_KEPT:
                    self._drafts.clear()
                kept = self._drafts[slug, at] = self._planned(campaign, at)
            return kept

    def printed(self, draft: Draft, slugs: tuple[str, ...]) -> Printed:
        """The compiled mail with those articles. Raises BroadsheetError."""
        key = draft.campaign.slug, draft.at, slugs
        with _LOCK:
            if key not in self._printed:
                if len(self._printed) >= PRINTED_KEPT:
                    self._printed.clear()
                content = load_content(self.workspace, slugs)
                sheet = sheet_for(self.workspace, draft.campaign, draft.at, [content[slug] for slug in slugs])
                self._printed[key] = Printed(sheet, compile_message(sheet))
            return self._printed[key]

    def _planned(self, campaign: CampaignFile, at: datetime) -> Draft:
        self.sync()
        planned = pipeline.select(self.workspace, campaign, at)
        ids, indexes = array("q"), array("q")
        for subscriber_id, index in editions.assignments(planned):
            ids.append(subscriber_id)
            indexes.append(TOO_FEW if isinstance(index, str) else index)
        return Draft(campaign, at, planned, time.monotonic(), ids, indexes)

    def sync(self) -> SyncReport:
        """What bringing the articles up to date said; done once. Raises BroadsheetError."""
        with _LOCK:
            if self.synced is None:
                self.synced = pipeline.collect(self.workspace)
            return self.synced

    @cached_property
    def nobody(self) -> Reader:
        """A made-up reader, for drafts that nobody would get yet."""
        name = {"first_name": "Robin", "last_name": "Reader", "name": "Robin Reader"}
        values = {**name, "email": "robin@reader.example", "language": self.workspace.config.site.language}
        return Reader(0, "robin@reader.example", "Robin Reader", {**values, "interests": []})


def made_up_picks(workspace: Workspace, draft: Draft) -> tuple[str, ...]:
    """What somebody interested in everything, who has had nothing, would get."""
    known, rules = editions.candidates(workspace), draft.campaign.articles
    tags = frozenset(tag for each in known for tag in each.tags)
    return pick(rules, pool(rules, known, draft.at), tags, frozenset()).slugs


def subscriber(pk: int) -> Subscriber:
    """That subscriber's row, with interests."""
    return Subscriber.objects.select_related("interests").get(pk=pk)


_LOCK = RLock()
_KEPT: list[Desk] = []


def desk() -> Desk:
    """The desk as the files are now."""
    with _LOCK:
        root = settings.WORKSPACE.root
        if _KEPT and _KEPT[0].workspace.root == root:
            kept = _KEPT[0]
            if kept.version == files.version(kept.workspace, kept.folders):
                return kept
        workspace = Workspace(root)
        folders = files.watched(workspace)
        _KEPT[:] = [Desk(workspace, folders, files.version(workspace, folders))]
        return _KEPT[0]
