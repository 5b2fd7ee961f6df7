"""Feeds asked over HTTP, from a server of the test's own, into rows."""

import gzip
import threading
import time
from contextlib import suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.utils import timezone

from broadsheet.articles import article_rows, failing_sources, source_rows, sync
from broadsheet.models import Article, SourceState
from broadsheet.workspace import Workspace

pytestmark = pytest.mark.django_db


class Blog(ThreadingHTTPServer):
    """Answers each path as the test says, and notes what it was asked."""

    daemon_threads = True

    def __init__(self):
        self.pages = {}
        self.asked = []
        super().__init__(("127.0.0.1", 0), Page)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def feed(self, *items, path="/feed", **headers):
        body = f'<rss version="2.0"><channel><title>B</title>{"".join(items)}</channel></rss>'
        self.pages[path] = (200, {"Content-Type": "application/rss+xml", **headers}, body.encode())


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        page = self.server.pages.get(self.path, (404, {}, b""))
        if callable(page):
            with suppress(OSError):
                page(self)
            return
        status, headers, body = page
        if status == 200 and headers.get("ETag") and self.headers["If-None-Match"] == headers["ETag"]:
            status, body = 304, b""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def blog():
    server = Blog()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def reader(blog, tmp_path):
    """Syncs a workspace whose one source is the blog's feed; keyword arguments are its settings."""

    def read(more="", **settings):
        lines = {"url": f"{blog.url}/feed", "allow_private": True, **settings}
        told = "\n".join(f"{k} = {str(v).lower() if isinstance(v, bool) else repr(v)}" for k, v in lines.items())
        (tmp_path / "broadsheet.toml").write_text(f"[[sources]]\n{told}\n{more}", encoding="utf-8")
        return sync(Workspace(tmp_path))

    return read


def item(title="Sleep", guid="1", link="/sleep", day=None, text="Text.", **_):
    moment = f"<pubDate>{day:%a, %d %b %Y %H:%M:%S} GMT</pubDate>" if day else ""
    return (
        f'<item><title>{title}</title><guid isPermaLink="false">{guid}</guid><link>{link}</link>{moment}'
        f"<description>{text}</description></item>"
    )


def counts(report):
    return report.added, report.changed, report.unchanged, report.removed, report.articles


NOW = timezone.now().replace(microsecond=0)
YESTERDAY = NOW - timedelta(days=1)


def test_a_feeds_entries_become_articles(blog, reader):
    blog.feed(item(day=YESTERDAY))
    assert counts(reader(name="The blog")) == (1, 0, 0, 0, 1)
    article = Article.objects.get()
    assert (article.slug, article.title, article.source, article.identity) == ("sleep", "Sleep", "The blog", "1")
    assert (article.url, article.published_at) == (f"{blog.url}/sleep", YESTERDAY)


def test_an_unchanged_feed_is_answered_with_304_and_not_sent_again(blog, reader):
    blog.feed(item(), ETag='"v1"', **{"Last-Modified": "Thu, 08 Jan 2026 09:00:00 GMT"})
    reader()
    assert counts(reader()) == (0, 0, 1, 0, 1)
    asked = blog.asked[1][1]
    assert (asked["If-None-Match"], asked["If-Modified-Since"]) == ('"v1"', "Thu, 08 Jan 2026 09:00:00 GMT")


def test_a_feed_without_an_etag_is_unchanged_by_its_content(blog, reader):
    blog.feed(item())
    reader()
    before = Article.objects.get().synced_at
    assert counts(reader()) == (0, 0, 1, 0, 1)
    assert Article.objects.get().synced_at == before


def test_new_settings_read_a_feed_anew_whatever_its_etag(blog, reader):
    blog.feed(item(), ETag='"v1"')
    reader()
    rules = '[[tag_rules]]\ntag = "rest"\nwhen = "sleep"\n'
    assert counts(reader(rules)) == (0, 1, 0, 0, 1)
    assert "If-None-Match" not in blog.asked[1][1]
    assert article_rows()[0]["tags"] == ["rest"]


def test_a_changed_entry_changes_its_article(blog, reader):
    blog.feed(item(), item("Rest", "2", "/rest"))
    reader()
    blog.feed(item(text="Other."), item("Rest", "2", "/rest"))
    assert counts(reader()) == (0, 1, 1, 0, 2)
    assert "Other." in Article.objects.get(slug="sleep").html


def test_what_is_no_longer_in_the_feed_stays(blog, reader):
    blog.feed(item())
    reader()
    blog.feed(item("Rest", "2", "/rest"))
    assert counts(reader()) == (1, 0, 1, 0, 2)


def test_the_articles_of_a_source_that_is_gone_are_removed(blog, reader, tmp_path):
    blog.feed(item())
    reader()
    (tmp_path / "articles").mkdir()
    (tmp_path / "broadsheet.toml").write_text("")
    assert counts(sync(Workspace(tmp_path))) == (0, 0, 0, 1, 0)
    assert [state.place for state in SourceState.objects.all()] == ["articles"]


@pytest.mark.parametrize(
    "changed",
    [
        item(guid="other", day=YESTERDAY),
        item(guid="other", link="/moved", day=YESTERDAY),
        item(guid="other", title="A new title", day=NOW),
        item(title="A new title", link="/moved", day=NOW),
    ],
    ids=["guid", "guid and link", "guid, title and date", "all but the guid"],
)
def test_an_entry_stays_the_same_article_and_keeps_its_slug(blog, reader, changed):
    blog.feed(item(day=YESTERDAY), item("Rest", "2", "/rest"))
    reader()
    kept = Article.objects.get(slug="sleep").pk
    blog.feed(changed, item("Rest", "2", "/rest"))
    assert counts(reader()) == (0, 1, 1, 0, 2)
    assert Article.objects.get(slug="sleep").pk == kept
    assert counts(reader()) == (0, 0, 2, 0, 2)


def test_entries_that_share_a_page_are_not_taken_for_one_another(blog, reader):
    blog.feed(item("A", "1", "/changes", YESTERDAY), item("B", "2", "/changes", YESTERDAY))
    reader()
    blog.feed(item("C", "3", "/changes", NOW), item("A", "1", "/changes", YESTERDAY))
    assert counts(reader()) == (1, 0, 2, 0, 3)
    assert set(Article.objects.values_list("slug", flat=True)) == {"changes", "changes-2", "changes-3"}


def test_a_feed_that_moves_keeps_its_articles(blog, reader):
    blog.feed(item(day=YESTERDAY))
    reader()
    kept = Article.objects.get().pk
    blog.feed(item(day=YESTERDAY), path="/new")
    assert counts(reader(url=f"{blog.url}/new")) == (0, 1, 0, 0, 1)
    assert (Article.objects.get().pk, Article.objects.get().slug) == (kept, "sleep")


def test_a_source_may_be_renamed_without_asking_for_everything_again(blog, reader):
    blog.feed(item(), ETag='"v1"')
    reader()
    reader(name="The blog")
    assert Article.objects.get().source == "The blog"


def test_the_first_sync_marks_what_is_old_as_seen_and_later_ones_do_not(blog, reader):
    blog.feed(item("Old", "1", "/old", NOW - timedelta(days=61)), item("New", "2", "/new", NOW - timedelta(days=59)))
    reader()
    blog.feed(item("Later", "3", "/later", NOW - timedelta(days=99)))
    reader()
    assert dict(Article.objects.values_list("slug", "seen_before")) == {"old": True, "new": False, "later": False}
    blog.feed(item("Old", "1", "/old", NOW))  # published again
    reader()
    assert Article.objects.get(slug="old").seen_before


def test_max_age_none_marks_nothing(blog, reader):
    blog.feed(item(day=NOW - timedelta(days=4000)))
    reader(max_age="none")
    assert not Article.objects.get().seen_before


def test_an_entry_without_a_date_counts_from_when_it_was_first_seen(blog, reader):
    blog.feed(item())
    reader()
    assert Article.objects.get().seen_before  # of unknown age, when the feed was new
    blog.feed(item(text="Changed."), item("Rest", "2", "/rest"))
    first = Article.objects.get().published_at
    reader()
    rest = Article.objects.get(slug="rest")
    assert not rest.seen_before
    assert first < rest.published_at <= timezone.now()
    assert Article.objects.get(slug="sleep").published_at == first


def test_an_entry_of_the_future_keeps_its_date_and_so_waits(blog, reader):
    blog.feed(item(day=NOW + timedelta(days=30)))
    reader()
    assert Article.objects.get().published_at == NOW + timedelta(days=30)


def test_changed_at_moves_with_the_text_only(blog, reader):
    blog.feed(item(day=YESTERDAY))
    reader()
    first = Article.objects.get().changed_at
    blog.feed(item(day=NOW))
    reader()
    assert Article.objects.get().changed_at == first
    blog.feed(item(day=NOW, text="Other."))
    reader()
    assert Article.objects.get().changed_at > first


def slow(page):
    page.send_response(200)
    page.send_header("Content-Type", "application/rss+xml")
    page.end_headers()
    for _ in range(100):
        page.wfile.write(b" ")
        page.wfile.flush()
        time.sleep(0.1)


def slow_headers(page):
    page.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(100):
        page.wfile.write(b"X-%d: y\r\n" % number)
        page.wfile.flush()
        time.sleep(0.1)


def broken_off(page):
    page.send_response(200)
    page.send_header("Content-Length", "1000")
    page.end_headers()
    page.wfile.write(b"<rss")


@pytest.mark.clock
@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ((500, {}, b""), "can't be fetched (the server answered 500)"),
        ((304, {}, b""), "can't be fetched (the server answered 304)"),
        ((200, {}, b"<html>a page</html>"), "is a web page and no feed"),
        (
            (200, {"Content-Type": "image/png"}, b"\x89PNG\r\n\x1a\n\0\0"),
            "is no feed: neither RSS nor Atom nor JSON Feed",
        ),
        ((200, {"Content-Type": "text/xml"}, b"<rss version='2.0'><chan"), "is a damaged feed"),
        ((200, {}, b"x" * 5_000_001), "is larger than 5 MB"),
        (
            (200, {"Content-Encoding": "gzip"}, gzip.compress(b"x" * 50_000_000)),
            "is larger than 5 MB",
        ),
        ((200, {"Content-Encoding": "gzip"}, b"no gzip"), "can't be fetched (its compression is damaged)"),
        ((302, {"Location": "/feed"}, b""), "is redirected more than 5 times"),
        ((302, {"Location": "file:///etc/passwd"}, b""), "is neither an http nor an https address"),
        (slow, "took longer than 0.5 seconds to fetch"),
        (slow_headers, "took longer than 0.5 seconds to fetch"),
        (broken_off, "can't be fetched (the answer broke off)"),
    ],
    ids=lambda value: None,
)
def test_a_feed_that_fails_keeps_its_articles_and_the_reason(blog, reader, page, reason):
    blog.feed(item(day=YESTERDAY))
    reader(timeout=0.5)
    blog.pages["/feed"] = page
    started = time.monotonic()
    report = reader(timeout=0.5)
    assert time.monotonic() - started < 3
    assert counts(report) == (0, 0, 1, 0, 1)
    assert not report.fine
    [failed] = report.failed
    assert str(failed).startswith(f"127.0.0.1: the feed {reason}")
    state = SourceState.objects.get()
    assert state.reason.startswith(reason)
    assert state.failing_since is not None
    blog.feed(item(day=YESTERDAY))
    assert reader(timeout=5.0).fine
    state.refresh_from_db()
    assert (state.reason, state.failing_since) == ("", None)


def test_failing_since_is_when_it_began(blog, reader):
    reader()
    first = SourceState.objects.get().failing_since
    reader()
    assert SourceState.objects.get().failing_since == first


def test_a_feed_that_failed_from_the_start_has_its_first_sync_when_it_answers(blog, reader):
    reader()
    blog.feed(item(day=NOW - timedelta(days=400)))
    reader()
    assert Article.objects.get().seen_before


def test_a_private_address_is_not_asked_unless_the_source_says_so(blog, reader):
    blog.feed(item())
    report = reader(allow_private=False)
    assert [str(each) for each in report.failed] == [
        "127.0.0.1: the feed is at a private address; only public ones are fetched; its articles stay as they were"
    ]
    assert blog.asked == []


def test_redirects_are_followed_and_links_hang_on_where_it_ends(blog, reader):
    blog.pages["/feed"] = (301, {"Location": "/a/b/real"}, b"")
    blog.feed(item(link="sleep"), path="/a/b/real")
    reader()
    assert Article.objects.get().url == f"{blog.url}/a/b/sleep"


def test_a_compressed_feed_is_read(blog, reader):
    blog.feed(item())
    status, headers, body = blog.pages["/feed"]
    blog.pages["/feed"] = (status, {**headers, "Content-Encoding": "gzip"}, gzip.compress(body))
    assert counts(reader()) == (1, 0, 0, 0, 1)


def test_an_entry_that_is_rejected_is_told_and_the_others_go_on(blog, reader):
    blog.feed("<item><title>No link</title></item>", item())
    report = reader()
    assert [str(each) for each in report.rejected] == ["127.0.0.1: No link: has no link that can be used"]
    assert report.added == 1


def test_several_feeds_are_asked_at_once_and_one_that_fails_does_not_stop_the_others(blog, tmp_path):
    gate = threading.Barrier(4, timeout=60)

    def together(page):
        gate.wait()  # passes only when all four are being asked
        page.send_response(200)
        page.end_headers()
        number = page.path[-1]
        page.wfile.write(f"<rss version='2.0'><channel>{item(number, number, number)}</channel></rss>".encode())

    sources = ""
    for number in range(4):
        blog.pages[f"/feed/{number}"] = together
        sources += f'[[sources]]\nurl = "{blog.url}/feed/{number}"\nname = "F{number}"\nallow_private = true\n'
    sources += f'[[sources]]\nurl = "{blog.url}/missing"\nallow_private = true\n'
    (tmp_path / "broadsheet.toml").write_text(sources)
    report = sync(Workspace(tmp_path))
    assert (report.added, len(report.failed)) == (4, 1)
    (told,) = failing_sources(Workspace(tmp_path))
    assert (told.path, told.reason.partition(" (since ")[0]) == (
        "127.0.0.1",
        "the feed can't be fetched (the server answered 404)",
    )
    assert told.reason.endswith("; its 0 articles stay as they were")
    rows = source_rows(Workspace(tmp_path))
    assert [(row["source"], row["kind"], row["articles"]) for row in rows] == [
        *((f"F{number}", "feed", 1) for number in range(4)),
        ("127.0.0.1", "feed", 0),
    ]
    assert rows[4]["reason"] == "can't be fetched (the server answered 404)"


def test_a_file_can_not_take_the_slug_of_a_feeds_article_and_an_entry_gets_one_of_its_own(blog, tmp_path):
    blog.feed(item(), item("Rest", "2", "/rest"))
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles/rest.md").write_text("# Rest")
    (tmp_path / "broadsheet.toml").write_text(
        f'[[sources]]\nurl = "{blog.url}/feed"\nallow_private = true\n[[sources]]\npath = "articles"\n'
    )
    sync(Workspace(tmp_path))
    assert set(Article.objects.values_list("slug", flat=True)) == {"rest", "rest-2", "sleep"}
    (tmp_path / "articles/sleep.md").write_text("# Sleep")
    report = sync(Workspace(tmp_path))
    assert [str(each) for each in report.rejected] == [
        f"articles/sleep.md: has the slug “sleep”, which {blog.url}/sleep has too; change one"
    ]


def test_a_json_feed_is_read(blog, reader):
    blog.pages["/feed"] = (
        200,
        {"Content-Type": "application/feed+json"},
        b'{"version": "https://jsonfeed.org/version/1", "items": [{"id": "1", "url": "/a", "content_text": "Text."}]}',
    )
    assert counts(reader()) == (1, 0, 0, 0, 1)
    assert blog.asked[0][1]["Accept"].startswith("application/feed+json")
