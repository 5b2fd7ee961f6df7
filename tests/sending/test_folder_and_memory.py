"""The adapters that send nothing off this machine."""

import pytest

from broadsheet.conf import FolderAdapter
from broadsheet.errors import AdapterFailed
from broadsheet.models import Suppression
from broadsheet.sending import Outcome, Result, make_adapter
from broadsheet.sending.adapters.folder import FolderOutbox
from broadsheet.sending.adapters.memory import MemoryOutbox
from broadsheet.sending.inbox import MailFolder
from broadsheet.workspace import Workspace

pytestmark = pytest.mark.django_db

ADA, BEN, CLEO = "ada@reader.example", "ben@reader.example", "cleo@reader.example"


def test_the_folder_holds_one_file_for_each_reader(freeze, send, cast, tmp_path):
    assert send(freeze("weekly"), FolderOutbox(tmp_path / "out")).sent == 3
    found = MailFolder(tmp_path / "out").list()
    assert sorted(address for mail in found for address in mail.to) == [ADA, BEN, CLEO]
    assert {mail.subject for mail in found} == {"Back to the allotment"}


def test_a_folder_that_can_not_be_made_fails_the_adapter_and_loses_nothing(freeze, send, cast, ledger, tmp_path):
    (tmp_path / "file").write_text("in the way")
    edition = freeze("weekly")
    with pytest.raises(AdapterFailed, match="can't be made"):
        send(edition, FolderOutbox(tmp_path / "file" / "out"))
    assert {state for state, _ in ledger(edition).values()} == {"queued"}


def test_a_file_that_can_not_be_written_defers_its_copy(freeze, send, cast, ledger, tmp_path):
    edition = freeze("weekly")
    outbox = FolderOutbox(tmp_path / "out")
    outbox.open()
    (tmp_path / "out").rmdir()
    (tmp_path / "out").write_text("in the way")
    outbox.open = lambda: None
    assert send(edition, outbox).deferred == 3


def test_memory_keeps_what_it_is_given_and_refuses_whom_it_is_told_to(freeze, send, cast, ledger):
    memory = MemoryOutbox(refuse={ADA: Outcome(0, Result.FAILED, "550 5.1.1 gone", dead=True)})
    edition = freeze("weekly")
    numbers = send(edition, memory)
    assert sorted(mail.rcpt_to for mail in memory.mails) == [BEN, CLEO]
    assert (numbers.sent, numbers.failed) == (2, 1)
    assert ledger(edition)[ADA] == ("failed", "550 5.1.1 gone")
    assert Suppression.objects.filter(email_key=ADA).exists()


def test_without_a_default_adapter_mail_goes_into_the_local_inbox(workspace, freeze, cast):
    from broadsheet import pipeline

    assert pipeline.send(workspace, freeze("weekly")).sent == 3
    assert len(MailFolder(workspace.state / "inbox").list()) == 3


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ('kind = "folder"\npath = "out"', "FolderOutbox"),
        ('kind = "memory"', "MemoryOutbox"),
        ('kind = "smtp"', "Smtp"),
        ('kind = "postmark"', "ApiAdapter"),
    ],
)
def test_every_kind_of_adapter_is_made_from_its_settings(workspace, write, declared, kind):
    write("broadsheet.toml", f"[adapters.mine]\n{declared}\n")
    assert type(make_adapter(Workspace(workspace.root), "mine")).__name__ == kind


def test_a_folder_adapters_path_is_the_workspaces(workspace, write, freeze, send, cast):
    assert FolderAdapter(kind="folder", path="out").path == "out"
    write("broadsheet.toml", '[adapters.mine]\nkind = "folder"\npath = "out"\n')
    send(freeze("weekly"), make_adapter(Workspace(workspace.root), "mine"))
    assert len(MailFolder(workspace.root / "out").list()) == 3
