"""The workspace: the files that people write. Finds, reads and changes them, and says all that is wrong."""

from broadsheet.workspace.campaign import (
    ArticleRules,
    CampaignFile,
    Fill,
    NotOn,
    Schedule,
    Slot,
    Wanted,
    crontab,
)
from broadsheet.workspace.forms import TagRule
from broadsheet.workspace.people_files import Attribute, ListFile, Lists
from broadsheet.workspace.root import Workspace, find_root, make_workspace, starter_root
from broadsheet.workspace.segment_file import AttributeRule, Had, Joined, Rule, Segment
from broadsheet.workspace.writing import (
    FileVersion,
    campaign_version,
    change_segment,
    changed_campaign,
    create_campaign,
    current,
    duplicated_campaign,
    read_version,
    save_campaign,
    segment_users,
    starter_campaign,
)

__all__ = [
    "ArticleRules",
    "Attribute",
    "AttributeRule",
    "CampaignFile",
    "FileVersion",
    "Fill",
    "Had",
    "Joined",
    "ListFile",
    "Lists",
    "NotOn",
    "Rule",
    "Schedule",
    "Segment",
    "Slot",
    "TagRule",
    "Wanted",
    "Workspace",
    "campaign_version",
    "change_segment",
    "changed_campaign",
    "create_campaign",
    "crontab",
    "current",
    "duplicated_campaign",
    "find_root",
    "make_workspace",
    "read_version",
    "save_campaign",
    "segment_users",
    "starter_campaign",
    "starter_root",
]
