"""The workspace: the files that people write. Finds them, reads them, and says everything that is wrong."""

from broadsheet.workspace.campaign import (
    ArticleRules,
    CampaignFile,
    Fill,
    NotOn,
    Schedule,
    Slot,
    TagRule,
    Wanted,
    crontab,
)
from broadsheet.workspace.people_files import AttributeRule, ListFile, Lists, Rule, Segment
from broadsheet.workspace.root import Workspace, find_root, make_workspace, starter_root

__all__ = [
    "ArticleRules",
    "AttributeRule",
    "CampaignFile",
    "Fill",
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
