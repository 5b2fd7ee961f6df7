"""Finding a workspace, making one, and its key."""

import os
import stat
import threading
from pathlib import Path

import pytest

from broadsheet.errors import BroadsheetError, WorkspaceNotFound
from broadsheet.workspace import Workspace, find_root, make_workspace
from broadsheet.workspace.reading import read_text, write_atomically


def test_the_nearest_workspace_upwards_is_found(workspace, monkeypatch):
    below = workspace.root / "articles" / "2026"
    below.mkdir()
    monkeypatch.chdir(below)
    assert find_root() == workspace.root


def test_the_environment_names_a_workspace(workspace, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BROADSHEET_WORKSPACE", str(workspace.root))
    assert find_root() == workspace.root


def test_a_folder_that_is_no_workspace_is_refused_even_inside_of_one(workspace):
    with pytest.raises(WorkspaceNotFound, match=r"is not a workspace: it holds no broadsheet\.toml"):
        find_root(workspace.root / "articles")


def test_outside_a_workspace_it_says_how_to_make_one(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WorkspaceNotFound, match="`broadsheet init my-newsletter`"):
        find_root()


def test_a_new_workspace_is_the_samples_copy_and_reads_without_a_mistake(tmp_path):
    made = make_workspace(tmp_path / "new")
    assert made.campaign_names() == ["monthly-letter", "weekly-digest"]
    for slug in made.campaign_names():
        made.campaign(slug)
    assert len(list((made.root / "articles").glob("*.md"))) >= 12
    assert ".broadsheet/" in (made.root / ".gitignore").read_text()
    assert not (made.root / "src").exists()


def test_it_makes_a_workspace_in_an_empty_folder_but_never_over_something(tmp_path):
    make_workspace(tmp_path / "empty" / "deep")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    for there in (tmp_path / "full", tmp_path / "full" / "mine.txt"):
        with pytest.raises(BroadsheetError, match="nothing was written"):
            make_workspace(there)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_the_key_is_made_once_and_only_its_owner_can_read_it(workspace):
    key = workspace.secret_key()
    assert len(key) > 40
    assert Workspace(workspace.root).secret_key() == key
    assert stat.S_IMODE((workspace.state / "secret_key").stat().st_mode) == 0o600


def test_processes_that_start_together_agree_on_the_key(workspace):
    keys, gate = [], threading.Barrier(8)

    def ask():
        gate.wait()
        keys.append(Workspace(workspace.root).secret_key())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


def test_the_key_can_come_from_the_environment(workspace, monkeypatch):
    monkeypatch.setenv("BROADSHEET_SECRET_KEY", "a key from elsewhere")
    assert workspace.secret_key() == "a key from elsewhere"
    assert not (workspace.state / "secret_key").exists()


def test_the_state_can_live_elsewhere(workspace, monkeypatch, tmp_path):
    monkeypatch.setenv("BROADSHEET_STATE", str(tmp_path / "state"))
    assert workspace.state == tmp_path / "state"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"\xef\xbb\xbfa\r\nb\rc", "a\nb\nc"),
        ("käthe".encode(), "käthe"),
        ("käthe".encode("latin-1"), "käthe"),
        ("käthe".encode("utf-16"), "käthe"),
    ],
)
def test_text_is_read_in_the_encodings_that_people_save(tmp_path, raw, text):
    (tmp_path / "file").write_bytes(raw)
    assert read_text(tmp_path / "file") == text


@pytest.mark.parametrize("raw", [b"\x89PNG\0", b"\xff\xfea", "a\0b".encode("utf-16")])
def test_what_is_no_text_is_refused(tmp_path, raw):
    (tmp_path / "file").write_bytes(raw)
    with pytest.raises(ValueError, match="is not a text file"):
        read_text(tmp_path / "file")


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path):
    target = tmp_path / "file.txt"
    target.write_text("before")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(target, "after \udc80")
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]
    write_atomically(target, "after")
    assert Path(target).read_text() == "after"


def test_a_campaign_is_called_by_its_files_name_whatever_else_is_wrong_with_it(workspace, write):
    assert workspace.name_of("weekly") == "Weekly digest"
    assert workspace.name_of("gone") == "gone"
    path = write("campaigns/weekly.md", "---\nname:  The  new\n  one\nlist: nowhere\n---\n")
    os.utime(path, ns=(1, 1))
    assert workspace.name_of("weekly") == "The new one"
    for number, text in enumerate(
        ("---\nname: [1]\n---\n", "---\nname: ' '\n---\n", "---\n: :\n---\n", "none", b"\0"), 2
    ):
        os.utime(write("campaigns/weekly.md", text), ns=(number, number))
        assert workspace.name_of("weekly") == "weekly"
    path.unlink()
    assert workspace.name_of("weekly") == "weekly"
