"""What makes campaigns come out by themselves: who schedules, what is due, and who sends it."""

from datetime import datetime, timedelta

from broadsheet import editions, timing
from broadsheet.timing import in_words
from broadsheet.workspace import CampaignFile, Workspace

__all__ = ["in_words", "last_time", "next_time"]

_YEAR = timedelta(days=367)


def next_time(workspace: Workspace, campaign: CampaignFile, now: datetime) -> datetime:
    """The next moment the campaign is due after ``now``, as people left its schedule; ``now`` if there is none."""
    return timing.next_time(workspace, campaign, now, editions.changes_of(campaign.slug, now))


def last_time(workspace: Workspace, campaign: CampaignFile, now: datetime) -> datetime:
    """The latest moment the campaign was due, ``now`` included, within a year; ``now`` if there is none."""
    return timing.last_time(workspace, campaign, now, editions.changes_of(campaign.slug, now - _YEAR))
