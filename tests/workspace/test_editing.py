"""Changing values in YAML: what is not part of the change stays to the byte, and the result says what was wanted."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.errors import InvalidFile
from broadsheet.workspace import yaml_text
from broadsheet.workspace.editing import body_of, with_keys, with_settings
from broadsheet.workspace.front_matter import split_header
from broadsheet.workspace.reading import one_kind_of_line

FILE = """\
---
# what people see
name: 'Weekly digest'
list: newsletter
segment: [pain-readers, movers]  # readers of either
articles:
  tags:
    any: [chronic pain, sleep]   # what they like
    none: [sponsored]
  newest: 4
  # no less than this
  minimum: 1
colour: #nothing yet
template: digest
subject: "{{ articles[0].title }}"
schedule: {cron: "0 9 * * tue",   time_zone: Europe/Berlin}
unknown-to-all: {a: 1, b: [2,3]}
---

Hello {{ subscriber.first_name }},

Grüße. --- not the end
"""


def changed(changes, text=FILE, **more):
    """The text after the change, and the lines that are no more and those that are new."""
    after = with_settings(text, changes, "campaigns/weekly.md", **more)
    before, now = text.splitlines(), after.splitlines()
    return after, [each for each in before if each not in now], [each for each in now if each not in before]


@pytest.mark.parametrize(
    ("changes", "gone", "new"),
    [
        ({"name": "Daily"}, ["name: 'Weekly digest'"], ["name: 'Daily'"]),
        ({"name": "It's new"}, ["name: 'Weekly digest'"], ["name: 'It''s new'"]),
        (
            {"segment": ["movers"]},
            ["segment: [pain-readers, movers]  # readers of either"],
            ["segment: [movers]  # readers of either"],
        ),
        (
            {"segment": "movers"},
            ["segment: [pain-readers, movers]  # readers of either"],
            ["segment: movers  # readers of either"],
        ),
        ({"segment": None}, ["segment: [pain-readers, movers]  # readers of either"], []),
        ({"colour": "yes"}, ["colour: #nothing yet"], ['colour: "yes" #nothing yet']),
        ({"subject": "Plain: words"}, ['subject: "{{ articles[0].title }}"'], ['subject: "Plain: words"']),
        ({"preheader": "{{ x }}"}, [], ['preheader: "{{ x }}"']),
        (
            {"schedule": {"cron": "0 8 * * tue", "time_zone": "Europe/Berlin", "window": "09:00-20:00"}},
            ['schedule: {cron: "0 9 * * tue",   time_zone: Europe/Berlin}'],
            ['schedule: {cron: "0 8 * * tue",   time_zone: Europe/Berlin, window: "09:00-20:00"}'],
        ),
        (
            {"unknown-to-all": {"b": [2, 4]}},
            ["unknown-to-all: {a: 1, b: [2,3]}"],
            ["unknown-to-all: {b: [2,4]}"],
        ),
    ],
)
def test_only_the_changed_line_changes(changes, gone, new):
    assert changed(changes)[1:] == (gone, new)


def test_a_value_inside_a_value_is_changed_where_it_stands():
    rules = {"tags": {"any": ["chronic pain", "mind"], "none": ["sponsored"]}, "newest": 4, "pinned": ["night"]}
    after, gone, new = changed({"articles": rules})
    assert gone == ["    any: [chronic pain, sleep]   # what they like", "  minimum: 1"]
    assert new == ["    any: [chronic pain, mind]   # what they like", "  pinned: [night]"]
    assert "  # no less than this\n" in after


def test_a_new_key_stands_where_people_look_for_it():
    order = ("name", "list", "segment", "exclude", "articles", "template", "subject", "preheader", "schedule")
    after, _, new = changed({"preheader": "x", "exclude": ["movers"], "odd": 1}, order=order)
    assert new == ["exclude: [movers]", "preheader: x", "odd: 1"]
    lines = after.splitlines()
    assert lines.index("exclude: [movers]") == lines.index("segment: [pain-readers, movers]  # readers of either") + 1
    assert lines.index("preheader: x") == lines.index('subject: "{{ articles[0].title }}"') + 1
    assert lines.index("odd: 1") == lines.index("unknown-to-all: {a: 1, b: [2,3]}") + 1


def test_the_body_is_exchanged_and_the_lines_round_it_stay():
    after, _, _ = changed({}, body="New words.\r\nTwo lines.\n\n")
    assert after == FILE[: FILE.index("Hello")] + "New words.\nTwo lines.\n"
    assert body_of(after) == "New words.\nTwo lines."
    assert changed({}, body=body_of(FILE))[0] == FILE


def test_no_change_leaves_every_byte():
    assert changed({"segment": ["pain-readers", "movers"], "name": "Weekly digest", "none-such": None})[0] == FILE


@pytest.mark.parametrize("newline", ["\r\n", "\r", "\n"])
def test_line_breaks_stay_and_new_lines_get_the_same(newline):
    text = "\ufeff" + FILE.replace("\n", newline)
    after = with_settings(text, {"odd": {"a": [{"b": 1}]}, "name": "Daily"}, "x", body="One\n\nTwo")
    assert one_kind_of_line(after).count("\n") == after.count(newline)
    assert after.startswith("\ufeff---" + newline)
    split = split_header(one_kind_of_line(after).removeprefix("\ufeff"), "x")
    assert split.data["odd"] == {"a": [{"b": 1}]}
    assert split.data["name"] == "Daily"
    assert split.body.strip() == "One\n\nTwo"


def test_mixed_line_breaks_stay_where_nothing_changed():
    text = "---\r\nname: x\nlist: a\r\n---\nHello\r\nyou"
    assert with_settings(text, {"list": "b"}, "x") == "---\r\nname: x\nlist: b\r\n---\nHello\r\nyou"


@pytest.mark.parametrize(
    ("before", "changes", "after"),
    [
        ("---\nname: x\n---", {"list": "b"}, "---\nname: x\nlist: b\n---"),
        ("---\n---\n", {"name": "x"}, "---\nname: x\n---\n"),
        ("---\n# only words\n---\n", {"name": "x"}, "---\n# only words\nname: x\n---\n"),
        ("---\n{name: x}\n---\n", {"list": "b"}, "---\n{name: x, list: b}\n---\n"),
        ("---\n{}\n---\n", {"list": "b"}, "---\nlist: b\n---\n"),
        ("---\nname: |\n  two\n  lines\n\nlist: b\n---\n", {"name": "x"}, "---\nname: x\n\nlist: b\n---\n"),
        ("---\nname: x # why\n---\n", {"name": ["a", "b"]}, "---\nname: [a, b] # why\n---\n"),
        ("---\na:\n- 1\n- 2 # two\n- 3\n---\n", {"a": [0, 2, 3, 4]}, "---\na:\n- 0\n- 2 # two\n- 3\n- 4\n---\n"),
        ("---\na:\n- 1\n- 2\n---\n", {"a": [1], "b": 3}, "---\na:\n- 1\nb: 3\n---\n"),
        ("---\na:\n  - x: 1\n    y: 2\n---\n", {"a": [{"y": 2}]}, "---\na:\n  - {y: 2}\n---\n"),
        ("---\na:\n  b: 1\nc: 1\n---\n", {"a": "x"}, "---\na: x\nc: 1\n---\n"),
        ("---\na:  # why\n  b: 1\n---\n", {"a": "x"}, "---\na:  # why\n  x\n---\n"),
        ("---\na: [\n  1, # one\n  2, # two\n  3\n]\n---\n", {"a": [1, 2]}, "---\na: [\n  1, # one\n  2\n]\n---\n"),
    ],
)
def test_odd_files(before, changes, after):
    assert with_settings(before, changes, "x") == after
    assert split_header(after, "x").data == {**split_header(before, "x").data, **changes}


def test_anchors_stay_while_they_can_and_are_written_out_when_they_change():
    text = "---\nsegment: &both [a, b]  # both\nexclude: *both\nname: x\n---\n"
    assert with_settings(text, {"name": "y"}, "x") == text.replace("name: x", "name: y")
    assert with_settings(text, {"exclude": ["a"]}, "x") == text.replace("*both", "[a]")
    after = with_settings(text, {"segment": ["c"]}, "x")
    assert split_header(after, "x").data == {"segment": ["c"], "exclude": ["a", "b"], "name": "x"}
    assert "# both" in after


def test_a_merged_table_is_added_to_and_else_written_out():
    text = "base: &base {newest: 3, minimum: 1}\narticles:\n  <<: *base\n  sort: title\n"
    added = with_keys(text, {"articles": {"newest": 4, "minimum": 1, "sort": "title"}}, "x")
    assert added == text + "  newest: 4\n"
    taken = with_keys(text, {"articles": {"minimum": 1, "sort": "title"}}, "x")
    assert yaml.safe_load(taken)["articles"] == {"minimum": 1, "sort": "title"}


def test_a_key_that_comes_twice_is_refused():
    with pytest.raises(InvalidFile, match="change it in an editor"):
        with_settings("---\nname: a\nname: b\n---\n", {"name": "c"}, "campaigns/x.md")


@pytest.mark.parametrize("text", ["no front matter", "+++\nname = 1\n+++\n", "---\nname: [\n---\n", "---\n- a\n---\n"])
def test_what_it_cannot_change_is_refused_with_the_file_named(text):
    with pytest.raises(InvalidFile, match=r"campaigns/x\.md"):
        with_settings(text, {"name": "c"}, "campaigns/x.md")


#: what YAML minds, and signs of several kinds
SIGNS = "abz019 -_~.,:;#?!&*|>%@`'\"\\/[]{}()<=+$^\t\n\r\0\x07\x7f\x85\x9d\xa0éß\u2028\ufeff日本\U0001f331\U00072860"
words = st.text(SIGNS, max_size=12)
scalars = words | st.integers(-99, 99) | st.booleans() | st.dates() | st.sampled_from(["yes", "1", "~", "a: b", " x"])
keys = st.text("abcdefghij -", min_size=1, max_size=6) | words
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3))
tables = st.dictionaries(keys, values, min_size=1, max_size=5)


@settings(deadline=None)
@given(old=tables, new=tables, gone=st.sets(keys), newline=st.sampled_from(["\n", "\r\n"]))
def test_whatever_is_written_is_read_as_meant_and_the_rest_stays(old, new, gone, newline):
    lines = [f"{yaml_text.pair(key, value, 0, newline)}  # {number}" for number, (key, value) in enumerate(old.items())]
    text = newline.join(lines) + newline
    assert yaml_text.same(yaml.safe_load(text), old)
    changes = new | dict.fromkeys(gone & old.keys())
    after = with_keys(text, changes, "x")
    assert yaml_text.same(yaml.safe_load(after) or {}, {k: v for k, v in {**old, **changes}.items() if v is not None})
    for key, line in zip(old, lines, strict=True):
        if key not in changes:
            assert line + newline in after


@settings(deadline=None)
@given(before=tables, after=tables, flow=st.booleans())
def test_a_value_becomes_any_other(before, after, flow):
    text = f"a: {yaml_text.one_line(before)}\n" if flow else "a:\n" + yaml_text.pairs(before, 2, "\n") + "\n# end\n"
    result = with_keys(text, {"a": after}, "x")
    assert yaml_text.same(yaml.safe_load(result), {"a": after})
    assert flow or result.endswith("# end\n")
