import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from broadsheet.articles import SyncReport, article_rows, sync
from broadsheet.errors import BroadsheetError
from broadsheet.models import Article, Tag
from broadsheet.workspace import Workspace

pytestmark = pytest.mark.django_db


def counts(report: SyncReport) -> tuple[int, int, int, int, int]:
    return report.added, report.changed, report.unchanged, report.removed, report.articles


def reasons(report: SyncReport) -> list[str]:
    return [str(problem) for problem in report.rejected]


def test_a_first_sync_adds_every_article(workspace, write):
    write(
        "articles/2026-01-08-sleep.md",
        "---\ntitle: Sleep\ntags: [Rest, night]\nauthor: Ann\ncategory: HOW_TO\nimage: /a.png\n---\nText.",
    )
    write("articles/rest.md", "# Rest\n\nText.")
    assert sync(workspace) == SyncReport(added=2, changed=0, unchanged=0, removed=0, rejected=(), articles=2)
    article = Article.objects.get(slug="sleep")
    assert (article.title, article.author, article.category, article.source) == (
        "Sleep",
        "Ann",
        "How to",
        "articles",
    )
    assert (article.path, article.image_url) == (
        "articles/2026-01-08-sleep.md",
        "https://clinic.example/a.png",
    )
    assert article.html == "<p>Text.</p>\n"
    assert article.published_at.isoformat() == "2026-01-07T23:00:00+00:00"
    assert {tag.name for tag in article.tags.all()} == {"rest", "night"}


def test_a_second_sync_of_the_same_files_changes_nothing(workspace, write):
    write("articles/a.md", "# A")
    sync(workspace)
    before = Article.objects.get().synced_at
    assert counts(sync(workspace)) == (0, 0, 1, 0, 1)
    assert Article.objects.get().synced_at == before


def test_a_changed_file_changes_its_row_and_tags(workspace, write):
    write("articles/a.md", "---\ntitle: A\ntags: [one, two]\n---\n")
    write("articles/b.md", "---\ntitle: B\ntags: [two]\n---\n")
    sync(workspace)
    kept = Article.objects.get(slug="a").pk
    write("articles/a.md", "---\ntitle: New\ntags: [two, three]\n---\n")
    assert counts(sync(workspace)) == (0, 1, 1, 0, 2)
    article = Article.objects.get(slug="a")
    assert (article.pk, article.title) == (kept, "New")
    assert {tag.name for tag in article.tags.all()} == {"two", "three"}
    assert set(Tag.objects.values_list("name", flat=True)) == {"two", "three"}


def test_a_file_that_is_gone_is_removed(workspace, write):
    gone = write("articles/a.md", "---\ntitle: A\ntags: [one]\n---\n")
    write("articles/b.md", "# B")
    sync(workspace)
    gone.unlink()
    assert counts(sync(workspace)) == (0, 0, 1, 1, 1)
    assert [row["slug"] for row in article_rows()] == ["b"]
    assert not Tag.objects.exists()


def test_a_file_that_broke_keeps_its_row_and_is_reported(workspace, write):
    write("articles/a.md", "# A")
    sync(workspace)
    write("articles/a.md", "---\ntitle: [\n---\n")
    report = sync(workspace)
    assert counts(report) == (0, 0, 0, 0, 1)
    assert reasons(report)[0].startswith("articles/a.md: line 3: not valid YAML")
    assert Article.objects.get().title == "A"
    write("articles/a.md", "# A mended")
    assert counts(sync(workspace)) == (0, 1, 0, 0, 1)


def test_a_moved_file_is_the_same_article(workspace, write):
    write("articles/a.md", "# A").unlink()
    write("articles/deep/a.md", "# A")
    sync(workspace)
    kept = Article.objects.get().pk
    (workspace.root / "articles/deep/a.md").rename(workspace.root / "articles/a.md")
    assert counts(sync(workspace)) == (0, 1, 0, 0, 1)
    assert (Article.objects.get().pk, Article.objects.get().path) == (kept, "articles/a.md")


def test_a_new_slug_is_a_new_article_in_place_of_the_old(workspace, write):
    write("articles/a.md", "---\nslug: one\ntitle: A\n---\n")
    sync(workspace)
    write("articles/a.md", "---\nslug: two\ntitle: A\n---\n")
    assert counts(sync(workspace)) == (1, 0, 0, 1, 1)


def test_two_files_may_swap_their_slugs(workspace, write):
    write("articles/a.md", "---\nslug: one\ntitle: A\n---\n")
    write("articles/b.md", "---\nslug: two\ntitle: B\n---\n")
    sync(workspace)
    write("articles/a.md", "---\nslug: two\ntitle: A\n---\n")
    write("articles/b.md", "---\nslug: one\ntitle: B\n---\n")
    assert counts(sync(workspace)) == (0, 2, 0, 0, 2)
    assert dict(Article.objects.values_list("slug", "title")) == {"two": "A", "one": "B"}


def test_the_second_of_two_articles_with_one_slug_is_rejected_naming_the_first(workspace, write):
    write("articles/a.md", "---\nslug: same\ntitle: A\n---\n")
    write("articles/b.md", "---\nslug: same\ntitle: B\n---\n")
    for _ in range(2):  # the second time, the first of them is not parsed
        report = sync(workspace)
        assert reasons(report) == ["articles/b.md: has the slug “same”, which articles/a.md has too; change one"]
        assert Article.objects.get().title == "A"


def test_a_slug_is_taken_across_sources_too(tmp_path, write):
    write("broadsheet.toml", '[[sources]]\npath = "zebra"\n[[sources]]\npath = "ant"\n')
    write("zebra/a.md", "# First")
    write("ant/a.md", "# Second")
    report = sync(Workspace(tmp_path))
    assert reasons(report) == ["ant/a.md: has the slug “a”, which zebra/a.md has too; change one"]
    assert Article.objects.get().source == "zebra"


def test_a_file_in_two_sources_is_read_once(tmp_path, write):
    write("broadsheet.toml", '[[sources]]\npath = "blog"\n[[sources]]\npath = "blog/deep"\n')
    write("blog/deep/a.md", "# A")
    report = sync(Workspace(tmp_path))
    assert (counts(report), report.rejected) == ((1, 0, 0, 0, 1), ())


def test_a_new_first_file_takes_the_slug_over(workspace, write):
    write("articles/b.md", "---\nslug: same\ntitle: B\n---\n")
    sync(workspace)
    write("articles/a.md", "---\nslug: same\ntitle: A\n---\n")
    report = sync(workspace)
    assert counts(report) == (0, 1, 0, 0, 1)
    assert reasons(report) == ["articles/b.md: has the slug “same”, which articles/a.md has too; change one"]
    assert Article.objects.get().title == "A"


def test_a_source_that_is_not_there_changes_nothing(workspace, write):
    write("articles/a.md", "# A")
    sync(workspace)
    (workspace.root / "articles").rename(workspace.root / "elsewhere")
    with pytest.raises(BroadsheetError, match="“articles” isn't there"):
        sync(workspace)
    assert Article.objects.count() == 1


def test_a_new_site_address_changes_every_article(workspace, write, tmp_path):
    write("articles/a.md", "# A")
    sync(workspace)
    write("broadsheet.toml", '[site]\nurl = "https://new.example"\n[[sources]]\npath = "articles"\n')
    assert counts(sync(Workspace(tmp_path))) == (0, 1, 0, 0, 1)
    assert Article.objects.get().url == "https://new.example/articles/a"


def test_a_new_name_of_a_source_reaches_its_articles(workspace, write, tmp_path):
    write("articles/a.md", "# A")
    sync(workspace)
    write("broadsheet.toml", workspace.root.joinpath("broadsheet.toml").read_text() + 'name = "The blog"\n')
    sync(Workspace(tmp_path))
    assert Article.objects.get().source == "The blog"


def test_articles_are_listed_newest_first_and_undated_ones_last(workspace, write):
    write("articles/old.md", "---\ntitle: Old\ndate: 2025-01-01\ntags: [sleep]\n---\n")
    write(
        "articles/new.md",
        "---\ntitle: New\ndate: 2026-01-01\ntags: [b, a]\nimage: /n.png\ndraft: true\n---\nText.",
    )
    write("articles/never.md", "---\ntitle: Never\ntags: [sleep]\n---\n")
    sync(workspace)
    rows = article_rows()
    assert [row["slug"] for row in rows] == ["new", "old", "never"]
    assert {**rows[0], "published_at": rows[0]["published_at"].isoformat()} == {
        "slug": "new",
        "title": "New",
        "excerpt": "Text.",
        "author": "",
        "category": "",
        "published_at": "2025-12-31T23:00:00+00:00",
        "tags": ["a", "b"],
        "image": "https://clinic.example/n.png",
        "url": "https://clinic.example/articles/new",
        "source": "articles",
        "draft": True,
    }
    assert [row["slug"] for row in article_rows(tag="Sleep")] == ["old", "never"]
    assert article_rows(tag="unknown") == []


def test_ten_thousand_unchanged_files_are_synced_within_three_seconds(workspace, write):
    for number in range(10_000):
        write(
            f"articles/{number}.md",
            f"---\ntitle: Number {number}\ntags: [t{number % 50}]\n---\nText of {number}.",
        )
    assert sync(workspace).added == 10_000
    started = time.perf_counter()
    with CaptureQueriesContext(connection) as queries:
        report = sync(workspace)
    assert time.perf_counter() - started < 3
    assert counts(report) == (0, 0, 10_000, 0, 10_000)
    assert len(queries) == 1
    assert Article.tags.through.objects.count() == 10_000
