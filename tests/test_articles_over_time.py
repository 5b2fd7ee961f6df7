"""Articles that change after an edition was frozen, and articles that come again."""

from datetime import timedelta

import pytest

from broadsheet import pipeline
from broadsheet.models import Article, Variant

pytestmark = pytest.mark.django_db


def bodies(memory):
    return {mail.rcpt_to: mail.content.decode("ascii") for mail in memory.mails}


@pytest.fixture
def change(workspace):
    """Writes an article anew: its slug's file, or another; title, date, tags and text."""

    def written(slug, title, date, tags, path=None, more=""):
        (workspace.root / f"articles/{slug}.md").unlink()
        header = f"---\ntitle: {title}\ndate: {date}\ntags: [{tags}]\n{more}---\n"
        (workspace.root / (path or f"articles/{slug}.md")).write_text(f"{header}Rewritten.\n", encoding="utf-8")
        return pipeline.collect(workspace)

    return written


def test_an_article_that_changes_stays_as_it_was_in_an_edition_that_is_frozen(cast, freeze, send, memory, change):
    edition = freeze()
    before = {row.key: bytes(row.message) for row in Variant.objects.filter(edition=edition)}
    report = change("eleven-lengths", "Twelve lengths", "2026-02-03", "movement")
    assert (report.changed, Article.objects.get(slug="eleven-lengths").title) == (1, "Twelve lengths")
    assert {row.key: bytes(row.message) for row in Variant.objects.filter(edition=edition)} == before
    send(edition, memory)
    ben = bodies(memory)["ben@reader.example"]
    assert "Eleven lengths" in ben
    assert "Twelve lengths" not in ben


def test_an_article_that_is_gone_stays_in_an_edition_that_is_frozen(workspace, cast, freeze, send, memory):
    edition = freeze()
    (workspace.root / "articles/eleven-lengths.md").unlink()
    assert pipeline.collect(workspace).removed == 1
    send(edition, memory)
    assert "Eleven lengths" in bodies(memory)["ben@reader.example"]


@pytest.mark.parametrize(
    ("title", "path", "more"),
    [
        ("Eleven lengths", "articles/2026-03-09-eleven-lengths.md", ""),
        ("Twelve lengths", "articles/moved/eleven-lengths.md", ""),
        ("Eleven lengths", None, "slug: twelve-lengths\n"),
    ],
    ids=["dated anew", "moved and renamed", "with another slug"],
)
def test_an_article_that_is_published_again_is_not_sent_again(
    workspace, cast, freeze, send, memory, change, at, title, path, more
):
    send(freeze(), memory)
    had = bodies(memory)["ben@reader.example"]
    assert "Eleven lengths" in had
    (workspace.root / "articles/moved").mkdir()
    report = change("eleven-lengths", title, "2026-03-09", "movement", path, more)
    assert (report.added, report.changed) == (0, 1)
    memory.mails.clear()
    send(freeze(at=at + timedelta(days=7)), memory)
    assert all("lengths" not in body for body in bodies(memory).values())
