"""A weekly digest under a scheduler whose clock the test holds."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broadsheet import approvals, editions, pipeline
from broadsheet.models import Campaign, Edition
from broadsheet.schedule.ticking import Troubles, tick
from broadsheet.workspace import Workspace

#: Tuesday, 24 November 2026, 09:00 in Berlin
NINE = datetime(2026, 11, 24, 8, tzinfo=UTC)


@pytest.fixture
def nine():
    """The moment at which the weekly digest is due."""
    return NINE


@pytest.fixture
def ask(monkeypatch):
    """The editions whose approvers were asked, in order; nothing is mailed."""
    asked = []
    monkeypatch.setattr(approvals, "ask_approval", lambda _, edition: asked.append(edition.pk))
    return asked


@pytest.fixture
def at(cast, workspace):
    """Ticks at a moment, as a scheduler started a second before would: the editions there are then."""

    def ticked(moment, troubles=None):
        tick(Workspace(workspace.root), moment, Troubles() if troubles is None else troubles)
        return [
            (each.scheduled_for, str(each.state), each.reason) for each in Edition.objects.order_by("scheduled_for")
        ]

    return ticked


@pytest.fixture
def seen(at, nine):
    """The campaigns are watched since the Saturday before."""
    at(nine - timedelta(days=3))


@pytest.fixture
def rule(workspace, write):
    """Rewrites the weekly digest's schedule and approval."""

    def rewritten(schedule, approval="automatic", name="weekly"):
        text = (workspace.root / "campaigns" / "weekly.md").read_text()
        lines = [line for line in text.splitlines() if not line.startswith(("schedule:", "approval:"))]
        write(
            f"campaigns/{name}.md", "\n".join([lines[0], f"schedule: {schedule}", f"approval: {approval}", *lines[1:]])
        )

    return rewritten


@pytest.fixture
def send_due(workspace):
    """Sends everything that is ready at a moment; the mails there are then."""

    def sent(moment):
        for edition in editions.ready_to_send(moment):
            pipeline.send(Workspace(workspace.root), edition)
        return sorted(path.name for path in Path(workspace.state, "inbox").glob("*.eml"))

    return sent


@pytest.fixture
def watched():
    """Since when a campaign is watched."""
    return lambda slug="weekly": Campaign.objects.get(slug=slug).watched_since
