"""Writing files of the workspace: nothing is lost when two people write, and nothing broken is written."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.conftest import SEGMENTS, WEEKLY

from broadsheet.errors import BroadsheetError, FileChanged, InvalidFile, UnknownName
from broadsheet.workspace import writing
from broadsheet.workspace.writing import (
    campaign_version,
    change_segment,
    changed_campaign,
    create_campaign,
    current,
    duplicated_campaign,
    read_version,
    save_campaign,
    save_text,
    starter_campaign,
)

SEGMENTS_FILE = "subscribers/segments.yaml"


def save(workspace, changes, version=None, **more):
    version = version or campaign_version(workspace, "weekly")
    return save_campaign(workspace, "weekly", version, changed_campaign(version.text, "weekly", changes, **more))


def test_a_campaign_is_saved_and_read_back(workspace):
    saved = save(workspace, {"name": "Weekly news", "exclude": ["nearby"]}, intro="Good morning.")
    campaign = workspace.campaign("weekly")
    assert (campaign.name, campaign.exclude, campaign.intro) == ("Weekly news", ("nearby",), "Good morning.")
    assert saved == campaign_version(workspace, "weekly")
    assert saved.text.startswith(WEEKLY[: WEEKLY.index("Weekly digest")])


def test_a_file_that_changed_meanwhile_is_left_alone_and_both_texts_are_given_back(workspace, write):
    version = campaign_version(workspace, "weekly")
    write("campaigns/weekly.md", WEEKLY.replace("Weekly digest", "Theirs"))
    with pytest.raises(FileChanged, match=r"campaigns/weekly\.md was changed") as caught:
        save(workspace, {"name": "Mine"}, version)
    assert "name: Theirs" in caught.value.theirs
    assert "name: Mine" in caught.value.mine
    assert workspace.campaign("weekly").name == "Theirs"


def test_a_file_that_went_meanwhile_is_not_made_again(workspace):
    version = campaign_version(workspace, "weekly")
    (workspace.root / "campaigns/weekly.md").unlink()
    with pytest.raises(FileChanged, match="was taken away") as caught:
        save(workspace, {"name": "Mine"}, version)
    assert caught.value.theirs is None
    assert not (workspace.root / "campaigns/weekly.md").exists()


def test_of_many_who_save_at_once_one_wins_and_the_others_are_told(workspace):
    version = campaign_version(workspace, "weekly")

    def attempt(number):
        try:
            return save(workspace, {"name": f"Number {number}"}, version).digest
        except FileChanged:
            return None

    with ThreadPoolExecutor(8) as pool:
        saved = [each for each in pool.map(attempt, range(24)) if each]
    assert saved == [campaign_version(workspace, "weekly").digest]


def test_mistakes_are_all_named_and_nothing_is_written(workspace):
    before = campaign_version(workspace, "weekly")
    with pytest.raises(InvalidFile) as caught:
        save(workspace, {"list": "nobody", "approval": "maybe", "subject": None})
    assert {each.where for each in caught.value.problems} == {"list", "approval", "subject"}
    assert campaign_version(workspace, "weekly") == before
    assert {each.name for each in (workspace.root / "campaigns").iterdir()} == {"letter.md", "weekly.md"}


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [(b"\xef\xbb\xbf", "utf-8-sig"), (b"", "latin-1"), (b"\xff\xfe", "utf-16"), (b"", "utf-8")],
)
def test_the_files_own_encoding_is_kept(workspace, write, raw, encoding):
    text = WEEKLY.replace("here is", "Grüße, hier ist")
    write("campaigns/weekly.md", text.encode(encoding))
    assert (workspace.root / "campaigns/weekly.md").read_bytes().startswith(raw)
    save(workspace, {"name": "Neu"})
    assert (workspace.root / "campaigns/weekly.md").read_bytes() == text.replace("Weekly digest", "Neu").encode(
        encoding
    )


def test_what_the_encoding_cannot_hold_makes_the_file_utf_8(workspace, write):
    write("campaigns/weekly.md", WEEKLY.replace("here is", "Grüße").encode("latin-1"))
    save(workspace, {"name": "Neu 🌱"})
    assert "Grüße" in (workspace.root / "campaigns/weekly.md").read_bytes().decode("utf-8")


def test_rights_and_links_stay(workspace):
    file, elsewhere = workspace.root / "campaigns/weekly.md", workspace.root / "kept.md"
    file.replace(elsewhere)
    file.symlink_to(elsewhere)
    elsewhere.chmod(0o640)
    save(workspace, {"name": "Neu"})
    assert file.is_symlink()
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o640
    assert "name: Neu" in elsewhere.read_text()


def test_a_folder_that_cannot_be_written_is_said(workspace, monkeypatch):
    def full(*_args, **_more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BroadsheetError, match="No space left on device"):
        save(workspace, {"name": "Neu"})
    assert workspace.campaign("weekly").name == "Weekly digest"
    assert {each.name for each in (workspace.root / "campaigns").iterdir()} == {"letter.md", "weekly.md"}


def test_a_new_campaign_comes_from_the_starter_or_from_another(workspace):
    create_campaign(workspace, "harvest", starter_campaign('The "harvest": one', "letters", "plain"))
    assert workspace.campaign("harvest").name == 'The "harvest": one'
    assert workspace.campaign("harvest").schedule is None
    text = duplicated_campaign(campaign_version(workspace, "weekly").text, "weekly", "Weekly, again")
    create_campaign(workspace, "weekly-2", text)
    twin = workspace.campaign("weekly-2")
    assert (twin.name, twin.schedule, twin.segment) == ("Weekly, again", None, ("sleepers", "movers"))


@pytest.mark.parametrize("slug", ["", "../evil", "Weekly", "a b", "-a", ".hidden", "a/b", "x" * 101, "a\n", "ä"])
def test_a_new_campaigns_file_name_is_plain(workspace, slug):
    with pytest.raises(BroadsheetError, match="can't be a campaign's file name"):
        create_campaign(workspace, slug, starter_campaign("x", "letters", "plain"))


def test_a_campaign_that_is_there_is_not_written_over(workspace):
    before = campaign_version(workspace, "weekly")
    with pytest.raises(BroadsheetError, match="is there already"):
        create_campaign(workspace, "weekly", starter_campaign("x", "letters", "plain"))
    assert campaign_version(workspace, "weekly") == before


@pytest.mark.parametrize("slug", ["../broadsheet", "none", "..", "/etc/passwd", "a\0"])
def test_only_campaigns_are_read_as_such(workspace, slug):
    with pytest.raises(UnknownName):
        campaign_version(workspace, slug)


def test_a_segment_is_added_changed_and_taken_out_and_the_others_stay(workspace):
    version = read_version(workspace, SEGMENTS_FILE)
    rules = {"title": "Far away", "none": [{"segment": "nearby"}], "any": [{"joined": {"after": "90d"}}]}
    version = change_segment(workspace, "far", rules, version)
    assert version.text.startswith(SEGMENTS)
    assert current(workspace).segments["far"].title == "Far away"
    version = change_segment(workspace, "far", {**rules, "title": "Further"}, version)
    assert current(workspace).segments["far"].title == "Further"
    version = change_segment(workspace, "far", None, version)
    assert version.text == SEGMENTS
    assert "far" not in current(workspace).segments


def test_a_segment_that_is_wrong_is_refused_with_its_lines(workspace):
    version = read_version(workspace, SEGMENTS_FILE)
    with pytest.raises(InvalidFile, match="there is no list"):
        change_segment(workspace, "far", {"all": [{"list": "nobody"}]}, version)
    with pytest.raises(InvalidFile, match="exactly one of"):
        change_segment(workspace, "far", {"all": [{"list": "letters", "domain": "a.example"}]}, version)
    assert read_version(workspace, SEGMENTS_FILE) == version


def test_a_segment_in_use_stays(workspace):
    with pytest.raises(BroadsheetError, match=r"still named by campaigns/weekly\.md"):
        change_segment(workspace, "movers", None, read_version(workspace, SEGMENTS_FILE))


def test_segments_that_changed_meanwhile_are_left_alone(workspace, write):
    version = read_version(workspace, SEGMENTS_FILE)
    write(SEGMENTS_FILE, SEGMENTS + "  more:\n    all: [{list: letters}]\n")
    with pytest.raises(FileChanged) as caught:
        change_segment(workspace, "far", {"all": [{"list": "letters"}]}, version)
    assert "more:" in caught.value.theirs
    assert "far:" in caught.value.mine


def test_the_first_segment_makes_the_file(workspace, write):
    (workspace.root / SEGMENTS_FILE).unlink()
    write("campaigns/weekly.md", WEEKLY.replace("segment: [sleepers, movers]\n", ""))
    change_segment(workspace, "far", {"all": [{"list": "letters"}]}, None)
    assert (workspace.root / SEGMENTS_FILE).read_text() == "segments:\n  far:\n    all:\n      - list: letters\n"
    with pytest.raises(BroadsheetError, match="is there already"):
        change_segment(workspace, "near", {"all": [{"list": "letters"}]}, None)


@pytest.mark.parametrize("name", ["", " a", "a\n", "x" * 101])
def test_a_segments_name_is_plain(workspace, name):
    with pytest.raises(BroadsheetError, match="A segment's name"):
        change_segment(workspace, name, {"all": [{"list": "letters"}]}, read_version(workspace, SEGMENTS_FILE))


def test_a_texts_lines_end_as_they_did_and_a_file_that_was_not_there_is_made_once(workspace, write):
    path = write("templates/plain/a.txt", b"\xef\xbb\xbfone\r\ntwo\r\n")
    digest = read_version(workspace, "templates/plain/a.txt").digest
    assert save_text(workspace, "templates/plain/a.txt", "one\nthree\n", digest) == "one\ntwo\n"
    assert path.read_bytes() == b"\xef\xbb\xbfone\r\nthree\r\n"
    with pytest.raises(FileChanged, match=r"a\.txt was changed") as caught:
        save_text(workspace, "templates/plain/a.txt", "mine", digest)
    assert (caught.value.theirs, caught.value.mine) == ("one\r\nthree\r\n", "mine")
    assert save_text(workspace, "templates/plain/b.txt", "new", "") == ""
    assert (workspace.root / "templates/plain/b.txt").read_text() == "new"
    with pytest.raises(FileChanged):
        save_text(workspace, "templates/plain/b.txt", "newer", "")
    path.write_bytes(b"\0")
    with pytest.raises(InvalidFile, match=r"a\.txt: is not a text file"):
        save_text(workspace, "templates/plain/a.txt", "text", digest)


def test_of_many_who_make_the_same_file_at_once_one_does(workspace):
    done = []

    def put(number):
        try:
            save_text(workspace, "templates/plain/new.txt", f"text {number}", "")
            done.append(f"text {number}")
        except FileChanged:
            pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(8)))
    assert [(workspace.root / "templates/plain/new.txt").read_text()] == done


def test_the_workspace_is_read_anew_when_its_files_change_and_only_then(workspace, write):
    first = current(workspace)
    assert current(workspace) is first
    assert "far" not in first.segments
    write(SEGMENTS_FILE, SEGMENTS + "  far:\n    all: [{list: letters}]\n")
    assert "far" in current(workspace).segments
    assert writing.current(workspace) is current(workspace)
