"""``broadsheet render``, ``send`` and ``editions``."""

import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from django.utils import timezone
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from broadsheet.cli.content import Json
from broadsheet.cli.output import ERR, counted, in_zone, print_json, print_table
from broadsheet.cli.setup import WrongUse, is_terminal, moment, ready, who
from broadsheet.cli.stopping import stopping
from broadsheet.errors import WrongState
from broadsheet.workspace import CampaignFile, Workspace
from broadsheet.workspace.reading import write_atomically

if TYPE_CHECKING:
    from broadsheet.models import Edition
    from broadsheet.sending import Batch

Slug = Annotated[str, typer.Argument(help="The campaign: its file's name without .md.")]
At = Annotated[str | None, typer.Option(help="The edition's time, ISO 8601; else the next one in its schedule.")]


def render(
    campaign: Slug,
    as_: Annotated[str, typer.Option("--as", help="The reader's address.")],
    out: Annotated[Path, typer.Option(help="Folder for message.eml, message.html and message.txt.")],
    at: At = None,
) -> None:
    """Write the mail as that reader would get it."""
    workspace = ready()
    from broadsheet import drafts, pipeline, schedule

    file = workspace.campaign(campaign)
    due = moment(at, workspace.config.zone) or schedule.next_time(workspace, file, timezone.now())
    mail = drafts.render_for(workspace, file, as_, due)
    text, html = pipeline.bodies(mail)
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "message.eml").write_bytes(mail.content)
        write_atomically(out / "message.html", html)
        write_atomically(out / "message.txt", text)
    except OSError as error:
        raise WrongUse(f"{out} can't be written ({error.strerror}).") from error
    ERR.print(f"Wrote message.eml, message.html and message.txt to {out}.", soft_wrap=True)


def send(
    campaign: Slug,
    at: Annotated[
        str | None,
        typer.Option(help="The edition's time, ISO 8601; else the latest one due, or without a schedule the last one."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before sending.")] = False,
    json: Json = False,
) -> None:
    """Freeze an edition and send it to the end. Run again, it goes on where it stopped; nobody is mailed twice."""
    workspace = ready()
    from broadsheet import editions as edition_store
    from broadsheet import pipeline, reports, schedule

    started = time.monotonic()
    file = _coming_out(workspace, campaign)
    latest = None if file.schedule or at else edition_store.latest(campaign)
    due = moment(at, workspace.config.zone) or schedule.last_time(workspace, file, timezone.now())
    edition = latest or edition_store.existing(campaign, due)
    before, hold = reports.numbers(edition) if edition else None, reports.health_of(file.list).hold
    if edition is None:
        edition_store.moved_from(campaign, due)  # refuses a time that somebody skipped or moved away
        rejected = pipeline.collect(workspace).rejected
        for problem in rejected:
            ERR.print(f"rejected: {problem}", style="red", markup=False, soft_wrap=True)
        planned = pipeline.select(workspace, file, due)
        printed = pipeline.press(workspace, planned)
        if planned.readers and not yes:
            _confirm(workspace, file, planned.readers, in_zone(due, workspace.config.zone), hold)
        edition = pipeline.freeze(workspace, planned, printed, who=who())
    elif edition.state in ("draft", "proofed") and not yes:
        _confirm(workspace, file, reports.numbers(edition).waiting, in_zone(due, workspace.config.zone), hold)
    if edition.state in ("draft", "proofed"):
        _approve(workspace, edition, hold if yes else "")
    waiting = reports.due_now(edition, timezone.now())
    if before and before.finished:
        ERR.print(f"Edition {edition.pk} ({edition.key}) was sent before; nobody was mailed again.", style="bold")
    with (
        Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=ERR,
            disable=not waiting,
        ) as bar,
        stopping() as stop,
    ):
        task = bar.add_task("Sending", total=waiting)
        held: list[datetime] = []

        def progress(batch: "Batch") -> None:
            bar.advance(task, len(batch.outcomes) + batch.set_aside)
            held.extend([batch.held_until] if batch.held_until else [])

        numbers = pipeline.send(workspace, edition, progress=progress, stop=stop.is_set)
    if json:
        print_json(
            {
                "edition": edition.pk,
                "state": edition.state,
                "sent": numbers.sent,
                "failed": numbers.failed,
                "deferred": numbers.deferred,
                "unknown": numbers.unknown,
                "skipped": numbers.skipped,
                "seconds": round(time.monotonic() - started, 2),
                "waiting": numbers.waiting,
                "next_at": numbers.next_at and numbers.next_at.astimezone(workspace.config.zone),
            }
        )
    else:
        _print_numbers(edition.pk, edition.key, numbers)
        if stop.is_set():
            ERR.print(f"Stopped; {counted(numbers.waiting, 'copy waits', 'copies wait')}. The same command goes on.")
        elif numbers.waiting and held:
            ERR.print(
                f"The pace of {edition.adapter} is used up; {counted(numbers.waiting, 'copy goes', 'copies go')} "
                f"from {in_zone(held[-1], workspace.config.zone)} on, with `broadsheet run` or this command again.",
                soft_wrap=True,
            )
        elif numbers.waiting and numbers.next_at:
            ERR.print(
                f"{counted(numbers.waiting, 'copy waits', 'copies wait')} for their readers' own time, "
                f"the first until {in_zone(numbers.next_at, workspace.config.zone)}; "
                "`broadsheet run` sends them, or this command again.",
                soft_wrap=True,
            )
    if numbers.failed or numbers.unknown or numbers.deferred or stop.is_set():
        raise typer.Exit(1)


def _coming_out(workspace: Workspace, campaign: str) -> CampaignFile:
    """The campaign, unless it is paused or retired."""
    file = workspace.campaign(campaign)
    if file.resting:
        raise WrongState(f"Nothing was sent: {file.resting}.")
    return file


def _approve(workspace: Workspace, edition: "Edition", unseen: str) -> None:
    """Whoever says send has said yes, but not to what holds the list if ``--yes`` kept them from being told."""
    if unseen:
        raise WrongState(
            f"Edition {edition.pk} was not sent: {unseen}. Look at `broadsheet report`; once "
            f"`broadsheet edition {edition.pk} approve` has said yes, the same command sends it."
        )
    from broadsheet import pipeline

    pipeline.approve(workspace, edition, who=who(), content_hash=edition.content_hash)


def _confirm(workspace: Workspace, file: CampaignFile, readers: int, when: str, hold: str) -> None:
    settings = workspace.config.adapters.get(file.adapter)
    where = f"through {file.adapter} ({settings.kind})" if settings else "into the local inbox"
    if not is_terminal():
        raise WrongUse(f"This would mail {counted(readers, 'reader')} {where}; say --yes if that is meant.")
    ERR.print(f"{file.name}, {when}: {counted(readers, 'reader')} {where}.")
    if hold:
        ERR.print(f"{hold}.", style="red", markup=False)
    if typer.prompt("Type the number of readers to send", err=True).strip().replace(",", "") != str(readers):
        raise WrongUse("That is not the number of readers; nothing was sent.")


def _print_numbers(pk: int, key: str, numbers: Any) -> None:
    print_table(
        f"Edition {pk}: {key}",
        ("readers", "sent", "failed", "deferred", "unknown", "skipped"),
        [(numbers.readers, numbers.sent, numbers.failed, numbers.deferred, numbers.unknown, numbers.skipped)],
    )
    if numbers.reasons:
        print_table("Not sent", ("copies", "because"), [(n, why) for why, n in numbers.reasons.items()])


def editions(json: Json = False) -> None:
    """List the editions, latest first."""
    workspace = ready()
    from broadsheet import reports
    from broadsheet.models import Edition

    found = [(each, reports.numbers(each)) for each in Edition.objects.select_related("campaign")[:100]]
    if json:
        print_json(
            [
                {
                    "edition": edition.pk,
                    "campaign": edition.campaign.slug,
                    "scheduled_for": edition.scheduled_for.astimezone(workspace.config.zone),
                    "state": edition.state,
                    "readers": numbers.readers,
                    "sent": numbers.sent,
                    "failed": numbers.failed,
                    "deferred": numbers.deferred,
                    "unknown": numbers.unknown,
                    "skipped": numbers.skipped,
                }
                for edition, numbers in found
            ]
        )
        return
    _print_changes(workspace)
    if not found:
        ERR.print("No editions yet. `broadsheet send CAMPAIGN` makes one.")
        return
    print_table(
        counted(len(found), "edition"),
        ("id", "campaign", "time", "state", "readers", "sent", "failed", "skipped"),
        [
            (
                edition.pk,
                edition.campaign.slug,
                in_zone(edition.scheduled_for, workspace.config.zone),
                edition.state + (f": {edition.reason}" if edition.reason else ""),
                numbers.readers,
                numbers.sent,
                numbers.failed,
                numbers.skipped,
            )
            for edition, numbers in found
        ],
    )


def _print_changes(workspace: Workspace) -> None:
    """The coming times that people skipped or moved, on standard error: there is no edition of them yet."""
    from broadsheet import editions

    zone = workspace.config.zone
    for slug, changes in sorted(editions.changes(timezone.now()).items()):
        for at, change in sorted(changes.items()):
            to = f", to {in_zone(change.moved_to, zone)}" if change.moved_to else ""
            ERR.print(f"{slug}, {in_zone(at, zone)}: {change.said}{to}", soft_wrap=True, markup=False)
