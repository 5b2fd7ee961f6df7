"""The docs have every provider, every setting of theirs, and every word of what comes back."""

from pathlib import Path

import pytest

from broadsheet.conf import PROVIDER_KINDS, SETTINGS, ProviderAdapter
from broadsheet.conf.providers import RELAYS
from broadsheet.events.hooks.working import _ACTS
from broadsheet.models import BounceClass, EventKind
from broadsheet.sending.adapters.providers import PROVIDERS

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "providers.md").read_text(encoding="utf-8")
SETTINGS_PAGE = (DOCS / "settings.md").read_text(encoding="utf-8")
COMMON = set(ProviderAdapter.__dataclass_fields__)


@pytest.mark.parametrize("kind", [kind for kind in PROVIDER_KINDS if kind != "http"])
def test_every_provider_has_a_worked_example_with_the_rights_its_key_needs(kind):
    title = PROVIDERS[PROVIDER_KINDS[kind]].title
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    assert f'kind = "{kind}"' in section
    assert "Least rights: " in section
    assert "/hooks/default" in section
    for setting in SETTINGS:
        name, _, of = setting.name.partition(" ")
        key = name.rpartition(".")[2].upper()
        if of == f"({kind})" and setting.secret:
            assert f"BROADSHEET_ADAPTERS_DEFAULT_{key}" in section


@pytest.mark.parametrize(
    "setting",
    [each for each in SETTINGS if each.name.startswith("adapters.") and each.name.partition("(")[2].rstrip(")") in PROVIDER_KINDS],
    ids=lambda setting: setting.name,
)  # fmt: skip
def test_every_setting_is_documented_with_its_help(setting):
    name, _, kind = setting.name.partition(" ")
    common = name.rpartition(".")[2] in COMMON and kind != "(http)"
    heading = "of every provider" if common else f"kind `{kind.strip('()')}`"
    section = SETTINGS_PAGE.partition(f"## `[adapters.NAME]`, {heading}\n")[2].partition("\n## ")[0]
    [row] = [line for line in section.splitlines() if f"| `{name}` |" in line]
    assert setting.help.replace("|", "\\|") in row


def test_every_relay_event_and_cause_is_documented():
    for name, relay in RELAYS.items():
        assert f"| `{name}` | `{relay.host}`" in PAGE
    told = PAGE.partition("## What comes back")[2]
    for kind in {EventKind.DELIVERED, EventKind.BOUNCED, EventKind.COMPLAINED, EventKind.UNSUBSCRIBED}:
        assert f"| `{kind}` |" in told
    for cause in BounceClass.values:
        assert f"| `{cause}` |" in told
    assert {"bounced", "failed", "rejected", "delivered", "complained", "unsubscribed"} == set(_ACTS)
