import os
import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from broadsheet.articles import SyncReport, article_rows, failing_sources, folders, sync
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


def test_a_file_that_holds_something_else_holds_a_new_article(workspace, write):
    write("articles/weekly.md", "---\nslug: one\ntitle: A\ndate: 2026-01-01\n---\n")
    sync(workspace)
    write("articles/weekly.md", "---\nslug: two\ntitle: B\ndate: 2026-01-08\n---\n")
    assert counts(sync(workspace)) == (1, 0, 0, 1, 1)
    assert Article.objects.get().slug == "two"


@pytest.mark.parametrize(
    "renamed", ["slug: two\ntitle: A\ndate: 2026-03-01", "slug: two\ntitle: A new title\ndate: 2026-01-01"]
)
def test_a_file_whose_slug_is_changed_is_the_same_article_and_says_so(workspace, write, renamed):
    write("articles/a.md", "---\nslug: one\ntitle: A\ndate: 2026-01-01\n---\n")
    sync(workspace)
    kept = Article.objects.get().pk
    write("articles/a.md", f"---\n{renamed}\n---\n")
    report = sync(workspace)
    assert counts(report) == (0, 1, 0, 0, 1)
    assert [(path, each.code) for path, each in report.findings] == [("articles/a.md", "slug")]
    article = Article.objects.get()
    assert (article.pk, article.slug, article.url) == (kept, "one", "https://clinic.example/articles/two")
    assert "its slug stays “one”" in article.findings[0]["message"]
    assert counts(sync(workspace)) == (0, 0, 1, 0, 1)


def test_an_id_makes_it_the_same_article_wherever_it_is_and_whatever_it_is_called(workspace, write):
    write("articles/a.md", "---\nid: 7f3a\ntitle: A\n---\n")
    sync(workspace)
    (workspace.root / "articles/a.md").unlink()
    write("articles/b.md", "---\nid: 7f3a\ntitle: B\n---\n")
    assert counts(sync(workspace)) == (0, 1, 0, 0, 1)
    assert (Article.objects.get().slug, Article.objects.get().title) == ("a", "B")


def test_an_article_that_is_dated_anew_is_not_new(workspace, write):
    write("articles/2026-01-08-sleep.md", "---\ntitle: Sleep\n---\n")
    sync(workspace)
    kept = Article.objects.get().pk
    (workspace.root / "articles/2026-01-08-sleep.md").rename(workspace.root / "articles/2026-11-20-sleep.md")
    assert counts(sync(workspace)) == (0, 1, 0, 0, 1)
    article = Article.objects.get()
    assert (article.pk, article.slug, article.published_at.month) == (kept, "sleep", 11)


def test_changed_at_moves_only_when_readers_see_a_change(workspace, write):
    write("articles/a.md", "---\ntitle: A\ntags: [one]\n---\nText.")
    sync(workspace)
    first = Article.objects.get().changed_at
    write("articles/a.md", "---\ntitle: A\ntags: [two]\nlayout: other\n---\nText.")
    assert counts(sync(workspace)) == (0, 1, 0, 0, 1)
    assert Article.objects.get().changed_at == first
    write("articles/a.md", "---\ntitle: A\ntags: [two]\n---\nOther text.")
    sync(workspace)
    assert Article.objects.get().changed_at > first


def test_a_folder_with_max_age_marks_what_is_older_at_its_first_sync_as_seen(tmp_path, write):
    write("broadsheet.toml", '[[sources]]\npath = "blog"\nmax_age = "60d"\n')
    write("blog/old.md", "---\ntitle: Old\ndate: 2020-01-01\n---\n")
    write("blog/new.md", f"---\ntitle: New\ndate: {timezone.now():%Y-%m-%d}\n---\n")
    sync(Workspace(tmp_path))
    write("blog/later.md", "---\ntitle: Later\ndate: 2020-02-02\n---\n")
    sync(Workspace(tmp_path))
    seen = dict(Article.objects.values_list("slug", "seen_before"))
    assert seen == {"old": True, "new": False, "later": False}
    write("blog/old.md", f"---\ntitle: Old\ndate: {timezone.now():%Y-%m-%d}\n---\n")
    sync(Workspace(tmp_path))
    assert Article.objects.get(slug="old").seen_before


def test_a_folder_without_max_age_marks_nothing(workspace, write):
    write("articles/old.md", "---\ntitle: Old\ndate: 2001-01-01\n---\n")
    sync(workspace)
    assert not Article.objects.get().seen_before


def test_an_unchanged_file_is_not_even_read(workspace, write, monkeypatch):
    file = write("articles/a.md", "# A")
    os.utime(file, (1_700_000_000, 1_700_000_000))
    sync(workspace)
    monkeypatch.setattr(folders, "read_text", lambda path: pytest.fail(f"{path} was read"))
    assert counts(sync(workspace)) == (0, 0, 1, 0, 1)


def test_a_file_that_changed_within_the_step_of_its_clock_is_read_again(workspace, write):
    file = write("articles/a.md", "# A")
    sync(workspace)
    times = file.stat()
    write("articles/a.md", "# B")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert counts(sync(workspace)) == (0, 1, 0, 0, 1)


def test_a_file_that_was_only_touched_is_unchanged_and_known_again(workspace, write):
    file = write("articles/a.md", "# A")
    sync(workspace)
    os.utime(file, (1_700_000_000, 1_700_000_000))
    assert counts(sync(workspace)) == (0, 0, 1, 0, 1)
    assert Article.objects.get().file_stamp.split()[1] == "1700000000000000000"


def test_new_tag_rules_tag_anew_although_no_file_changed(workspace, write, tmp_path):
    file = write("articles/a.md", "---\ntitle: Living with CRPS\n---\nText.")
    os.utime(file, (1_700_000_000, 1_700_000_000))
    sync(workspace)
    toml = (tmp_path / "broadsheet.toml").read_text()
    write("broadsheet.toml", toml + '\n[[tag_rules]]\ntag = "Chronic pain"\nwhen = "chronic pain|CRPS"\n')
    assert counts(sync(Workspace(tmp_path))) == (0, 1, 0, 0, 1)
    assert [row["slug"] for row in article_rows(tag="chronic pain")] == ["a"]


def test_each_source_has_its_own_keys(tmp_path, write):
    write(
        "broadsheet.toml",
        '[[sources]]\npath = "a"\nkeys = {title = "headline", image = ["meta.hero", "pic"], published_at = "when"}\n'
        '[[sources]]\npath = "b"\n',
    )
    header = "---\nheadline: Sleep\ntitle: Wrong\nmeta: {hero: /a.png}\nwhen: 2026-01-08\ndate: 2020-01-01\n---\nText."
    write("a/one.md", header)
    write("b/two.md", header)
    sync(Workspace(tmp_path))
    one, two = Article.objects.order_by("slug")
    assert (one.title, one.image_url, one.published_at.year) == ("Sleep", "http://localhost:8000/a.png", 2026)
    assert (two.title, two.image_url, two.published_at.year) == ("Wrong", "", 2020)


def test_what_was_taken_out_is_told_and_kept(workspace, write):
    write("articles/a.md", "---\ntitle: A\n---\n\n{{< toc >}}\n\nText.\n")
    report = sync(workspace)
    assert [(path, each.message) for path, each in report.findings] == [
        ("articles/a.md", "line 5: the shortcode toc was taken out")
    ]
    assert article_rows()[0]["findings"] == [
        {"code": "shortcode", "message": "line 5: the shortcode toc was taken out"}
    ]
    assert Article.objects.get().html == "<p>Text.</p>\n"
    assert sync(workspace).findings == ()


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


def test_a_slug_stays_with_the_article_that_has_it_whatever_file_comes_first(workspace, write):
    write("articles/b.md", "---\nslug: same\ntitle: B\n---\n")
    sync(workspace)
    kept = Article.objects.get().pk
    write("articles/a.md", "---\nslug: same\ntitle: A\n---\n")
    for _ in range(2):
        report = sync(workspace)
        assert counts(report) == (0, 0, 1, 0, 1)
        assert reasons(report) == ["articles/a.md: has the slug “same”, which articles/b.md has too; change one"]
    assert (Article.objects.get().pk, Article.objects.get().title) == (kept, "B")


def test_a_slug_stays_with_a_file_that_can_not_be_read_any_more(workspace, write):
    write("articles/b.md", "---\nslug: same\ntitle: B\n---\n")
    sync(workspace)
    write("articles/b.md", "---\nslug: [\n---\n")
    write("articles/a.md", "---\nslug: same\ntitle: A\n---\n")
    assert [each.path for each in sync(workspace).rejected] == ["articles/a.md", "articles/b.md"]
    assert (Article.objects.get().path, Article.objects.get().title) == ("articles/b.md", "B")


def test_a_file_that_moved_takes_its_slug_along(workspace, write):
    write("articles/b.md", "---\nslug: same\ntitle: B\n---\n")
    sync(workspace)
    kept = Article.objects.get().pk
    (workspace.root / "articles" / "b.md").rename(workspace.root / "articles" / "a.md")
    assert counts(sync(workspace)) == (0, 1, 0, 0, 1)
    assert (Article.objects.get().pk, Article.objects.get().path) == (kept, "articles/a.md")


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
        "seen_before": False,
        "changed_at": Article.objects.get(slug="new").changed_at,
        "findings": [],
    }
    assert [row["slug"] for row in article_rows(tag="Sleep")] == ["old", "never"]
    assert article_rows(tag="unknown") == []


def test_ten_thousand_unchanged_files_are_synced_within_three_seconds(workspace, write):
    for number in range(10_000):
        file = write(
            f"articles/{number}.md",
            f"---\ntitle: Number {number}\ntags: [t{number % 50}]\n---\nText of {number}.",
        )
        os.utime(file, (1_700_000_000, 1_700_000_000))
    assert sync(workspace).added == 10_000
    started = time.process_time()
    with CaptureQueriesContext(connection) as queries:
        report = sync(workspace)
    assert time.process_time() - started < 3
    assert counts(report) == (0, 0, 10_000, 0, 10_000)
    assert len(queries) == 2
    assert Article.tags.through.objects.count() == 10_000


def test_a_folder_that_is_not_there_is_among_the_failing_sources(tmp_path):
    (tmp_path / "broadsheet.toml").write_text('[[sources]]\npath = "posts"\n')
    (told,) = failing_sources(Workspace(tmp_path))
    assert str(told).startswith("posts: The article folder “posts” isn't there.")
    (tmp_path / "posts").mkdir()
    assert failing_sources(Workspace(tmp_path)) == []
