import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from broadsheet import articles, audience
from broadsheet.cli.check import check
from broadsheet.rendering.findings import CODES
from broadsheet.sending.spam import SpamScore
from broadsheet.workspace import Workspace
from broadsheet.workspace.root import STARTER

ROOT = Path(__file__).parents[2]
AT = "2026-11-24T09:00"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_spamc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broadsheet.sending.spam.shutil.which", lambda name: None)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures are kept once they fit a mail, for all tests: they are named by content, and costly to make."""
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture
def sample(tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the sample workspace, its articles read and its people imported."""
    for name in STARTER:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, tmp_path / name)  # type: ignore[operator]
    monkeypatch.setenv("BROADSHEET_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("BROADSHEET_STATE", str(tmp_path / ".broadsheet"))
    monkeypatch.setenv("BROADSHEET_SECRET_KEY", "test")
    monkeypatch.setattr(sys.modules["broadsheet.cli.check"], "ready", lambda: Workspace(tmp_path))
    workspace = Workspace(tmp_path)
    workspace.state.mkdir()
    (workspace.state / "images").symlink_to(pictures)
    articles.sync(workspace)
    for file in sorted((tmp_path / "subscribers").glob("*.csv")):
        audience.import_people(workspace, file)
    return tmp_path


@pytest.fixture
def run(sample: Path) -> Callable[..., Any]:
    """Runs the command; its result."""
    app = typer.Typer()
    app.command()(check)
    return lambda *args: CliRunner().invoke(app, [*args, "--at", AT], catch_exceptions=False)


@pytest.fixture
def found(run: Callable[..., Any]) -> Callable[..., dict[str, dict[str, str]]]:
    """What ``--json`` gives, by code."""
    return lambda *args: {each["code"]: each for each in json.loads(run(*args, "--json").stdout)}


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("campaign", ["weekly-digest", "monthly-letter"])
def test_the_sample_campaigns_have_no_findings(campaign, run):
    result = run(campaign)
    assert result.stdout == "No findings.\n"
    assert result.exit_code == 0


@pytest.mark.parametrize("template", ["digest", "magazine", "letter", "announcement"])
def test_the_sample_templates_have_no_findings_with_all_articles(template, run, sample):
    file = sample / "campaigns" / "weekly-digest.md"
    edit(file, "template: digest", f"template: {template}")
    edit(file, "newest: 4", "newest: 50")
    edit(file, "match_interests: true", "match_interests: false")
    assert run("weekly-digest").stdout == "No findings.\n"


def test_no_finding_is_an_empty_list_in_json(run):
    assert json.loads(run("weekly-digest", "--json").stdout) == []


def test_what_blocks_ends_with_1_and_stands_first(run, sample):
    edit(sample / "campaigns" / "weekly-digest.md", "Hello", "Hello {{ '{{' }} name, [gallery ids=\"1\"]")
    result = run("weekly-digest")
    assert result.exit_code == 1
    assert re.findall(r"(Must|Should) be mended: (\d) finding", result.stdout) == [("Must", "2"), ("Should", "2")]
    assert "[gallery" in result.stdout


def test_a_warning_ends_with_0(run, sample):
    edit(sample / "campaigns" / "weekly-digest.md", "{{ articles[0].title }}", "SLEEP AND PAIN")
    result = run("weekly-digest", "--json")
    assert result.exit_code == 0
    assert [each["code"] for each in json.loads(result.stdout)] == ["subject-shouting"]


def test_each_finding_in_json_says_code_level_message_where_and_mend(run, sample):
    edit(sample / "broadsheet.toml", "Stillwater Clinic, 12 Harbour Lane, 24103 Kiel, Germany", "")
    result = run("weekly-digest", "--json")
    assert json.loads(result.stdout) == [
        {
            "code": "postal-address-missing",
            "level": "block",
            "message": "No postal address is set.",
            "where": "broadsheet.toml: site.postal_address",
            "mend": "Set `site.postal_address` in `broadsheet.toml`.",
        }
    ]
    assert result.exit_code == 1


def test_a_mistake_in_a_template_is_a_finding_with_its_line(found, sample):
    edit(sample / "templates" / "digest" / "template.html", "{{ list.title }}", "{{ lst.title }}")
    finding = found("weekly-digest")["undefined-variable"]
    assert finding["where"].startswith("templates/digest/template.html, line ")
    assert "lst" in finding["message"]


def test_a_misspelt_attribute_is_found(found, sample):
    edit(sample / "campaigns" / "weekly-digest.md", "subscriber.first_name", "subscriber.frist_name")
    assert found("weekly-digest")["unknown-attribute"]["where"] == "campaigns/weekly-digest.md: body"


def test_an_attribute_that_subscribers_have_needs_no_declaration(found, sample):
    edit(sample / "subscribers" / "lists.yaml", "  country: {type: text, label: Country}\n", "")
    edit(sample / "campaigns" / "weekly-digest.md", "Hello", "{{ subscriber.country | default('') }} Hello")
    assert found("weekly-digest") == {}


def test_a_mail_that_can_not_be_made_for_a_reader_without_values_is_found(found, sample):
    edit(sample / "campaigns" / "weekly-digest.md", "Hello", "{{ subscriber.country + 1 }} Hello")
    assert found("weekly-digest")["reader-unstampable"]["level"] == "block"


def test_an_edition_that_nobody_gets_blocks(found, sample):
    edit(sample / "campaigns" / "weekly-digest.md", "minimum: 1", "minimum: 1\n  max_age: 1m")
    finding = found("weekly-digest")["edition-empty"]
    assert finding["message"].startswith("Nobody would get a mail (")
    assert "too few articles for them" in finding["message"]


def test_a_picture_that_can_not_be_brought_along_is_found(found, sample):
    for picture in (sample / "articles" / "images").iterdir():
        picture.unlink()
    assert found("weekly-digest")["article-problem"]["level"] == "warn"


def test_links_are_tried_only_when_asked_for(found, monkeypatch):
    tried: list[str] = []

    def answer(addresses):
        from broadsheet.articles.links import Answer

        tried.extend(addresses)
        return {each: Answer("answered", 404 if "/articles/" in each else 200) for each in tried}

    monkeypatch.setattr("broadsheet.drafts.try_links", answer)
    assert found("weekly-digest") == {}
    assert tried == []
    assert found("weekly-digest", "--links")["link-dead"]["where"].startswith(
        "HTML: link to https://stillwater.example/"
    )
    assert tried and not any("127.0.0.1" in each for each in tried)


def test_a_spam_score_is_a_finding_where_there_is_one(found, monkeypatch):
    monkeypatch.setattr("broadsheet.drafts.spam_score", lambda content: SpamScore(5.1, ("SUBJ_ALL_CAPS",)))
    assert found("weekly-digest")["spam-score-high"]["message"] == "SpamAssassin gives 5.1 points (SUBJ_ALL_CAPS)."


def test_the_docs_name_every_code_with_its_level():
    docs = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (\w+) \|", docs, re.MULTILINE))
    assert rows == {name: code.level for name, code in CODES.items()}


def test_the_docs_say_of_every_code_what_it_means_and_how_to_mend_it():
    docs = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    for code in CODES.values():
        assert f"| `{code.name}` | {code.level} | {cell(code.means)} | {cell(code.mend)} |" in docs


def cell(text: str) -> str:
    return text.replace("|", "\\|")
