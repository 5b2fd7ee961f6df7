"""``broadsheet`` as a process that begins as a copy of one that has its modules.

Importing them is most of what a short command takes: 1.3 s of processor time become 0.3 s.
"""

import atexit
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryDirectory

import pytest

#: Seconds that a command may take.
PATIENCE = 600

#: What every command imports, and needs no workspace to be imported.
MODULES = (
    *("broadsheet.cli", "aiosmtpd.smtp", "aiosmtplib", "anymail.utils", "cssutils", "email_validator", "inscriptis"),
    *("lxml.html", "markdown_it", "mjml", "nh3", "PIL.Image", "premailer", "requests", "resvg_py"),
    *("django.core.management", "django.core.serializers", "django.db.models", "django.forms", "django.shortcuts"),
    *("django.views.generic", "sqlparse", "sqlite3"),
)


def environment(**more: str) -> dict[str, str]:
    """The environment of whoever runs the tests, without what it says about Broadsheet."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROADSHEET_", "DJANGO_"))}
    return {**kept, "COLUMNS": "200", **more}


def run(*arguments: str, cwd: Path, environ: Mapping[str, str]) -> "CompletedProcess[str]":
    """What ``broadsheet`` with these arguments ended with, and what it wrote to standard output and error."""
    with TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        process = _original().Process(target=_command, args=(arguments, cwd, environ, out, err))
        process.start()
        process.join(PATIENCE)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"broadsheet {' '.join(arguments)} has not ended in {PATIENCE} seconds")
        return CompletedProcess(arguments, process.exitcode, out.read_text("utf-8"), err.read_text("utf-8"))


@cache
def _original() -> ForkServerContext:
    """The process that is copied, started."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(MODULES))
    here = environment()
    with pytest.MonkeyPatch.context() as patch:  # how wide a terminal is counts when a module is imported
        for name in os.environ.keys() - here.keys():
            patch.delenv(name)
        patch.setenv("COLUMNS", here["COLUMNS"])
        forkserver.ensure_running()
    return context


def _command(arguments: Sequence[str], cwd: Path, environ: Mapping[str, str], out: Path, err: Path) -> None:
    """The copy's side: what ``python -m broadsheet`` does."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environ)
    for number, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    sys.argv = ["broadsheet", *arguments]
    from broadsheet.cli import main

    try:
        main()
    finally:
        atexit._run_exitfuncs()
