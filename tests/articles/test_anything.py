"""Whatever bytes come, they are articles or a rejection, never another exception."""

import json
import os
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from broadsheet.articles import SyncReport, sync
from broadsheet.articles.feeds import read_feed
from broadsheet.articles.fetching import Answer
from broadsheet.articles.foreign import without_foreign
from broadsheet.articles.parsing import Context, ParsedArticle, parse_article
from broadsheet.articles.tagging import Tagging
from broadsheet.conf import TaggingRule
from broadsheet.errors import BroadsheetError, RejectedArticle
from broadsheet.models import Article
from broadsheet.workspace import Workspace

CONTEXT = Context(
    "https://clinic.example",
    "en",
    ZoneInfo("Europe/Berlin"),
    keys={"title": ("headline", "meta.title"), "id": ("key",)},
    tagging=Tagging(
        rules=(TaggingRule(tag="pain", when="pain|(a|aa)+$"),), synonyms={"a": "b"}, categories={"a": ("c",)}
    ),
)
PATHS = st.sampled_from(["a.md", "2026-01-08-a.markdown", "b/index.mdx", "a.html", "a.txt", "a"])
#: What the readers of dialects look for, so that random texts meet their branches.
_WORDS = """--- +++ { } {{ }} {{< >}} {% %} {: } {# #} {/* */} < > </ />
<A <!-- --> ` ``` ~~~ ::: import export from ' " \\
title: date: tags: slug: id: image: draft: lang: meta: headline: - # [ ] ( ) = * | & &lt; &amp; <p> </p> <img <h1> <html
<head> <meta <title> raw endraw highlight endhighlight comment endcomment 2026-01-08 :year/ http://[ \ufdd0 é"""
WORDS = st.sampled_from([*_WORDS.split(), "\n", "\n\n", "\t"])
TEXTS = st.one_of(
    st.text(), st.lists(st.one_of(WORDS, st.text(max_size=3))).map(" ".join), st.lists(WORDS).map("".join)
)
EAGER = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@EAGER
@given(TEXTS, PATHS)
@example("---\nslug: http://[\n---\n# T", "a.md")
@example("---\ntitle: T\nid: true\nlang: 5\n---\n", "a.md")
@example('{"title": "\\ud800", "id": "\\ud800", "tags": ["\\ud800"]}\n\\ud800', "a.md")
@example("<html><meta name='date' content='soon'><p>x", "a.html")
@example("<html xmlns=''><?xml version='1.0' encoding='x'?><p>\ufdd0", "a.html")
def test_any_text_is_an_article_or_a_rejection(text, path):
    try:
        article = parse_article(text, path, CONTEXT)
    except RejectedArticle as rejected:
        assert rejected.problem.path == path
        assert rejected.problem.reason
        return
    assert isinstance(article, ParsedArticle)
    assert article.title
    assert article.slug
    assert "<script" not in article.html.lower()
    repr(article).encode("utf-8")  # it can be written to a database


@EAGER
@given(TEXTS, st.sampled_from(["markdown", "mdx", "html"]))
def test_nothing_appears_that_was_not_there_and_nothing_is_told_without_being_taken_out(text, kind):
    cleaned, findings = without_foreign(text, kind)
    assert bool(findings) <= (cleaned != text)
    again, _ = without_foreign(cleaned, kind)
    assert len(again) <= len(cleaned) + 100


_KEYS = """id url external_url title content_html content_text summary image language date_published date_modified
authors author tags attachments"""
ITEMS = st.lists(
    st.dictionaries(
        st.sampled_from(
            _KEYS.split(),
        ),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | TEXTS | st.just("https://x.example/a"),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["name", "url", "mime_type"]), inner, max_size=3)
            ),
            max_leaves=5,
        ),
    ),
    max_size=4,
)
RSS = st.lists(
    st.tuples(
        st.sampled_from(["title", "link", "guid", "description", "pubDate", "category", "author", "content:encoded"])
        | st.sampled_from(["enclosure url='x' type='image/png'", "media:thumbnail url='/a'", "dc:date", "xml:base"]),
        TEXTS,
    ),
    max_size=6,
).map(
    lambda fields: (
        "<rss version='2.0' xmlns:content='http://purl.org/rss/1.0/modules/content/'><channel><item>"
        + "".join(f"<{name}>{text}</{name.split()[0]}>" for name, text in fields)
        + "</item></channel></rss>"
    )
)
BODIES = st.one_of(
    st.binary(),
    TEXTS.map(lambda text: text.encode("utf-8", "replace")),
    RSS.map(lambda text: text.encode("utf-8", "replace")),
    ITEMS.map(lambda items: json.dumps({"version": "https://jsonfeed.org/version/1", "items": items}).encode()),
    st.builds(
        lambda head, body: head + body, st.sampled_from([b"<?xml", b"<rss", b"{", b"<feed", b"\xff\xfe<"]), st.binary()
    ),
)


@EAGER
@given(
    BODIES,
    st.sampled_from(["", "application/rss+xml", "application/json", "text/html; charset=x", "text/xml; charset=utf-7"]),
)
def test_any_bytes_are_a_feed_or_a_rejection(body, content_type):
    try:
        found = read_feed(Answer(body, "https://blog.example/feed", content_type), CONTEXT)
    except BroadsheetError as error:
        assert str(error).startswith("is ") or "can't be read as a feed" in str(error)
        return
    for each in found:
        if isinstance(each, RejectedArticle):
            assert each.problem.reason
        else:
            article = each.article
            assert article.title
            assert article.slug
            assert article.url.startswith(("http://", "https://"))
            assert "<script" not in article.html.lower()
            repr(article).encode("utf-8")


@pytest.mark.django_db
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(PATHS, st.binary() | TEXTS.map(lambda text: text.encode("utf-8", "replace")))))
def test_any_files_are_synced_or_rejected_and_a_second_sync_changes_nothing(tmp_path, files):
    Article.objects.all().delete()
    folder = tmp_path / "articles"
    for path in (each for each in folder.rglob("*") if each.is_file()):
        path.unlink()
    (tmp_path / "broadsheet.toml").write_text("")
    folder.mkdir(exist_ok=True)
    for path, body in files:
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(body)
        os.utime(folder / path, (1_700_000_000, 1_700_000_000))
    first = sync(Workspace(tmp_path))
    assert isinstance(first, SyncReport)
    assert first.added == first.articles == Article.objects.count()
    second = sync(Workspace(tmp_path))
    assert (second.added, second.changed, second.removed, second.unchanged) == (0, 0, 0, first.articles)
    assert second.rejected == first.rejected
