"""Compiling a mail: its parts, its headers, its opening words, and its way into the database."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rendering.conftest import NOW, a_reader

from broadsheet.errors import TemplateProblem
from broadsheet.rendering import Message, compile_message
from broadsheet.rendering.message import Choice, Encoding, Line, Slot

INTRO = """\
Dear {{ subscriber.first_name | default("friend") }}, this is *new* and **bold**.

{% if subscriber.vip %}
You are dear to us.

Very [dear](https://x.example/?a=1&b={{ subscriber.id }}).
{% else %}
Hello.
{% endif %}

- one
{% if subscriber.b %}
- two
{% endif %}
- three

See <https://a.example> or [leave]({{ unsubscribe_url }}){% if subscriber.vip %} (don't){% endif %}.
"""


def test_a_mail_has_one_text_and_one_html_part_and_every_header(press):
    mail = press.mail(
        "<p>Hello {{ subscriber.first_name }}</p>",
        "Hello {{ subscriber.first_name }}\n",
        a_reader(first_name="Ada", name="Ada"),
        subject="For {{ subscriber.first_name }}",
    )
    mail.is_sound()
    assert mail.text == "Hello Ada\n"
    assert "<p>Hello Ada</p>" in mail.html
    assert mail.subject == "For Ada"
    headers = mail.parsed
    assert headers["From"] == "Stillwater <hello@news.stillwater.example>"
    assert headers["To"] == "Ada <ada@reader.example>"
    assert headers["Date"].datetime == NOW
    assert headers["Message-ID"] == mail.mail.message_id
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Unsubscribe"] == "<https://news.stillwater.example/u/BwPv24e1s8GCLHyD>"
    assert headers["List-Id"] == '"Weekly" <newsletter.news.stillwater.example>'
    assert len(headers.keys()) == len(set(headers.keys()))


def test_the_message_id_is_the_same_on_every_retry(press):
    assert press.mail("a").mail.message_id == press.mail("b").mail.message_id


def test_the_preheader_is_plain_text_escaped_where_it_is_printed(press):
    mail = press.mail(
        '<p title="{{ preheader }}">{{ preheader }}</p>',
        "{{ preheader }}\n",
        a_reader(x="<&"),
        preheader="1 < 2 & {{ subscriber.x }}",
    )
    assert '<p title="1 &lt; 2 &amp; &lt;&amp;">1 &lt; 2 &amp; &lt;&amp;</p>' in mail.html
    assert mail.text == "1 < 2 & <&\n"


def test_subject_and_preheader_are_one_line_without_spare_blank(press):
    assert press.mail("", subject="  a\n {% if true %}\n b\x0b{% endif %}  ").subject == "a b"


@pytest.mark.parametrize(
    "subject",
    ["a" * 900, "a " * 900, "ä" * 900, " a", "a ", "a  b", "=?utf-8?q?x?=", ".", "ab " * 30 + "c" * 150, "👩🏽‍🚀" * 60],
)
def test_any_subject_parses_back(press, subject):
    mail = press.mail("", subject="{{ subscriber.x }}", reader=a_reader(x=subject))
    mail.is_sound()
    assert mail.subject == subject
    assert all(
        len(line) <= 78 or b" " not in line.strip()
        for line in mail.raw.split(b"\r\n\r\n")[0].split(b"\r\n")
        if not line.startswith((b"List", b"Content"))
    )


def test_staff_see_the_subject_with_names_for_values(press):
    assert (
        press.compile(
            "", subject="{{ subscriber.first_name | default('you') }}{% if subscriber.vip %}!{% endif %}, news"
        ).subject
        == "‹first_name›!, news"
    )


def test_the_intro_is_markdown_whose_conditions_hold_whole_blocks(press):
    body = "<div>{{ intro }}</div>"
    yes = press.mail(body, intro=INTRO, reader=a_reader(first_name="*Ada* <b>_x_</b>", vip=True, b=True, id="1&2")).html
    assert "<p>Dear *Ada* &lt;b&gt;_x_&lt;/b&gt;, this is <em>new</em> and <strong>bold</strong>.</p>" in yes
    assert "<p>You are dear to us.</p>" in yes
    assert '<p>Very <a href="https://x.example/?a=1&amp;b=1&amp;2">dear</a>.</p>' in yes
    assert "<p>Hello.</p>" not in yes
    assert "<li>two</li>" in yes
    assert '<a href="https://news.stillwater.example/u/BwPv24e1s8GCLHyD">leave</a> (don\'t).' in yes
    no = press.mail(body, intro=INTRO).html
    assert "<p>Dear friend," in no
    assert "<p>Hello.</p>" in no
    assert "dear" not in no
    assert "two" not in no
    assert "leave</a>.</p>" in no
    assert "<p></p>" not in yes + no


def test_the_intro_is_plain_text_in_the_text_part(press):
    yes = press.mail("", "{{ intro }}\n", a_reader(first_name="*A* <b>", vip=True, b=True, id="1&2"), intro=INTRO)
    yes.is_sound()
    assert yes.text.split("\n\n")[:3] == [
        "Dear *A* <b>, this is new and bold.",
        "You are dear to us.",
        "Very dear [1].",
    ]
    assert "* two" in yes.text
    assert "See https://a.example or leave [2] (don't)." in yes.text
    assert "[1] https://x.example/?a=1&b=1&2\n[2] https://news.stillwater.example/u/" in yes.text
    no = press.mail("", "{{ intro | trim }}\n", intro=INTRO).text
    assert no.startswith("Dear friend, this is new and bold.\n\nHello.\n\n* one\n* three\n\nSee ")


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30))
def test_what_markdown_would_make_of_a_readers_value_does_not_matter(text):
    from tests.rendering.conftest import pressing

    with pressing() as press:
        mail = press.mail("<div>{{ intro }}</div>", "{{ intro }}|\n", a_reader(x=text), intro="a {{ subscriber.x }} b")
    mail.is_sound()
    assert mail.text == f"a {text} b|\n"


def test_a_text_part_is_made_from_the_html_where_a_template_has_none(press):
    body = (
        '<div style="display:none">hidden</div><!--[if mso]>outlook<![endif]--><h1>News</h1>'
        '<table role="presentation"><tr><td>Dear {{ subscriber.x }},</td></tr>{% if subscriber.vip %}<tr><td>you are <b>dear</b>.</td></tr>{% endif %}'
        '<tr><td><a href="https://a.example">Read</a> <a href="{{ unsubscribe_url }}"><img src="https://a.example/i.png" alt="Leave"></a></td></tr></table>'
        "<ul><li>a &amp; b</li></ul>"
    )
    yes = press.mail(body, None, a_reader(x="<A&B>", vip=True))
    yes.is_sound()
    leave = "https://news.stillwater.example/u/BwPv24e1s8GCLHyD"
    notes = f"[1] https://a.example [2] {leave}"
    assert yes.text.split() == f"News Dear <A&B>, you are dear. Read [1] Leave [2] * a & b {notes}".split()
    no = press.mail(body, None, a_reader(x="B"))
    assert no.text.splitlines()[:4] == ["News", "", "Dear B,", "Read [1] Leave [2]"]


def test_an_intro_with_words_of_its_own_is_there_for_everybody(press):
    source = "{% if intro %}\n{{ intro }}\n\n{% endif %}\n\nend\n"
    assert press.mail(source, source, a_reader(x="Ada"), intro="Hello {{ subscriber.x }}").text == "Hello Ada\n\nend\n"
    message = press.compile(source, source, intro="Hello {{ subscriber.x }}")
    assert not any(isinstance(piece, Choice) for piece in message.pieces)
    maybe = press.mail("", source, intro="{{ subscriber.x }}")
    assert maybe.text.strip() == "end"


def test_blank_lines_of_the_text_template_do_not_pile_up(press):
    assert press.mail("", "\n\na\n\n\n\n\nb\n\n\n").text == "a\n\nb\n"


def test_conditions_stand_between_the_rows_of_an_mjml_template(press):
    press.write(
        t__template_mjml="<mjml><mj-body>{% if subscriber.x %}<mj-section><mj-column><mj-text>uno {{ subscriber.x }}</mj-text></mj-column></mj-section>{% endif %}"
        '<mj-section><mj-column><mj-text>two <a href="{{ unsubscribe_url }}">l</a></mj-text></mj-column></mj-section></mj-body></mjml>'
    )
    with_x, without = (press.mail(None, reader=a_reader(**values)) for values in ({"x": "<&"}, {}))
    assert "uno &lt;&amp;" in with_x.html
    assert "uno" not in without.html
    assert 'two <a href="https://news.stillwater.example/u/' in without.html
    with_x.is_sound()


def test_mjml_that_is_wrong_is_a_template_problem(press):
    press.write(t__template_mjml="<mjml><mj-body><mj-nothing></mj-body></mjml>")
    with pytest.raises(TemplateProblem, match="MJML") as caught:
        press.compile(None)
    assert caught.value.template == "templates/t/template.mjml"


def test_values_a_sheet_brings_itself_stand_before_the_readers(press):
    sheet = press.sheet("<p>{% if unsubscribe_url %}a{% else %}b{% endif %}{{ action }}</p>")
    message = compile_message(replace(sheet, extra={"action": "c", "unsubscribe_url": ""}))
    assert any(isinstance(piece, bytes) and b"bc" in piece for piece in message.pieces)


def test_a_message_comes_out_of_the_database_as_it_went_in(press):
    message = press.compile(
        '<p title="{{ subscriber.x }}">{{ subscriber.x | upper }}</p>{% if subscriber.y in ["a", 1, 2.5, none, true] %}<p>ä</p>{% else %}<p>{{ view_url }}</p>{% endif %}',
        "{{ {'a': subscriber.x}['a'] }}",
        subject="{{ subscriber.x }} ü",
    )
    kinds = {type(piece) for piece in message.pieces}
    assert kinds == {bytes, Slot, Choice, Line}
    assert Message.from_bytes(message.to_bytes()) == message
    assert len(message.to_bytes()) < 3000


def test_every_encoding_has_its_writer():
    from broadsheet.stamping import _WRITTEN

    assert set(Encoding) - {Encoding.PLAIN} == set(_WRITTEN)


def test_the_size_of_the_html_is_known(press):
    small, large = (press.compile(f"<p>{'a' * n}</p>").html_size for n in (0, 1000))
    assert large - small == 1000
