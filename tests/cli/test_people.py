"""``broadsheet subscribers`` and ``broadsheet segments``, as they are typed."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.conftest import Ran

from broadsheet.cli import main

PEOPLE = """\
email,first_name,status,interests,country
ada@reader.example,Ada,subscribed,sleep,DE
ben@reader.example,Ben,unsubscribed,movement,GB
no address,,subscribed,,
cleo@reader.example,Cleo,vip,,AT
"""


@pytest.fixture
def typed(workspace, db, monkeypatch, capsys):
    """Types a command, in the small workspace; a process for each would take most of a minute."""
    (workspace.root / "people.csv").write_text(PEOPLE)
    monkeypatch.chdir(workspace.root)
    monkeypatch.setenv("BROADSHEET_WORKSPACE", str(workspace.root))
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "broadsheet.settings")
    monkeypatch.setenv("COLUMNS", "200")

    def ran(*arguments):
        monkeypatch.setattr(sys, "argv", ["broadsheet", *arguments])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        caught = capsys.readouterr()
        return Ran(code, caught.out, caught.err)

    return ran


def test_a_dry_run_says_all_that_and_writes_nothing(typed):
    dry = typed("subscribers", "import", "people.csv", "--list", "newsletter", "--dry-run", "--json")
    assert (dry.code, dry.json["added"], dry.json["dry_run"]) == (1, 3, True)
    assert typed("subscribers", "show", "ada@reader.example").code == 1
    done = typed("subscribers", "import", "people.csv", "--list", "newsletter", "--json")
    assert {**done.json, "dry_run": True, "rejected_file": None} == dry.json
    assert typed("subscribers", "show", "ada@reader.example").code == 0


def test_an_import_says_what_it_found_and_what_it_did(typed):
    report = typed("subscribers", "import", "people.csv", "--list", "newsletter", "--json").json
    assert report["people"] == {"subscribed": 1, "left": 1, "doubtful": 1}
    assert report["doubts"] == {"status “vip”, a word not known, was taken as not subscribed": 1}
    assert report["rejected"][0]["line"] == 4
    rejected = Path(report["rejected_file"])
    assert (
        rejected.read_text().splitlines()[0] == "rejected_line,rejected_reason,rejected_text," + PEOPLE.splitlines()[0]
    )
    assert oct(rejected.stat().st_mode)[-3:] == "600"
    said = typed("subscribers", "import", "people.csv", "--list", "newsletter").err
    assert "CSV parted by commas, UTF-8" in said
    assert "country → attribute country" in said
    assert "line 4: “no address” is not an email address" in said


def test_a_dry_run_writes_no_file_but_one_that_is_named(typed):
    def files():
        return {path for path in Path().rglob("*") if path.is_file() and not path.name.startswith("broadsheet.sqlite")}

    typed("subscribers", "export")  # makes the state folder
    bad = "".join(f"no address {number}\n" for number in range(30))
    Path("many.csv").write_text(f"email\n{bad}", encoding="utf-8")
    before = files()
    said = typed("subscribers", "import", "many.csv", "--dry-run")
    assert files() == before
    assert said.code == 1
    assert "line 2: “no address 0” is not an email address" in said.err
    assert "and 10 more; --rejected FILE writes all of them" in said.err
    typed("subscribers", "import", "many.csv", "--dry-run", "--rejected", "bad.csv")
    assert files() - before == {Path("bad.csv")}


def test_the_file_of_rejected_lines_is_mended_and_imported(typed):
    report = typed(
        "subscribers", "import", "people.csv", "--list", "newsletter", "--rejected", "bad.csv", "--json"
    ).json
    assert report["rejected_file"] == "bad.csv"
    bad = Path("bad.csv")
    bad.write_text(bad.read_text().replace("no address", "noah@reader.example"))
    report = typed("subscribers", "import", "bad.csv", "--list", "newsletter", "--json").json
    assert (report["added"], report["rejected_lines"]) == (1, 0)
    assert typed("subscribers", "show", "noah@reader.example", "--json").json["attributes"] == {}


def test_one_person_is_shown_tagged_suppressed_and_erased(typed):
    typed("subscribers", "import", "people.csv", "--list", "newsletter")
    assert typed("subscribers", "suppress", "ada@reader.example", "--reason", "asked").code == 0
    tagged = typed("subscribers", "tag", "ada@reader.example", "--add", "Mind", "--remove", "SLEEP", "--json")
    assert tagged.json == {"email": "ada@reader.example", "interests": ["mind"]}
    held = typed("subscribers", "show", "ada@reader.example", "--json").json
    assert (held["suppressed"], held["interests"]) == ("by-hand", ["mind"])
    assert "interests: mind" in [line["what"] for line in held["history"]]
    assert typed("subscribers", "unsuppress", "ada@reader.example").code == 2, "it wants a reason"
    assert typed("subscribers", "unsuppress", "ada@reader.example", "--reason", "wrote").code == 0
    assert typed("subscribers", "unsuppress", "ada@reader.example", "--reason", "wrote").code == 1
    assert "may be mailed again: wrote" in typed("subscribers", "show", "ada@reader.example").out
    assert typed("subscribers", "erase", "ada@reader.example").code == 2, "nobody is there to be asked"
    assert typed("subscribers", "erase", "ada@reader.example", "--yes").code == 0
    assert typed("subscribers", "show", "ada@reader.example").code == 1
    report = typed("subscribers", "import", "people.csv", "--list", "newsletter", "--json").json
    assert "was erased" in report["rejected"][1]["reason"]


def test_an_address_of_nobody_that_is_suppressed_is_shown_and_erased(typed):
    assert typed("subscribers", "erase", "gus@reader.example", "--yes").code == 1
    typed("subscribers", "suppress", "Gus@reader.example", "--reason", "wrote by post")
    held = typed("subscribers", "show", "gus@reader.example", "--json").json
    assert (held["email"], held["suppressed"], held["subscriptions"]) == ("gus@reader.example", "by-hand", [])
    whats = [(line["what"], line["detail"]) for line in held["history"]]
    assert ("suppressed (by-hand)", "wrote by post") in whats
    assert "suppressed (by-hand): wrote by post" in [what for what, _ in whats], "the note, with whose it is"
    assert "wrote by post" in typed("subscribers", "show", "gus@reader.example").out
    assert "It is suppressed (by-hand)" in typed("subscribers", "tag", "gus@reader.example", "--add", "mind").err
    assert typed("subscribers", "erase", "gus@reader.example").code == 2, "nobody is there to be asked"
    assert typed("subscribers", "erase", "gus@reader.example", "--yes").code == 0
    ran = typed("subscribers", "show", "gus@reader.example")
    assert (ran.code, "a keyed hash says that its owner was erased" in ran.err) == (1, True)
    Path("again.csv").write_text("email\ngus@reader.example\n")
    report = typed("subscribers", "import", "again.csv", "--list", "newsletter", "--json").json
    assert "was erased" in report["rejected"][0]["reason"]
    typed("subscribers", "unsuppress", "gus@reader.example", "--reason", "asked to be back")
    held = typed("subscribers", "show", "gus@reader.example", "--json").json
    assert [line["what"] for line in held["history"]] == ["may be mailed again: asked to be back"]


def test_people_are_exported_by_list_and_segment(typed):
    typed("subscribers", "import", "people.csv", "--list", "newsletter")
    ran = typed("subscribers", "export", "--list", "newsletter")
    assert ran.out.splitlines()[1].startswith("ada@reader.example,Ada,")
    assert "3 people written" in ran.err
    lines = typed("subscribers", "export", "--segment", "nearby", "--format", "jsonl").out.splitlines()
    assert [json.loads(line)["email"] for line in lines] == ["ada@reader.example", "cleo@reader.example"]
    assert typed("subscribers", "export", "--out", "out.csv").code == 0
    assert len(Path("out.csv").read_text().splitlines()) == 4
    assert typed("subscribers", "export", "--list", "nope").code == 2
    assert typed("subscribers", "export", "--out", "no/such/folder.csv").code == 1


def test_segments_are_said_and_counted(typed):
    typed("subscribers", "import", "people.csv", "--list", "newsletter")
    rows = {row["name"]: row for row in typed("segments", "--json").json}
    assert (rows["nearby"]["readers"], rows["nearby"]["sentence"]) == (2, "people with country DE or AT")
    assert "people with country DE or AT" in typed("segments", "nearby").out
    assert typed("segments", "nope").code == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("import", "none.csv"), "There is no file none.csv"),
        (("import", "people.csv", "--map", "email"), "--map “email” is no pair"),
        (("show", "nonsense"), "“nonsense” is not an email address"),
    ],
)
def test_wrong_use_is_a_sentence_and_exit_code_2(typed, arguments, sentence):
    ran = typed("subscribers", *arguments)
    assert (ran.code, sentence in ran.sentence) == (2, True)


def test_ctrl_c_leaves_whole_batches_and_a_second_run_takes_the_rest(starts, run, workspace):
    lines, root = 70_000, workspace.root
    (root / "many.csv").write_text("email\n" + "".join(f"r{number}@mail.example\n" for number in range(lines)))
    command = ("subscribers", "import", "many.csv", "--list", "letters", "--json")
    started = starts(*command, cwd=root)
    database = root / ".broadsheet" / "broadsheet.sqlite3"
    code = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("
    code += "'select count(*) from broadsheet_subscription').fetchone()[0])"

    def there():
        asked = subprocess.run([sys.executable, "-c", code, database], capture_output=True, text=True, check=False)
        return int(asked.stdout or 0)

    end = time.monotonic() + 60
    while not there() and time.monotonic() < end:
        time.sleep(0.02)
    started.send_signal(signal.SIGINT)
    out, _ = started.communicate(timeout=60)
    report = json.loads(out)
    assert (started.returncode, report["stopped"]) == (130, True)
    assert 0 < report["added"] == there() < lines
    assert report["added"] % 10_000 == 0
    assert run(*command, cwd=root).json["added"] == lines - report["added"]
    assert there() == lines
