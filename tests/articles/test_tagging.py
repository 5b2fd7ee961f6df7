"""Tags in one form, from categories, and by rule."""

import time

import pytest

from broadsheet.articles.tagging import PATIENCE, Tagging
from broadsheet.conf import Config
from broadsheet.errors import InvalidFile
from broadsheet.workspace import Workspace
from broadsheet.workspace.reading import validated

PAIN = {"tag": "Chronic Pain", "when": "chronic pain|CRPS|fibromyalgia"}


def tagging(**raw):
    return Tagging.of(validated(Config, raw, "broadsheet.toml"))


def tags(made, given=(), categories=(), *texts):
    return made.tags_of(given, categories, texts)[0]


def test_without_settings_tags_stay_as_they_are():
    assert tags(Tagging(), ("Chronic  Pain", "#sleep", "Sleep")) == ("chronic pain", "sleep")


@pytest.mark.parametrize("text", ["Living with CRPS", "living with crps", "… Fibromyalgia …"])
def test_a_rule_tags_what_has_no_tags(text):
    assert tags(tagging(tag_rules=[PAIN]), (), (), "A title", text) == ("chronic pain",)


def test_a_rule_leaves_alone_what_has_tags_unless_it_says_so():
    assert tags(tagging(tag_rules=[PAIN]), ("sleep",), (), "CRPS") == ("sleep",)
    assert tags(tagging(tag_rules=[{**PAIN, "also_tagged": True}]), ("sleep",), (), "CRPS") == ("sleep", "chronic pain")


def test_several_rules_may_fit():
    rules = [PAIN, {"tag": "sleep", "when": r"\bsleep\b"}, {"tag": "food", "when": "bread"}]
    assert tags(tagging(tag_rules=rules), (), (), "Sleep with CRPS") == ("chronic pain", "sleep")


def test_synonyms_and_case_come_to_one_tag():
    made = tagging(tags={"synonyms": {"chronic pain": ["Chronic-Pain", "CRPS"], "rest": "Pacing"}})
    assert tags(made, ("Chronic Pain", "chronic-pain", "crps", "pacing")) == ("chronic pain", "rest")


def test_synonyms_hold_for_rules_and_categories_too():
    made = tagging(
        tag_rules=[{"tag": "CRPS", "when": "limb"}],
        tags={"synonyms": {"chronic pain": "crps", "stories": "story"}, "categories": {"Patient stories": "Story"}},
    )
    assert tags(made, (), ("PATIENT_STORIES",), "A limb") == ("stories", "chronic pain")


@pytest.mark.parametrize("category", ["Patient stories", "PATIENT_STORIES", "patient-stories"])
def test_a_category_gives_its_tags_beside_the_articles_own(category):
    made = tagging(tags={"categories": {"Patient stories": ["stories", "people"]}})
    assert tags(made, ("sleep",), (category,)) == ("sleep", "stories", "people")


def test_a_category_does_not_keep_rules_away():
    made = tagging(tag_rules=[PAIN], tags={"categories": {"Blog": "blog"}})
    assert tags(made, (), ("Blog",), "CRPS") == ("blog", "chronic pain")


def test_rules_see_title_excerpt_and_text_and_no_markup(parse_with):
    made = tagging(tag_rules=[{"tag": "a", "when": "One two"}, {"tag": "b", "when": "href|strong"}])
    assert parse_with(made, "---\ntitle: T\n---\n[One](x) **two**").tags == ("a",)
    assert parse_with(made, "---\ntitle: One two\n---\n").tags == ("a",)
    assert parse_with(made, "---\ntitle: T\nexcerpt: One two\n---\n").tags == ("a",)


def test_a_pattern_that_would_run_for_ever_is_given_up_and_told():
    made = tagging(tag_rules=[{"tag": "a", "when": "(a|aa)+$"}, {"tag": "b", "when": "b"}])
    started = time.process_time()
    found, findings = made.tags_of((), (), ["a" * 60 + "b"])
    assert found == ("b",)
    assert [each.code for each in findings] == ["tag-rule"]
    assert "the rule for the tag “a” takes too long" in findings[0].message
    for _ in range(100):
        made.tags_of((), (), ["a" * 60 + "b"])
    assert time.process_time() - started < 4 * PATIENCE + 1


@pytest.mark.parametrize("pattern", ["(a", "[", "a{3}{4}{5}{6}{7}{8}{9}", "(?P<x", "x" * 3000, "a{99999999999}"])
def test_a_pattern_that_is_none_is_one_clear_message(tmp_path, pattern):
    (tmp_path / "broadsheet.toml").write_text(f"[[tag_rules]]\ntag = 'x'\nwhen = '{pattern}'\n")
    with pytest.raises(InvalidFile) as caught:
        Workspace(tmp_path).config  # noqa: B018
    assert len(caught.value.problems) == 1
    assert str(caught.value).startswith("broadsheet.toml: tag_rules.0.when: is ")


def test_a_misspelt_key_of_a_source_is_named(tmp_path):
    (tmp_path / "broadsheet.toml").write_text(
        '[[sources]]\npath = "a"\nkeys = {titel = "x"}\n[[sources]]\nkind = "fed"\n'
        '[[sources]]\nurl = "x"\nmax_age = 3\n'
    )
    with pytest.raises(InvalidFile) as caught:
        Workspace(tmp_path).config  # noqa: B018
    told = str(caught.value)
    assert "sources.0.keys.titel: is 'titel'; allowed: 'id', 'title'" in told
    assert "sources.1: allowed: 'folder', 'feed'" in told
    assert "sources.2.url: must be a web address" in told
    assert "sources.2.max_age: is not a span of time; write one like 30m, 12h, 60d or 8w" in told
