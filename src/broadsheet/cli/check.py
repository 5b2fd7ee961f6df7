"""``broadsheet check``: what is wrong with a campaign's mails before they go."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from django.utils import timezone
from rich.markup import escape

from broadsheet.cli.campaigns import At, Slug
from broadsheet.cli.content import Json
from broadsheet.cli.output import OUT, counted, print_json, print_table
from broadsheet.cli.setup import moment, ready

if TYPE_CHECKING:
    from broadsheet.rendering.findings import Finding

_TITLES = {"block": "Must be mended", "warn": "Should be mended", "advice": "Advice"}


def check(
    campaign: Slug,
    links: Annotated[bool, typer.Option("--links", help="Try every link and picture, politely.")] = False,
    json: Json = False,
    at: At = None,
) -> None:
    """What is wrong with a campaign's mails, before they go. Exit code 1 if anything must be mended."""
    workspace = ready()
    from broadsheet import drafts, schedule

    file = workspace.campaign(campaign)
    due = moment(at, workspace.config.zone) or schedule.next_time(workspace, file, timezone.now())
    findings = drafts.findings_of(workspace, file, due, links=links)
    if json:
        print_json([asdict(each) for each in findings])
    else:
        _print(findings)
    if any(each.level == "block" for each in findings):
        raise typer.Exit(1)


def _print(findings: "list[Finding]") -> None:
    if not findings:
        OUT.print("No findings.")
    for level, title in _TITLES.items():
        rows = [
            (escape(f"{each.code}\n{each.where}"), escape(f"{each.message}\n{each.mend}"))
            for each in findings
            if each.level == level
        ]
        if rows:
            print_table(f"{title}: {counted(len(rows), 'finding')}", ("finding, where", "what, how to mend it"), rows)
