import pytest

from broadsheet.errors import InvalidFile
from broadsheet.workspace.front_matter import split_header


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: Sleep\ntags: [a, b]\n---\nText.\n",
        '+++\ntitle = "Sleep"\ntags = ["a", "b"]\n+++\nText.\n',
        '{\n  "title": "Sleep",\n  "tags": ["a", "b"]\n}\nText.\n',
        '{"title": "Sleep", "tags": ["a", "b"]}\nText.\n',
    ],
    ids=["YAML", "TOML", "JSON", "JSON on one line"],
)
def test_a_header_is_read_and_cut_off(text):
    split = split_header(text, "a.md")
    assert split.data == {"title": "Sleep", "tags": ["a", "b"]}
    assert split.body.strip() == "Text."


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("---\ntitle: Sleep\ntags: [a\n---\nText.", "a.md: line 4: not valid YAML: "),
        ("---\n\n\ntitle: 'Sleep\n---\nText.", "a.md: line 5: not valid YAML: "),
        ("\n\n---\ntitle: a: b\n---\nText.", "a.md: line 4: not valid YAML: mapping values"),
        (
            "---\ntitle: Sleep\ndate: 2026-13-45\n---\n",
            "a.md: line 3: `date`: not valid YAML: month must be in 1..12",
        ),
        (
            "---\ntitle: !!python/object:os.system x\n---\n",
            "a.md: line 2: not valid YAML: could not determine",
        ),
        ("+++\ntitle = 'a'\ndate = nope\n+++\nText.", "a.md: line 3: not valid TOML: Invalid value"),
        ('{\n  "title": "a",\n  "tags": [\n}\nText.', "a.md: line 4: not valid JSON: Expecting value"),
        ('{"title": "a"', "a.md: line 1: not valid JSON: Expecting ',' delimiter"),
        ("---\ntitle: Sleep\n\nText.", "a.md: line 1: the front matter has no closing line of ---"),
        ("+++\ntitle = 'Sleep'\n\nText.", "a.md: line 1: the front matter has no closing line of +++"),
        ('{"title": ' + "9" * 5000 + "}", "a.md: line 1: the front matter can't be read"),
        ("+++\na = " + "[" * 5000 + "]" * 5000 + "\n+++\n", "a.md: line 1: not valid TOML: tables too deep"),
    ],
    ids=range(12),
)
def test_a_header_that_can_not_be_read_is_rejected_with_its_line(text, problem):
    with pytest.raises(InvalidFile) as caught:
        split_header(text, "a.md")
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize(
    "text",
    [
        "---\n\nA text that begins with a rule.",
        "---\nOne paragraph.\n\n---\nAnother.",
        "---\n- a list\n---\nText.",
        "+++ is not a fence",
        "{: .lead}\nText.",
        "{{< figure >}}\nText.",
        "# A heading\n\n---\n\nText.",
        "",
    ],
)
def test_a_text_without_a_header_is_all_body(text):
    split = split_header(text, "a.md")
    assert (split.data, split.body) == ({}, text)


def test_an_empty_header_is_no_mistake():
    split = split_header("---\n---\nText.", "a.md")
    assert (split.data, split.body) == ({}, "\nText.")


def test_a_rule_further_down_stays_in_the_body():
    assert "---" in split_header("---\ntitle: a\n---\nOne.\n\n---\n\nTwo.", "a.md").body
