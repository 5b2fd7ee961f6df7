"""A compiled mail as staff read it."""

from broadsheet.rendering import Message, readable

INTRO = (
    "Grüße {{ subscriber.first_name | default('friend') }}, "
    "{% if subscriber.language == 'de' %}willkommen{% else %}welcome{% endif %}: " + "a long line of words " * 12
)


def test_readers_values_are_named_and_both_sides_of_a_condition_are_there(press):
    message = press.compile("{{ intro }}", None, intro=INTRO, subject="For {{ subscriber.first_name }}")
    text = readable(message)
    assert text.startswith("For ‹first_name›\n\n")
    assert "Grüße ‹first_name›, ‹willkommen|welcome›: a long line" in " ".join(text.split())
    assert "=\n" not in text
    assert readable(Message.from_bytes(message.to_bytes())) == text


def test_links_are_there_as_they_are_written(press):
    text = readable(press.compile('<a href="{{ articles[0].url }}">Read</a> <a href="{{ view_url }}">Here</a>', None))
    assert "https://stillwater.example/night" in text
    assert "[1]" not in text, "one link more would change the numbers of all that follow"
    assert "‹view_url›" in text
