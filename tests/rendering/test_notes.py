"""Links in the text part: numbered, listed once, and counted for each reader."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree, html
from tests.rendering.conftest import IMPRINT, a_reader, pressing
from tests.rendering.reference import rendered_in_full

from broadsheet.errors import NotDeferrable
from broadsheet.rendering.notes import without_tracking

CI = settings.get_profile("press")
ADDRESSES = {
    name: f"{IMPRINT.public_url}/{purpose}/{IMPRINT.signer.make(purpose, IMPRINT.edition_id, 3)}"
    for name, purpose in (("unsubscribe_url", "u"), ("preferences_url", "p"), ("view_url", "v"))
}
_addresses = st.sampled_from(
    [
        "https://a.example/",
        "https://b.example/x?y=1&z=2",
        "{{ unsubscribe_url }}",
        "https://c.example/{{ subscriber.city }}",
    ]
)
_tests = st.sampled_from(
    ["subscriber.vip", "subscriber.age > 30", "'sleep' in subscriber.interests", "subscriber.nothing"]
)
_readers = st.fixed_dictionaries(
    {
        "vip": st.booleans(),
        "age": st.sampled_from([20, 40]),
        "interests": st.sampled_from([[], ["sleep"]]),
        "city": st.sampled_from(["Kiel", "Köln am Rhein", "a&b"]),
    }
)


@st.composite
def parts(draw, link, depth=2):
    """Links, words, and conditions on the reader round them."""
    made = []
    for _ in range(draw(st.integers(1, 3))):
        if depth and draw(st.booleans()):
            other = "{% else %}\n" + draw(parts(link, depth - 1)) if draw(st.booleans()) else ""
            made.append(f"{{% if {draw(_tests)} %}}\n{draw(parts(link, depth - 1))}{other}{{% endif %}}\n")
        else:
            made.append(link(draw(_addresses)))
    return "".join(made)


def numbered_by_hand(source):
    """The words of HTML for one reader, their links numbered and listed in the plainest way."""
    page = html.document_fromstring(source)
    seen = []
    for link in page.iter("a"):
        address = link.get("href")
        seen += [] if address in seen else [address]
        link.tail = f" [{seen.index(address) + 1}]{link.tail or ''}"
    for comment in list(page.iter(etree.Comment)):
        comment.drop_tree()
    listed = " ".join(f"[{number}] {address}" for number, address in enumerate(seen, 1))
    return f"{page.find('body').text_content()} {listed}".split()


@settings(CI, max_examples=70)
@given(_readers, parts(lambda address: f'<p>w <a href="{address.replace("&", "&amp;")}">here</a> x</p>\n'))
def test_a_text_made_from_html_has_the_numbers_that_rendering_in_full_gives(values, body):
    with pressing() as press:
        sheet = press.sheet(body, "unused\n")
        full = rendered_in_full(sheet, a_reader(**values), ADDRESSES)
        (press.folder / "t" / "text.txt").unlink()
        assert press.mail(body, None, a_reader(**values)).text.split() == numbered_by_hand(full.html)


class PlainNotes:
    """``cite`` and ``notes`` of a text rendered for one reader."""

    def __init__(self):
        self.seen = []

    def cite(self, address):
        self.seen += [] if address in self.seen else [address]
        return f"[{self.seen.index(address) + 1}]"

    def listed(self, heading):
        return (
            "\n".join([heading, *(f"[{n}] {address}" for n, address in enumerate(self.seen, 1))]) if self.seen else ""
        )


def cited(address):
    joined = address.replace("{{ ", "' ~ ").replace(" }}", " ~ '")
    return f"word {{{{ cite('{joined}') }}}}\n"


@settings(CI, max_examples=60)
@given(_readers, parts(cited))
def test_notes_of_a_text_template_are_what_rendering_in_full_gives(values, text):
    text += "{{ notes('LINKS') }}\nend\n"
    with pressing() as press:
        plain = PlainNotes()
        sheet = press.sheet("<p>x</p>", text)
        full = rendered_in_full(sheet, a_reader(**values), {**ADDRESSES, "cite": plain.cite, "notes": plain.listed})
        assert press.mail("<p>x</p>", text, a_reader(**values)).text.split() == full.text.split()


def test_the_same_address_has_one_number(press):
    text = press.mail(
        '<p><a href="https://a.example/">A</a> <a href="https://b.example/">B</a> <a href="https://a.example/">C</a>',
        None,
    ).text
    assert "A [1] B [2] C [1]" in text
    assert text.count("https://a.example/") == 1


def test_a_reader_is_not_told_the_address_behind_a_condition_that_is_not_theirs(press):
    body = '{% if subscriber.vip %}<p><a href="https://secret.example/">in</a></p>{% endif %}<p><a href="https://b.example/">B</a></p>'
    text = press.mail(body, None, a_reader(vip=False)).text
    assert "secret" not in text
    assert "B [1]" in text


def test_parameters_that_only_count_clicks_are_left_out(press):
    body = '<p><a href="https://a.example/x?utm_source=mail&amp;page=2&amp;fbclid=q#part">A</a></p>'
    assert "[1] https://a.example/x?page=2#part" in press.mail(body, None).text
    assert "utm_source=mail" in press.mail(body, None).html


@pytest.mark.parametrize(
    ("address", "left"),
    [
        ("https://a.example/?utm_source=x", "https://a.example/"),
        ("https://a.example/?a=1&utm_campaign=x&b=2", "https://a.example/?a=1&b=2"),
        ("https://a.example/#utm_source=x", "https://a.example/#utm_source=x"),
        ("https://a.example/?utm_source=KEPT", "https://a.example/?utm_source=KEPT"),
    ],
)
def test_an_address_keeps_what_it_needs(address, left):
    assert without_tracking(address, "KEPT") == left


def test_links_of_the_intro_are_numbered_with_those_of_the_template(press):
    text = press.mail(
        "x", "{{ cite('https://a.example/') }}\n{{ intro }}\n{{ notes() }}", intro="See [this](https://b.example/)."
    ).text
    assert text == "[1]\nSee this [2].\n[1] https://a.example/\n[2] https://b.example/\n"


def test_a_text_template_that_forgets_the_list_has_it_at_its_end(press):
    assert press.mail("x", "Look {{ cite('https://a.example/') }}\n").text == "Look [1]\n\n[1] https://a.example/\n"


def test_a_heading_stands_only_over_notes(press):
    text = "{% if subscriber.vip %}{{ cite('https://a.example/') }}{% endif %}\n{{ notes('LINKS') }}\nend"
    assert "LINKS\n[1] https" in press.mail("x", text, a_reader(vip=True)).text
    assert "LINKS" not in press.mail("x", text, a_reader(vip=False)).text
    assert press.mail("x", "{{ notes('LINKS') }}end").text == "end\n"


def test_a_text_that_was_changed_with_its_links_is_refused_with_its_line(press):
    with pytest.raises(NotDeferrable, match="holds links and a reader's value") as refused:
        press.compile("x", "one\n{{ intro | upper }}", intro="{{ subscriber.city }} [b](https://b.example/)")
    assert (refused.value.template, refused.value.line) == ("templates/t/text.txt", 2)


def test_links_in_an_articles_text_are_numbered(press):
    text = press.mail(
        "x", "{{ plain('<p>Read <a href=\"https://b.example/\">this</a>.</p><ul><li>one</li></ul>' | safe) }}\n"
    ).text
    assert "Read this [1].\n" in text
    assert "* one" in text
