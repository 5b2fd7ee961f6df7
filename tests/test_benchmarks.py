"""Benchmarks are run by hand, and seldom: that they still load and do what they measure shows here, at a tiny size."""

import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import benchmarks
import pytest
from benchmarks import articles, audience, bounces, console, picking, press, reports, sending, smtp

from broadsheet.workspace import Workspace

ROOT = Path(__file__).parents[1]
PEOPLE = 600  # some benchmarks look at the five hundredth
#: Each benchmark that fills a database, with what it does there in processes of its own, in order.
STEPS = {
    "audience": [*audience.STEPS.values()],
    "bounces": [lambda _: bounces._measure("folder", Path(os.environ["BROADSHEET_WORKSPACE"]))],
    "console": [console._load],
    "picking": [picking._load, lambda _: picking._measure()],
    "reports": [lambda people: reports._load(people * reports.EDITIONS), reports._measure],
    "sending": [sending._load, sending._sample, sending._freeze, sending._grow],
}
#: Those that go to PostgreSQL by themselves as well.
ON_BOTH = ("audience", "picking", "sending")
APART = """
import sys, django
django.setup()
from tests.test_benchmarks import taken
taken(sys.argv[1])
"""


def taken(name: str) -> None:
    """All of a benchmark's steps, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        for module, figure, small in ((picking, "SETS", 20), (picking, "ARTICLES", 10), (picking, "EDITIONS", 2)):
            patch.setattr(module, figure, small)
        patch.setattr(bounces, "ROUNDS", 1)
        patch.setattr(sending, "EDITIONS", 3)
        for step in STEPS[name]:
            step(PEOPLE)


def fill(root: Path, name: str) -> Path:
    """The benchmark's workspace."""
    if name == "sending":
        sending._place(root, 1, None)
    for path, text in getattr(sys.modules[f"benchmarks.{name}"], "FILES", {}).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


@pytest.mark.django_db
@pytest.mark.parametrize("name", STEPS)
def test_what_fills_a_database_still_can(name, tmp_path, monkeypatch, settings):
    monkeypatch.setenv("BROADSHEET_WORKSPACE", str(fill(tmp_path, name)))
    settings.WORKSPACE = Workspace(tmp_path)
    taken(name)


@pytest.mark.parametrize("name", ON_BOTH)
def test_the_same_on_postgresql(name, tmp_path, database):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("BROADSHEET", "DJANGO"))}
    here = {"BROADSHEET_WORKSPACE": str(fill(tmp_path, name)), "BROADSHEET_DATABASE": database}
    environment = kept | here | {"DJANGO_SETTINGS_MODULE": "broadsheet.settings"}
    done = subprocess.run(
        [sys.executable, "-c", APART, name], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_articles_are_written_and_read(tmp_path, monkeypatch):
    monkeypatch.setattr(articles, "FILES", 5)
    articles._write_files(tmp_path)
    assert articles._sync(str(tmp_path))[2:] == (5, 0)


def test_mails_are_stamped_and_go_over_the_wire(tmp_path, monkeypatch):
    monkeypatch.setenv("BROADSHEET_WORKSPACE", str(ROOT))
    stamp = press.Stamp(press.compile_message(press._big_sheet(tmp_path)), press.IMPRINT)
    press._stamp_all(stamp, [press._reader(number) for number in range(1, 20)])
    with smtp.sink(0) as ports:
        assert all(smtp.ours(port, PEOPLE) > 0 for port in ports.values())


def test_every_benchmark_is_tried_in_the_suite():
    """Unsubscribing is in ``tests/web/test_many_at_once.py``; hooks load nothing, they call a server."""
    names = {module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name[0] != "_"}
    assert names - {"figures", "databases"} == {*STEPS, "articles", "hooks", "press", "smtp", "unsubscribing"}
