"""The docs name every setting, event, cause and reason of what comes back."""

from pathlib import Path

import pytest

from broadsheet.conf import SETTINGS
from broadsheet.events.bounces import Kind
from broadsheet.models import BounceClass, EventKind, SuppressionReason

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, READING = ((DOCS / name).read_text(encoding="utf-8") for name in ("bounces.md", "tracking.md"))
OURS = [each for each in SETTINGS if each.name.startswith("bounces.")]


@pytest.mark.parametrize("setting", OURS, ids=lambda setting: setting.name)
def test_every_setting_is_documented_with_its_default_and_help(setting):
    name, _, kind = setting.name.partition(" ")
    heading = f"## `[bounces.mailboxes.NAME]`, kind `{kind.strip('()')}`" if kind else "## `[bounces]`"
    section = (DOCS / "settings.md").read_text(encoding="utf-8").partition(heading + "\n")[2].partition("\n## ")[0]
    [row] = [line for line in section.splitlines() if line.startswith(f"| `{name}` |")]
    assert setting.help in row
    if setting.secret:
        assert "| secret |" in row
    elif setting.default not in (None, "", ()):
        assert f"| `{setting.default}` |" in row


@pytest.mark.parametrize(
    "word", [*EventKind, *BounceClass, *SuppressionReason, *Kind], ids=lambda word: f"{type(word).__name__} {word}"
)
def test_every_word_is_documented(word):
    assert f"`{word.value}`" in (READING if word in (EventKind.OPENED, EventKind.CLICKED) else PAGE)
