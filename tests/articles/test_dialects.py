"""Every key that the table knows, in every spelling, and what can't be taken."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from broadsheet.articles.dialects import KEYS, LIMITS, TAG_LIMIT, display_category, plain_key
from broadsheet.errors import RejectedArticle
from broadsheet.models import Article, Tag

BERLIN = ZoneInfo("Europe/Berlin")


def headed(*lines: str) -> str:
    return "\n".join(["---", *lines, "---", "Some text.", ""])


@pytest.mark.parametrize("key", ["title", "Title", "TITLE"])
def test_a_title_is_read(parse, key):
    assert parse(headed(f"{key}: Sleeping well")).title == "Sleeping well"


@pytest.mark.parametrize("key", ["slug", "permalink"])
@pytest.mark.parametrize("value", ["sleeping-well", "/blog/2026/sleeping-well/", "/sleeping-well.html"])
def test_a_slug_is_the_last_part_of_an_address(parse, key, value):
    assert parse(headed("title: T", f"{key}: {value}")).slug == "sleeping-well"


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        ("articles/sleeping-well.md", "sleeping-well"),
        ("articles/2026-01-08-sleeping-well.md", "sleeping-well"),
        ("articles/Sleeping Well.md", "sleeping-well"),
        ("articles/sleeping-well/index.md", "sleeping-well"),
        ("articles/2026-01-08-sleeping-well/index.md", "sleeping-well"),
        ("articles/2026-01-08.md", "2026-01-08"),
        ("articles/schlaf-für-alle.md", "schlaf-für-alle"),
    ],
)
def test_a_slug_that_is_not_given_is_the_name_of_file_or_folder(parse, path, slug):
    assert parse(headed("title: T"), path=path).slug == slug


def test_a_pattern_for_permalinks_is_not_a_slug(parse):
    assert parse(headed("title: T", "permalink: /blog/:year/:title/")).slug == "sleep"


def test_a_slug_with_spaces_is_made_fit_for_an_address(parse):
    assert parse(headed("title: T", "slug: Sleeping, well!")).slug == "sleeping-well"


def test_a_slug_without_letters_is_rejected(parse):
    with pytest.raises(RejectedArticle, match="line 3: `slug` holds no letter or digit"):
        parse(headed("title: T", "slug: '!!!'"))


@pytest.mark.parametrize("key", ["excerpt", "description", "summary", "subtitle", "lede", "Description"])
def test_an_excerpt_is_read(parse, key):
    assert parse(headed("title: T", f"{key}: In short.")).excerpt == "In short."


@pytest.mark.parametrize(
    "line",
    [
        "category: Sleep",
        "categories: [Sleep, Rest]",
        "section: Sleep",
        "categories: Sleep",
        "Category: {name: Sleep}",
    ],
)
def test_a_category_is_read(parse, line):
    assert parse(headed("title: T", line)).category == "Sleep"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("PATIENT_STORIES", "Patient stories"),
        ("patient-stories", "Patient stories"),
        ("patient_stories", "Patient stories"),
        ("RESEARCH", "Research"),
        ("recovery", "Recovery"),
        ("FAQ", "FAQ"),
        ("Patient Stories", "Patient Stories"),
        ("The NHS and you", "The NHS and you"),
        ("", ""),
    ],
)
def test_a_category_is_shown_as_words(written, shown):
    assert display_category(written) == shown


@pytest.mark.parametrize(
    "line",
    [
        "author: Ann Lee",
        "authors: [Ann Lee]",
        "by: Ann Lee",
        "author: {name: Ann Lee, email: a@b.example}",
        "authors: [{name: Ann Lee}]",
    ],
)
def test_an_author_is_read(parse, line):
    assert parse(headed("title: T", line)).author == "Ann Lee"


def test_several_authors_stand_side_by_side(parse):
    assert parse(headed("title: T", "authors: [Ann Lee, {name: Bo Ek}]")).author == "Ann Lee, Bo Ek"


@pytest.mark.parametrize(
    "key",
    [
        "publishedAt",
        "pubDate",
        "published_at",
        "date",
        "publish_date",
        "created",
        "published-at",
        "PUBLISHED_AT",
    ],
)
def test_a_date_is_read_in_the_workspaces_zone(parse, key):
    assert parse(headed("title: T", f"{key}: 2026-01-08")).published_at == datetime(2026, 1, 8, tzinfo=BERLIN)


@pytest.mark.parametrize(
    "path",
    [
        "articles/2026-01-08-sleep.md",
        "articles/2026-01-08-sleep/index.md",
        "articles/2026-01-08-sleep/one.md",
    ],
)
def test_a_date_is_taken_from_the_name_of_file_or_folder(parse, path):
    assert parse(headed("title: T"), path=path).published_at == datetime(2026, 1, 8, tzinfo=BERLIN)


def test_a_name_that_only_looks_like_a_date_is_a_name(parse):
    article = parse(headed("title: T"), path="articles/2026-13-45-sleep.md")
    assert (article.published_at, article.slug) == (None, "2026-13-45-sleep")


def test_a_date_in_the_header_goes_before_the_name(parse):
    article = parse(headed("title: T", "date: 2026-02-01"), path="articles/2026-01-08-sleep.md")
    assert article.published_at == datetime(2026, 2, 1, tzinfo=BERLIN)


@pytest.mark.parametrize(
    "lines",
    [
        ["featuredImage: /p/a.png", "featuredImageAlt: A bed"],
        ["image: /p/a.png", "imageAlt: A bed"],
        ["cover: /p/a.png", "cover_alt: A bed"],
        ["hero: /p/a.png", "heroAlt: A bed"],
        ["heroImage: /p/a.png", "heroAlt: A bed"],
        ["thumbnail: /p/a.png", "thumbnail-alt: A bed"],
        ["image: {src: /p/a.png, alt: A bed}"],
        ["cover: {url: /p/a.png, alt: A bed}"],
        ["cover: {image: /p/a.png, Alt: A bed}"],
        ["image: {src: /p/a.png}", "imageAlt: A bed"],
    ],
)
def test_an_image_and_its_alt_text_are_read(parse, lines):
    article = parse(headed("title: T", *lines))
    assert (article.image_url, article.image_alt) == ("https://clinic.example/p/a.png", "A bed")


@pytest.mark.parametrize("key", ["tags", "tag", "keywords", "topics", "Keywords"])
@pytest.mark.parametrize(
    "value", ["[Chronic  Pain, sleep, SLEEP]", "Chronic Pain,  sleep, Sleep", "'#Chronic Pain, sleep'"]
)
def test_tags_are_read_in_lower_case_and_once(parse, key, value):
    assert parse(headed("title: T", f"{key}: {value}")).tags == ("chronic pain", "sleep")


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        ("sleep rest", ("sleep", "rest")),
        ("chronic pain,", ("chronic pain",)),
        ("[2026, sleep]", ("2026", "sleep")),
        ("[{name: Sleep}]", ("sleep",)),
        ("[]", ()),
        ("", ()),
    ],
)
def test_tags_come_in_many_forms(parse, value, tags):
    assert parse(headed("title: T", f"tags: {value}")).tags == tags


@pytest.mark.parametrize(
    ("line", "draft"),
    [
        ("draft: true", True),
        ("draft: 'yes'", True),
        ("draft: false", False),
        ("published: false", True),
        ("published: true", False),
        ("published: 2026-01-08", False),
        ("title: T", False),
    ],
)
def test_drafts_are_known(parse, line, draft):
    assert parse(headed("title: T", line)).draft is draft


def test_published_may_be_a_date(parse):
    article = parse(headed("title: T", "published: 2026-01-08"))
    assert article.published_at == datetime(2026, 1, 8, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("line", "language"),
    [("lang: de", "de"), ("language: pt_BR", "pt-BR"), ("lang: no", "no"), ("title: T", "en")],
)
def test_a_language_is_read(parse, line, language):
    assert parse(headed("title: T", line)).language == language


@pytest.mark.parametrize("key", ["canonical", "url", "canonicalUrl"])
@pytest.mark.parametrize("value", ["https://clinic.example/blog/a", "/blog/a"])
def test_an_address_is_read(parse, key, value):
    assert parse(headed("title: T", f"{key}: {value}")).url == "https://clinic.example/blog/a"


def test_an_address_that_is_not_given_is_made_of_the_slug(parse):
    assert parse(headed("title: T")).url == "https://clinic.example/articles/sleep"


def test_a_permalink_is_also_the_address(parse):
    assert parse(headed("title: T", "permalink: /blog/a/")).url == "https://clinic.example/blog/a/"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("title: {en: Sleep}", "`title` must be text"),
        ("title: yes", "`title` must be text; put it between quotation marks"),
        ("excerpt: [a, b]", "`excerpt` must be text"),
        ("draft: maybe", "`draft` must be true or false"),
        ("author: {email: a@b.example}", "`author` must be text, a list of texts, or a mapping with `name`"),
        ("image: {alt: A bed}", "`image` must be an address, or a mapping with `src`"),
        ("image: 'ftp://x.example/a.png'", "`image` “ftp://x.example/a.png” is not a web address"),
        ("canonical: 'javascript:alert(1)'", "`canonical` “javascript:alert\\(1\\)” is not a web address"),
        ("lang: 12 monkeys", "`lang` must be a language such as en or pt-BR"),
        ("tags: [[a]]", "`tags` must be text"),
        (f"tags: [{'x' * 101}]", "`tags` has a tag of more than 100 characters"),
        (f"author: {'x' * 201}", "`author` has 201 characters; at most 200 fit"),
    ],
)
def test_a_value_of_a_wrong_type_is_rejected_with_its_line_and_key(parse, line, reason):
    name = "heading: x" if line.startswith("title") else "title: T"
    with pytest.raises(RejectedArticle, match=rf"articles/sleep.md: line 3: {reason}"):
        parse(headed(name, line))


def test_a_number_as_a_title_is_text(parse):
    assert parse(headed("title: 1984")).title == "1984"


def test_the_first_key_of_the_table_counts(parse):
    assert parse(headed("title: T", "description: Second.", "excerpt: First.")).excerpt == "First."


def test_an_empty_value_does_not_hide_another(parse):
    assert parse(headed("title: T", "excerpt:", "description: There.")).excerpt == "There."


def test_control_characters_do_not_come_through(parse):
    assert parse(headed('title: "A\\0B\\nC"')).title == "AB C"


def test_the_table_is_written_in_plain_keys():
    assert all(plain_key(key) == key for keys in KEYS.values() for key in keys)


def test_the_limits_are_those_of_the_columns():
    assert {name: Article._meta.get_field(name).max_length for name in LIMITS} == LIMITS
    assert Tag._meta.get_field("name").max_length == TAG_LIMIT
