"""Today, and what its lists call things: campaigns by the name in their file, and remarks that nobody answered."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from tests.conftest import WEEKLY

from broadsheet import editions, pipeline
from broadsheet.models import Comment, Edition, EditionState


def shown(as_role, path="", role="viewer"):
    return re.sub(r"\s+", " ", as_role(role).get(f"/console/{path}").content.decode())


def unanswered(as_role):
    """The remarks on the page that wait for an answer."""
    found = re.search(r'<ul class="talk" aria-labelledby="unanswered">(.*?)</ul>', shown(as_role))
    return re.findall(r"<li.*?</li>", found[1]) if found else []


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


# Remarks


def test_a_remark_is_on_today_until_somebody_answers(as_role, draft):
    editor, publisher = as_role("editor"), as_role("publisher")
    assert unanswered(as_role) == []
    editor.post(f"/console/editions/{draft.pk}/comment", {"text": "Is the <b>date</b> right? " + "word " * 60})
    [remark] = unanswered(as_role)
    assert "<strong>editor@stillwater.test</strong>" in remark
    assert "<q>Is the &lt;b&gt;date&lt;/b&gt; right? word" in remark
    assert "…</q>" in remark
    assert "0 minutes ago" in remark
    assert f'href="/console/editions/{draft.pk}#talk">Weekly digest, ' in remark
    publisher.post(f"/console/editions/{draft.pk}/comment", {"text": "It is."})
    [remark] = unanswered(as_role)
    assert "publisher@stillwater.test" in remark


@pytest.mark.parametrize("done", ["frozen anew", "approved", "called off"])
def test_a_remark_that_was_acted_on_waits_no_more(as_role, workspace, draft, write, done):
    Comment.objects.create(edition=draft, who="ilse@stillwater.test", text="The second story is wrong.")
    assert len(unanswered(as_role)) == 1
    if done == "frozen anew":
        write("campaigns/weekly.md", WEEKLY + "\nOne more line.\n")
        pipeline.refreeze(workspace, draft, who="jonas@stillwater.test")
    elif done == "approved":
        editions.approve(draft, who="jonas@stillwater.test")
    else:
        editions.cancel(draft, who="jonas@stillwater.test", why="")
    assert unanswered(as_role) == []


def test_what_is_said_after_the_yes_waits_until_it_has_left(as_role, draft):
    editions.approve(draft, who="jonas@stillwater.test")
    Comment.objects.create(edition=draft, kind="asked", who="ilse@stillwater.test", asked="jonas@stillwater.test")
    [remark] = unanswered(as_role)
    assert "asked jonas@stillwater.test" in remark
    assert "<q>" not in remark
    Edition.objects.filter(pk=draft.pk).update(state="sent")
    assert unanswered(as_role) == []
