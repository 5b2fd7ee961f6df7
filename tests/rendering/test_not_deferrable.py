"""What can't wait for the reader is refused, with the place and with what to write instead."""

# ruff: noqa: E501  a template's source reads best in one line

import pytest

from broadsheet.errors import NotDeferrable, TemplateProblem

#: what the template does; the line it does it on; what the error says
REFUSED = {
    "a loop over a reader's list": ("{% for x in subscriber.interests %}{{ x }}{% endfor %}", "print it whole"),
    "a loop over a text with a reader's value in it": ("{% set t %}a{{ subscriber.x }}{% endset %}{% for c in t %}{{ c }}{% endfor %}", "print it whole"),
    "a reader's value as a key": ("{{ {'de': 1}[subscriber.language] }}", r"{% if subscriber.… == '…' %}"),
    "a reader's value as a key in a dictionary": ("{{ {subscriber.language: 1} }}", "dictionary key"),
    "set inside if": ("{% if subscriber.vip %}{% set x = 1 %}{% endif %}", "{% set x = 'a' if subscriber.… else 'b' %}"),
    "macro inside if": ("{% if subscriber.vip %}{% macro m() %}{% endmacro %}{% endif %}", "{% macro %} inside an {% if %}"),
    "import inside if": ("{% if subscriber.vip %}{% import 't/m.html' as m %}{% endif %}", "{% import %} inside an {% if %}"),
    "a namespace set inside if": ("{% set n = namespace(a=1) %}{% if subscriber.vip %}{% set n.a = 2 %}{% endif %}", "inside an {% if %}"),
    "a list that grows inside if": ("{% set l = [] %}{% if subscriber.vip %}{{ l.append(1) }}{% endif %}", "steps or changes something"),
    "a cycler inside if": ("{% set c = cycler(1, 2) %}{% if subscriber.vip %}{{ c.next() }}{% endif %}", "do it outside"),
    "a joiner inside if": ("{% set j = joiner() %}{% if subscriber.vip %}{{ j() }}{% endif %}", "do it outside"),
    "loop.changed inside if": ("{% for a in articles %}{% if subscriber.vip and loop.changed(1) %}{% endif %}{% if subscriber.vip %}{{ loop.changed(1) }}{% endif %}{% endfor %}", "do it outside"),
    "a class": ('<p class="{{ subscriber.x }}">a</p>', "the attribute class.*two whole elements"),
    "a style": ('<p style="color: {{ subscriber.x }}">a</p>', "the attribute style.*two whole elements"),
    "an id": ('<p id="a{% if subscriber.x %}b{% endif %}">a</p>', "the attribute id.*two whole elements"),
    "an event attribute": ('<p onclick="{{ subscriber.x }}">a</p>', "the attribute onclick"),
    "an attribute's name": ("<p {{ subscriber.x }}>a</p>", "outside an attribute's quotes.*around the whole element"),
    "an attribute left out": ('<p {% if subscriber.x %}title="a"{% endif %}>a</p>', "around the whole element"),
    "the opening half of an element": ("{% if subscriber.x %}<div>{% endif %}a</div>", "only half of a <div>.*on the same side"),
    "the closing half of an element": ("<div>a{% if subscriber.x %}</div>{% endif %}", "half of|torn|tears"),
    "a value in a style element": ("<style>p { color: {{ subscriber.x }} }</style>", "in a <style>.*different classes"),
    "a condition in a style element": ("<style>{% if subscriber.x %}p { color: red }{% endif %}</style>", "in a <style>"),
    "the whole reader": ("{{ subscriber }}", "name one of their values"),
    "the whole reader, filtered": ("{{ subscriber | tojson }}", "name one of their values"),
    "the whole reader, joined": ("{{ subscriber ~ '' }}", "name one of their values"),
    "the whole reader, chosen": ("{{ subscriber if subscriber.x else '' }}", "name one of their values"),
    "a method of the reader": ("{{ subscriber.items() }}", "name one of them"),
    "get": ("{{ subscriber.get('x') }}", "name one of them"),
    "a slice": ("{{ subscriber.x[:3] }}", "first or truncate"),
    "a slice of a text with a reader's value in it": ("{% set t %}{{ subscriber.x }}{% endset %}{{ t[1:] }}", "first or truncate"),
    "a number of rounds": ("{% for i in range(subscriber.n) %}{% endfor %}", "compare or print"),
    "a filter in a loop": ("{% for a in articles if a.title == subscriber.x %}{% endfor %}", "put an {% if %} inside the loop"),
    "an article compared": ("{% if articles[0] == subscriber.x %}a{% endif %}", "take the text or number .* out of it"),
    "a time compared": ("{% if articles[0].published_at == subscriber.x %}a{% endif %}", "datetime"),
    "elements changed by a filter": ("{% set t %}<b>{{ subscriber.x }}</b>{% endset %}{{ t | upper }}", "change the value alone"),
    "a rule for neighbours": ("<style>p + p { color: red }</style><p>a</p>{% if subscriber.x %}<p>b</p>{% endif %}<p>c</p>", "p \\+ p.*give the element a class"),
    "a rule for the first": ("<style>p:first-child { color: red }</style><div>{% if subscriber.x %}<p>b</p>{% endif %}<p>c</p></div>", "give the element a class"),
    "a rule for a value": ('<style>a[href^="https:"] { color: red }</style><a href="{{ subscriber.x }}">b</a>', "give the element a class"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused_with_template_line_and_what_to_write(press, what):
    source, reason = REFUSED[what]
    press.write(t__m_html="")
    with pytest.raises(NotDeferrable, match=f"(?s){reason}") as caught:
        press.compile(whole=f"<!doctype html>\n<html><body>\n\n{source}\n</body></html>")
    assert (caught.value.template, caught.value.line) == ("templates/t/template.html", 4)


def test_the_place_is_that_of_the_innermost_file(press):
    press.write(
        shared__m_html="\n{% macro m(x) %}\n{% for c in x %}{% endfor %}\n{% endmacro %}",
        shared__i_html="\n\n\n\n<p class='{{ subscriber.x }}'>a</p>",
    )
    with pytest.raises(NotDeferrable) as caught:
        press.compile("{% from 'shared/m.html' import m %}{{ m(subscriber.x) }}")
    assert (caught.value.template, caught.value.line) == ("templates/shared/m.html", 3)
    with pytest.raises(NotDeferrable) as caught:
        press.compile("{% include 'shared/i.html' %}")
    assert (caught.value.template, caught.value.line) == ("templates/shared/i.html", 5)


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ("subject", "campaigns/weekly.md: subject"),
        ("preheader", "campaigns/weekly.md: preheader"),
        ("intro", "campaigns/weekly.md: body"),
    ],
)
def test_a_campaigns_own_texts_are_named_too(press, part, place):
    with pytest.raises(NotDeferrable) as caught:
        press.compile("{{ intro }}", **{part: "a\n{% for x in subscriber.y %}{% endfor %}"})
    assert (caught.value.template, caught.value.line) == (place, 2)


def test_the_text_part_is_named_too(press):
    with pytest.raises(NotDeferrable, match=r"templates/t/text.txt, line 3: loops"):
        press.compile("", "a\nb\n{% for x in subscriber.y %}{% endfor %}\n")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ nobody }}", "'nobody' is undefined"),
        ("{{ subscriber.x | default(nobody) }}", "'nobody' is undefined"),
        ("{{ subscriber.x ~ nobody.name }}", "'nobody' is undefined"),
        ("{{ subscriber.x | nofilter }}", "No filter named 'nofilter'"),
        ("{% include 'no.html' %}", "no.html"),
        ("{% if subscriber.x %}", "Unexpected end of template"),
        ("{{ articles[0].title.nothing }}", "nothing"),
        ("{{ 1 / 0 }}", "division by zero"),
    ],
)
def test_other_mistakes_are_named_with_their_line(press, source, reason):
    with pytest.raises(TemplateProblem, match=reason) as caught:
        press.compile(whole=f"<!doctype html>\n<p>\n{source}</p>")
    assert (caught.value.template, caught.value.line) == ("templates/t/template.html", 3)


#: These can wait, though they look as if they couldn't.
WAITS = {
    "a list that holds an address": ("{% set l = [] + [unsubscribe_url] %}{{ l | length }}{% for u in l %}|{{ u }}{% endfor %}", {}, "1|https://news.stillwater.example/u/"),
    "a namespace of the condition's own": ("{% if subscriber.x %}{{ m() }}{% endif %}", {"x": 1}, "2"),
    "a macro chosen by the reader": ("{{ link('https://a.example') if subscriber.x else link('https://b.example') }}", {}, '<a href="https://b.example" style="color:red">l</a>'),
    "a text joined to a link": ("{{ [link('https://a.example'), subscriber.x] | join(' & ') }}", {"x": "<"}, '<a href="https://a.example" style="color:red">l</a> &amp; &lt;'),
    "a text set round a link": ("{{ '<' ~ link(unsubscribe_url) ~ subscriber.x }}", {"x": ">"}, ">l</a>&gt;"),
    "HTML as a pattern": ("{{ ('<a>%s</a>' | safe) | format(subscriber.x) }}", {"x": "<"}, '<a style="color:red">&lt;</a>'),
    "trimmed HTML": ("{% filter trim %}  <a>{{ subscriber.x }}</a> {% endfilter %}", {"x": "&"}, '<a style="color:red">&amp;</a>'),
    "an address that is always there": ("{{ unsubscribe_url | default('') | length > 0 }}{{ subscriber is defined }}{% if unsubscribe_url %}yes{% endif %}", {}, "TrueTrueyes"),
    "a set in a loop inside if": ("{% if subscriber.x %}{% for a in articles %}{% set y = a.title %}{{ y[0] }}{% endfor %}{% endif %}", {"x": 1}, "NP"),
}  # fmt: skip


@pytest.mark.parametrize("what", WAITS)
def test_it_waits(press, what):
    source, values, printed = WAITS[what]
    macros = (
        "{% macro m() %}{% set n = namespace(a=1) %}{% set n.a = n.a + 1 %}{{ n.a }}{% endmacro %}"
        '{% macro link(u) %}<a href="{{ u }}">l</a>{% endmacro %}<style>a { color: red }</style>'
    )
    assert printed in press.body(macros + source, **values)
