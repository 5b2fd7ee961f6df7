"""``broadsheet init``."""

from pathlib import Path
from typing import Annotated

import typer

from broadsheet.cli.output import ERR
from broadsheet.workspace import make_workspace


def init(folder: Annotated[Path, typer.Argument(help="A new folder.")]) -> None:
    """Make a workspace: settings, sample articles, campaigns, templates and people, ready to try."""
    workspace = make_workspace(folder)
    ERR.print(f"Made a workspace in {workspace.root}.", soft_wrap=True)
    ERR.print("Next:", style="bold")
    for line in (
        f"cd {folder}",
        "broadsheet subscribers import subscribers/people.csv",
        "broadsheet sync",
        "broadsheet plan weekly-digest",
        "broadsheet send weekly-digest      # into .broadsheet/inbox; nothing leaves this machine",
    ):
        ERR.print(f"  {line}", soft_wrap=True)
