"""Articles: folders of Markdown with front matter become rows, and their images something a mail can show."""

from broadsheet.articles.content import Content, Picture, direction, load_content
from broadsheet.articles.syncing import ArticleRow, SyncReport, article_rows, sync

__all__ = [
    "ArticleRow",
    "Content",
    "Picture",
    "SyncReport",
    "article_rows",
    "direction",
    "load_content",
    "sync",
]
