"""Articles as a mail shows them."""

import shutil
from datetime import UTC, datetime

import pytest
from PIL import Image

from broadsheet.articles import load_content, sync
from broadsheet.articles.content import reading_minutes
from broadsheet.models import Article
from broadsheet.workspace import Workspace

pytestmark = pytest.mark.django_db

SETTINGS = """
[site]
url = "https://clinic.example"
[public]
url = "https://news.clinic.example"
{more}
[[sources]]
path = "articles"
images = "pictures"
"""
TEXT = """---
title: Night
date: 2026-03-03
image: /night.svg
imageAlt: A lamp
---
Before ![a harbour](/harbour.png) and ![a lamp](/night.svg) and ![gone](/gone.webp) after.
"""


@pytest.fixture
def night(tmp_path):
    """Loads the one article there is, with further settings of ``[public]``."""

    def loaded(more=""):
        (tmp_path / "broadsheet.toml").write_text(SETTINGS.format(more=more))
        for name in ("articles", "pictures"):
            (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / "articles" / "night.md").write_text(TEXT)
        (tmp_path / "pictures" / "night.svg").write_text(
            '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="200"><rect width="400" height="200"/></svg>'
        )
        Image.new("RGB", (900, 300), "teal").save(tmp_path / "pictures" / "harbour.png")
        workspace = Workspace(tmp_path)
        sync(workspace)
        return load_content(workspace, ["night"])["night"]

    return loaded


def test_pictures_in_the_text_are_shown_like_the_one_in_the_front_matter(night):
    content = night()
    assert content.image.src.startswith("https://news.clinic.example/i/")
    assert content.image.src.endswith(".png")
    assert content.image.at(560).src in content.html
    assert ".svg" not in content.html
    assert 'width="560" height="186" alt="a harbour"' in content.html


def test_a_picture_of_the_text_that_can_not_be_had_is_left_out_and_named(night):
    content = night()
    assert "gone" not in content.html
    assert ["gone.webp" in each for each in content.problems] == [True]


def test_what_every_mail_program_shows_may_keep_the_address_of_its_source(night):
    content = night('images = "source"')
    assert 'src="https://clinic.example/harbour.png"' in content.html
    assert content.image.src.startswith("https://news.clinic.example/i/")


@pytest.mark.parametrize(("place", "pixels"), [((640,), 1280), ((200,), 400), ((200, 380), 760), ((268,), 536)])
def test_a_picture_is_scaled_to_twice_the_width_of_its_place(night, tmp_path, place, pixels):
    content = night()
    there = content.image.at(*place)
    file = tmp_path / ".broadsheet" / "images" / there.src.rpartition("/")[2]
    with Image.open(file) as image:
        assert image.size == (pixels, pixels // 2)
    assert (there.width, there.height) == (place[0], place[0] // 2)
    written = file.stat().st_mtime_ns
    assert load_content(Workspace(tmp_path), ["night"])["night"].image.at(*place).src == there.src
    assert file.stat().st_mtime_ns == written


def test_a_picture_that_is_small_enough_stays_as_it_is(night):
    small = night().image.at(640)
    assert small.at(640).src == small.src == small.at(900).src


def test_a_scaled_picture_that_can_not_be_kept_is_the_large_one(night, tmp_path):
    image = night().image
    index = tmp_path / ".broadsheet" / "images" / "index"
    shutil.rmtree(index)
    index.write_text("in the way")
    assert image.at(200).src == image.src


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("", 1), ("word " * 660, 3), ("夜の港を歩く" * 220, 3), ("<p>" + "밤 항구 " * 330 + "</p>", 3)],
)
def test_the_time_it_takes_to_read_is_told_for_scripts_without_spaces_too(text, minutes):
    assert reading_minutes(text) == minutes


def test_an_article_written_from_right_to_left_says_so(tmp_path):
    (tmp_path / "broadsheet.toml").write_text(SETTINGS.format(more=""))
    Article.objects.create(
        slug="layl", source="articles", path="layl.md", title="ليل", url="https://clinic.example/layl",
        language="ar", html="<p>ليل</p>", published_at=datetime(2026, 3, 3, tzinfo=UTC),
    )  # fmt: skip
    content = load_content(Workspace(tmp_path), ["layl"])["layl"]
    assert (content.language, content.dir) == ("ar", "rtl")


def test_signs_in_an_alt_text_never_become_markup_when_its_picture_is_left_out(tmp_path):
    (tmp_path / "broadsheet.toml").write_text(SETTINGS.format(more=""))
    html = '<p>a <img src="https://clinic.example/gone.png" alt="1 > 0 <b onclick=x>"> b</p>'
    Article.objects.create(slug="a", source="articles", path="a.md", title="A", url="https://x.example/a", html=html)
    content = load_content(Workspace(tmp_path), ["a"])["a"]
    assert content.html == "<p>a  b</p>"
