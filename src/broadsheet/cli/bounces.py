"""``broadsheet bounces``: what came back by mail, from files, from the mailboxes, or taken as it comes."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broadsheet import logs
from broadsheet.cli.content import Json
from broadsheet.cli.listening import listening_for_reports, wait_until_stopped
from broadsheet.cli.output import ERR, counted, print_json, print_table
from broadsheet.cli.setup import WrongUse, ready
from broadsheet.errors import BroadsheetError, MailboxFailed
from broadsheet.workspace import Workspace

if TYPE_CHECKING:
    from broadsheet.events.bounces import Report

#: messages in one transaction
_AT_ONCE = 50


def bounces(
    files: Annotated[list[Path] | None, typer.Argument(help="Messages: .eml, folders of them, mbox.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what they are; record nothing.")] = False,
    mailbox: Annotated[str | None, typer.Option(help="Without files: only this mailbox.")] = None,
    listen: Annotated[str | None, typer.Option(help="Take reports by SMTP or LMTP at HOST:PORT until stopped.")] = None,
    show: Annotated[int | None, typer.Option(help="Print the stored message of this number.")] = None,
    json: Json = False,
) -> None:
    """Read what came back by mail and record it: bounces, complaints, people who leave by mail.

    With files, those; without, the mailboxes of `broadsheet.toml`. Exit code 1 if one can't be read; the others are.
    """
    for path in files or ():
        if not path.exists():
            raise WrongUse(f"There is no file or folder {path}.")
    workspace = ready()
    if show is not None:
        _show(show)
    elif listen is not None:
        _listen(workspace, listen)
    elif files:
        _from_files(workspace, files, dry_run=dry_run, json=json)
    else:
        _from_mailboxes(workspace, mailbox, json=json)


def _from_files(workspace: Workspace, files: list[Path], *, dry_run: bool, json: bool) -> None:
    from broadsheet import events, pipeline
    from broadsheet.events.bounces import parse
    from broadsheet.events.incoming.files import messages

    recorder, found, broken = pipeline.recorder(workspace), [], False
    for path in files:
        try:
            each: Iterator[tuple[str, bytes]] = messages([path])
            while batch := list(islice(each, _AT_ONCE)):
                reports = [parse(raw) for _, raw in batch]
                found += [_facts(name, report) for (name, _), report in zip(batch, reports, strict=True)]
                if not dry_run:
                    rows = events.keep([events.Came(raw, f"file {name}") for name, raw in batch])
                    parsed = {row.pk: report for row, report in zip(rows, reports, strict=True)}
                    events.record(rows, recorder, parsed)
        except OSError as error:
            broken = True
            ERR.print(f"{error.filename or path} can't be read ({error.strerror}).", style="red", markup=False)
    _print(found, json=json)
    if broken:
        raise typer.Exit(1)


def _facts(name: str, report: "Report") -> dict[str, Any]:
    return {
        "file": name,
        "kind": report.kind.value,
        "recipients": [
            {"address": each.address, "class": each.cause.value, "status": each.status, "reply": each.reply}
            for each in report.recipients
        ],
    }


def _print(found: list[dict[str, Any]], *, json: bool) -> None:
    if json:
        print_json(found)
        return
    rows = []
    for each in found:
        said = each["recipients"] or [{"address": "–", "class": "", "status": "", "reply": ""}]
        rows += [
            (each["file"], each["kind"], one["address"], one["class"], one["status"], one["reply"][:100])
            for one in said
        ]
    print_table(counted(len(found), "message"), ("file", "kind", "address", "class", "status", "reply"), rows)


def _from_mailboxes(workspace: Workspace, mailbox: str | None, *, json: bool) -> None:
    from broadsheet import pipeline

    if not workspace.config.bounces.mailboxes:
        raise WrongUse("Name files, or set up a mailbox under [bounces.mailboxes.NAME] in broadsheet.toml.")
    found = pipeline.take_back(workspace, mailbox)
    failed = {name: each for name, each in found.items() if isinstance(each, MailboxFailed)}
    if json:
        print_json(
            [
                {"mailbox": name, "new": 0 if name in failed else each, "error": str(failed.get(name, ""))}
                for name, each in found.items()
            ]
        )
    else:
        rows = [(name, "–" if name in failed else each) for name, each in found.items()]
        print_table(counted(len(rows), "mailbox", "mailboxes"), ("mailbox", "new messages"), rows)
    for error in failed.values():
        ERR.print(str(error), style="red", markup=False, soft_wrap=True)
    if failed:
        raise typer.Exit(1)


def _show(number: int) -> None:
    from broadsheet.models import ReturnedMail

    row = ReturnedMail.objects.filter(pk=number).first()
    if row is None:
        raise BroadsheetError(f"No message has the number {number}.")
    if not row.content:
        raise BroadsheetError(f"Message {number} is no longer kept; it was {row.kind}: {row.outcome}.")
    typer.echo(bytes(row.content).decode("utf-8", "replace"))


def _listen(workspace: Workspace, place: str) -> None:
    logs.configure(workspace.config.logging)
    with listening_for_reports(workspace, place):
        wait_until_stopped()
