"""The ``broadsheet`` command. Exit 0 done; 1 the work found problems; 2 wrong use."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from broadsheet.cli.bounces import bounces
from broadsheet.cli.campaigns import editions, render, send
from broadsheet.cli.check import check
from broadsheet.cli.content import articles, sync
from broadsheet.cli.demo import demo
from broadsheet.cli.doctor import doctor
from broadsheet.cli.edition import edition
from broadsheet.cli.inbox import inbox
from broadsheet.cli.output import ERR
from broadsheet.cli.people import subscribers
from broadsheet.cli.plan import plan
from broadsheet.cli.preview import preview
from broadsheet.cli.proof import proof
from broadsheet.cli.report import report
from broadsheet.cli.run import run, schedule, scheduler
from broadsheet.cli.segments import segments
from broadsheet.cli.serve import serve
from broadsheet.cli.setup import WrongUse
from broadsheet.cli.staff import staff
from broadsheet.cli.start import init
from broadsheet.errors import BroadsheetError, UnknownName, WorkspaceNotFound

app = typer.Typer(
    help="Newsletters from tagged articles: each reader gets what fits them, nobody twice, nobody lost.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def choose_workspace(
    workspace: Annotated[
        Path | None,
        typer.Option(help="The workspace's folder; else BROADSHEET_WORKSPACE, else the nearest upwards."),
    ] = None,
) -> None:
    """Newsletters from tagged articles."""
    if workspace is not None:
        os.environ["BROADSHEET_WORKSPACE"] = str(workspace.resolve())


for command in (
    *(init, demo, sync, articles, plan, render, check, preview, proof, send, editions, edition, report),
    *(segments, schedule, run, scheduler, serve, inbox, doctor, bounces),
):
    app.command()(command)
app.add_typer(subscribers, name="subscribers")
app.add_typer(staff, name="staff")


def main() -> None:
    """Run the command; a failure is one clear sentence on standard error."""
    try:
        app()
    except (WrongUse, UnknownName, WorkspaceNotFound) as error:
        ERR.print(escape(str(error)), style="red", soft_wrap=True)
        sys.exit(2)
    except BroadsheetError as error:
        ERR.print(escape(str(error)), style="red", soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        ERR.print("Stopped.", style="red")
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
