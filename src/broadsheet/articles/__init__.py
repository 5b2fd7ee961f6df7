"""Articles: folders of Markdown and feeds become rows, and their images something a mail can show."""

from typing import TYPE_CHECKING

from broadsheet.lazily import lazily

if TYPE_CHECKING:
    from broadsheet.articles.content import Content, Picture, direction, load_content
    from broadsheet.articles.findings import Finding
    from broadsheet.articles.listing import (
        ArticleRow,
        Names,
        SourceRow,
        article_page,
        article_rows,
        failing_sources,
        known_names,
        source_rows,
    )
    from broadsheet.articles.syncing import SyncReport, sync

__all__ = [
    "ArticleRow",
    "Content",
    "Finding",
    "Names",
    "Picture",
    "SourceRow",
    "SyncReport",
    "article_page",
    "article_rows",
    "direction",
    "failing_sources",
    "known_names",
    "load_content",
    "source_rows",
    "sync",
]

__getattr__ = lazily(
    __name__,
    {
        "content": "Content Picture direction load_content",
        "findings": "Finding",
        "listing": "ArticleRow Names SourceRow article_page article_rows failing_sources known_names source_rows",
        "syncing": "SyncReport sync",
    },
)
