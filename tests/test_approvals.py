"""The question whether an edition may go, and the answer by a link."""

import re
from email import message_from_bytes, policy

import pytest

from broadsheet import approvals, editions, pipeline
from broadsheet.models import EditionState
from broadsheet.sending.inbox import MailFolder

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(cast, workspace, write, at):
    """A frozen edition of a campaign that wants approval, its approvers asked; the mails they got."""
    file = workspace.root / "campaigns" / "weekly.md"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("approval:")]
    write(
        "campaigns/weekly.md", "\n".join([lines[0], "approval: required", "approvers: [eva@staff.example]", *lines[1:]])
    )
    pipeline.collect(workspace)
    edition = pipeline.prepare(workspace, "weekly", at, who="test")
    assert edition.state == EditionState.DRAFT
    approvals.ask_approval(workspace, edition)
    folder = MailFolder(workspace.state / "inbox")
    mails = [message_from_bytes(folder.source(each.name), policy=policy.default) for each in folder.list()]
    return edition, {str(mail["subject"]): mail for mail in mails}


def test_an_approver_gets_a_proof_and_the_question_and_the_edition_is_proofed(asked):
    edition, mails = asked
    assert edition.state == EditionState.PROOFED
    assert sorted(subject.split()[0] for subject in mails) == ["Held:", "[TEST]"]
    assert all(mail["to"] == "eva@staff.example" for mail in mails.values())
    question = next(mail for subject, mail in mails.items() if subject.endswith("go out?")).get_content()
    assert f"broadsheet edition {edition.pk} approve" in question


def test_the_link_approves_by_post_and_not_by_get(asked, client, workspace, settings):
    settings.WORKSPACE = workspace
    edition, mails = asked
    question = next(mail for subject, mail in mails.items() if subject.endswith("go out?")).get_content()
    path = re.search(r"https?://[^/\s]+(/a/\S+)", question)[1]
    page = client.get(path)
    assert page.status_code == 200
    edition.refresh_from_db()
    assert edition.state == EditionState.PROOFED
    changed = client.post(path, {"hash": "0" * 64})
    assert "has changed since you looked" in changed.content.decode()
    answer = client.post(path, {"hash": edition.content_hash})
    assert "Approved" in answer.content.decode()
    edition.refresh_from_db()
    assert (edition.state, edition.approved_hash) == (EditionState.APPROVED, edition.content_hash)
    assert edition.moves.last().who == "an approver, by mail"


def test_a_foreign_or_changed_word_is_no_page(asked, client, workspace, settings):
    settings.WORKSPACE = workspace
    edition, _ = asked
    unsubscribe = pipeline.signer().make("u", edition.pk, 0)
    assert client.get(f"/a/{unsubscribe}").status_code == 404
    assert client.post("/a/nonsense").status_code == 404


def test_an_approved_edition_is_sent_and_an_unapproved_one_is_not(asked, workspace, memory):
    edition, _ = asked
    with pytest.raises(Exception, match="waits for approval"):
        pipeline.send(workspace, edition, memory)
    editions.approve(edition, who="eva")
    assert pipeline.send(workspace, edition, memory).sent == len(memory.mails) > 0
