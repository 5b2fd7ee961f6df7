"""When campaigns come out, by APScheduler's triggers."""

from datetime import datetime, timedelta

from apscheduler.triggers.cron import CronTrigger

from broadsheet.workspace import CampaignFile, Workspace, crontab


def next_time(workspace: Workspace, campaign: CampaignFile, now: datetime) -> datetime:
    """The next moment the campaign is due after ``now``; ``now`` itself, to the minute, if it has no schedule."""
    if campaign.schedule is None:
        return now.replace(second=0, microsecond=0)
    found = _next(_trigger(workspace, campaign), now)
    return found.astimezone(now.tzinfo) if found else now.replace(second=0, microsecond=0)


def last_time(workspace: Workspace, campaign: CampaignFile, now: datetime) -> datetime:
    """The latest moment the campaign was due before ``now``, within a year; ``now`` if there is none."""
    trigger = _trigger(workspace, campaign) if campaign.schedule else None
    for days in (8, 32, 366):
        moment = now - timedelta(days=days)
        latest: datetime | None = None
        while trigger and (found := _next(trigger, moment)) and found <= now:
            latest, moment = found, found + timedelta(seconds=1)
        if latest:
            return latest.astimezone(now.tzinfo)
    return now.replace(second=0, microsecond=0)


def _next(trigger: CronTrigger, after: datetime) -> datetime | None:
    """The first time from ``after`` on; of a time that the clocks show twice in autumn, the first."""
    found: datetime | None = trigger.get_next_fire_time(None, after)
    while found and found.fold:
        found = trigger.get_next_fire_time(None, found + timedelta(hours=1))
    return found


def _trigger(workspace: Workspace, campaign: CampaignFile) -> CronTrigger:
    schedule = campaign.schedule
    if schedule is None:
        raise ValueError(f"{campaign.slug} has no schedule")
    return crontab(schedule.cron, schedule.zone(workspace.config.zone))
