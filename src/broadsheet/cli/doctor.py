"""``broadsheet doctor``: whether this workspace can send and be answered, and what to change."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from broadsheet.cli.content import Json
from broadsheet.cli.output import OUT, counted, print_json
from broadsheet.cli.setup import ready


def doctor(
    json: Json = False,
    resolver: Annotated[str, typer.Option(help="A DNS server to ask, as ADDRESS or ADDRESS:PORT.")] = "",
    selector: Annotated[
        list[str] | None, typer.Option(help="The name of a DKIM key, as your provider shows it; may be given often.")
    ] = None,
) -> None:
    """Look at database, adapters, DNS and public address; send nothing. Exit code 1 if something is to be changed."""
    workspace = ready()
    from broadsheet.doctor import Check, Names, examine

    found: list[Check] = []
    for check in examine(workspace, Names(resolver, asks_for_made_up=bool(resolver)), selector or ()):
        found.append(check)
        if not json:
            mark = "[green]✓[/green]" if check.ok else "[red]✗[/red]"
            OUT.print(f"{mark} [bold]{escape(check.check)}[/bold]  {escape(check.detail)}", soft_wrap=True)
            if each := check.record:
                OUT.print(f"    {escape(each.name)}  {each.kind}  {escape(each.value)}", soft_wrap=True)
    if json:
        print_json([asdict(check) for check in found])
    wrong = sum(not check.ok for check in found)
    if not json:
        OUT.print(f"{counted(wrong, 'thing')} to be changed" if wrong else "All well")
    if wrong:
        raise typer.Exit(1)
