"""Today, and what its lists call things: campaigns by the name in their file."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from tests.conftest import WEEKLY

from broadsheet.models import Edition, EditionState


@pytest.fixture
def draft(freeze, cast):
    """An edition that waits for a yes until tomorrow."""
    edition = freeze("weekly", (timezone.now() + timedelta(days=1)).replace(microsecond=0))
    Edition.objects.filter(pk=edition.pk).update(state="draft", approved_hash="")
    edition.refresh_from_db()
    return edition


def shown(as_role, path="", role="viewer"):
    return re.sub(r"\s+", " ", as_role(role).get(f"/console/{path}").content.decode())


# Names


@pytest.mark.parametrize("state", [each.value for each in EditionState])
def test_a_campaign_is_called_by_its_name_wherever_its_editions_stand(as_role, draft, state):
    Edition.objects.filter(pk=draft.pk).update(state=state, scheduled_for=timezone.now() - timedelta(hours=1))
    for path in ("", "now", "editions", f"editions/{draft.pk}", "articles", "articles/night-harbour", "reports"):
        page = shown(as_role, path)
        assert ">weekly<" not in page
        assert not re.search(r"[> ]weekly(,| is held)", page)
    assert "Weekly digest</a>" in shown(as_role, "editions")


def test_a_campaign_whose_file_is_gone_is_called_by_what_the_file_was(as_role, workspace, draft):
    (workspace.root / "campaigns" / "weekly.md").unlink()
    assert "weekly</a>" in shown(as_role, "editions")
    assert "<h1>weekly" in shown(as_role, f"editions/{draft.pk}")


def test_a_new_name_is_shown_at_once_and_each_file_is_read_once(as_role, draft, write, monkeypatch):
    from broadsheet.workspace import root

    write("campaigns/weekly.md", WEEKLY.replace("Weekly digest", "<b>Sunday</b> letter"))
    assert "&lt;b&gt;Sunday&lt;/b&gt; letter</a>" in shown(as_role, "editions")
    monkeypatch.setattr(root, "split_header", None)
    assert "&lt;b&gt;Sunday&lt;/b&gt; letter</a>" in shown(as_role, "editions")
