"""A reader's value is escaped for the place where it lands, and can't get out of it."""

import re
from dataclasses import replace

import pytest
from jinja2.sandbox import SandboxedEnvironment
from tests.rendering.conftest import a_reader, article

from broadsheet.errors import TemplateProblem, UnstampableReader
from broadsheet.rendering import compile_message, recorder
from broadsheet.rendering.recorder import Recorder

EVIL = "<script>\"'&"
ESCAPED = "&lt;script&gt;&#34;&#39;&amp;"


@pytest.mark.parametrize(
    "source",
    [
        "{{ subscriber.x }}",
        "{{ '' ~ subscriber.x }}",
        "{{ subscriber.x | string }}",
        "{{ '%s' | format(subscriber.x) }}",
        "{{ '%s' % subscriber.x }}",
        "{{ subscriber.x + '' }}",
        "{{ subscriber.x | default('a') }}",
        "{{ subscriber.x if subscriber.x else '' }}",
        "{{ subscriber.x or 'a' }}",
        "{{ [subscriber.x] | join('') }}",
        "{{ subscriber.x | e }}",
        "{{ subscriber.x.strip() }}",
        "{{ ''.join([subscriber.x]) }}",
        "{{ '{}'.format(subscriber.x) }}",
        "{{ show(subscriber.x) }}",
        "{% set x = subscriber.x %}{{ x }}",
        "{% set x %}{{ subscriber.x }}{% endset %}{{ x }}",
        "{% filter trim %}{{ subscriber.x }}{% endfilter %}",
        "{% filter replace('zz', '') %}{{ subscriber.x }}{% endfilter %}",
        "{% call wrap() %}{{ subscriber.x }}{% endcall %}",
        "{% with x = subscriber.x %}{{ x }}{% endwith %}",
    ],
)
def test_html_text_is_escaped_once_by_whatever_way_it_comes(press, source):
    macros = "{% macro show(x) %}{{ x }}{% endmacro %}{% macro wrap() %}{{ caller() }}{% endmacro %}"
    assert press.body(macros + "<p>" + source + "</p>", x=EVIL) == f"<p>{ESCAPED}</p>"


def test_tags_taken_out_of_a_block_do_not_come_back_as_tags(press):
    """Jinja's own striptags turns &lt; back into < and prints it as it is."""
    body = press.body(
        "<p>{% filter striptags %}<i>{{ subscriber.x }}</i>{% endfilter %}</p>", x="<script>alert(1)</script>"
    )
    assert "<script" not in body


def test_attributes_are_escaped(press):
    assert press.body('<p title="a {{ subscriber.x }}">b</p>', x=EVIL) == f'<p title="a {ESCAPED}">b</p>'
    assert press.body("<p title='{{ subscriber.x }}'>b</p>", x=EVIL) == f'<p title="{ESCAPED}">b</p>'


def test_html_a_filter_made_stays_inside_its_attribute(press):
    assert (
        press.body("<p title='{{ subscriber.x | tojson }}'>b</p>", x='" onclick="')
        == '<p title="&#34;\\&#34; onclick=\\&#34;&#34;">b</p>'
    )


def test_safe_prints_as_it_is(press):
    assert press.body("<p>{{ subscriber.x | safe }}</p>", x="<i>a</i>") == "<p><i>a</i></p>"


@pytest.mark.parametrize(
    ("attribute", "values", "written"),
    [
        ("{{ subscriber.x }}", {"x": "https://a.example/?b=1&c=ä"}, "https://a.example/?b=1&amp;c=%C3%A4"),
        ("{{ subscriber.x }}", {"x": "javascript:alert(1)"}, "#"),
        ("{{ subscriber.x }}", {"x": " \n JaVaScRiPt:alert(1)"}, "#"),
        ("{{ subscriber.x }}", {"x": "data:text/html,a"}, "#"),
        ("{{ subscriber.x }}", {"x": "vbscript:a"}, "#"),
        ("{{ subscriber.x }}", {"x": "java\nscript:alert(1)"}, "#"),
        ("{{ subscriber.x }}", {"x": "\x01javascript:alert(1)"}, "#"),
        ("{{ subscriber.x }}", {"x": "//evil.example"}, "#"),
        ("{{ subscriber.x }}", {"x": "mailto:a@b.example"}, "mailto:a@b.example"),
        ("{{ subscriber.x }}", {"x": "tel:+49"}, "tel:+49"),
        ("{{ subscriber.x }}", {"x": "a/b:c"}, "a/b:c"),
        ("{{ subscriber.x }}{{ subscriber.y }}", {"x": "java", "y": "script:alert(1)"}, "#"),
        ("{{ subscriber.x }}{{ subscriber.y }}", {"x": "", "y": "javascript:alert(1)"}, "#"),
        ("{{ subscriber.x }}:{{ subscriber.y }}", {"x": "javascript", "y": "alert(1)"}, "#"),
        ("java{{ subscriber.x }}", {"x": "script:alert(1)"}, "#"),
        ("{% if subscriber.x %}{{ subscriber.x }}{% endif %}", {"x": "javascript:alert(1)"}, "#"),
        ("{% if subscriber.z %}a{% else %}{{ subscriber.x }}{% endif %}", {"x": "javascript:alert(1)"}, "#"),
        ("{{ subscriber.x or 'https://a.example' }}", {"x": "javascript:alert(1)"}, "#"),
        ("{{ subscriber.x | safe }}", {"x": "javascript:alert(1)"}, "#"),
        ("{{ subscriber.x | e }}", {"x": "javascript&colon;alert(1)"}, "javascript&amp;colon;alert(1)"),
        ("{{ subscriber.x | safe }}", {"x": "javascript&colon;alert(1)"}, "#"),
        ("{{ subscriber.x }}/y", {"x": "javascript:alert(1)"}, "#"),
        ("https://a.example/{{ subscriber.x }}", {"x": "javascript:a\"b"}, "https://a.example/javascript:a%22b"),
        ("https://a.example/?q={{ subscriber.x | urlencode }}", {"x": "a&b=c d"}, "https://a.example/?q=a%26b%3Dc%20d"),
        ("{{ unsubscribe_url }}?x={{ subscriber.x }}", {"x": "ä"}, "https://news.stillwater.example/u/BwPv24e1s8GCLHyD?x=%C3%A4"),
    ],
)  # fmt: skip
def test_an_address_of_a_readers_making_stays_an_address(press, attribute, values, written):
    assert press.body(f'<a href="{attribute}">a</a>', **values) == f'<a href="{written}">a</a>'


def test_addresses_in_comments_for_outlook_are_minded_too(press):
    body = press.body(
        '<!--[if !mso]><!--><a href="{{ subscriber.x }}">a</a><!--<![endif]-->'
        '<!--[if mso]><a href="{{ subscriber.x }}">b</a><![endif]-->',
        x="javascript:a",
    )
    assert body.count('href="#"') == 2
    assert "javascript" not in body


def test_a_value_in_a_comment_does_not_end_it(press):
    assert "--><" not in press.body("<!--[if mso]>{{ subscriber.x }}<![endif]-->", x="--><script>").removesuffix(
        "<![endif]-->"
    )


def test_header_values_can_not_end_their_header(press):
    for evil in ("a\r\nBcc: x@evil.example", "a\nb", "a\rb", "a\x00b", "a\tb", "a\x7fb"):
        with pytest.raises(UnstampableReader, match="reader 3: a header can't hold the control character"):
            press.mail("", subject="Hello {{ subscriber.x }}", reader=a_reader(x=evil))


def test_control_characters_in_a_body_are_left_out(press):
    mail = press.mail(
        "<p>{{ subscriber.x }}</p>", "{{ subscriber.x }}|\n", reader=a_reader(x="a\x00b\x1b[1m\x08c\r\nd\re")
    )
    mail.is_sound()
    assert "<p>ab[1mc\nd\ne</p>" in mail.html
    assert mail.text == "ab[1mc\nd\ne|\n"


def test_half_a_character_is_a_readers_fault_not_a_crash(press):
    with pytest.raises(UnstampableReader, match="reader 3"):
        press.mail("<p>{{ subscriber.x }}</p>", reader=a_reader(x="\ud83d"))


def test_a_failing_expression_names_the_reader(press):
    with pytest.raises(UnstampableReader, match="reader 3: "):
        press.mail("<p>{{ subscriber.age + 1 }}</p>", reader=a_reader())


@pytest.mark.parametrize(
    "source",
    [
        "{{ subscriber.__class__ }}",
        "{{ subscriber['__class__'] }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ site.__init__ }}",
        "{{ articles[0].__class__ }}",
        "{{ articles.__class__.__base__ }}",
        "{{ subscriber.x.__class__ }}",
        "{{ subscriber.x | attr('__class__') }}",
        "{{ subscriber.x | map(attribute='__class__') | list }}",
        "{{ '{0.__class__}'.format(subscriber.x) }}",
        "{{ subscriber.x.format.__globals__ }}",
        "{{ subscriber.x.upper.__self__ }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ (subscriber.x ~ '').__class__ }}",
        "{{ self.__init__ }}",
    ],
)
def test_the_sandbox_holds_at_compiling_or_stamping(press, source):
    try:
        body = press.body(f"<p>{source}</p>", x="a")
    except (TemplateProblem, UnstampableReader):
        return
    assert body in ("<p></p>", "<p>[Undefined]</p>")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
            "takes longer than 1 second",
        ),
        (
            "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
            "a macro that calls itself",
        ),
        ("{% for i in range(99999) %}{{ 'x' * 100000 }}{% endfor %}", "makes a mail of more than 3 MB"),
        ("{{ 'x' * 10 ** 9 }}", "makes something of more than 3 MB"),
        ("{{ 10 ** 9 * [1] }}", "makes something of more than 3 MB"),
        ("{{ 10 ** (10 ** 10) }}", "makes something of more than 3 MB"),
        ("{% set n = namespace(n=9) %}{% for i in range(99) %}{% set n.n = n.n * n.n %}{% endfor %}", "3 MB"),
    ],
)
def test_a_template_that_goes_on_for_ever_is_ended_with_its_line(press, monkeypatch, source, reason):
    monkeypatch.setattr(recorder, "SECONDS", 1)
    with pytest.raises(TemplateProblem, match=reason) as caught:
        press.body(f"<p>\n{source}</p>")
    assert caught.value.template == "templates/t/template.html"
    assert caught.value.line in (None, 4)


def test_what_ends_is_not_ended(press):
    body = "<p>{{ 2 ** 10 }} {{ 'ab' * 3 }} {{ 3 * [1] }} {% for i in 'ab' %}{{ loop.index }}/{{ loop.length }}{{ i }}{% endfor %}</p>"
    assert press.body(body) == "<p>1024 ababab [1, 1, 1] 1/2a2/2b</p>"


def test_recorded_filters_are_the_sandboxs_own(press):
    names = set(SandboxedEnvironment().filters) | {"date"}
    for name in sorted(names - {"safe", "forceescape"}):
        try:
            assert "<i>" not in press.body(f"<p>{{{{ subscriber.x | {name} }}}}</p>", x="<i>"), name
        except (TemplateProblem, UnstampableReader):
            continue  # it wants other arguments, or lists


def test_an_articles_text_can_not_pose_as_a_token(press):
    posing = "zq0123456789v0z zq0123456789i1z"
    sheet = press.sheet("<p>{{ articles[0].title }}</p><p>{{ subscriber.x }}</p>")
    message = compile_message(replace(sheet, articles=(article(posing),)))
    assert any(isinstance(piece, bytes) and posing.encode() in piece for piece in message.pieces)


def test_a_readers_text_can_not_pose_as_a_token_or_a_template(press):
    assert "{{ 7 * 7 }}" in press.body("<p>{{ subscriber.x }}</p>", x="{{ 7 * 7 }}")


def test_marks_differ_from_message_to_message():
    assert len({Recorder().mark for _ in range(100)}) == 100
    assert re.fullmatch("zq[0-9a-f]{10}", Recorder().mark)
