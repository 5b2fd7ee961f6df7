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
from threading import RLock

from django.conf import settings
from django.utils import timezone

from broadsheet import editions, pipeline, schedule
from broadsheet.articles import SyncReport
from broadsheet.audience import Reader
from broadsheet.editions import Plan
from broadsheet.errors import BroadsheetError
from broadsheet.models import Article, Subscriber
from broadsheet.rendering import Message
from broadsheet.selection import Candidate, candidates, pick
from broadsheet.web.preview import files
from broadsheet.workspace import CampaignFile, Workspace

#: Seconds a plan is kept: who has left a list meanwhile shows no file's change.
PLAN_KEPT = 60
#: Compiled mails kept; a large one takes some 100 kB.
MESSAGES_KEPT = 200
TOO_FEW = -1


@dataclass(frozen=True)
class Draft:
    """A campaign's next edition as it would be now."""

    campaign: CampaignFile
    at: datetime
    planned: Plan
    made: float
    ids: array[int]
    """Everybody in the plan, by subscriber id …"""
    indexes: array[int]
    """… and which variant they would get; :data:`TOO_FEW` for none."""

    def variant(self, subscriber_id: int) -> int | None:
        """The index of their variant, or TOO_FEW; None for somebody who is not in the plan."""
        at = bisect_left(self.ids, subscriber_id)
        return self.indexes[at] if at < len(self.ids) and self.ids[at] == subscriber_id else None

    def first_reader(self, variant: int) -> int:
        """The id of the first reader who would get that variant."""
        return self.ids[self.indexes.index(variant)]


@dataclass
class Desk:
    """Everything worked out for one state of the files."""

    workspace: Workspace
    version: str
    synced: SyncReport | None = None
    _drafts: dict[tuple[str, datetime], Draft] = field(default_factory=dict)
    _messages: dict[tuple[str, datetime, tuple[str, ...]], Message] = field(default_factory=dict)

    def draft(self, slug: str, at: datetime | None = None) -> Draft:
        """The plan of the campaign's edition at that time, or at its next. Raises BroadsheetError."""
        with _LOCK:
            campaign = self.workspace.campaign(slug)
            at = at or schedule.next_time(self.workspace, campaign, timezone.now())
            kept = self._drafts.get((slug, at))
            if kept is None or time.monotonic() - kept.made > PLAN_KEPT:
                kept = self._drafts[slug, at] = self._planned(campaign, at)
            return kept

    def message(self, draft: Draft, slugs: tuple[str, ...]) -> Message:
        """The compiled mail with those articles. Raises BroadsheetError."""
        key = draft.campaign.slug, draft.at, slugs
        with _LOCK:
            if key not in self._messages:
                if len(self._messages) >= MESSAGES_KEPT:
                    self._messages.clear()
                self._messages[key] = pipeline.compiled(self.workspace, draft.campaign, draft.at, slugs)
            return self._messages[key]

    def _planned(self, campaign: CampaignFile, at: datetime) -> Draft:
        self.sync()
        planned = pipeline.select(self.workspace, campaign, at)
        ids, indexes = array("q"), array("q")
        for subscriber_id, index in editions.assignments(planned):
            ids.append(subscriber_id)
            indexes.append(TOO_FEW if index is None else index)
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


def made_up_picks(draft: Draft) -> tuple[str, ...]:
    """What somebody interested in everything, who has had nothing, would get."""
    rows = Article.objects.prefetch_related("tags").only("slug", "published_at", "draft")
    known = [
        Candidate(row.slug, row.published_at, row.draft, frozenset(t.name for t in row.tags.all())) for row in rows
    ]
    rules = draft.campaign.articles
    tags = frozenset(tag for each in known for tag in each.tags)
    return pick(rules, candidates(rules, known, draft.at), tags, frozenset()).slugs


def subscriber(pk: int) -> Subscriber:
    """That subscriber's row, with interests."""
    return Subscriber.objects.select_related("interests").get(pk=pk)


_LOCK = RLock()
_KEPT: list[tuple[Desk, tuple[object, ...]]] = []


def desk() -> Desk:
    """The desk as the files are now."""
    with _LOCK:
        root = settings.WORKSPACE.root
        if _KEPT:
            kept, folders = _KEPT[0]
            if kept.workspace.root == root and kept.version == files.version(kept.workspace, folders):
                return kept
        workspace = Workspace(root)
        folders = files.watched(workspace)
        made = Desk(workspace, files.version(workspace, folders))
        _KEPT[:] = [(made, folders)]
        return made


__all__ = ["BroadsheetError", "Desk", "Draft", "desk"]
