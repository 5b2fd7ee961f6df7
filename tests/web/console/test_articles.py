"""Articles in the console: by source and tag, what is wrong with them, where they went, and syncing now."""

import shutil
from datetime import timedelta

import pytest

from broadsheet.models import Article, Audit, EditionState, SourceState
from broadsheet.workspace import Workspace


@pytest.fixture
def titles(as_role, workspace):
    """The slugs on the page of articles for what was asked."""
    browser = as_role("viewer")

    def found(**asked):
        answer = browser.get("/console/articles", asked)
        assert answer.status_code == 200
        return [each["slug"] for each, _ in answer.context["articles"]]

    return found


def test_sync_now_says_what_it_brought_and_is_audited(as_role, workspace, write):
    write("articles/broken.md", "---\ntitle: [\n---\nx\n")
    browser = as_role("editor")
    assert "No articles yet" in browser.get("/console/articles").content.decode()
    shown = browser.post("/console/articles").content.decode()
    assert "5 added, 0 changed" in shown
    assert "1 rejected" in shown
    assert "broken.md" in shown
    said = Audit.objects.get()
    assert (said.who, said.what) == ("editor@stillwater.test", "articles")
    assert said.after == "5 added, 0 changed, 0 removed, 1 rejected, 0 failed"
    assert "0 added, 0 changed" in browser.post("/console/articles").content.decode()


def test_a_viewer_cannot_sync(as_role, workspace):
    browser = as_role("viewer")
    assert "Sync now" not in browser.get("/console/articles").content.decode()
    assert browser.post("/console/articles").status_code == 403
    assert not Article.objects.exists()


def test_a_folder_that_is_gone_is_said_and_nothing_is_lost(as_role, workspace):
    browser = as_role("editor")
    browser.post("/console/articles")
    shutil.rmtree(workspace.root / "articles")
    shown = browser.post("/console/articles")
    assert shown.status_code == 200
    assert "Can't be read" in shown.content.decode()
    assert Article.objects.count() == 5
    assert Audit.objects.count() == 1


def test_a_feed_that_fails_is_shown_with_its_reason(as_role, workspace, write, settings):
    toml = (workspace.root / "broadsheet.toml").read_text()
    write("broadsheet.toml", toml + '\n[[sources]]\nurl = "http://127.0.0.1:9/feed"\nname = "news"\n')
    settings.WORKSPACE = Workspace(workspace.root)
    browser = as_role("editor")
    shown = browser.post("/console/articles").content.decode()
    assert "1 could not be read" in shown
    assert SourceState.objects.get(name="news").reason
    assert "state failed" in browser.get("/console/articles").content.decode()


def test_articles_are_shown_by_source_and_tag_newest_first(as_role, titles):
    as_role("editor").post("/console/articles")
    newest = ["our-new-sofa", "back-to-the-allotment", "eleven-lengths", "pillow-moon", "night-harbour"]
    assert titles() == newest
    assert titles(tag="Mind") == ["pillow-moon"]
    assert "2 Feb 2026" in as_role("editor").get("/console/articles?tag=mind").content.decode()  # the site's own day
    assert titles(source="articles") == newest
    assert titles(source="nowhere") == []
    assert titles(tag="'; --", source="\x00<b>") == []
    assert titles(after="eleven-lengths") == ["pillow-moon", "night-harbour"]
    assert titles(after="no such slug") == newest


def test_pages_go_on_behind_the_last_one_dated_or_not(as_role, titles, monkeypatch):
    monkeypatch.setattr("broadsheet.web.console.articles.PAGE", 2)
    as_role("editor").post("/console/articles")
    Article.objects.filter(slug__in=["night-harbour", "pillow-moon", "our-new-sofa"]).update(published_at=None)
    assert titles() == ["back-to-the-allotment", "eleven-lengths"]
    assert titles(after="eleven-lengths") == ["night-harbour", "our-new-sofa"]
    assert titles(after="our-new-sofa") == ["pillow-moon"]


def test_it_says_which_editions_an_article_was_in(as_role, cast, freeze):
    edition = freeze()
    browser = as_role("publisher")
    shown = browser.get("/console/articles?tag=mind").content.decode()
    assert f'href="/console/editions/{edition.pk}">weekly, 3 Mar 2026' in shown
    edition.state = EditionState.CANCELLED
    edition.save()
    assert "not used yet" in browser.get("/console/articles?tag=mind").content.decode()


def test_findings_and_titles_are_shown_escaped(as_role, workspace):
    browser = as_role("editor")
    browser.post("/console/articles")
    said = [{"code": "cut", "message": "<b>too long</b>"}]
    Article.objects.filter(slug="pillow-moon").update(title="<script>x</script>", findings=said)
    shown = browser.get("/console/articles").content.decode()
    assert "&lt;b&gt;too long" in shown
    assert "&lt;script&gt;x" in shown
    assert "<script>x" not in shown


def test_it_says_how_far_back_it_looked(as_role, cast, freeze, at, monkeypatch):
    monkeypatch.setattr("broadsheet.reports.comparing.MOST_EDITIONS", 1)
    freeze("letter")
    freeze("weekly", at + timedelta(days=7))
    shown = as_role("publisher").get("/console/articles?tag=sponsored").content.decode()
    assert "not in the last 1 edition<" in shown
