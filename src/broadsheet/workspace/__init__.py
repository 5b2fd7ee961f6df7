"""The workspace: the files that people write. Finds them, reads them, and says everything that is wrong."""

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

__all__ = [
    "ArticleRules",
    "Attribute",
    "AttributeRule",
    "CampaignFile",
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
    "crontab",
    "find_root",
    "make_workspace",
    "starter_root",
]
