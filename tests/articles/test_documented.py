"""The docs name every advice code and every setting of sources and tags, with its default."""

from pathlib import Path

import pytest

from broadsheet.articles.dialects import KEYS
from broadsheet.articles.findings import CODES
from broadsheet.conf import SETTINGS

DOCS = Path(__file__).resolve().parents[2] / "docs"
ARTICLES = (DOCS / "articles.md").read_text(encoding="utf-8")
SETTINGS_PAGE = (DOCS / "settings.md").read_text(encoding="utf-8")
OURS = [each for each in SETTINGS if each.name.startswith(("sources.", "tag_rules.", "tags."))]


@pytest.mark.parametrize("code", CODES)
def test_every_code_of_advice_is_documented(code):
    assert f"`{code}`" in ARTICLES.partition("## Advice")[2]


@pytest.mark.parametrize("setting", OURS, ids=lambda setting: setting.name)
def test_every_setting_is_documented_with_its_default_and_help(setting):
    name, _, kind = setting.name.partition(" ")
    heading = f"## `[[sources]]`, kind `{kind.strip('()')}`"
    page = SETTINGS_PAGE if not kind else SETTINGS_PAGE.partition(heading)[2].partition("\n## ")[0]
    [row] = [line for line in page.splitlines() if f"| `{name}` |" in line]
    assert setting.help.replace("|", "\\|") in row
    if isinstance(setting.default, str | bool) and setting.default != "":
        assert f"`{str(setting.default).lower() if isinstance(setting.default, bool) else setting.default}`" in row


@pytest.mark.parametrize("field", KEYS)
def test_every_field_of_front_matter_is_documented(field):
    assert f"| {field} |" in ARTICLES or field == "published"
