import pytest

from broadsheet.articles.markdown import Base, excerpt, leading_heading, shortened, title_and_body, to_html

BASE = Base(site="https://clinic.example", page="https://clinic.example/blog/2026/sleep/")


def html(body):
    return to_html(body, BASE)


def test_commonmark_tables_and_strikethrough_are_rendered():
    assert html("**b** *i* `c`") == "<p><strong>b</strong> <em>i</em> <code>c</code></p>\n"
    assert html("~~gone~~") == "<p><s>gone</s></p>\n"
    table = html("| a | b |\n|:--|--:|\n| 1 | 2 |")
    assert '<th align="left">a</th>' in table
    assert '<td align="right">2</td>' in table
    assert "style" not in table


@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href='java\nscript:alert(1)'>x</a>",
        "<a href='&#106;avascript:alert(1)'>x</a>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,YWxlcnQoMSk=)",
        "![x](data:image/png;base64,YWxlcnQoMSk=)",
        "<p style='background:url(javascript:alert(1))'>x</p>",
        "<iframe src='https://evil.example'>alert(1)</iframe>",
        "<svg><script>alert(1)</script></svg>",
        "<form action='https://evil.example'><input name=alert(1)></form>",
        "<style>p{background:url(alert(1))}</style>",
        "<math><mtext><img src onerror=alert(1)></mtext></math>",
        "<object data='https://evil.example'>alert(1)</object>",
    ],
)
def test_nothing_that_acts_comes_through(evil):
    clean = html(f"before\n\n{evil}\n\nafter")
    assert "before" in clean
    assert "after" in clean
    for word in ("alert", "script", "onerror", "style", "data:", "iframe", "<form", "<input", "evil.example"):
        assert word not in clean


def test_what_a_mail_can_show_comes_through():
    for kept in (
        '<figure><img src="https://x.example/a.png" alt="A" width="3"><figcaption>F</figcaption></figure>',
        '<p dir="rtl" lang="he">x</p>',
        '<table><tbody><tr><td colspan="2">x</td></tr></tbody></table>',
        "<blockquote><p>x</p></blockquote>",
        "<pre><code>x</code></pre>",
        "<sub>2</sub>",
    ):
        assert html(kept).strip() == kept or kept in html(kept)


def test_comments_do_not_come_through():
    assert html("<!-- more -->\n\nText.").strip() == "<p>Text.</p>"


@pytest.mark.parametrize(
    ("written", "absolute"),
    [
        ("/images/a.png", "https://clinic.example/images/a.png"),
        ("a.png", "https://clinic.example/blog/2026/sleep/a.png"),
        ("../rest/a.png", "https://clinic.example/blog/2026/rest/a.png"),
        ("//cdn.example/a.png", "https://cdn.example/a.png"),
        ("https://x.example/a.png?b=1", "https://x.example/a.png?b=1"),
        ("http://x.example/a.png", "http://x.example/a.png"),
    ],
)
def test_links_and_images_are_made_absolute(written, absolute):
    assert html(f"[x]({written})") == f'<p><a href="{absolute}">x</a></p>\n'
    assert html(f"![x]({written})") == f'<p><img src="{absolute}" alt="x"></p>\n'
    assert html(f'<img src="{written}">') == f'<img src="{absolute}">'


@pytest.mark.parametrize(
    ("written", "absolute"),
    [
        ("#notes", "https://clinic.example/blog/2026/sleep/#notes"),
        ("mailto:a@clinic.example", "mailto:a@clinic.example"),
        ("tel:+491234", "tel:+491234"),
    ],
)
def test_links_to_other_things_are_kept(written, absolute):
    assert html(f"[x]({written})") == f'<p><a href="{absolute}">x</a></p>\n'


def test_a_root_relative_address_is_the_sites_even_on_a_page_elsewhere():
    elsewhere = Base(site="https://clinic.example", page="https://other.example/sleep")
    assert to_html("[x](/y) [z](w)", elsewhere) == (
        '<p><a href="https://clinic.example/y">x</a> <a href="https://other.example/w">z</a></p>\n'
    )


def test_an_image_can_only_come_from_the_web():
    assert html('a <img src="mailto:x@y.example"> b <img src="tel:1">') == "<p>a  b </p>\n"


def test_an_address_that_is_none_is_taken_away():
    assert html("[x](http://[bad)") == "<p><a>x</a></p>\n"


def test_an_image_without_an_address_is_taken_away():
    assert html('a <img alt="x > y" src=""> b') == "<p>a  b</p>\n"


def test_links_get_no_rel():
    assert "rel=" not in html("[x](https://x.example)")


@pytest.mark.parametrize(
    "body",
    ["# Sleep *well*\n\nText.", "Sleep *well*\n=====\n\nText.", "<!-- c -->\n\n## Sleep well\n\nText."],
)
def test_a_leading_heading_is_found_and_cut_off(body):
    heading, rest = leading_heading(body)
    assert (heading, rest.replace("<!-- c -->", "").strip()) == ("Sleep well", "Text.")


def test_a_heading_further_down_is_not_leading():
    assert leading_heading("Text.\n\n# Sleep") is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("# Sleep\n\nText.", ("Sleep", "Text.")),
        ("Text.\n\n## Sleep\n\nMore.", ("Sleep", "Text.\n\n## Sleep\n\nMore.")),
        ("**Sleep** well\nand long\n\nText.", ("Sleep well", "and long\n\nText.")),
        ("\n<!-- c -->\nSleep\n\nText.", ("Sleep", "Text.")),
        ("", ("", "")),
    ],
)
def test_a_title_is_the_first_heading_or_the_first_line(body, expected):
    assert title_and_body(body) == expected


def test_a_first_line_that_is_a_whole_paragraph_is_cut_for_the_title_and_stays():
    body = "word " * 100
    title, rest = title_and_body(body)
    assert title.endswith("word…")
    assert len(title) < 200
    assert rest == body


@pytest.mark.parametrize(
    "before",
    [
        "# Heading",
        "- a list\n- of two",
        "![an image](a.png)",
        "[![a linked image](a.png)](b)",
        "> a quotation",
        "*An editorial note, all in italics.*",
        "*A note.* *And another.*",
        "***",
        "| a |\n|---|\n| b |",
        "```\ncode\n```",
        "<div>raw</div>",
        "{{< figure src=a >}}",
    ],
)
def test_the_excerpt_is_the_first_real_paragraph(before):
    assert excerpt(f"{before}\n\nThe **first** [real](x) one,\nof `two` lines.\n\nAnother.") == (
        "The first real one, of two lines."
    )


def test_a_note_in_italics_is_the_excerpt_if_there_is_no_other():
    assert excerpt("*Only this.*\n\n## End") == "Only this."


def test_a_paragraph_that_only_begins_in_italics_is_a_real_one():
    assert excerpt("*Well*, then.\n\nAnother.") == "Well, then."


def test_a_text_without_paragraphs_has_no_excerpt():
    assert excerpt("# Only\n\n- lists") == ""


def test_a_long_text_is_cut_at_a_word():
    cut = shortened("sleeping, " * 40)
    assert cut.endswith("sleeping…")
    assert 180 < len(cut) < 200


def test_a_text_of_199_characters_is_not_cut_and_one_of_200_is():
    assert shortened("x" * 199) == "x" * 199
    assert shortened("睡" * 200) == "睡" * 198 + "…"
