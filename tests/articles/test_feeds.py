"""What an address answered, read as a feed: no socket, no row."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from broadsheet.articles.entries import FeedArticle
from broadsheet.articles.feeds import read_feed
from broadsheet.articles.fetching import Answer
from broadsheet.articles.parsing import Context
from broadsheet.errors import BroadsheetError, RejectedArticle

FEED = "https://blog.example/feeds/all.xml"
CONTEXT = Context("https://clinic.example", "en", ZoneInfo("Europe/Berlin"))


def read(body, content_type="", context=CONTEXT):
    return read_feed(Answer(body if isinstance(body, bytes) else body.encode(), FEED, content_type), context)


def one(body, content_type=""):
    [found] = read(body, content_type)
    assert isinstance(found, FeedArticle)
    return found.article


def rss(inner, attributes=""):
    return f"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:media="http://search.yahoo.com/mrss/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" {attributes}><channel><title>Blog</title><link>https://blog.example/</link>
<language>de-DE</language>{inner}</channel></rss>"""


def item(inner):
    return rss(f"<item><title>Sleep</title><link>https://blog.example/2026/sleep/</link>{inner}</item>")


def atom(inner, attributes=""):
    return f"""<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="fr" {attributes}><title>Blog</title>
<id>urn:blog</id><updated>2026-01-01T00:00:00Z</updated>{inner}</feed>"""


def json_feed(*items, **more):
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Blog", "items": items, **more})


def test_an_rss_item_is_an_article():
    article = one(
        rss(
            """<item><title>Sleep &amp;amp; rest</title><link>https://blog.example/2026/sleep-and-rest/</link>
            <guid isPermaLink="false">tag:1</guid><dc:creator>Ann Lee</dc:creator>
            <pubDate>Thu, 08 Jan 2026 09:00:00 +0100</pubDate>
            <category>Recovery</category><category>Sleep Well</category>
            <description>In &lt;b&gt;short&lt;/b&gt;.</description>
            <content:encoded><![CDATA[<p>The <em>whole</em> text.</p><script>alert(1)</script>]]></content:encoded>
            </item>"""
        )
    )
    assert (article.title, article.author, article.identity) == ("Sleep & rest", "Ann Lee", "tag:1")
    assert (article.url, article.slug) == ("https://blog.example/2026/sleep-and-rest/", "sleep-and-rest")
    assert (article.html, article.excerpt) == ("<p>The <em>whole</em> text.</p>", "In short.")
    assert article.published_at == datetime(2026, 1, 8, 8, tzinfo=UTC)
    assert (article.tags, article.category, article.language) == (("recovery", "sleep well"), "Recovery", "de-DE")
    assert (article.draft, article.findings) == (False, ())


def test_an_atom_entry_is_an_article():
    article = one(
        atom(
            """<entry><title type="html">Sleep &amp;lt;well&amp;gt; &lt;i&gt;now&lt;/i&gt;</title><id>urn:1</id>
            <link rel="alternate" href="/sleep"/><author><name>Ann</name><email>a@x.example</email></author>
            <published>2026-01-08T09:00:00+01:00</published><updated>2026-02-01T00:00:00Z</updated>
            <category term="sleep" label="Sleep"/><summary>In short.</summary>
            <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>The text.</p></div></content></entry>"""
        )
    )
    assert (article.title, article.author, article.url) == ("Sleep <well> now", "Ann", "https://blog.example/sleep")
    assert article.published_at == datetime(2026, 1, 8, 8, tzinfo=UTC)
    assert "<p>The text.</p>" in article.html
    assert (article.excerpt, article.tags, article.language) == ("In short.", ("sleep",), "fr")


def test_a_json_feed_item_is_an_article():
    article = one(
        json_feed(
            {
                "id": 7,
                "url": "https://blog.example/sleep",
                "title": "Sleep",
                "content_html": "<p>Text <a href='notes'>n</a></p>",
                "summary": "In short.",
                "image": "/a.png",
                "date_published": "2026-01-08T09:00:00+01:00",
                "authors": [{"name": "Ann"}, {"name": "Bo"}],
                "tags": ["Sleep", "rest"],
            },
            language="da",
        ),
        "application/feed+json",
    )
    assert (article.identity, article.author, article.tags) == ("7", "Ann, Bo", ("sleep", "rest"))
    assert article.html == '<p>Text <a href="https://blog.example/notes">n</a></p>'
    assert (article.image_url, article.language) == ("https://blog.example/a.png", "da")


def test_a_json_item_of_plain_text_becomes_paragraphs():
    article = one(json_feed({"id": "1", "url": "https://x.example/a", "content_text": "One < two.\nStill.\n\nThree."}))
    assert article.html == "<p>One &lt; two.<br>Still.</p>\n<p>Three.</p>"
    assert article.title == "One < two. Still."


def test_the_whole_text_is_taken_where_there_is_one_and_the_summary_else():
    assert one(item("<description>Only this.</description>")).html == "<p>Only this.</p>"
    both = "<description>Short.</description><content:encoded>&lt;p&gt;Whole.&lt;/p&gt;</content:encoded>"
    assert one(item(both)).html == "<p>Whole.</p>"


@pytest.mark.parametrize(
    "twice",
    [
        "&amp;lt;p&amp;gt;One &amp;lt;b&amp;gt;two&amp;lt;/b&amp;gt;.&amp;lt;/p&amp;gt;",
        "<![CDATA[&lt;p&gt;One &lt;b&gt;two&lt;/b&gt;.&lt;/p&gt;]]>",
        "<![CDATA[&amp;lt;p&amp;gt;One &amp;lt;b&amp;gt;two&amp;lt;/b&amp;gt;.&amp;lt;/p&amp;gt;]]>",
    ],
)
def test_html_that_was_encoded_twice_comes_out_right(twice):
    article = one(item(f"<description>{twice}</description>"))
    assert article.html == "<p>One <b>two</b>.</p>"
    assert article.excerpt == "One two."


def test_html_that_is_written_about_stays_written_about():
    article = one(item("<description>&lt;p&gt;Use &amp;lt;p&amp;gt; and &amp;lt;/p&amp;gt;.&lt;/p&gt;</description>"))
    assert article.html == "<p>Use &lt;p&gt; and &lt;/p&gt;.</p>"


def test_relative_links_hang_on_the_entrys_page():
    article = one(item('<description>&lt;a href="notes"&gt;n&lt;/a&gt; &lt;img src="/a.png"&gt;</description>'))
    assert 'href="https://blog.example/2026/sleep/notes"' in article.html
    assert article.image_url == "https://blog.example/a.png"


def test_relative_links_hang_on_xml_base_where_it_is_given():
    article = one(
        atom(
            """<entry xml:base="posts/"><title>T</title><id>1</id><link href="a.html"/>
            <content type="html" xml:base="deep/">&lt;a href="n"&gt;n&lt;/a&gt;&lt;img src="../i.png"&gt;</content>
            </entry>""",
            'xml:base="https://cdn.example/root/"',
        )
    )
    assert article.url == "https://cdn.example/root/posts/a.html"
    assert 'href="https://cdn.example/root/posts/deep/n"' in article.html
    assert article.image_url == "https://cdn.example/root/posts/i.png"


@pytest.mark.parametrize(
    ("inner", "image"),
    [
        (
            '<media:content url="/s.jpg" medium="image" width="100"/>'
            '<media:content url="/l.jpg" medium="image" width="900"/>',
            "https://blog.example/l.jpg",
        ),
        ('<media:content url="/v.mp4" type="video/mp4"/><media:thumbnail url="/t.jpg"/>', "https://blog.example/t.jpg"),
        ('<media:group><media:content url="/g.png"/></media:group>', "https://blog.example/g.png"),
        ('<enclosure url="/e.png" type="image/png" length="1"/>', "https://blog.example/e.png"),
        ('<enclosure url="/e.mp3" type="audio/mpeg" length="1"/>', ""),
        (
            '<description>&lt;img src="/dot.gif" width="1"&gt;&lt;img src="/f.png" alt="A bed"&gt;</description>',
            "https://blog.example/f.png",
        ),
        ('<media:content url="javascript:alert(1)" medium="image"/>', ""),
    ],
)
def test_an_image_is_found(inner, image):
    assert one(item(inner)).image_url == image


def test_the_alt_text_of_an_image_in_the_text_comes_with_it():
    assert one(item('<description>&lt;img src="/f.png" alt="A bed"&gt;</description>')).image_alt == "A bed"


def test_a_date_that_is_missing_leaves_the_article_undated():
    [found] = read(item(""))
    assert (found.dated, found.article.published_at, found.article.findings) == (False, None, ())


def test_a_date_that_can_not_be_read_is_told():
    [found] = read(item("<pubDate>last Tuesday</pubDate>"))
    assert (found.dated, found.article.published_at) == (False, None)
    assert found.article.findings[0].message == "its date “last Tuesday” can't be read"


@pytest.mark.parametrize(
    "written", ["8 January 2026 09:00", "2026-01-08T09:00:00+01:00", "Thu, 8 Jan 2026 08:00:00 GMT"]
)
def test_dates_are_read_as_feeds_write_them(written):
    assert one(item(f"<pubDate>{written}</pubDate>")).published_at == datetime(2026, 1, 8, 8, tzinfo=UTC)


def test_a_date_of_change_alone_is_a_suggestion():
    body = '<entry><title>T</title><id>1</id><link href="/a"/><updated>2026-01-08T09:00:00Z</updated></entry>'
    [found] = read(atom(body))
    assert (found.dated, found.article.published_at.year) == (False, 2026)


def test_an_entry_is_known_by_id_else_link_else_title_and_date():
    assert one(item('<guid isPermaLink="false">g</guid>')).identity == "g"
    assert one(item("")).identity == "https://blog.example/2026/sleep/"


def test_entries_without_id_that_share_a_page_are_told_apart_by_title_and_date():
    page = "https://x.example/changes"
    body = json_feed(
        {"title": "A", "external_url": page, "date_published": "2026-01-08"},
        {"title": "A", "external_url": page, "date_published": "2026-01-09"},
        {"title": "B", "external_url": page, "date_published": "2026-01-08"},
    )
    assert len({each.article.identity for each in read(body)}) == 3


def test_an_entry_without_id_and_link_is_rejected_by_its_title():
    [found] = read(rss("<item><title>Sleep</title><description>x</description></item>"))
    assert isinstance(found, RejectedArticle)
    assert (found.problem.where, found.problem.reason) == ("Sleep", "has no link that can be used")


def test_an_entry_without_title_and_text_is_rejected_and_the_others_go_on():
    body = rss(
        "<item><link>https://x.example/a</link></item><item><link>https://x.example/b</link><title>B</title></item>"
    )
    bad, good = read(body)
    assert str(bad.problem) == "https://x.example/a: has no title and no text"
    assert good.article.title == "B"


def test_an_entry_that_comes_twice_is_read_once():
    twice = "<item><guid>1</guid><title>A</title><link>https://x.example/a</link></item>"
    assert len(read(rss(twice * 2))) == 1


@pytest.mark.parametrize(
    ("link", "slug"),
    [
        ("https://x.example/2026/01/sleep-well.html", "sleep-well"),
        ("https://x.example/2026-01-08-sleep-well", "sleep-well"),
        ("https://x.example/?p=17", "sleep"),
        ("https://x.example/17/", "sleep"),
        ("https://x.example/a/index.html", "sleep"),
        ("https://x.example/%E7%9D%A1", "睡"),
    ],
)
def test_a_slug_is_the_last_part_of_the_link_or_the_title(link, slug):
    body = rss(f"<item><title>Sleep</title><link>{link.replace('&', '&amp;')}</link></item>")
    assert one(body).slug == slug


def test_long_titles_are_cut_and_long_tags_left_out():
    article = one(item(f"<category>{'x' * 101}</category><category>ok</category>").replace("Sleep", "S" * 600))
    assert (len(article.title), article.title[-1], article.tags) == (500, "…", ("ok",))


def test_an_address_in_the_authors_place_is_not_shown():
    assert one(item("<author>ann@x.example (Ann Lee)</author>")).author == "Ann Lee"
    assert one(item("<author>ann@x.example</author>")).author == ""


def test_the_hash_changes_with_text_and_settings_and_not_with_a_suggested_date():
    def told(day, text="x"):
        return one(
            atom(
                f'<entry><title>T</title><id>1</id><link href="/a"/><updated>{day}</updated>'
                f"<summary>{text}</summary></entry>"
            )
        ).content_hash

    assert told("2026-01-08T09:00:00Z") == told("2026-01-09T09:00:00Z")
    assert told("2026-01-08T09:00:00Z") != told("2026-01-08T09:00:00Z", "y")
    other = Context("https://clinic.example", "de", ZoneInfo("Europe/Berlin"))
    [found] = read(item(""), context=other)
    assert found.article.content_hash != one(item("")).content_hash


def test_a_feed_that_breaks_off_gives_what_it_has():
    body = item("<description>x</description>")[:-30]
    assert one(body).title == "Sleep"


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "utf-8-sig"])
def test_a_feed_is_read_in_any_encoding(encoding):
    body = (
        item("")
        .replace("Sleep", "Schläfrig")
        .replace('encoding="utf-8"', f'encoding="{encoding.removesuffix("-sig")}"')
    )
    assert one(body.encode(encoding), "application/rss+xml").title == "Schläfrig"


@pytest.mark.parametrize(
    "content_type", ["text/plain", "text/html; charset=utf-8", "application/octet-stream", "nonsense"]
)
def test_a_feed_under_a_wrong_content_type_is_read_all_the_same(content_type):
    assert one(item(""), content_type).title == "Sleep"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "is no feed: neither RSS nor Atom nor JSON Feed"),
        ("just words", "is no feed: neither RSS nor Atom nor JSON Feed"),
        ("<root><a/></root>", "is no feed: neither RSS nor Atom nor JSON Feed"),
        ("<!DOCTYPE html><html><body>x</body></html>", "is a web page and no feed"),
        (
            '<html><head><link rel="alternate" type="application/rss+xml" href="/feed.xml"></head></html>',
            "is a web page and no feed; it names its feed: /feed.xml",
        ),
        ('{"a": 1}', "is JSON, but no JSON Feed"),
        ("{", "is damaged JSON"),
        ("[" * 100_000, "is no feed"),
        ('{"items": ' + "[" * 100_000, "is damaged JSON"),
    ],
)
def test_what_is_no_feed_is_one_clear_reason(body, reason):
    with pytest.raises(BroadsheetError, match=reason):
        read(body)


def test_an_empty_feed_is_a_feed():
    assert read(rss("")) == []
    assert read(json_feed()) == []


def test_entities_can_not_be_blown_up():
    bomb = '<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {b} "{("&" + a + ";") * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    found = read(bomb + "]>" + item("<description>&i;</description>").partition("?>")[2])
    assert all(isinstance(each, RejectedArticle) or len(each.article.html) < 1000 for each in found)


def test_a_file_of_this_machine_can_not_be_had(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("TOPSECRET")
    body = (
        f'<!DOCTYPE rss [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
        + item("<description>&x;</description>").partition("?>")[2]
    )
    assert "TOPSECRET" not in repr(read(body))
    with pytest.raises(BroadsheetError):
        read(str(secret))
