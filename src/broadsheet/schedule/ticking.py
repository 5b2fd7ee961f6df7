"""What is due now: editions made at their times, late or skipped with the reason, approvers asked and reminded.

:func:`tick` may run at any time, anywhere, as often as anybody likes: an edition exists once, and what is dealt with
stays dealt with. ``Campaign.watched_since`` says up to when that is; it only matters that it is not too late.
"""

import logging
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db.models import Q

from broadsheet import approvals, editions, pipeline
from broadsheet.errors import BroadsheetError, WrongState
from broadsheet.models import Campaign, Edition, EditionState
from broadsheet.timing import Run, opens, runs, span_in_words
from broadsheet.workspace import CampaignFile, Workspace

log = logging.getLogger(__name__)

WHO = "scheduler"
DOWN = "the scheduler was not running"
MISSED = "missed by "
HELD = "held: nobody approved it by its time"
#: An edition made within this is on time.
ON_TIME = timedelta(minutes=2)
#: How often ``watched_since`` is written while nothing is due.
_WRITTEN_EVERY = timedelta(minutes=1)
#: A campaign's file that is younger than this when it is first seen is watched from its own time on.
_JUST_WRITTEN = timedelta(minutes=1)
_RETRY = timedelta(minutes=1)
_REMINDED_EVERY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


@dataclass
class Troubles:
    """What this process could not do, so that it says so once, and tries again, but not at once."""

    _found: dict[tuple[str, datetime], tuple[str, datetime]] = field(default_factory=dict)

    def note(self, what: tuple[str, datetime], now: datetime, error: Exception) -> None:
        """Keep the reason; write it into the log if it is a new one."""
        reason = " ".join(str(error).split()) or type(error).__name__
        if self.reason(what) != reason:
            unforeseen = None if isinstance(error, BroadsheetError) else error
            log.error("%s, %s: %s", what[0], _shown(what[1]), reason, exc_info=unforeseen)
        self._found[what] = (reason, now + _RETRY)

    def reason(self, what: tuple[str, datetime]) -> str:
        """Why it could not be done when it was last tried; empty if it was not tried."""
        return self._found.get(what, ("", None))[0]

    def waits(self, what: tuple[str, datetime], now: datetime) -> bool:
        """Whether the next try is still to come; a clock set back does not make it wait longer."""
        return what in self._found and timedelta(0) < self._found[what][1] - now <= _RETRY

    def over(self, what: tuple[str, datetime]) -> None:
        """Forget it."""
        self._found.pop(what, None)


Collect = Callable[[Workspace], object]


def tick(
    workspace: Workspace, now: datetime, troubles: Troubles | None = None, collect: Collect = pipeline.collect
) -> None:
    """Everything that is due by ``now``, and was not done, is done. Sends nothing itself.

    ``collect`` brings articles up to date before an edition is made. What goes wrong with one campaign is logged and
    tried again; it does not stop the others.
    """
    troubles = Troubles() if troubles is None else troubles
    maker = _Maker(workspace, now, troubles, collect)
    for file, row in _watched(workspace, now):
        maker.bring_out(file, row)
    resting = _resting(workspace)
    _hold(resting)
    _ask(workspace, now, troubles, resting)


def _resting(workspace: Workspace) -> dict[str, str]:
    """The campaigns that are paused or retired, and the reason to give."""
    found = {}
    for slug in workspace.campaign_names():
        try:
            found[slug] = workspace.campaign(slug).resting
        except BroadsheetError:
            continue  # as above
    return {slug: reason for slug, reason in found.items() if reason}


def _hold(resting: dict[str, str]) -> None:
    """What is approved and has not begun of a campaign that rests waits for a yes again."""
    approved = Edition.objects.select_related("campaign").filter(state=EditionState.APPROVED)
    for edition in approved.filter(campaign__slug__in=list(resting)):
        try:
            editions.move(edition, EditionState.DRAFT, who=WHO, why=resting[edition.campaign.slug])
        except WrongState:
            continue  # somebody moved it at the same moment; the next tick looks again
        log.warning("%s waits for a yes: %s", edition.key, edition.reason)


def _watched(workspace: Workspace, now: datetime) -> list[tuple[CampaignFile, Campaign]]:
    """The campaigns that come out by a schedule, with their rows. One that rests, or has no file, is not watched."""
    names, found = workspace.campaign_names(), []
    unscheduled = []
    for slug in names:
        try:
            file = workspace.campaign(slug)
        except BroadsheetError:
            continue  # whoever follows the files says what is wrong with it; it stays watched as it was
        if file.schedule is None or file.resting:
            unscheduled.append(slug)
        else:
            row, _ = Campaign.objects.get_or_create(slug=slug)
            _look_from(row, now, workspace)
            found.append((file, row))
    gone = Campaign.objects.filter(watched_since__isnull=False)
    gone.exclude(slug__in=names).update(watched_since=None)
    gone.filter(slug__in=unscheduled).update(watched_since=None)
    return found


def _look_from(row: Campaign, now: datetime, workspace: Workspace) -> None:
    """Fill ``watched_since`` when the campaign is first seen, and set it back with the clock."""
    if row.watched_since is not None and row.watched_since <= now:
        return
    if row.watched_since is None:
        path = workspace.root / "campaigns" / f"{row.slug}.md"
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC) if path.exists() else now
        row.watched_since = written if timedelta(0) < now - written < _JUST_WRITTEN else now
    else:  # what seemed missed in a future that was none is still to come
        row.watched_since = now
        ahead = Edition.objects.filter(campaign=row, state=EditionState.SKIPPED, scheduled_for__gt=now)
        ahead.filter(reason__startswith=MISSED).delete()
    row.save(update_fields=["watched_since"])


class _Maker:
    """Brings out what is due, one campaign after the other; articles are collected at most once."""

    def __init__(self, workspace: Workspace, now: datetime, troubles: Troubles, collect: Collect) -> None:
        self._workspace = workspace
        self._now = now
        self._troubles = troubles
        self._collect = collect
        self._collected = False

    def bring_out(self, file: CampaignFile, row: Campaign) -> None:
        """Deal with every time of the campaign that has come since it was last looked at."""
        schedule, since, done = file.schedule, row.watched_since, self._now
        assert schedule is not None
        assert since is not None
        zone = schedule.zone(self._workspace.config.zone)
        later = Edition.objects.filter(Q(scheduled_for__gt=since) | Q(moved_from__gt=since), campaign=row)
        known = {time for times in later.values_list("scheduled_for", "moved_from") for time in times}
        did_something = False
        for run in runs(schedule, zone, since, editions.changes_of(file.slug, since)):
            at = run.moment
            if opens(schedule, zone, run.at) - ahead(file) > self._now:
                break
            if at in known:
                continue
            if self._dealt_with(file, run):
                did_something = True
            elif at <= self._now:
                done = min(done, at - _INSTANT)
        if did_something or done - since >= _WRITTEN_EVERY:
            Campaign.objects.filter(pk=row.pk).update(watched_since=done)

    def _dealt_with(self, file: CampaignFile, run: Run) -> bool:
        """Make the edition, or its row with the reason why there is none; False if that is to be tried again."""
        assert file.schedule is not None
        late, what = self._now - run.at, (file.slug, run.at)
        if run.left_out:
            if late >= timedelta(0):
                self._skip(file, run.at, run.left_out)
            return late >= timedelta(0)
        why = self._troubles.reason(what) or DOWN
        if late > max(file.schedule.grace, ON_TIME):
            words = f"{MISSED}{span_in_words(late)}, more than its grace of {span_in_words(file.schedule.grace)}: {why}"
            self._skip(file, run.at, words)
            self._troubles.over(what)
            return True
        if self._troubles.waits(what, self._now):
            return False
        try:
            edition = self._made(file, run.at)
        except Exception as error:  # noqa: BLE001  logged, and one campaign's fault must not stop the others
            self._troubles.note(what, self._now, error)
            return False
        self._troubles.over(what)
        if late > ON_TIME:
            _say(edition, f"late by {span_in_words(late)}: {why}")
        log.info("%s, %s: %s", file.slug, _shown(run.at), " ".join((edition.state, edition.reason)).strip())
        return True

    def _made(self, file: CampaignFile, at: datetime) -> Edition:
        """The edition, from articles as they are now. Sources that can't be read leave the articles known before."""
        if not self._collected:
            self._collected = True
            try:
                self._collect(self._workspace)
            except BroadsheetError as error:
                self._troubles.note(("the sources", at), self._now, error)
        return pipeline.prepare(self._workspace, file.slug, at, who=WHO)

    def _skip(self, file: CampaignFile, at: datetime, reason: str) -> None:
        editions.skip(file.slug, at, reason, list_name=file.list, who=WHO)
        log.warning("%s, %s: skipped, %s", file.slug, _shown(at), reason)


def ahead(file: CampaignFile) -> timedelta:
    """How long before the first copy may leave an edition of the campaign is frozen."""
    return file.schedule.lead if file.schedule and file.approval == "required" else timedelta(0)


def _ask(workspace: Workspace, now: datetime, troubles: Troubles, resting: Container[str]) -> None:
    """Ask the approvers of new drafts, and remind those of editions that are held: at their time, then daily.

    Nobody is asked about a campaign that rests.
    """
    names = {slug for slug in workspace.campaign_names() if slug not in resting}
    waiting = Edition.objects.select_related("campaign").filter(state__in=(EditionState.DRAFT, EditionState.PROOFED))
    new = waiting.filter(scheduled_for__gt=now, asked_at=None, campaign__watched_since__isnull=False)
    held = editions.unapproved(now)
    for edition in held:
        _say(edition, HELD)
    for edition in (*new, *(each for each in held if _wants_reminder(each, now))):
        if edition.campaign.slug in names:
            _mail(workspace, edition, now, troubles)


def _wants_reminder(edition: Edition, now: datetime) -> bool:
    last = edition.asked_at
    return last is None or last < edition.scheduled_for or not timedelta(0) <= now - last < _REMINDED_EVERY


def _mail(workspace: Workspace, edition: Edition, now: datetime, troubles: Troubles) -> None:
    """Mail the approvers, who are asked by one process only; what failed is tried again."""
    what, before = (f"the question whether {edition.key} may be sent", edition.scheduled_for), edition.asked_at
    mine = Edition.objects.filter(pk=edition.pk)
    if troubles.waits(what, now) or not mine.filter(asked_at=before).update(asked_at=now):
        return
    try:
        approvals.ask_approval(workspace, edition)
    except Exception as error:  # noqa: BLE001  logged, and the other editions go on
        mine.update(asked_at=before)
        troubles.note(what, now, error)
    else:
        troubles.over(what)


def _say(edition: Edition, reason: str) -> None:
    """Keep the reason on an edition that has none."""
    if Edition.objects.filter(pk=edition.pk, reason="").update(reason=reason[:300]):
        edition.reason = reason[:300]


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M %Z}"
