"""Nobody approves an edition that they wrote or froze, whichever way they come."""

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from tests.conftest import WEEKLY

from broadsheet import approvals, editions, pipeline
from broadsheet.errors import WrongState
from broadsheet.models import Audit, Deviation, Edition, EditionState
from broadsheet.workspace import Workspace

pytestmark = pytest.mark.django_db


@pytest.fixture
def strict(workspace, write, settings):
    """The workspace, where nobody approves their own."""
    text = (workspace.root / "broadsheet.toml").read_text()
    write("broadsheet.toml", f"{text}\n[approval]\nfour_eyes = true\n")
    settings.WORKSPACE = Workspace(workspace.root)
    pipeline.collect(settings.WORKSPACE)
    return settings.WORKSPACE


@pytest.fixture
def draft(strict, cast, at):
    """An edition that Ann froze."""
    return pipeline.prepare(strict, "weekly", at, who="Ann@staff.test")


def test_who_froze_it_may_not_approve_it_and_somebody_else_may(strict, draft):
    with pytest.raises(WrongState, match="somebody else has to approve it"):
        pipeline.approve(strict, draft, who="ann@staff.test", content_hash=draft.content_hash)
    draft.refresh_from_db()
    assert draft.state == EditionState.DRAFT
    pipeline.approve(strict, draft, who="ben@staff.test", content_hash=draft.content_hash)
    assert draft.state == EditionState.APPROVED


def test_who_froze_it_anew_is_behind_it_from_then_on_and_who_did_before_is_not(strict, draft, write):
    write("campaigns/weekly.md", WEEKLY + "\nOne more line.\n")
    pipeline.refreeze(Workspace(strict.root), draft, who="ben@staff.test")
    with pytest.raises(WrongState):
        pipeline.approve(strict, draft, who="ben@staff.test")
    pipeline.approve(strict, draft, who="ann@staff.test")


def test_who_wrote_its_campaign_in_the_console_may_not_approve_it(strict, cast, at):
    for who in ("cleo@staff.test", "dan@staff.test"):
        Audit.objects.create(who=who, what="campaign", target="campaigns/weekly.md")
    Audit.objects.create(who="eve@staff.test", what="campaign", target="campaigns/letter.md")
    Audit.objects.create(who="gus@staff.test", what="campaign-state", target="campaigns/weekly.md")  # paused it
    draft = pipeline.prepare(strict, "weekly", at, who="scheduler")
    Audit.objects.create(who="fay@staff.test", what="campaign", target="campaigns/weekly.md")  # not what is frozen
    for who in ("cleo@staff.test", "dan@staff.test"):
        with pytest.raises(WrongState):
            pipeline.approve(strict, draft, who=who)
    assert set(editions.composers(draft)) == {"scheduler", "cleo@staff.test", "dan@staff.test"}


def test_of_those_who_wrote_for_an_edition_before_only_the_last_counts(strict, cast, at):
    for who in ("cleo@staff.test", "dan@staff.test"):
        Audit.objects.create(who=who, what="campaign", target="campaigns/weekly.md")
    pipeline.prepare(strict, "weekly", at, who="scheduler")
    later = pipeline.prepare(strict, "weekly", at + timedelta(days=7), who="scheduler")
    assert set(editions.composers(later)) == {"scheduler", "dan@staff.test"}


def test_a_campaign_that_asks_nobody_wants_a_yes_all_the_same(strict, draft):
    assert "approval: automatic" in (strict.root / "campaigns" / "weekly.md").read_text()
    assert (draft.state, draft.reason) == (EditionState.DRAFT, "every edition wants a second person's yes")
    assert pipeline.wants_approval(strict, strict.campaign("weekly"))


def test_a_link_that_names_nobody_approves_nothing(strict, draft, client):
    path = approvals.approval_url(draft, "")
    page = client.get(path).content.decode()
    assert "<button" not in page
    assert f"/console/editions/{draft.pk}" in page
    answer = client.post(path, {"hash": draft.content_hash})
    assert "nobody approves without their name" in answer.content.decode()
    draft.refresh_from_db()
    assert draft.state == EditionState.DRAFT


def test_send_now_is_an_approval_too(strict, draft, at):
    with pytest.raises(WrongState, match="somebody else"):
        approvals.send_now(
            strict, draft, at - timedelta(days=1), who="ann@staff.test", content_hash=draft.content_hash, typed="3"
        )
    draft.refresh_from_db()
    assert (draft.state, draft.scheduled_for) == (EditionState.DRAFT, at)


@pytest.fixture
def due(strict, tuesday):
    """Sends the weekly of that time of its schedule now, as somebody: the edition."""

    def sent(who):
        return pipeline.send_now(strict, strict.campaign("weekly"), tuesday, 3, who=who)

    return sent


@pytest.fixture
def tuesday():
    """A Tuesday at nine in Berlin that is still to come."""
    berlin = ZoneInfo("Europe/Berlin")
    soon = timezone.now().astimezone(berlin) + timedelta(days=1)
    day = soon + timedelta(days=(1 - soon.weekday()) % 7)
    return day.replace(hour=9, minute=0, second=0, microsecond=0).astimezone(UTC)


def test_who_sends_now_what_somebody_else_wrote_is_the_second_pair_of_eyes(strict, cast, due):
    Audit.objects.create(who="cleo@staff.test", what="campaign", target="campaigns/weekly.md")
    edition = due("ann@staff.test")
    assert edition.state == EditionState.APPROVED
    assert [move.who for move in edition.moves.all()] == ["ann@staff.test", "ann@staff.test"]


def test_who_wrote_it_may_not_send_it_now_and_nothing_is_frozen(strict, cast, due):
    Audit.objects.create(who="Ann@staff.test", what="campaign", target="campaigns/weekly.md")
    with pytest.raises(WrongState, match="You wrote its campaign yourself, so somebody else"):
        due("ann@staff.test")
    assert Edition.objects.count() == 0
    assert Deviation.objects.count() == 0


def test_who_froze_it_before_may_not_send_it_now(strict, cast, due, tuesday):
    edition = pipeline.prepare(strict, "weekly", tuesday, who="ann@staff.test")
    with pytest.raises(WrongState, match="You froze it yourself"):
        due("ann@staff.test")
    edition.refresh_from_db()
    assert (edition.state, edition.scheduled_for) == (EditionState.DRAFT, tuesday)
    assert due("ben@staff.test").state == EditionState.APPROVED


def test_without_the_option_one_approves_ones_own(workspace, freeze, cast):
    edition = freeze()
    editions.send_back(edition, who="test", why="one more look")
    pipeline.approve(workspace, edition, who="test")
    assert edition.state == EditionState.APPROVED
