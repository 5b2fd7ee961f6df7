"""Packages that import their names when they are asked for."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from broadsheet.lazily import lazily

PACKAGE = Path(import_module("broadsheet").__file__).parent
LAZY = sorted(
    ".".join(path.parent.relative_to(PACKAGE.parent).parts)
    for path in PACKAGE.rglob("__init__.py")
    if "lazily(" in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", LAZY)
def test_every_name_that_a_package_offers_is_there(name):
    package = import_module(name)
    assert [getattr(package, each).__name__ for each in package.__all__] == list(package.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        package.nothing  # noqa: B018  asking is the point


def test_a_sender_does_not_hold_the_parsers_of_feeds_pictures_and_bounces(tmp_path):
    (tmp_path / "broadsheet.toml").write_text('[site]\nname = "Stillwater"\nurl = "https://news.example"\n')
    script = "import django; django.setup(); import sys, broadsheet.pipeline; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env={"BROADSHEET_WORKSPACE": str(tmp_path), "DJANGO_SETTINGS_MODULE": "broadsheet.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {"lxml", "PIL", "feedparser", "premailer", "imapclient", "flufl.bounce"}
    assert heavy & set(ran.stdout.split()) == set()


def test_a_module_of_such_a_package_is_there_before_anybody_has_imported_it():
    assert lazily("broadsheet.events", {"outgoing": "announce"})("outgoing").KEPT
