"""HTML pages and plain text as articles."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from broadsheet.articles.hypertext import excerpt, first_image, visible
from broadsheet.errors import RejectedArticle

PAGE = """<!DOCTYPE html><html lang="de"><head><title>Sleep</title><meta name="description" content="In short.">
<meta name="author" content="Ann"><meta name="keywords" content="Sleep, chronic pain">
<meta property="article:published_time" content="2026-01-08T09:00:00+01:00"><meta property="og:image" content="/a.png">
<link rel="canonical" href="/blog/sleep"></head><body><nav>Menu</nav><article><h1>Sleep</h1>
<p onclick="x()">One <b>two</b>.</p><script>alert(1)</script><aside>Ad</aside>
</article><footer>Foot</footer></body></html>"""


def test_a_whole_page_is_an_article(parse):
    article = parse(PAGE, path="articles/sleep.html")
    assert (article.title, article.excerpt, article.author, article.language) == ("Sleep", "In short.", "Ann", "de")
    assert article.html == "<p>One <b>two</b>.</p>"
    assert article.tags == ("sleep", "chronic pain")
    assert article.published_at == datetime(2026, 1, 8, 9, tzinfo=ZoneInfo("Europe/Berlin"))
    assert (article.url, article.image_url) == ("https://clinic.example/blog/sleep", "https://clinic.example/a.png")


def test_front_matter_above_html_counts_more_than_its_head(parse):
    article = parse(f"---\ntitle: Rest\ntags: [rest]\n---\n{PAGE}", path="articles/sleep.html")
    assert (article.title, article.tags, article.author) == ("Rest", ("rest",), "Ann")


def test_a_piece_of_html_is_an_article_and_is_not_read_as_markdown(parse):
    article = parse("---\ntitle: T\n---\n<p>*One* {{ two }}\n\n    three</p>", path="articles/t.html")
    assert article.html == "<p>*One* \n\n    three</p>"
    assert [each.code for each in article.findings] == ["liquid"]


def test_html_without_a_title_is_named_by_its_heading_or_its_text(parse):
    assert parse("<h2>Sleep</h2><p>Text.</p>", path="a.html").title == "Sleep"
    assert parse("<p>Text only.</p>", path="a.html").title == "Text only."


@pytest.mark.parametrize("empty", ["", "<p></p>", "<!DOCTYPE html><html></html>", "<script>x</script>"])
def test_html_that_holds_nothing_is_rejected(parse, empty):
    with pytest.raises(RejectedArticle, match="has no title"):
        parse(empty, path="a.html")


def test_a_plain_text_becomes_paragraphs_and_nothing_in_it_is_markup(parse):
    article = parse("Sleep & rest\n\n# One *two* {{ x }}\n<b>three</b>\n\n    four\n", path="articles/a.txt")
    assert article.title == "Sleep & rest"
    assert article.html == "<p># One *two* {{ x }}<br>&lt;b&gt;three&lt;/b&gt;</p>\n<p>four</p>\n"
    assert article.excerpt == "# One *two* {{ x }} <b>three</b>"
    assert (article.slug, article.findings) == ("a", ())


@pytest.mark.parametrize("underline", ["=====", "-----", ""])
def test_the_first_line_of_a_plain_text_is_its_title(parse, underline):
    article = parse(f"Sleep\n{underline}\n\nText.\n", path="a.txt")
    assert (article.title, article.html) == ("Sleep", "<p>Text.</p>\n")


def test_a_plain_text_that_begins_with_a_paragraph_keeps_it(parse):
    article = parse("One line\nand another.\n\nText.", path="a.txt")
    assert (article.title, article.html) == ("One line", "<p>One line<br>and another.</p>\n<p>Text.</p>\n")


def test_a_plain_text_may_have_front_matter(parse):
    article = parse("---\ntitle: T\ntags: [a]\n---\nText.", path="a.txt")
    assert (article.title, article.tags, article.html) == ("T", ("a",), "<p>Text.</p>\n")


@pytest.mark.parametrize(
    ("path", "title"), [("a.md", "Two"), ("a.markdown", "Two"), ("a.mdx", "Two"), ("a.MD", "Two"), ("a.htm", "# Two")]
)
def test_the_ending_says_what_a_file_is(parse, path, title):
    assert parse("# Two", path=path).title == title


def test_the_excerpt_of_html_is_its_first_real_paragraph():
    assert (
        excerpt("<ul><li><p>no</p></li></ul><blockquote><p>no</p></blockquote><p></p><p>One<br>two.</p>") == "One two."
    )
    assert excerpt("<div>No paragraph</div>") == "No paragraph"
    assert excerpt("") == ""


def test_what_is_visible_has_its_spaces_where_blocks_meet():
    assert visible("<p>One</p><p>t<b>w</b>o &amp; three</p><br>four") == "One two & three four"


def test_the_first_image_is_more_than_a_dot():
    assert first_image('<img src="a" width="1"><img src="b" alt=" B  c ">') == ("b", "B c")
    assert first_image("none") == ("", "")
