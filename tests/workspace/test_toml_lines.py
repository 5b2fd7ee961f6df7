"""Where a TOML file says what, and one value changed in it."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.errors import BroadsheetError
from broadsheet.workspace.toml_lines import toml_lines, with_value

ROOT = Path(__file__).parents[2]


def test_every_key_has_its_line():
    text = (
        'a = {b = {c = 1}, d = 2}\n# x = 1\n[[x.y]]\nq = [\n 1,\n 2]\n[[x.y]]\nq = """\n[no]\n"""\n[x.y.z]\nw."v u" = 1'
    )
    found = {".".join(path): line for path, line in toml_lines(text).items()}
    assert found == {
        key: line
        for line, keys in {1: "a a.b a.b.c a.d", 3: "x x.y x.y.1", 4: "x.y.1.q", 7: "x.y.2", 8: "x.y.2.q"}.items()
        for key in keys.split()
    } | {"x.y.2.z": 11, "x.y.2.z.w": 12, "x.y.2.z.w.v u": 12}


def test_the_settings_of_a_new_workspace_are_found_where_they_stand():
    text = (ROOT / "broadsheet.toml").read_text()
    lines = text.split("\n")
    for path, line in toml_lines(text).items():
        assert path[-1] in lines[line - 1] or path[-1].isdigit()


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("[theme]\nink = 'a'   # why\n", '[theme]\nink = "new"   # why\n'),
        ("theme.ink = 1\n", None),
        ("theme = {ink = 1}\n", None),
        ("[theme]\nink = '''a'''\n[x]\n", '[theme]\nink = "new"\n[x]\n'),
        ("[theme]\n\n[theme.more]\na = 1\n", '[theme]\nink = "new"\n\n[theme.more]\na = 1\n'),
        ("a = 1\n\n\n", 'a = 1\n\n[theme]\nink = "new"\n'),
        ("", '[theme]\nink = "new"\n'),
        ("[theme]\nink = [\n1,\n2]\nb = 1", '[theme]\nink = "new"\nb = 1'),
        ("[theme]\na = 1\n# last\n[z]\n", '[theme]\na = 1\nink = "new"\n# last\n[z]\n'),
    ],
)
def test_one_value_is_set_and_the_rest_stays_as_it_is_written(text, after):
    if after is None:
        with pytest.raises(BroadsheetError, match="can't be changed here"):
            with_value(text, "theme", "ink", "new")
    else:
        assert with_value(text, "theme", "ink", "new") == after


WRITTEN = st.text(st.characters(codec="utf-8"), max_size=60)


@given(WRITTEN, st.one_of(WRITTEN, st.integers(-(2**31), 2**31)))
def test_whatever_is_written_is_read_again(key, value):
    text = '[theme]\nink = "#1f2a2a"   # text\nwidth = 640\n\n[more]\na = 1\n'
    before = tomllib.loads(text)
    after = with_value(text, "theme", key, value)
    assert tomllib.loads(after) == {**before, "theme": {**before["theme"], key: value}}
    gone = with_value(after, "theme", key, None)
    before["theme"].pop(key, None)
    assert tomllib.loads(gone) == before
