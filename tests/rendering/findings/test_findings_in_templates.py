"""What is found before there is a copy: in templates, in what they ask of readers, among an edition's articles."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup

from broadsheet.articles import Content, Names
from broadsheet.editions import Plan
from broadsheet.errors import TemplateProblem, UnstampableReader
from broadsheet.rendering import Sheet, compile_message
from broadsheet.rendering.findings import (
    of_articles,
    of_message,
    of_plan,
    of_problem,
    of_reader,
    of_rules,
    of_score,
    sample_readers,
)
from broadsheet.rendering.findings.caniemail.make import condensed
from broadsheet.rendering.findings.clients import BREAKING, HARMLESS, can_i_email
from broadsheet.stamping import Imprint, LinkSigner, Stamp
from broadsheet.workspace import ArticleRules, CampaignFile, Lists, Workspace
from broadsheet.workspace.reading import validated

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def article(slug: str = "sleep", **changes: Any) -> Content:
    return replace(
        Content(
            slug=slug,
            title=slug.title(),
            excerpt="",
            url=f"https://clinic.example/{slug}",
            image=None,
            category="",
            author="",
            tags=(),
            published_at=NOW,
            html=Markup("<p>Good night.</p>"),
            language="en",
            dir="ltr",
            minutes=1,
        ),
        **changes,
    )


@pytest.fixture
def sheet(tmp_path: Path) -> Callable[..., Sheet]:
    """A sheet whose template has ``html`` in its body."""

    def made(html: str = "", subject: str = "Sleep", preheader: str = "", intro: str = "") -> Sheet:
        folder = tmp_path / "plain"
        folder.mkdir(exist_ok=True)
        (folder / "template.html").write_text(f"<html><body>\n{html}</body></html>", encoding="utf-8")
        return Sheet(
            templates=tmp_path,
            template="plain",
            theme={},
            campaign={"name": "C", "slug": "c", "subject": subject, "preheader": preheader, "intro": intro},
            site={
                "name": "Clinic",
                "url": "https://clinic.example",
                "language": "en",
                "dir": "ltr",
                "postal_address": "",
            },
            sender={"name": "Clinic", "email": "news@clinic.example"},
            list={"name": "newsletter", "title": "News"},
            edition={"date": NOW},
            articles=(),
        )

    return made


def problem_of(sheet: Sheet) -> TemplateProblem:
    with pytest.raises(TemplateProblem) as caught:
        compile_message(sheet)
    return caught.value


@pytest.mark.parametrize(
    ("html", "code", "line"),
    [
        ("{{ artcles | length }}", "undefined-variable", 2),
        ("\n{{ site.nam }}", "undefined-variable", 3),
        ("{% if %}", "template-error", 2),
        ("{% for x in subscriber.interests %}{% endfor %}", "template-error", 2),
    ],
)
def test_a_template_that_can_not_be_compiled_is_found_with_its_line(html, code, line, sheet):
    found = of_problem(problem_of(sheet(html)))
    assert (found.code, found.level) == (code, "block")
    assert found.where == f"templates/plain/template.html, line {line}"


def messages(made: Sheet, known: frozenset[str] = frozenset({"country"})) -> list[tuple[str, str]]:
    return [(each.code, each.where) for each in of_message(compile_message(made), made, known)]


@pytest.mark.parametrize(
    "html",
    [
        "{{ subscriber.fist_name | default('you') }}",
        "{% if subscriber['fist_name'] == 'A' %}a{% endif %}",
        "{{ 'a' if subscriber.fist_name else 'b' }}",
        '<a href="https://clinic.example/?n={{ subscriber.fist_name | default(1) }}">a</a>',
        "{{ 'Dear ' ~ (subscriber.fist_name | default('you')) | upper }}",
    ],
)
def test_an_attribute_that_no_subscriber_has_is_found_wherever_it_is_used(html, sheet):
    assert messages(sheet("\n" + html)) == [("unknown-attribute", "templates/plain/template.html, line 3")]


def test_an_unknown_attribute_in_the_subject_is_found_with_a_guess(sheet):
    made = sheet(subject="Dear {{ subscriber.contry | default('you') }}")
    (found,) = of_message(compile_message(made), made, frozenset({"country"}))
    assert found.where == "campaigns/c.md: subject"
    assert found.message.endswith("Did you mean subscriber.country?")


def test_what_is_built_in_or_declared_is_no_fault(sheet):
    names = ("first_name", "last_name", "name", "language", "time_zone", "country")
    used = "".join(f"{{{{ subscriber.{name} | default('') }}}}" for name in names)
    assert messages(sheet(used + "{{ subscriber.email }}{{ subscriber.interests | join(', ') }}")) == []


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ("Dear {{ subscriber.first_name }}", True),
        ("{% if subscriber.country %}Dear {{ subscriber.first_name }}{% endif %}", True),
        ("Dear {{ subscriber.first_name | default('you') }}", False),
        ("{% if subscriber.first_name %}Dear {{ subscriber.first_name }}{% endif %}", False),
        ("Sent to {{ subscriber.email }}", False),
    ],
)
def test_a_value_that_may_be_missing_and_has_no_default_is_found(html, found, sheet):
    assert bool(messages(sheet(html))) is found


def test_a_value_without_default_in_the_subject_is_found(sheet):
    assert messages(sheet(subject="For {{ subscriber.first_name }}")) == [
        ("value-without-default", "campaigns/c.md: subject")
    ]


def test_it_is_named_where_it_stands_without_one(sheet):
    body = sheet("{{ subscriber.first_name }}", subject="For {{ subscriber.first_name | default('you') }}")
    [(code, where)] = messages(body)
    assert (code, where.partition(", ")[2]) == ("value-without-default", "line 2")


def test_a_mail_that_can_not_be_made_for_a_reader_is_found():
    found = of_reader(UnstampableReader("reader 0: 'x' is undefined"), "a reader")
    assert (found.code, found.level, found.message) == (
        "reader-unstampable",
        "block",
        "For a reader the mail can't be made: 'x' is undefined.",
    )


def test_the_sample_readers_have_everything_and_nothing(sheet):
    lists = Lists(lists={}, attributes={"plan": {"type": "choice", "choices": ["basic", "full"]}})  # type: ignore[dict-item]
    everything, nothing = sample_readers(lists, frozenset({"city"})).values()
    assert (everything.values["plan"], everything.values["city"]) == ("basic", "Example")
    assert set(nothing.values) == {"email", "interests"}
    stamp = Stamp(
        compile_message(sheet("{{ subscriber.plan + 1 }}")),
        Imprint(0, "https://news.clinic.example", "clinic.example", "news@clinic.example", LinkSigner("key")),
    )
    for reader in (everything, nothing):
        with pytest.raises(UnstampableReader):
            stamp(reader, delivery_id=0, now=NOW)


def test_the_same_article_twice_is_found():
    def codes(*articles: Content) -> list[str]:
        return [each.code for each in of_articles(articles, "c", "")]

    assert codes(article("sleep"), article("pain")) == []
    assert codes(article("sleep"), article("sleep-2", title=" sleep")) == ["article-duplicate"]
    assert codes(article("a", url="https://clinic.example/x/"), article("b", url="https://CLINIC.example/x")) == [
        "article-duplicate"
    ]
    long = Markup("<p>{}</p>").format("Good night. " * 20)
    assert codes(article("a", html=long), article("b", html=long)) == ["article-duplicate"]


def test_what_an_article_could_not_bring_along_is_found():
    (found,) = of_articles([article(problems=("the image x.png can't be fetched",))], "c", "")
    assert (found.code, found.where) == ("article-problem", "article sleep")
    assert "x.png" in found.message


def test_a_mail_with_neither_articles_nor_intro_is_found():
    assert [each.code for each in of_articles([], "c", " ")] == ["edition-empty"]
    assert of_articles([], "c", "Dear reader") == []


def test_an_edition_for_nobody_is_found(tmp_path):
    campaign = Workspace(ROOT).campaign("weekly-digest")
    planned = Plan(campaign, NOW, 2, {"unsubscribed": 2}, (), {}, UTC, 0, "t")
    (found,) = of_plan(planned)
    assert (found.code, found.message) == ("edition-empty", "Nobody would get a mail (2 unsubscribed).")


@pytest.mark.parametrize(
    ("points", "code"), [(2.9, None), (3.0, "spam-score-raised"), (4.9, "spam-score-raised"), (5.0, "spam-score-high")]
)
def test_a_spam_score_is_judged_by_its_points(points, code):
    found = of_score(points, ("HTML_ONLY",))
    assert [each.code for each in found] == ([code] if code else [])
    assert all("HTML_ONLY" in each.message for each in found)


def test_every_feature_in_the_tables_is_one_of_can_i_email():
    features = can_i_email()["features"]
    assert set(BREAKING) <= set(features)
    assert {each for each in HARMLESS if each not in features} == set()
    assert not HARMLESS & set(BREAKING)


def test_the_data_is_dated_and_says_where_it_is_from():
    data = can_i_email()
    assert data["date"] > "2026" and "MIT" in data["from"]


def test_the_data_keeps_the_latest_and_worst_answer_of_important_programs():
    gmail = {"desktop-webmail": {"2019": "n", "2024": "y #1"}, "ios": {"2019": "a #2"}, "android": {"2019": "y"}}
    feature = {"slug": "css-x", "title": " x ", "stats": {"gmail": gmail, "hey": {"desktop-webmail": {"1": "n"}}}}
    everywhere = {"slug": "css-y", "title": "y", "stats": {}}
    data = {"last_update_date": "2026-05-13 14:45:41 +0000", "data": [feature, everywhere]}
    made = condensed({"license": "MIT", "version": "2.0.2"}, data)
    assert made["features"] == {"css-x": {"title": "x", "Gmail": "a"}}
    assert made["date"] == "2026-05-13"
    with pytest.raises(ValueError, match="not MIT"):
        condensed({"license": "GPL-3.0", "version": "3"}, data)


RULES = {
    "tags": {"any": ["sleep", "slep"], "all": ["mind"], "none": ["advert"]},
    "categories": ["research", "reserch"],
    "pinned": ["night"],
    "dropped": ["nigth"],
    "slots": [{"tags": {"any": ["dreams"]}}],
    "fill": {"categories": ["poems"]},
}


def test_names_that_no_article_bears_are_advice_with_the_nearest():
    rules = validated(ArticleRules, RULES, "campaigns/weekly.md")
    campaign = CampaignFile(slug="weekly", name="W", list="l", template="t", subject="s", articles=rules)
    known = Names(frozenset({"sleep", "mind"}), frozenset({"research"}), frozenset({"night"}))
    assert [(each.where, each.message) for each in of_rules(campaign, known)] == [
        ("campaigns/weekly.md: articles.tags", "No article has the tag “slep”. Did you mean “sleep”?"),
        ("campaigns/weekly.md: articles.categories", "No article has the category “reserch”. Did you mean “research”?"),
        ("campaigns/weekly.md: articles.slots.0.tags", "No article has the tag “dreams”."),
        ("campaigns/weekly.md: articles.fill.categories", "No article has the category “poems”."),
        ("campaigns/weekly.md: articles.dropped", "No article has the slug “nigth”. Did you mean “night”?"),
    ]
    assert of_rules(campaign, Names(frozenset(), frozenset(), frozenset())) == []  # nothing was read yet
