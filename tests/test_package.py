"""The wheel: everything a workspace needs travels with it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from this checkout without the network."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(out.glob("broadsheet-*.whl"))


@pytest.fixture(scope="module")
def names(wheel):
    """What is in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_whole_starter_workspace_is_inside(names):
    expected = {
        f"broadsheet/starter/{path.relative_to(ROOT)}"
        for folder in ("articles", "campaigns", "templates", "subscribers")
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
    }
    assert {"broadsheet/starter/campaigns/weekly-digest.md", "broadsheet/starter/subscribers/people.csv"} <= expected
    assert expected | {"broadsheet/starter/broadsheet.toml"} <= names


def test_every_file_of_the_package_is_inside(names):
    source = ROOT / "src"
    expected = {
        str(path.relative_to(source))
        for path in (source / "broadsheet").rglob("*")
        if path.is_file() and path.suffix not in (".pyc",) and "__pycache__" not in path.parts
    }
    assert {
        "broadsheet/py.typed",
        "broadsheet/migrations/0001_first.py",
        "broadsheet/web/static/broadsheet.css",
        "broadsheet/web/templates/layout.html",
    } <= expected
    assert expected <= names


def test_nothing_else_is_inside(names):
    tops = {name.partition("/")[0] for name in names}
    assert {top.partition("-")[0] for top in tops} == {"broadsheet"}
    assert not any("sqlite" in name or "secret_key" in name or "__pycache__" in name for name in names)


def test_the_command_and_the_licence_come_along(wheel):
    with zipfile.ZipFile(wheel) as archive:
        info = next(name for name in archive.namelist() if name.endswith("entry_points.txt"))
        assert "broadsheet = broadsheet.cli:main" in archive.read(info).decode()
        assert any(name.endswith("licenses/LICENSE") for name in archive.namelist())


def test_a_workspace_made_from_the_wheel_works_at_once(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("BROADSHEET_")}
    environ["PYTHONPATH"] = str(tmp_path / "site")

    def run(*arguments, cwd=tmp_path):
        command = [sys.executable, "-m", "broadsheet", *arguments]
        return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False)

    assert run("init", "letter").returncode == 0
    where = subprocess.run(
        [sys.executable, "-c", "import broadsheet; print(broadsheet.__file__)"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(tmp_path)), "the wheel's own code is what runs"
    done = run("sync", "--json", cwd=tmp_path / "letter")
    assert (done.returncode, '"rejected": []' in done.stdout) == (0, True), done.stderr
