"""Articles in Arabic, Hebrew, Japanese, Chinese and Korean, in all five templates, as a browser lays them out."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from markupsafe import Markup

from broadsheet import pipeline
from broadsheet.articles import Content, direction
from broadsheet.audience import Reader
from broadsheet.rendering import Sheet, compile_message
from broadsheet.stamping import Imprint, LinkSigner, Stamp
from broadsheet.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 3, 8, tzinfo=UTC)
WORDS = {
    "en": ("Tide lines", "A walk along the harbour.", "Research"),
    "ar": ("خطوط المد", "نزهة قصيرة على امتداد الميناء.", "أبحاث"),
    "he": ("קווי גאות", "טיול קצר לאורך הנמל.", "מחקר"),
    "ja": ("潮の跡", "港に沿った短い散歩。", "研究"),
    "zh": ("潮水的痕迹", "沿着港口散步。", "研究报告"),
    "ko": ("물때 자국", "항구를 따라 걷는 짧은 산책.", "연구"),
}
#: Fonts that each language asks for, for titles or for text; no other language does.
FONTS = {
    "ar": ("Geeza Pro",),
    "ja": ("Hiragino",),
    "zh": ("Songti SC", "Microsoft YaHei"),
    "ko": ("AppleMyungjo", "Malgun Gothic"),
}
TEMPLATES = ("digest", "magazine", "letter", "announcement", "notice")
#: The site's language, and its articles'.
SITES = {"ar": ("ar", "ar", "en"), "ja": ("ja", "ja", "ar"), "en": ("ar", "he", "ja", "zh", "ko", "en")}
LAYOUT = """title => {
    const link = [...document.querySelectorAll('a, h1, h2, h3')].filter(e => e.textContent.trim() === title).pop();
    const block = link.closest('h1, h2, h3, p, li, td');
    const range = document.createRange();
    range.selectNodeContents(link);
    const text = range.getBoundingClientRect(), box = block.getBoundingClientRect();
    const style = getComputedStyle(block);
    return {
        language: block.closest('[lang]').lang, direction: style.direction, font: style.fontFamily,
        left: text.left - box.left - parseFloat(style.paddingLeft),
        right: box.right - text.right - parseFloat(style.paddingRight),
    };
}"""


def an_article(language, number):
    title, excerpt, category = WORDS[language]
    title = title if number == 0 else f"{title} {number}"
    return Content(
        slug=f"{language}-{number}", title=title, excerpt=excerpt, url=f"https://x.example/{language}{number}", image=None,
        category=category, author="", tags=(), published_at=NOW, language=language, dir=direction(language), minutes=2,
        html=Markup(f"<p>{excerpt}</p><ul><li>{title}</li></ul><h2>{title}</h2><blockquote><p>{excerpt}</p></blockquote>"),
    )  # fmt: skip


def html_of(template, site, languages):
    workspace = Workspace(ROOT)
    articles = tuple(an_article(language, number) for number, language in enumerate(languages))
    sheet = Sheet(
        templates=workspace.templates,
        template=template,
        theme=workspace.theme(template),
        campaign={
            "name": "W",
            "slug": "w",
            "subject": WORDS[site][0],
            "preheader": WORDS[site][1],
            "intro": WORDS[site][1],
        },
        site={
            "name": WORDS[site][0],
            "url": "https://x.example",
            "language": site,
            "dir": direction(site),
            "postal_address": "Kiel",
        },
        sender={"name": "S", "email": "a@b.example"},
        list={"name": "l", "title": WORDS[site][2]},
        edition={"date": NOW},
        articles=() if template == "notice" else articles,
        extra={"heading": WORDS[site][0], "action": {"url": "https://x.example/c", "label": "OK"}}
        if template == "notice"
        else {},
    )
    imprint = Imprint(1, "https://news.example", "news.example", "a@b.example", LinkSigner("key"))
    reader = Reader(1, "ada@reader.example", "", {"email": "ada@reader.example", "first_name": "Ada"})
    return sheet.articles, *pipeline.bodies(Stamp(compile_message(sheet), imprint)(reader, delivery_id=1, now=NOW))


@pytest.fixture(scope="module")
def show(browser):
    """One page for all: shows a mail at a width."""
    context = browser.new_context(viewport={"width": 640, "height": 900}, offline=True)
    page = context.new_page()

    def shown(html, width=640):
        page.set_viewport_size({"width": width, "height": 900})
        page.set_content(html)
        return page

    yield shown
    context.close()


def fonts_asked_for(family):
    return {language for language, names in FONTS.items() if any(name in family for name in names)}


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("template", TEMPLATES)
def test_each_article_is_laid_out_as_its_language_is_written(show, template, site):
    articles, text, html = html_of(template, site, SITES[site])
    page = show(html)
    root = page.evaluate("() => [document.documentElement.lang, document.documentElement.dir]")
    assert root == [site, direction(site)]
    shown = articles[:1] if template == "announcement" else articles
    for article in shown:
        found = page.evaluate(LAYOUT, article.title)
        assert found["language"] == article.language, article.title
        assert found["direction"] == article.dir
        start, end = ("right", "left") if article.dir == "rtl" else ("left", "right")
        assert abs(found[start]) < 2 < found[end], found
        assert fonts_asked_for(found["font"]) == {article.language} & FONTS.keys()
        assert article.title in text
    for width in (320, 375):
        assert show(html, width).evaluate("document.scrollingElement.scrollWidth") <= width


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("template", TEMPLATES)
def test_body_text_asks_for_the_fonts_of_its_language_only(show, template, site):
    articles, _, html = html_of(template, site, SITES[site])
    page = show(html)
    asked = """words => [...document.querySelectorAll('p')].filter(e => e.textContent.trim() === words)
        .map(e => [e.closest('[lang]').lang, getComputedStyle(e).fontFamily])"""
    seen = set()
    for language in {site, *(each.language for each in articles)}:
        for said, family in page.evaluate(asked, WORDS[language][1]):
            assert said == language
            assert fonts_asked_for(family) == {language} & FONTS.keys(), (language, family)
            seen.add(language)
    assert seen >= {site, *(each.language for each in articles[:1])}


def test_arabic_is_neither_spaced_out_nor_slanted_and_its_lists_hang_on_the_right(show):
    _, _, html = html_of("announcement", "en", ("ar",))
    page = show(html)
    label = page.evaluate("() => getComputedStyle(document.querySelector('.label')).letterSpacing")
    assert label in ("normal", "0px")
    assert page.evaluate("() => getComputedStyle(document.querySelector('.prose blockquote')).fontStyle") == "normal"
    inset = page.evaluate(
        """() => { const l = document.querySelector('.prose ul'), i = l.querySelector('li');
        const a = l.getBoundingClientRect(), b = i.getBoundingClientRect(); return [b.left - a.left, a.right - b.right]; }"""
    )
    assert inset == [0, 24]


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_footer_of_a_site_written_from_right_to_left_is_too(show, template):
    _, text, html = html_of(template, "ar", ("ar",))
    page = show(html)
    footer = page.evaluate(
        """() => { const p = [...document.querySelectorAll('p.meta')].pop(); const s = getComputedStyle(p);
        return [s.direction, p.querySelector('a').textContent]; }"""
    )
    assert footer == ["rtl", "إلغاء الاشتراك"]
    assert "إلغاء الاشتراك: https://news.example/u/" in text
