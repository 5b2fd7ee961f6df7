"""Articles: folders of Markdown and feeds become rows, and their images something a mail can show."""

from typing import TYPE_CHECKING

from broadsheet.lazily import lazily

if TYPE_CHECKING:
    from broadsheet.articles.content import Content, Picture, direction, load_content, reading_minutes
    from broadsheet.articles.findings import Finding
    from broadsheet.articles.listing import (
        ArticleRow,
        Names,
        Sought,
        SourceRow,
        article_page,
        article_row,
        article_rows,
        failing_sources,
        known_names,
        source_rows,
    )
    from broadsheet.articles.syncing import SyncReport, sync
    from broadsheet.articles.trying import Tried, try_rule

__all__ = [
    "ArticleRow",
    "Content",
    "Finding",
    "Names",
    "Picture",
    "Sought",
    "SourceRow",
    "SyncReport",
    "Tried",
    "article_page",
    "article_row",
    "article_rows",
    "direction",
    "failing_sources",
    "known_names",
    "load_content",
    "reading_minutes",
    "source_rows",
    "sync",
    "try_rule",
]

__getattr__ = lazily(
    __name__,
    {
        "content": "Content Picture direction load_content reading_minutes",
        "findings": "Finding",
        "listing": "ArticleRow Names Sought SourceRow article_page article_row article_rows failing_sources "
        "known_names source_rows",
        "syncing": "SyncReport sync",
        "trying": "Tried try_rule",
    },
)
