"""For any template and any reader: what is stamped is what rendering in full would have given."""

import re

import pytest
from hypothesis import given, settings
from jinja2 import TemplateError
from tests.rendering import generated as made
from tests.rendering.conftest import IMPRINT, NOW, ReadBack, pressing
from tests.rendering.reference import canonical_html, canonical_line, canonical_text, rendered_in_full

from broadsheet.audience import Reader
from broadsheet.errors import NotDeferrable, TemplateProblem, UnstampableReader
from broadsheet.rendering import Message, compile_message
from broadsheet.stamping import Stamp

CI = settings.get_profile("press")
FAILURES = (TemplateError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError)
BASE = """<!doctype html>
{% macro show(value) %}<i title="{{ value }}">{{ value }}</i>{% endmacro %}
<html lang="en" dir="ltr"><head><title>{{ subject }}</title>
<style>p { color: #123456; margin: 0 } b { font-weight: bold !important }</style></head>
<body><div aria-label="{{ preheader }}">{% block head %}{{ preheader }}{% endblock %}</div>
<div>{% block content %}{% endblock %}</div>
<p><a href="{{ unsubscribe_url }}">Leave</a> {{ view_url }} {{ preferences_url | upper }}</p></body></html>
"""
PART = "<u>{{ subscriber.first_name | default('nobody') }} {{ articles[1].title }}</u>"
CHILD = """{%% extends "shared/base.html" %%}
{%% from "shared/macros.html" import show %%}
{%% block head %%}{{ super() }} {{ subject }}{%% endblock %%}
{%% block content %%}
%s
{%% endblock %%}
"""


def agree(sheet, values):
    """Press, stamp and read back; render in full; compare."""
    reader = Reader(3, "ada@reader.example", "", values)
    word = IMPRINT.signer.make
    addresses = {
        name: f"{IMPRINT.public_url}/{purpose}/{word(purpose, IMPRINT.edition_id, reader.id)}"
        for name, purpose in (("unsubscribe_url", "u"), ("preferences_url", "p"), ("view_url", "v"))
    }
    try:
        full = rendered_in_full(sheet, reader, addresses)
    except FAILURES:
        with pytest.raises((UnstampableReader, TemplateProblem)):
            Stamp(compile_message(sheet), IMPRINT)(reader, delivery_id=1, now=NOW)
        return
    message = compile_message(sheet)
    assert Message.from_bytes(message.to_bytes()) == message
    stamp = Stamp(message, IMPRINT)
    if re.search(r"[\x00-\x1f\x7f]", full.subject):
        with pytest.raises(UnstampableReader, match="control character"):
            stamp(reader, delivery_id=1, now=NOW)
        return
    mail = ReadBack(stamp(reader, delivery_id=1, now=NOW))
    mail.is_sound()
    assert canonical_line(mail.subject) == canonical_line(full.subject)
    assert canonical_text(mail.text) == canonical_text(full.text)
    stamped = canonical_html(mail.html, addresses_checked=True)
    assert stamped == canonical_html(full.html, addresses_checked=False)
    assert mail.parsed["List-Unsubscribe"] == f"<{addresses['unsubscribe_url']}>"


def press_and_agree(values, body="", text="x\n", **campaign):
    with pressing() as press:
        press.write(shared__base_html=BASE, shared__part_html=PART, shared__macros_html=BASE.splitlines()[1])
        try:
            agree(press.sheet(whole=CHILD % body, text=text, **campaign), values)
        except NotDeferrable as error:  # a generated template may ask for what can't wait; then it must say so
            assert error.line, error
            assert re.search("slices|half of|changes HTML elements", error.reason), error


@settings(CI, max_examples=90)
@given(made.readers(), made.bodies())
def test_html_is_what_rendering_in_full_gives(values, body):
    press_and_agree(values, body)


@settings(CI)
@given(made.readers(), made.text_parts())
def test_the_text_part_is_what_rendering_in_full_gives(values, text):
    press_and_agree(values, text=text)


@settings(CI)
@given(made.readers(made.plain_texts), made.subjects(), made.subjects())
def test_subject_and_preheader_are_what_rendering_in_full_gives(values, subject, preheader):
    press_and_agree(values, subject=subject, preheader=preheader)


@settings(CI)
@given(made.readers(), made.bodies(1), made.text_parts(0), made.subjects())
def test_all_parts_together_are_what_rendering_in_full_gives(values, body, text, subject):
    press_and_agree(values, body, text, subject=subject)


@settings(CI)
@given(made.texts)
def test_any_text_is_right_wherever_it_lands(text):
    lands_right(text)


@pytest.mark.parametrize("text", made.NASTY, ids=lambda text: ascii(text[:12]))
def test_each_known_trouble_is_right_wherever_it_lands(text):
    lands_right(text)


def lands_right(text):
    body = (
        '<p title="{{ subscriber.note }}">{{ subscriber.note }}</p><a href="{{ subscriber.note }}">a</a>'
        '<a href="{{ subscriber.note }}/x?{{ subscriber.note }}">a</a>'
        '<a href="https://x.example/{{ subscriber.note }}">a</a>'
        '<img src="{% if subscriber.note %}{{ subscriber.note }}{% endif %}" alt="{{ subscriber.note }}">'
    )
    press_and_agree({"note": text}, body, "{{ subscriber.note }}|\n")
