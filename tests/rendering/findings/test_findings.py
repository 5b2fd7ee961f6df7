"""Each code is found in a mail that has its fault, and not in one without it."""

import re
from dataclasses import replace

import pytest
from tests.rendering.findings.conftest import TEXT

from broadsheet.articles.links import Answer
from broadsheet.rendering.findings import CODES, LEVELS, Copy, Finding, in_order, of_copy
from broadsheet.rendering.findings.style import colour

IMAGE = 'width="200" height="100" alt="A lamp"'
PNG = "https://clinic.example/lamp.png"

#: code, a fault, the same without the fault
IN_THE_BODY = [
    ("link-broken", '<a href="http://">Sleep</a>', '<a href="https://clinic.example">Sleep</a>'),
    ("link-broken", '<a href="https://cl inic.example/">Sleep</a>', '<a href="https://clinic.example/?a=b%20c">Sleep</a>'),
    ("link-broken", '<a href="https://[1::">Sleep</a>', '<a href="https://clinic.example:443/">Sleep</a>'),
    ("link-broken", '<a href="javascript:alert(1)">Sleep</a>', '<a href="tel:+49431123">Sleep</a>'),
    ("link-broken", '<a href="mailto:">Sleep</a>', '<a href="mailto:a@clinic.example?subject=Hi">Sleep</a>'),
    ("link-broken", '<a href="#sleep">Sleep</a>', '<a href="#sleep">Sleep</a><p id="sleep">Sleep</p>'),
    ("link-relative", '<a href="/articles/sleep">Sleep</a>', '<a href="https://clinic.example/articles/sleep">Sleep</a>'),
    ("link-relative", '<a href="www.clinic.example">Sleep</a>', '<a href="https://www.clinic.example">Sleep</a>'),
    ("link-relative", '<a href="//clinic.example/a">Sleep</a>', '<a href="https://clinic.example/a">Sleep</a>'),
    ("link-empty", '<a href="">Sleep</a>', '<a name="sleep">Sleep</a>'),
    ("link-empty", '<a href="#">Sleep</a>', "<b>Sleep</b>"),
    ("link-not-https", '<a href="http://clinic.example/a">Sleep</a>', '<a href="https://clinic.example/a">Sleep</a>'),
    ("link-private", '<a href="http://localhost:8000/a">Sleep</a>', '<a href="https://clinic.example/a">Sleep</a>'),
    ("link-private", '<a href="https://192.168.1.4/a">Sleep</a>', '<a href="https://93.184.215.14/a">Sleep</a>'),
    ("link-text-vague", '<a href="https://clinic.example">Click here</a>', '<a href="https://clinic.example">Us</a>'),
    (
        "link-text-vague",
        '<a href="https://clinic.example">Read more …</a>',
        '<a href="https://clinic.example" aria-label="Read more about sleep">Read more …</a>',
    ),
    (
        "link-without-text",
        f'<a href="https://clinic.example"><img src="{PNG}" width="9" alt=""></a>',
        f'<a href="https://clinic.example"><img src="{PNG}" width="9" alt="Our clinic"></a>',
    ),
    (
        "link-text-mismatch",
        '<a href="https://elsewhere.example/x">https://clinic.example/sleep</a>',
        '<a href="https://www.clinic.example/x">https://clinic.example/sleep</a>',
    ),
    (
        "link-text-mismatch",
        '<a href="https://elsewhere.example/x">clinic.example</a>',
        '<a href="https://nodejs.test/x">Node.js and Dr.Smith</a>',
    ),
    ("domain-lookalike", '<a href="https://cl1nic.example/">Sleep</a>', '<a href="https://sub.clinic.example/">Sleep</a>'),
    ("domain-lookalike", '<a href="https://сlinic.example/">Sleep</a>', '<a href="https://Clinic.example/">Sleep</a>'),
    ("domain-lookalike", '<a href="https://xn--linic-3fg.example/">Sleep</a>', '<a href="https://xn--bcher-kva.test/">Books</a>'),
    ("domain-lookalike", '<a href="https://pаypal.test/">Pay</a>', '<a href="https://東京tokyo.test/">Tokyo</a>'),
    ("domain-lookalike", '<a href="https://сосо.test/">Coco</a>', '<a href="https://пример.test/">Example</a>'),
    ("domain-misspelt", '<a href="https://clinics.example/">Sleep</a>', '<a href="https://clinic.test/">Sleep</a>'),
    ("domain-misspelt", '<a href="https://clniic.example/">Sleep</a>', '<a href="https://hospital.example/">Sleep</a>'),
    ("image-missing", f"<img {IMAGE}>", f'<img src="{PNG}" {IMAGE}>'),
    ("image-missing", f'<img src="images/lamp.png" {IMAGE}>', f'<img src="{PNG}" {IMAGE}>'),
    ("image-format", f'<img src="https://clinic.example/a.svg" {IMAGE}>', f'<img src="{PNG}" {IMAGE}>'),
    ("image-format", f'<img src="https://clinic.example/a.webp?x=1" {IMAGE}>', f'<img src="{PNG}?x=.webp" {IMAGE}>'),
    ("image-format", f'<img src="data:image/png;base64,AAAA" {IMAGE}>', f'<img src="{PNG}" {IMAGE}>'),
    ("image-not-https", f'<img src="http://clinic.example/a.png" {IMAGE}>', f'<img src="{PNG}" {IMAGE}>'),
    ("image-without-alt", f'<img src="{PNG}" width="9">', f'<img src="{PNG}" width="9" alt="">'),
    ("image-without-width", f'<img src="{PNG}" alt="">', f'<img src="{PNG}" alt="" style="width:200px">'),
    ("css-breaks", '<div style="display:flex">Sleep</div>', '<div style="display:inline-block">Sleep</div>'),
    ("css-breaks", '<p style="position:absolute;top:0">Sleep</p>', '<p style="position:relative">Sleep</p>'),
    ("css-breaks", '<p style="width:calc(100% - 9px)">Sleep</p>', '<p style="width:99%">Sleep</p>'),
    ("css-breaks", '<p style="color:var(--ink)">Sleep</p>', '<p style="color:#000000">Sleep</p>'),
    (
        "css-breaks",
        '<p style="background:url(https://clinic.example/a.png)">Sleep</p>',
        '<p style="background:#ffffff url(https://clinic.example/a.png)">Sleep</p>',
    ),
    ("css-unsupported", '<p style="aspect-ratio:2">Sleep</p>', '<p style="border-radius:4px">Sleep</p>'),
    ("css-unsupported", '<p style="column-count:2">Sleep</p>', '<p style="max-width:9px">Sleep</p>'),
    ("html-breaks", "<video src='https://clinic.example/a.mp4'></video>", "<b>Sleep</b>"),
    ("html-breaks", "<form><input type='text'></form>", "<figure>Sleep</figure>"),
    ("html-breaks", "<script>1</script>", "<abbr>Sleep</abbr>"),
    ("html-breaks", "<p hidden>Sleep</p>", "<p>Sleep</p>"),
    ("html-unsupported", "<meter></meter>", "<table role='presentation'><tr><td>1</td></tr></table>"),
    (
        "outlook-width",
        '<div style="max-width:600px">Sleep</div>',
        '<!--[if mso]><![endif]--><div style="max-width:600px">a</div>',
    ),
    ("table-role-missing", "<table><tr><td>1</td></tr></table>", "<table role='none'><tr><td>1</td></tr></table>"),
    (
        "table-role-missing",
        "<table><tr><td><table><tr><th>1</th></tr></table></td></tr></table>",
        "<table><tr><th>1</th></tr></table>",
    ),
    ("heading-order", "<h3>Pain</h3>", "<h2>Pain</h2><h3>Back</h3><h2>Sleep</h2>"),
    ("text-small", '<p style="font-size:13px">Sleep</p>', '<p style="font-size:14px">Sleep<sup>1</sup></p>'),
    ("text-small", '<p style="font-size:10pt">Sleep</p>', '<p style="font-size:11pt">Sleep</p>'),
    ("text-small", '<p style="font-size:0.8em">Sleep</p>', '<p style="font-size:0">\xa0<b style="font-size:1rem">a'),
    ("text-small", '<p style="font:italic 12px/18px Arial">a</p>', '<p style="font:italic 16px/18px Arial">a</p>'),
    ("contrast-low", '<p style="color:#777777">Sleep</p>', '<p style="color:#767676">Sleep</p>'),
    (
        "contrast-low",
        '<table role="presentation" bgcolor="#0f4c4a"><tr><td><p>Sleep</p></td></tr></table>',
        '<table role="presentation" bgcolor="#0f4c4a"><tr><td><p style="color:white">Sleep</p></td></tr></table>',
    ),
    ("contrast-low", '<p style="color:rgba(0,0,0,.4)">Sleep</p>', '<p style="color:rgba(0,0,0,.8)">Sleep</p>'),
    (
        "contrast-low",
        '<div style="background:navy"><a href="https://clinic.example">Sleep</a></div>',
        '<div style="background:navy"><a href="https://clinic.example" style="color:#fff">Sleep</a></div>',
    ),
    (
        "contrast-low",
        '<div style="background:hsl(210, 50%, 20%);color:#333">Sleep</div>',
        '<div style="background:url(https://clinic.example/a.png);color:#fff">Sleep</div>',
    ),
    ("leftover-template", "<p>Dear {{ first_name }}</p>", "<p>Dear {you}</p>"),
    ("leftover-template", "<p>{% if x %}</p>", "<p><code>{% if x %}</code></p>"),
    ("leftover-template", "<p>*|FNAME|*</p>", "<p>5 * | 3</p>"),
    ("leftover-template", "<p>%%name%%</p>", "<p>100% of it, 5 %</p>"),
    ("leftover-template", '<a href="https://clinic.example/{{ x }}">Sleep</a>', '<a href="https://clinic.example/x">Sleep</a>'),
    ("leftover-shortcode", '<p>[gallery ids="1,2"]</p>', "<p>Sleep [1] and [sic] and [see a=b c]</p>"),
    ("leftover-shortcode", "<p>[caption]A lamp[/caption]</p>", "<p>[…] and/or [a]</p>"),
    ("leftover-shortcode", "<p>::youtube{id=abc}</p>", "<p>std::vector and a::b</p>"),
]  # fmt: skip

#: code, what is given to the mail, what mends it
IN_THE_MAIL = [
    ("subject-empty", {"subject": ""}, {"subject": "Sleep"}),
    ("subject-empty", {"subject": None}, {"subject": "Sleep"}),
    ("subject-long", {"subject": "s" * 71}, {"subject": "s" * 70}),
    ("subject-shouting", {"subject": "SLEEP BETTER NOW"}, {"subject": "NHS: sleep better"}),
    ("subject-shouting", {"subject": "Sleep better!!!"}, {"subject": "Sleep better!"}),
    ("subject-shouting", {"subject": "ÄRZTE RATEN"}, {"subject": "よく眠る"}),
    ("leftover-template", {"subject": "Dear *|FNAME|*"}, {"subject": "Dear you"}),
    ("leftover-template", {"text": "Dear {{ name }}"}, {"text": "Dear you"}),
    ("preheader-missing", {"instead": {"display:none": "display:block"}}, {}),
    ("text-missing", {"text": " \n"}, {}),
    ("unsubscribe-missing", {"leave": None}, {}),
    ("unsubscribe-missing", {"instead": {"https://news.clinic.example/u/abc": "https://clinic.example/"}}, {}),
    ("unsubscribe-missing", {"text": "Clinic, 12 Harbour Lane, 24103 Kiel"}, {}),
    ("postal-address-missing", {"instead": {"12 Harbour Lane": ""}}, {}),
    ("postal-address-missing", {"text": "https://news.clinic.example/u/abc"}, {}),
    ("footer-incomplete", {"instead": {"https://news.clinic.example/p/abc": "https://clinic.example/p"}}, {}),
    ("footer-incomplete", {"instead": {"https://news.clinic.example/v/abc": "https://clinic.example/v"}}, {}),
    ("footer-incomplete", {"instead": {"Clinic Weekly": "us"}}, {}),
    ("footer-incomplete", {"text": "Clinic, 12 Harbour Lane, 24103 Kiel https://news.clinic.example/u/abc"}, {}),
    ("lang-missing", {"instead": {' lang="en"': ""}}, {}),
    ("dir-missing", {"instead": {' dir="ltr"': ""}}, {"instead": {'"ltr"': '"rtl"'}}),
    ("title-missing", {"instead": {"<title>Sleep well</title>": "<title> </title>"}}, {}),
    ("heading-order", {"instead": {"h1>": "h2>"}}, {}),
    ("html-breaks", {"instead": {"<title>": '<link rel="stylesheet" href="https://clinic.example/a.css"><title>'}}, {}),
    ("css-unsupported", {"instead": {"<title>": "<style>@import url(a.css);</style><title>"}}, {}),
    ("html-large", {"body": "<p>Sleep.</p>" * 7200}, {"body": "<p>Sleep.</p>" * 6500}),
    ("html-clipped", {"body": "<p>Sleep.</p>" * 7900}, {"body": "<p>Sleep.</p>" * 7200}),
]  # fmt: skip

#: code, what came of trying the link, what mends it
TRIED = [
    ("link-dead", Answer("answered", 404), Answer("answered", 200)),
    ("link-dead", Answer("no-host", reason="there is no such host"), Answer("answered", 204)),
    ("link-unreachable", Answer("answered", 503), Answer("answered", 200)),
    ("link-unreachable", Answer("unreachable", reason="no answer in time"), Answer("answered", 200)),
    ("link-refused", Answer("answered", 403), Answer("answered", 200)),
    ("link-private", Answer("private", reason="is at a private address"), Answer("answered", 200)),
]


def test_a_mail_without_a_fault_has_no_finding(findings):
    assert findings() == []


@pytest.mark.parametrize(("code", "fault", "mended"), IN_THE_BODY)
def test_a_fault_in_the_body_is_found(code, fault, mended, codes):
    assert code in codes(fault)
    assert code not in codes(mended)


@pytest.mark.parametrize(("code", "fault", "mended"), IN_THE_MAIL)
def test_a_fault_of_the_whole_mail_is_found(code, fault, mended, codes):
    assert code in codes(**fault)
    assert code not in codes(**mended)


@pytest.mark.parametrize(("code", "answer", "good"), TRIED)
def test_what_came_of_trying_a_link_is_found(code, answer, good, codes, house):
    link = '<a href="https://elsewhere.example/a">Sleep</a>'
    assert codes(link, house=replace(house, answers={"https://elsewhere.example/a": answer})) == {code}
    assert codes(link, house=replace(house, answers={"https://elsewhere.example/a": good})) == set()


def test_a_host_that_does_not_answer_is_one_finding(findings, house):
    pages = [f"https://elsewhere.example/{n}" for n in range(3)]
    body = "".join(f'<a href="{page}">Sleep</a>' for page in pages)
    answers = dict.fromkeys(pages, Answer("no-host", reason="there is no such host"))
    (found,) = in_order(findings(body, house=replace(house, answers=answers)))
    assert found.where == "HTML: links to elsewhere.example"
    assert found.message == "https://elsewhere.example/0: there is no such host."


def test_a_picture_that_is_not_there_is_found(codes, house):
    body = f'<img src="{PNG}" {IMAGE}>'
    assert codes(body, house=replace(house, answers={PNG: Answer("answered", 404)})) == {"image-missing"}
    assert codes(body, house=replace(house, answers={PNG: Answer("answered", 200)})) == set()


def test_our_own_pictures_are_looked_up_and_weighed(codes, house):
    body = "".join(f'<img src="{house.public_url}/i/{n}.png" {IMAGE}>' for n in range(6))
    assert codes(body) == {"image-missing"}
    for n in range(6):
        (house.images / f"{n}.png").write_bytes(bytes(200_000))
    assert codes(body) == {"images-heavy"}
    assert codes(body.replace("5.png", "4.png")) == set()
    (house.images / "0.png").write_bytes(bytes(200_001))
    assert codes(f'<img src="{house.public_url}/i/0.png" {IMAGE}>') == {"image-heavy"}


def test_pictures_from_elsewhere_are_weighed_when_they_were_tried(codes, house):
    heavy = replace(house, answers={PNG: Answer("answered", 200, size=300_000)})
    assert codes(f'<img src="{PNG}" {IMAGE}>', house=heavy) == {"image-heavy"}


def test_our_own_pages_on_a_loopback_address_are_let_off(codes, house):
    trying = replace(house, public_url="http://127.0.0.1:8000")
    (house.images / "a.png").write_bytes(b"")
    body = f'<a href="http://127.0.0.1:8000/v/abc">In a browser</a><img src="http://127.0.0.1:8000/i/a.png" {IMAGE}>'
    local = {"https://news.clinic.example": "http://127.0.0.1:8000"}
    here = {"house": trying, "instead": local, "text": TEXT.replace(*next(iter(local.items())))}
    here["leave"] = "<http://127.0.0.1:8000/u/abc>"
    assert codes(body, **here) == set()
    assert codes('<a href="http://127.0.0.1:9000/v/abc">Sleep</a>', **here) == {"link-private"}
    assert codes('<a href="http://clinic.example">Sleep</a>', **here) == {"link-not-https"}


def test_our_own_pages_need_https_anywhere_else(codes, house):
    open_to_all = replace(house, public_url="http://news.clinic.example")
    body = '<a href="http://news.clinic.example/v/abc">In a browser</a>'
    assert "link-not-https" in codes(body, house=open_to_all)


def test_a_missing_postal_address_in_the_settings_is_named_as_such(findings, house):
    (found,) = findings(house=replace(house, postal_address=""))
    assert (found.code, found.where) == ("postal-address-missing", "broadsheet.toml: site.postal_address")


def test_an_unsubscribe_link_that_nobody_sees_does_not_count(codes):
    assert "unsubscribe-missing" in codes(instead={'style="color:#0f4c4a"': 'style="display:none"'})


@pytest.mark.parametrize(
    "html", ["", " ", "<!-- nothing -->", "Sleep", "<p", "<b>" * 2000, "&#0;\x0b", "<html></html>"]
)
def test_html_that_is_hardly_any_can_be_checked(html, mail, house):
    whole = Copy.of(mail(instead=dict.fromkeys(["<!doctype html>"], html)))
    assert isinstance(of_copy(whole, house), list)
    bare = Copy.of(b"Subject: Sleep\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + html.encode())
    assert {"lang-missing", "unsubscribe-missing"} <= {each.code for each in of_copy(bare, house)}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("#abc", (170, 187, 204)),
        ("#aabbcc80", (212, 221, 230)),
        ("rgb(10, 20, 30)", (10, 20, 30)),
        ("rgb(10% 20% 30%)", (26, 51, 76)),
        ("hsl(0, 100%, 50%)", (255, 0, 0)),
        ("url(#abc) navy no-repeat", (0, 0, 128)),
        ("transparent", None),
        ("inherit", None),
    ],
)
def test_colours_are_read_as_they_are_written(written, read):
    shown = colour(re.sub(r"url\([^)]*\)", "", written))
    assert shown == read or (read and shown and max(abs(a - b) for a, b in zip(shown, read, strict=True)) <= 1)


def test_css_for_those_who_know_it_is_no_fault(codes):
    sheet = """<style>@media (prefers-color-scheme: dark) { p { display: flex; color: #777 } }
    @supports (display: grid) { p { display: grid } } a:hover { transform: scale(2) }</style><title>"""
    assert codes(instead={"<title>": sheet}) == set()


def test_what_is_for_outlook_only_is_no_fault(codes):
    assert (
        codes("<!--[if mso]><table><tr><td><v:rect style='display:flex'></v:rect></td></tr></table><![endif]-->")
        == set()
    )


def test_hidden_text_need_not_be_legible(codes):
    assert (
        codes(
            '<div style="display:none;font-size:1px;color:#fff">Sleep <a href="https://clinic.example">well</a></div>'
        )
        == set()
    )


def test_syntax_shown_as_code_is_not_left_over_in_the_plain_text_either(codes):
    assert (
        codes(
            "<p><code>{{ name }}</code></p>",
            text="{{ name }}\n" + TEXT,
        )
        == set()
    )


def test_a_mail_that_a_parser_finds_defects_in_is_found(mail, house):
    whole = mail()
    torn = whole.replace(b"\r\n\r\n--", b"\r\nno header\r\n\r\n--", 1)
    assert "mail-malformed" in {each.code for each in of_copy(Copy.of(torn), house)}
    long_line = whole.replace(b"From:", b"X-Long: " + b"a" * 999 + b"\r\nFrom:", 1)
    assert "mail-malformed" in {each.code for each in of_copy(Copy.of(long_line), house)}


def test_every_finding_says_where_and_how_to_mend_it(findings):
    body = "".join(fault for _, fault, _ in IN_THE_BODY)
    found = findings(body, subject="", text="")
    assert len({each.code for each in found}) > 20
    assert all(each.message and each.where and each.mend and each.level in LEVELS for each in found)


def test_findings_come_worst_first_and_each_once():
    pairs = (("text-small", "a"), ("link-dead", "b"), ("text-small", "c"), ("heading-order", "d"))
    same = [Finding(code, CODES[code].level, text, "here", "mend") for code, text in pairs]
    assert [(each.code, each.message) for each in in_order(same)] == [
        ("link-dead", "b"),
        ("text-small", "a"),
        ("heading-order", "d"),
    ]
