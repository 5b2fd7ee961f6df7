from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from broadsheet.articles.parsing import Context, content_hash
from broadsheet.articles.tagging import Tagging
from broadsheet.conf import TaggingRule
from broadsheet.errors import RejectedArticle


def test_a_toml_header_is_read(parse):
    article = parse('+++\ntitle = "Sleep"\ndate = 2026-01-08T09:00:00\ntags = ["a"]\n[cover]\nurl = "/a"\n+++\nText.')
    assert (article.title, article.tags, article.image_url) == (
        "Sleep",
        ("a",),
        "https://clinic.example/a",
    )
    assert article.published_at == datetime(2026, 1, 8, 9, tzinfo=ZoneInfo("Europe/Berlin"))


def test_a_json_header_is_read(parse):
    article = parse('{"title": "Sleep", "pubDate": "2026-01-08"}\n\nText.')
    assert (article.title, article.html) == ("Sleep", "<p>Text.</p>\n")


@pytest.mark.parametrize(
    ("heading", "dropped"),
    [
        ("# Sleep: what helps?", True),
        ("## SLEEP — What Helps", True),
        ("Sleep, what helps\n---", True),
        ("# Sleep", False),
        ("# What helps", False),
    ],
)
def test_a_leading_heading_that_repeats_the_title_is_dropped(parse, heading, dropped):
    article = parse(f'---\ntitle: "Sleep: what helps?"\n---\n\n{heading}\n\nText.\n')
    assert ("<h" not in article.html) is dropped
    assert "<p>Text.</p>" in article.html


def test_without_a_header_the_title_is_the_heading_and_the_body_the_rest(parse):
    article = parse("# Sleep\n\nText.")
    assert (article.title, article.html, article.published_at) == ("Sleep", "<p>Text.</p>\n", None)


def test_a_header_without_a_title_leaves_it_to_the_text(parse):
    assert parse("---\ntags: [a]\n---\n# Sleep\n\nText.").title == "Sleep"


@pytest.mark.parametrize("text", ["", "  \n\n", "---\ntags: [a]\n---\n"])
def test_a_file_with_no_title_and_no_text_is_rejected(parse, text):
    with pytest.raises(RejectedArticle, match=r"^articles/sleep.md: has no title and no text$"):
        parse(text)


def test_a_missing_excerpt_is_taken_from_the_text(parse):
    assert parse("---\ntitle: T\n---\n# T\n\n*A note.*\n\nThe *real* one.").excerpt == "The real one."


def test_a_date_in_the_future_is_kept(parse):
    assert parse("---\ntitle: T\ndate: 2999-01-01\n---\n").published_at.year == 2999


@pytest.mark.parametrize("line", ["date: soon", "date: 01/08/2026", "pubDate: {day: 8}"])
def test_a_date_that_can_not_be_read_is_rejected_with_its_key(parse, line):
    key = line.partition(":")[0]
    with pytest.raises(RejectedArticle, match=rf"^articles/sleep.md: line 3: `{key}` .*write one like 2026-01-08"):
        parse(f"---\ntitle: T\n{line}\n---\nText.")


def test_a_site_below_a_path_keeps_it_for_pages_and_not_for_its_root(parse):
    article = parse("---\ntitle: T\nimage: /a.png\n---\n[x](/y)", site_url="https://clinic.example/blog")
    assert article.url == "https://clinic.example/blog/articles/sleep"
    assert article.image_url == "https://clinic.example/a.png"
    assert 'href="https://clinic.example/y"' in article.html


def test_an_article_that_is_canonical_elsewhere_still_has_its_images_here(parse):
    article = parse("---\ntitle: T\ncanonical: https://other.example/sleep\n---\n![x](/a.png) ![y](b.png)")
    assert article.url == "https://other.example/sleep"
    assert "https://clinic.example/a.png" in article.html
    assert "https://clinic.example/articles/b.png" in article.html


CONTEXT = Context("https://x.example", "en", ZoneInfo("UTC"))


def test_the_hash_depends_on_everything_the_article_is_made_of():
    rule = TaggingRule(tag="pain", when="pain")
    contexts = [
        CONTEXT,
        replace(CONTEXT, site_url="https://y.example"),
        replace(CONTEXT, language="de"),
        replace(CONTEXT, zone=ZoneInfo("Europe/Berlin")),
        replace(CONTEXT, keys={"title": ("headline",)}),
        replace(CONTEXT, tagging=Tagging(rules=(rule,))),
        replace(CONTEXT, tagging=Tagging(synonyms={"a": "b"})),
        replace(CONTEXT, tagging=Tagging(categories={"a": ("b",)})),
    ]
    hashes = [content_hash("Text.", "a.md", each) for each in contexts]
    hashes += [content_hash("Text!", "a.md", CONTEXT), content_hash("Text.", "b.md", CONTEXT)]
    assert len(set(hashes)) == 10
    assert content_hash("Text.", "a.md", replace(CONTEXT)) == hashes[0]


def test_the_article_bears_that_hash(parse):
    context = Context("https://clinic.example", "en", ZoneInfo("Europe/Berlin"))
    assert parse("# T").content_hash == content_hash("# T", "articles/sleep.md", context)
