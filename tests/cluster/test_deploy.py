"""The units, the compose file and the commands in the docs name what there is."""

import configparser
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
import typer
import yaml
from celery.bin.celery import celery as celery_command
from tests.conftest import fill

from broadsheet import conf
from broadsheet.cli import app

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
OURS = {name: each for name, each in COMPOSE["services"].items() if each.get("image") == "broadsheet"}
DOCS = (ROOT / "docs" / "cluster.md").read_text()


def unit(path):
    parsed = configparser.ConfigParser(strict=False, interpolation=None)
    parsed.optionxform = str
    parsed.read(path)
    return parsed


def in_docs():
    """The lines of shell in the docs that call our commands or Django's."""
    lines = [line for block in re.findall(r"```sh\n(.*?)```", DOCS, re.DOTALL) for line in block.splitlines()]
    return [
        words for line in lines if (words := shlex.split(line, comments=True)) and words[0] in ("broadsheet", "celery")
    ]


COMMANDS = [
    *(shlex.split(unit(path)["Service"]["ExecStart"]) for path in UNITS),
    *(each["command"] for each in OURS.values()),
    *in_docs(),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_and_option_exists(words):
    program, *arguments = [Path(words[0]).name, *(word for word in words[1:] if word != "&")]
    command = {"broadsheet": typer.main.get_command(app), "celery": celery_command}[program]
    if program == "celery":
        assert arguments[:2] == ["-A", "broadsheet.celery"]
        arguments = arguments[2:]
    name, *rest = arguments
    found = command.get_command(click.Context(command), name)
    assert found is not None, name
    found.make_parser(click.Context(found)).parse_args(list(rest))  # raises for an option that isn't there


def test_the_docs_have_commands_and_each_service_is_one():
    assert len(in_docs()) > 6
    assert [path.stem for path in UNITS] == ["broadsheet-scheduler", "broadsheet-serve", "broadsheet-worker"]
    assert set(OURS) == {"scheduler", "serve", "worker"}


def test_every_setting_that_is_named_exists():
    known = {each.name for each in conf.ENVIRONMENT} | {each.env for each in conf.SETTINGS}
    pages = [DOCS, *(path.read_text() for path in (ROOT / "deploy").rglob("*") if path.is_file())]
    named = {name for page in pages for name in re.findall(r"\bBROADSHEET_[A-Z_]+[A-Z]", page)}
    assert {"BROADSHEET_BROKER", "BROADSHEET_DATABASE", "BROADSHEET_LOGGING_FORMAT"} <= named
    for name in named:
        plain = name.removesuffix("_FILE")
        assert plain in known or re.fullmatch(r"BROADSHEET_ADAPTERS_[A-Z]+_PASSWORD", plain), name
    sections = {each.name for each in conf.SETTINGS}
    assert set(re.findall(r"`((?:logging|public)\.\w+)", DOCS)) <= sections


def test_the_environment_file_is_one_and_holds_no_secret():
    lines = [line for line in (ROOT / "deploy/systemd/broadsheet.env").read_text().splitlines() if line[:1] not in "#"]
    given = dict(line.split("=", 1) for line in lines)
    for secret in ("BROADSHEET_SECRET_KEY", "BROADSHEET_METRICS_TOKEN"):
        assert given[secret] == "CHANGE-ME"
    for path in UNITS:
        assert unit(path)["Service"]["EnvironmentFile"] == "/etc/broadsheet/environment"
        assert given["BROADSHEET_STATE"] == f"/var/lib/{unit(path)['Service']['StateDirectory']}"
        assert given["BROADSHEET_WORKSPACE"] == unit(path)["Service"]["WorkingDirectory"]


def test_a_service_is_stopped_by_sigterm_to_its_first_process_and_has_time_to_end():
    for path in UNITS:
        service = unit(path)["Service"]
        assert (service["KillMode"], service["Restart"], service["TimeoutStopSec"]) == ("mixed", "always", "30")
        assert "KillSignal" not in service
    assert {each["stop_grace_period"] for each in OURS.values()} == {"30s"}


def test_a_worker_in_a_container_sees_broadsheet_toml_and_no_more_of_the_workspace():
    mounts = [each for each in OURS["worker"]["volumes"] if "WORKSPACE" in each]
    assert mounts == ["${WORKSPACE:?}/broadsheet.toml:/workspace/broadsheet.toml:ro"]
    volumes = {
        each.partition(":")[0] for service in COMPOSE["services"].values() for each in service.get("volumes", ())
    }
    assert set(COMPOSE["volumes"]) == {name for name in volumes if name.isalpha()}


def test_the_yaml_in_the_docs_is_yaml():
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)]
    assert [set(each) for each in blocks] == [{"scrape_configs", "rule_files"}, {"groups"}]
    figures = set(re.findall(r"^\| `(broadsheet_\w+)`", DOCS, re.MULTILINE))
    for rule in blocks[1]["groups"][0]["rules"]:
        assert set(re.findall(r"broadsheet_\w+", rule["expr"])) <= figures


def test_rows_move_from_sqlite_to_postgresql_as_the_docs_say(tmp_path, database):
    workspace = fill(tmp_path / "workspace").root
    (workspace / "people.csv").write_text("email,interests,lists\nada@reader.example,sleep,newsletter\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET_", "DJANGO_"))}
    here = kept | {"BROADSHEET_WORKSPACE": str(workspace), "DJANGO_SETTINGS_MODULE": "broadsheet.settings"}
    there = here | {"BROADSHEET_DATABASE": database}

    def run(module, *words, env):
        command = [sys.executable, "-m", module, *words]
        done = subprocess.run(command, cwd=workspace, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    dump, load = (
        shlex.split(re.search(rf"^python -m (django {verb} .*)$", DOCS, re.MULTILINE)[1], comments=True)
        for verb in ("dumpdata", "loaddata")
    )
    run("broadsheet", "subscribers", "import", "people.csv", env=here)
    run("broadsheet", "send", "weekly", "--at", "2026-03-03T09:00", "--yes", env=here)
    before = json.loads(run("broadsheet", "editions", "--json", env=here))
    run(*dump, env=here)
    assert json.loads(run("broadsheet", "editions", "--json", env=there)) == []
    run(*load, env=there)
    assert json.loads(run("broadsheet", "editions", "--json", env=there)) == before
    assert before[0]["sent"] == 1
