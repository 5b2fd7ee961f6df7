"""premailer, as Broadsheet uses it: what survives, what wins, and that nothing is fetched."""

import socket
import threading
from contextlib import suppress

import pytest
from tests.installed import CHROMIUM

from broadsheet.errors import TemplateProblem
from broadsheet.rendering.inlining import inlined

PAGE = '<!DOCTYPE html>\n<html lang="de" dir="rtl"><head>{head}</head><body>{body}</body></html>'


def page(css: str = "", body: str = "<p>a</p>", head: str = "") -> str:
    return PAGE.format(head=f"<style>{css}</style>{head}", body=body)


@pytest.mark.parametrize(
    "kept",
    [
        "@media (max-width: 500px) { p { color: red !important } }",
        "@media (prefers-color-scheme: dark) { p { color: white !important } }",
        "a:hover { color: red !important }",
        "@font-face { font-family: X; src: url(x.woff) }",
        "p::first-line { color: red }",
        ":root { color-scheme: light dark }",
        "[data-ogsc] p { color: red !important }",
    ],
)
def test_what_can_not_be_inlined_stays_in_the_style_sheet(kept):
    html = inlined(page(kept + " p { margin: 0 }"))
    assert kept in html
    assert '<p style="margin:0">' in html


def test_doctype_language_and_direction_stay():
    assert inlined(page()).startswith('<!DOCTYPE html>\n<html lang="de" dir="rtl">')
    xhtml = '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">'
    assert inlined(f"{xhtml}<html><body><p>a</p></body></html>").startswith(xhtml)
    assert inlined("<html><body><p>a</p></body></html>").startswith("<!doctype html>\n<html>")


def test_outlooks_comments_stay():
    comments = [
        "<!--[if mso]><style>p { color: red }</style><![endif]-->",
        "<!--[if !mso]><!-->",
        "<!--<![endif]-->",
        "<!--[if mso | IE]><table><tr><td><![endif]-->",
    ]
    html = inlined(page("p { margin: 0 }", "".join(comments[1:]) + "<p>a</p>", head=comments[0]))
    assert all(comment in html for comment in comments)


def test_a_style_sheet_marked_for_it_is_left_alone():
    html = inlined(page("", "<p>a</p>", head='<style data-premailer="ignore">p { color: red }</style>'))
    assert "<style>p { color: red }</style>" in html
    assert "<p>a</p>" in html


@pytest.mark.parametrize(
    ("css", "element", "style"),
    [
        ("p { color: red !important } p.x { color: blue }", '<p class="x">', "color:red"),
        ("p { color: red !important }", '<p style="color: blue">', "color:red"),
        ("p { color: red !important }", '<p style="color: blue !important">', "color:blue !important"),
        ("p { color: red }", '<p style="color: blue">', "color:blue"),
        ("p { margin: 1px } p { margin-left: 5px } .x { margin: 0 }", '<p class="x">', "margin:0"),
        ("p { margin: 0 !important } .x { margin-left: 5px }", '<p class="x">', "margin:0"),
        ("p[title] { color: red } p { color: blue }", '<p title="a">', "color:red"),
        ("p:first-child { color: red } p { color: blue }", "<p>", "color:red"),
        ("body > p { color: red } p { color: blue }", "<p>", "color:red"),
        ("p { font-size: 16px } p { font-size: calc(1px + 1em) }", "<p>", "font-size:calc(1px + 1em)"),
        ('p[title="a,b"] { color: red }', '<p title="a,b">', "color:red"),
    ],
)
def test_declarations_come_in_the_order_of_the_cascade(css, element, style):
    html = inlined(page(css, f"{element}a</p>"))
    tag = html[html.index("<body><p") + 6 :].split(">")[0]
    assert f'style="{style}"' in tag, tag


def test_a_rule_inside_another_elements_place_is_not_taken_for_its_parents():
    html = inlined(page("p:first-child b { color: red }", "<p><b>a</b></p><p><b>b</b></p>"))
    assert '<p><b style="color:red">a</b></p><p><b>b</b></p>' in html


def test_a_style_that_reads_like_a_selector_spoils_no_later_mail():
    """premailer's cache is shared between the texts of selectors and of styles."""
    inlined(page("b { color: red }", '<b style="p">a</b>'))
    assert '<p style="color:red">' in inlined(page("p { color: red }"))


def test_alignment_is_not_put_on_tables_and_pictures():
    html = inlined(page("table { text-align: center; background-color: #abc }", "<table><tr><td>a</td></tr></table>"))
    assert 'align="' not in html
    assert 'bgcolor="#aabbcc"' in html
    assert "width=" not in inlined(page("td { width: 10px }", "<table><tr><td>a</td></tr></table>"))


def test_addresses_are_left_as_they_are():
    html = inlined(page("", '<a href="/x?a=1&amp;b=%20#c">a</a><img src="cid:1" alt="">'))
    assert 'href="/x?a=1&amp;b=%20#c"' in html
    assert 'src="cid:1"' in html


def test_nothing_is_fetched():
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)

        def listen():
            with suppress(TimeoutError):
                asked.append(server.accept())

        listener = threading.Thread(target=listen)
        listener.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a"
        html = inlined(
            page(
                f"@import url({address}.css); p {{ background: url({address}.png) }}",
                head=f'<link rel="stylesheet" href="{address}.css"><link rel="stylesheet" href="file:///etc/passwd">',
            )
        )
        listener.join()
    assert asked == []
    assert f'<link rel="stylesheet" href="{address}.css">' in html


@pytest.mark.parametrize("broken", ["", "   ", "<!doctype html>", "<style>p { color: red }</style>"])
def test_what_is_no_page_is_a_template_problem_or_a_page(broken):
    try:
        assert "<" in inlined(broken)
    except TemplateProblem as error:
        assert "can't be parsed" in error.reason


#: style sheet, body; each element's computed style must be the same whether inlined or not
SAME_IN_A_BROWSER = {
    "!important against a heavier rule": ("p { color: red !important } p.x#y { color: blue }", '<p class="x" id="y">a</p>'),
    "!important against the element's own": ("p { color: red !important; margin: 3px }", '<p style="color: blue; margin: 9px">a</p>'),
    "the element's own !important": ("p { color: red !important }", '<p style="color: blue !important">a</p>'),
    "two that are !important": (".x { color: red !important } p { color: blue !important }", '<p class="x">a</p>'),
    "an important shorthand": ("p { margin: 1px !important } .x { margin-left: 7px }", '<p class="x">a</p>'),
    "an important longhand": (".x { margin: 1px } p { margin-left: 7px !important }", '<p class="x">a</p>'),
    "shorthand after longhand": ("p { padding: 1px } p { padding-left: 7px } .x { padding: 2px }", '<p class="x">a</p>'),
    "border after border-top": ("p { border-top: 3px solid red } .x { border: 1px solid blue }", '<p class="x">a</p>'),
    "attributes weigh": ("p[title] { color: red } p { color: blue }", '<p title="a">a</p>'),
    "combinators weigh nothing": ("div > p { color: red } div p { color: blue }", "<div><p>a</p></div>"),
    "a media query that applies": ("p { color: red } @media (max-width: 5000px) { p { color: blue !important } }", "<p>a</p>"),
    "a media query that does not": ("p { color: red } @media (max-width: 5px) { p { color: blue !important } }", "<p>a</p>"),
    "a media query against !important": ("p { color: red !important } @media (max-width: 5000px) { p { color: blue !important } }", "<p>a</p>"),
    "a media query that comes first": ("@media (max-width: 5000px) { p { color: blue !important } } p { color: red !important }", "<p>a</p>"),
    "a light scheme": ("p { color: red } @media (prefers-color-scheme: light) { p { color: blue !important } }", "<p>a</p>"),
    "first and last": ("p:first-child { color: red } p:last-child { color: blue } p { color: green }", "<div><p>a</p><p>b</p><p>c</p></div>"),
    "neighbours": ("p + p { color: red } p ~ b { color: blue }", "<div><p>a</p><p>b</p><b>c</b></div>"),
    "lists of selectors": ("h1, .x, p#y { color: red } p { color: blue }", '<h1>a</h1><p class="x">b</p><p id="y">c</p><p>d</p>'),
    "alignment": ("table { text-align: center } td { text-align: right; vertical-align: bottom }", "<table><tr><td>a</td></tr></table>"),
}  # fmt: skip
COMPUTED = """() => [...document.body.querySelectorAll('*')].map(element => {
  const style = getComputedStyle(element);
  return Object.fromEntries([...style].map(name => [name, style.getPropertyValue(name)]));
})"""


@pytest.fixture(scope="module")
def browser_page():
    if not CHROMIUM:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser.new_page(color_scheme="light")
        browser.close()


@pytest.mark.parametrize("case", SAME_IN_A_BROWSER)
def test_a_browser_shows_the_same_with_and_without_inlining(browser_page, case):
    css, body = SAME_IN_A_BROWSER[case]
    shown = []
    for html in (page(css, body), inlined(page(css, body))):
        browser_page.set_content(html)
        shown.append(browser_page.evaluate(COMPUTED))
    assert shown[0] == shown[1]
