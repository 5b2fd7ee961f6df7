"""A workspace of one's own, and an article that needs only what a test is about."""

from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from broadsheet.articles.parsing import Context, ParsedArticle, parse_article
from broadsheet.articles.tagging import Tagging
from broadsheet.workspace import Workspace

SITE = """\
[site]
url = "https://clinic.example"
time_zone = "Europe/Berlin"

[[sources]]
path = "articles"
images = "pictures"
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with one empty source, ``articles``, and a folder ``pictures`` for its images."""
    (tmp_path / "broadsheet.toml").write_text(SITE, encoding="utf-8")
    (tmp_path / "articles").mkdir()
    (tmp_path / "pictures").mkdir()
    return Workspace(tmp_path)


@pytest.fixture
def write(workspace: Workspace) -> Callable[[str, str | bytes], Path]:
    """Writes one file of the workspace."""

    def write_file(path: str, content: str | bytes) -> Path:
        file = workspace.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return file

    return write_file


@pytest.fixture
def parse() -> Callable[..., ParsedArticle]:
    """Parses a text as the file ``articles/sleep.md`` of a site in Berlin."""

    def parse_text(
        text: str, path: str = "articles/sleep.md", site_url: str = "https://clinic.example"
    ) -> ParsedArticle:
        return parse_article(text, path, Context(site_url, "en", ZoneInfo("Europe/Berlin")))

    return parse_text


@pytest.fixture
def parse_with() -> Callable[[Tagging, str], ParsedArticle]:
    """Parses a text with these tag rules."""

    def parse_text(tagging: Tagging, text: str) -> ParsedArticle:
        context = Context("https://clinic.example", "en", ZoneInfo("Europe/Berlin"), tagging=tagging)
        return parse_article(text, "articles/sleep.md", context)

    return parse_text
