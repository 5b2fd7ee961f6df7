"""``broadsheet sync`` and ``broadsheet articles``, as people and scripts see them."""

import pytest


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "articles").mkdir()
    (tmp_path / "broadsheet.toml").write_text('[[sources]]\npath = "articles"\n', encoding="utf-8")
    return tmp_path


def test_advice_is_shown_and_is_no_failure(run, folder):
    (folder / "articles/a.md").write_text("---\ntitle: A\n---\n{{< toc >}}\n\nText.\n", encoding="utf-8")
    ran = run("sync", cwd=folder)
    assert ran.code == 0
    assert "advice: articles/a.md: line 4: the shortcode toc was taken out" in ran.err
    listed = run("articles", "--json", cwd=folder).json
    assert listed[0]["findings"] == [{"code": "shortcode", "message": "line 4: the shortcode toc was taken out"}]
    assert "the shortcode toc was taken out" in run("articles", cwd=folder).out


def test_advice_is_in_the_json_and_a_terminal_shows_the_first_twenty(run, folder):
    for number in range(23):
        (folder / f"articles/{number:02}.md").write_text(f"# T{number}\n\n{{% include x %}}\n", encoding="utf-8")
    ran = run("sync", cwd=folder)
    assert ran.err.count("was taken out") == 20
    assert "and 3 more" in ran.err
    (folder / "articles/00.md").write_text("# T\n\n{% include y %}\n", encoding="utf-8")
    assert run("sync", "--json", cwd=folder).json["findings"] == [
        {"path": "articles/00.md", "code": "liquid", "message": "line 3: {% include y %} was taken out"}
    ]


def test_a_feed_that_fails_is_named_with_its_reason_and_the_exit_code_is_1(run, folder):
    with (folder / "broadsheet.toml").open("a") as file:
        file.write('[[sources]]\nname = "The blog"\nurl = "http://127.0.0.1:1/feed"\n')
    (folder / "articles/a.md").write_text("# A\n", encoding="utf-8")
    ran = run("sync", cwd=folder)
    reason = "the feed is at a private address; only public ones are fetched; its articles stay as they were"
    assert ran.code == 1
    assert f"failed: The blog: {reason}" in ran.err
    again = run("sync", "--json", cwd=folder)
    assert (again.code, again.json["failed"]) == (1, [{"source": "The blog", "reason": reason}])
    assert again.json["unchanged"] == 1


def test_a_rule_whose_pattern_is_none_is_one_sentence(run, folder):
    with (folder / "broadsheet.toml").open("a") as file:
        file.write('[[tag_rules]]\ntag = "pain"\nwhen = "(pain"\n')
    ran = run("sync", cwd=folder)
    assert ran.code == 1
    assert ran.sentence.startswith("broadsheet.toml: tag_rules.0.when: is not a pattern that can be read")
