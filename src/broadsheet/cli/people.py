"""``broadsheet subscribers``."""

from pathlib import Path
from typing import Annotated

import typer

from broadsheet.cli.content import Json
from broadsheet.cli.output import ERR, print_json, print_table
from broadsheet.cli.setup import existing_file, ready

subscribers = typer.Typer(help="People: import them.", no_args_is_help=True)


@subscribers.callback()
def people() -> None:
    """People."""


@subscribers.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A CSV file with a column `email`.")],
    list_name: Annotated[str | None, typer.Option("--list", help="The list for lines that name none.")] = None,
    json: Json = False,
) -> None:
    """Take people from a CSV file. A second run of the same file changes nothing."""
    workspace = ready()
    from broadsheet.audience import import_people

    report = import_people(workspace, existing_file(file), list_name)
    rejected = [{"line": each.line, "reason": each.reason} for each in report.rejected]
    if json:
        print_json(
            {
                "read": report.read,
                "added": report.added,
                "updated": report.updated,
                "unchanged": report.unchanged,
                "rejected": rejected,
            }
        )
    else:
        print_table(
            f"{file.name}: {report.read} read",
            ("added", "updated", "unchanged", "rejected"),
            [(report.added, report.updated, report.unchanged, len(rejected))],
        )
        for each in report.rejected:
            ERR.print(f"line {each.line}: {each.reason}", style="red", markup=False, soft_wrap=True)
    if rejected:
        raise typer.Exit(1)
