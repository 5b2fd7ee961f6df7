"""Articles in the console: by source and tag, what is wrong with them, where they went, and syncing now."""

import shutil
import tomllib
from datetime import timedelta

import pytest

from broadsheet.conf import TaggingRule
from broadsheet.models import Article, Audit, EditionState, SourceState
from broadsheet.workspace import Workspace, tag_rule_text


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
    assert f'href="/console/editions/{edition.pk}">Weekly digest, 3 Mar 2026' in shown
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


def test_articles_are_found_by_title_and_state(as_role, titles):
    as_role("editor").post("/console/articles")
    Article.objects.filter(slug="pillow-moon").update(draft=True)
    Article.objects.filter(slug="night-harbour").update(seen_before=True, findings=[{"code": "x", "message": "y"}])
    Article.objects.filter(slug="our-new-sofa").update(published_at=None)
    assert titles(words="HARB") == ["night-harbour"]
    assert titles(state="draft") == ["pillow-moon"]
    assert titles(state="archive") == titles(state="advice") == ["night-harbour"]
    assert titles(state="undated") == ["our-new-sofa"]
    assert titles(state="ready") == ["back-to-the-allotment", "eleven-lengths"]
    assert len(titles(state="nonsense")) == 5


def test_one_article_with_what_is_known_and_where_it_went(as_role, cast, freeze):
    edition = freeze()
    browser = as_role("viewer")
    page = browser.get("/console/article/pillow-moon").content.decode()
    for word in (
        "Pillow moon",
        ">mind</a>",
        "<code>pillow-moon</code>",
        f'href="/console/editions/{edition.pk}">Weekly digest',
    ):
        assert word in page, word
    assert browser.get("/console/article/nothing").status_code == 404
    assert browser.get("/console/article-text/nothing").status_code == 404


def test_an_articles_text_is_shown_only_where_nothing_runs(as_role, cast, freeze):
    freeze()
    Article.objects.filter(slug="pillow-moon").update(html="<p>Sweet <script>alert(1)</script> dreams</p>")
    browser = as_role("viewer")
    assert "Sweet" not in browser.get("/console/article/pillow-moon").content.decode()
    answer = browser.get("/console/article-text/pillow-moon")
    assert "sandbox" in answer.headers["Content-Security-Policy"].split("; ")
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "Sweet" in answer.content.decode()


# Tag rules


def matches(answer):
    return {each.slug: (each.words, each.has, each.tagged) for each in answer.context["tried"].matches}


def test_a_rule_is_tried_on_the_articles_there_are_and_changes_nothing(as_role, workspace):
    as_role("editor").post("/console/articles")
    Article.objects.get(slug="eleven-lengths").tags.clear()
    before = (workspace.root / "broadsheet.toml").read_bytes()
    browser = as_role("viewer")
    answer = browser.get("/console/articles/rules", {"tag": "Sleep", "when": r"moon|LENGTHS|allot\w+"})
    assert matches(answer) == {
        "pillow-moon": (("moon",), True, True),
        "eleven-lengths": (("lengths",), False, False),
        "back-to-the-allotment": (("allotment",), True, True),
    }
    page = answer.content.decode()
    assert "<mark>allotment</mark>" in page
    assert "Would get it" in page
    assert r"when = &#x27;moon|LENGTHS|allot\w+&#x27;" in page
    assert "Put it into" not in page
    assert (workspace.root / "broadsheet.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"tag": "x", "when": "("}, "What is looked for"),
        ({"tag": "", "when": "x"}, "The tag"),
        ({"tag": "x" * 101, "when": "x"}, "The tag"),
    ],
)
def test_a_rule_that_can_not_be_one_says_so(as_role, workspace, given, word):
    assert word in as_role("viewer").get("/console/articles/rules", given).context["wrong"]


def test_a_pattern_that_never_ends_is_given_up(as_role, workspace):
    as_role("editor").post("/console/articles")
    Article.objects.filter(slug="pillow-moon").update(html=f"<p>{'a' * 5000}!</p>", title="Endless")
    answer = as_role("viewer").get("/console/articles/rules", {"tag": "x", "when": "(a|a)+(a|aa)+$|(a+)+b"})
    assert "takes too long over “Endless”" in answer.content.decode()


def test_an_admin_puts_a_rule_into_the_file_and_the_next_sync_takes_it(as_role, workspace, write):
    admin = as_role("admin")
    write("articles/plain.md", "---\ntitle: Plain words\ndate: 2026-02-06\n---\nAbout nothing.\n")
    toml = workspace.root / "broadsheet.toml"
    toml.write_text("# Ours.\n" + toml.read_text())
    rule = {"tag": "empty", "when": r"no(thing|body's)\b"}
    page = admin.get("/console/articles/rules", rule)
    assert admin.post("/console/articles/rules", {**rule, "digest": page.context["digest"]}).status_code == 302
    kept = toml.read_text()
    assert kept.startswith("# Ours.\n[site]")
    assert kept.endswith('[[tag_rules]]\ntag = "empty"\nwhen = "no(thing|body\'s)\\\\b"\n')
    assert Workspace(workspace.root).config.tag_rules[0].when == rule["when"]
    assert Audit.objects.get().target == "broadsheet.toml"
    admin.post("/console/articles")
    assert [tag.name for tag in Article.objects.get(slug="plain").tags.all()] == ["empty"]
    assert "no(thing" in admin.get("/console/articles/rules").content.decode()


def test_a_settings_file_that_changed_meanwhile_is_left_alone(as_role, workspace):
    admin = as_role("admin")
    rule = {"tag": "moon", "when": "moon"}
    digest = admin.get("/console/articles/rules", rule).context["digest"]
    toml = workspace.root / "broadsheet.toml"
    toml.write_text(theirs := toml.read_text() + "# theirs\n")
    page = admin.post("/console/articles/rules", {**rule, "digest": digest})
    assert "was changed since it was read" in page.content.decode()
    assert "# theirs" in page.context["conflict"].theirs
    assert "[[tag_rules]]" in page.context["conflict"].mine
    assert toml.read_text() == theirs


def test_rules_in_brackets_are_added_to_by_hand(as_role, workspace):
    toml = workspace.root / "broadsheet.toml"
    toml.write_text("tag_rules = [{tag = 'a', when = 'b'}]\n" + toml.read_text())
    admin = as_role("admin")
    rule = {"tag": "moon", "when": "moon"}
    digest = admin.get("/console/articles/rules", rule).context["digest"]
    before = toml.read_text()
    page = admin.post("/console/articles/rules", {**rule, "digest": digest}).content.decode()
    assert 'class="note error"' in page
    assert toml.read_text() == before


@pytest.mark.parametrize("value", ["plain", "a'b", 'a"b', "\\d+'", "tab\there", "é\x7f☂", "''' \"", '\\"'])
def test_a_rule_as_text_reads_back_as_it_was(value):
    rule = TaggingRule(tag=value, when="x", also_tagged=True)
    assert tomllib.loads(tag_rule_text(rule)) == {"tag_rules": [{"tag": value, "when": "x", "also_tagged": True}]}
