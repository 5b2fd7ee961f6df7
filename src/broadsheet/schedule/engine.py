"""APScheduler calls the pipeline at its times, and nothing else.

Jobs are kept in memory: what is due is worked out from the workspace's files and the ledger, so that a restart,
a second scheduler or a clock set back changes nothing.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from threading import Event, Lock, Thread
from typing import Any, Protocol

from apscheduler.executors.base import BaseExecutor, run_job
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger
from django.db import connections
from django.utils import timezone

from broadsheet import events, notices, pipeline, reports
from broadsheet.audience import uploads
from broadsheet.audience.tracking_consent import forget_reading
from broadsheet.conf.cluster import broker
from broadsheet.errors import BroadsheetError, MailboxFailed
from broadsheet.schedule.cleaning import clean_up
from broadsheet.schedule.following import Follower
from broadsheet.schedule.leader import Leadership
from broadsheet.schedule.senders import Senders
from broadsheet.schedule.ticking import Troubles, ahead, tick
from broadsheet.timing import firings, opens
from broadsheet.workspace import CampaignFile, Workspace

log = logging.getLogger(__name__)

#: Seconds between two looks at the files, and at what is due.
LOOK, TICK = 2, 10
#: Seconds between two rounds of posts to webhooks.
WEBHOOKS = 5
#: Seconds between two looks at what providers' webhooks brought.
HOOKS = 5
#: Seconds by which two clocks may differ before the jobs' times are worked out anew.
_JUMP = 5.0


def lead(workspace: Workspace, stopping: Event) -> None:
    """Schedules whenever this process is the leader, until ``stopping`` is set. Ends what is in hand first."""
    with Leadership(workspace, stopping) as leadership:
        while leadership.won():
            log.info("This scheduler leads")
            engine = Engine(workspace)
            engine.start()
            try:
                while leadership.leads():
                    engine.mind_the_clock()
            finally:
                engine.stop()
                log.info("This scheduler leads no longer")


class Engine:
    """The jobs of one leader."""

    def __init__(self, workspace: Workspace, clock: Callable[[], datetime] = timezone.now) -> None:
        self._clock = clock
        self._follower = Follower(workspace)
        self._senders = _hands()
        self._troubles = Troubles()
        self._ticking, self._collecting = Lock(), Lock()
        self._offset = self._now_offset()
        self._executor = _Threads()
        self._jobs = BackgroundScheduler(
            timezone=UTC,
            executors={"default": self._executor},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def start(self) -> None:
        """Begin; what is due already is done at once."""
        self._add("files", IntervalTrigger(seconds=LOOK, timezone=UTC), self._follow)
        self._add("tick", IntervalTrigger(seconds=TICK, timezone=UTC), self._tick, at_once=True)
        self._add("webhooks", IntervalTrigger(seconds=HOOKS, timezone=UTC), self._take_in, at_once=True)
        self._add("notices", IntervalTrigger(seconds=TICK, timezone=UTC), self._carry_out, at_once=True)
        self._plan()
        self._jobs.start()

    def stop(self, seconds: float = 8.0) -> None:
        """Begin nothing more, and wait so long for what is in hand; what takes longer is left to its leases."""
        until = time.monotonic() + seconds
        self._jobs.shutdown(wait=False)
        if not self._senders.stop(seconds):
            log.warning("A sender did not end in %.0f s; the copies in its hand will be shown as unknown", seconds)
        self._executor.join(until - time.monotonic())

    def mind_the_clock(self) -> None:
        """Work out the jobs' times anew if somebody has set the clock; a job would wait for the old time else."""
        offset = self._now_offset()
        if abs(offset - self._offset) > _JUMP:
            self._offset, now = offset, self._clock()
            log.warning("The clock was set; it is %s", f"{now:%Y-%m-%d %H:%M:%S} UTC")
            for job in self._jobs.get_jobs():
                of_a_campaign = isinstance(job.trigger, NextTime)
                job.modify(next_run_time=job.trigger.get_next_fire_time(None, now) if of_a_campaign else now)

    def _now_offset(self) -> float:
        return self._clock().timestamp() - time.monotonic()

    def _add(self, name: str, trigger: BaseTrigger, work: Callable[[], None], *, at_once: bool = False) -> None:
        now = {"next_run_time": self._clock()} if at_once else {}
        self._jobs.add_job(partial(_closing, work), trigger, id=name, name=name, replace_existing=True, **now)

    def _plan(self) -> None:
        """One job for each campaign at its next time, and the settings' own."""
        workspace = self._follower.workspace
        settings = workspace.config.schedule
        for job in self._jobs.get_jobs():
            if job.id not in ("files", "tick", "webhooks", "notices"):
                job.remove()
        for slug, file in workspace.kept.items():
            if file.schedule and not file.resting:
                self._add(f"campaign {slug}", NextTime(workspace, file), self._tick)
        if settings.sync_minutes:
            every = IntervalTrigger(minutes=settings.sync_minutes, timezone=UTC)
            self._add("sync", every, self._sync, at_once=True)
        if workspace.config.webhooks:
            self._add("outgoing webhooks", IntervalTrigger(seconds=WEBHOOKS, timezone=UTC), self._tell, at_once=True)
        if (bounces := workspace.config.bounces).mailboxes:
            every = IntervalTrigger(seconds=max(10, bounces.every.total_seconds()), timezone=UTC)
            self._add("bounce mailboxes", every, self._take_back, at_once=True)
        if settings.clean_up == "daily":
            self._add("clean-up", IntervalTrigger(days=1, timezone=UTC), self._clean_up, at_once=True)

    def _follow(self) -> None:
        if self._follower.look():
            self._plan()
            self._jobs.modify_job("tick", next_run_time=self._clock())  # a new file is watched from now on

    def _tick(self) -> None:
        with self._ticking:
            tick(self._follower.workspace, self._clock(), self._troubles, self._collect)
            pipeline.sweep(self._follower.workspace)
            self._senders.look(self._follower.workspace, self._clock())

    def _carry_out(self) -> None:
        if taken := notices.carry_out(self._follower.workspace):
            log.info("Notices: %s sent", taken)

    def _sync(self) -> None:
        self._collect(self._follower.workspace)

    def _collect(self, workspace: Workspace) -> None:
        with self._collecting:
            report = pipeline.collect(workspace)
        if report.added or report.changed or report.removed:
            log.info("Articles: %s added, %s changed, %s removed", report.added, report.changed, report.removed)

    def _tell(self) -> None:
        events.deliver_due(self._clock())

    def _take_in(self) -> None:
        if calls := pipeline.take_in(self._follower.workspace):
            log.info("Webhooks: %s calls worked on", calls)

    def _take_back(self) -> None:
        for name, found in pipeline.take_back(self._follower.workspace).items():
            if isinstance(found, MailboxFailed):
                log.error("%s", found)
            elif found:
                log.info("Mailbox %s: %s new", name, found)

    def _clean_up(self) -> None:
        now, config = self._clock(), self._follower.workspace.config
        reports.fold_reading(now - config.privacy.keep_reading)
        forget_reading(now - config.privacy.keep_reading)
        events.outgoing.forget(now - events.outgoing.KEPT)
        events.let_go(now, config.bounces.keep)
        notices.forget(now)
        uploads.forget(self._follower.workspace, now)
        if removed := clean_up(self._follower.workspace.state, now):
            log.info("Cleaned up: %s", ", ".join(removed))


class NextTime(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """The next moment at which the campaign wants something made."""

    def __init__(self, workspace: Workspace, file: CampaignFile) -> None:
        self._workspace = workspace
        self._file = file

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """When the next edition is to be frozen; None if there is no more."""
        after, schedule = previous or now, self._file.schedule
        if schedule is None:
            return None
        zone = schedule.zone(self._workspace.config.zone)
        early = ahead(self._workspace, self._file)
        moments = (opens(schedule, zone, at) - early for at in firings(schedule, zone, after))
        return next((moment.astimezone(UTC) for moment in moments if moment > after), None)


class _Hands(Protocol):
    """What brings the copies out that are due: threads of this process, or workers by way of a broker."""

    def look(self, workspace: Workspace, now: datetime) -> None:
        """See to each edition that is ready."""

    def stop(self, seconds: float) -> bool:
        """Let go; whether all that was in hand ended in that time."""


def _hands() -> _Hands:
    address = broker()
    if address is None:
        return Senders()
    try:
        from broadsheet.schedule.hints import Hints, make_app
    except ImportError as error:
        raise BroadsheetError("BROADSHEET_BROKER needs Celery: pip install 'broadsheet[celery]'.") from error
    return Hints(make_app(address))


def _closing(work: Callable[[], None]) -> None:
    """Do it, and close the thread's connections: temporary tables end with them."""
    try:
        work()
    finally:
        connections.close_all()


class _Threads(BaseExecutor):  # type: ignore[misc]
    """A thread for each run of a job. It does not keep the process from ending, as the threads of a pool would."""

    def __init__(self) -> None:
        super().__init__()
        self._running: set[Thread] = set()

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        thread = Thread(target=self._run, args=(job, run_times), name=job.id, daemon=True)
        self._running = {each for each in self._running if each.is_alive()} | {thread}
        thread.start()

    def _run(self, job: Any, run_times: list[datetime]) -> None:
        events = run_job(job, job._jobstore_alias, run_times, self._logger.name)
        self._run_job_success(job.id, events)

    def join(self, seconds: float) -> None:
        """Wait so long for the jobs that run."""
        until = time.monotonic() + seconds
        for thread in tuple(self._running):
            thread.join(max(0.0, until - time.monotonic()))
