"""``broadsheet run``, ``scheduler`` and ``schedule``: campaigns come out by themselves, and when."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from threading import Event, Thread
from typing import Annotated, Any

import typer

from broadsheet import logs
from broadsheet.cli.content import Json
from broadsheet.cli.inbox import inbox_page
from broadsheet.cli.listening import listening_for_reports
from broadsheet.cli.output import ERR, counted, print_json, print_table
from broadsheet.cli.serve import carrying_out, greet, listening, pages
from broadsheet.cli.setup import ready
from broadsheet.conf.cluster import broker
from broadsheet.errors import BroadsheetError
from broadsheet.timing import Changes, in_words, runs
from broadsheet.workspace import CampaignFile, Workspace

#: What the service manager's patience is measured against; senders have 8 s to end their batch.
SECONDS_TO_STOP = 9.0
TIMES = 10


def run(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for any free one.")] = 8000,
) -> None:
    """Run everything on this machine: the scheduler, the senders and the web pages. Ctrl-C stops it."""
    workspace = ready()
    from broadsheet.events import hooks

    logs.configure(workspace.config.logging)
    sockets: dict[int, Any] = {}  # of both servers, so that one loop serves them
    server, address = listening(pages(), host, port, beside=sockets)
    servers = [server]
    with (
        listening_for_reports(workspace, workspace.config.bounces.listen),
        _scheduling(workspace),
        carrying_out(workspace),
    ):
        ERR.print(f"Running on {address} (Ctrl-C stops it)", soft_wrap=True, markup=False)
        greet(workspace, address.rstrip("/"))
        if broker():
            ERR.print("Workers send: celery -A broadsheet.celery worker", markup=False)
        elif "default" not in workspace.config.adapters:
            page, inbox = inbox_page(sockets)
            servers.append(page)
            ERR.print(f"Without a default adapter, mail stays on this machine: read it at {inbox}", soft_wrap=True)
        try:
            with hooks.Keeper():
                server.run()  # takes SystemExit as the wish to stop
        finally:
            for each in servers:
                each.task_dispatcher.shutdown()
                each.close()


def scheduler() -> None:
    """Run the scheduler and the senders, without web pages. Several may run: one leads, another takes over."""
    workspace = ready()
    logs.configure(workspace.config.logging)
    with _scheduling(workspace) as ended:
        ERR.print("Scheduling (Ctrl-C stops it)")
        ended.wait()


@contextmanager
def _scheduling(workspace: Workspace) -> Iterator[Event]:
    """The scheduler in a thread; tells its end. SIGTERM and Ctrl-C end the block, but what is in hand first."""
    from broadsheet.schedule.engine import lead

    # Events, not Thread.join: a join that a signal interrupts takes the thread for ended (bpo-46726).
    stopping, ended, faults = Event(), Event(), list[BaseException]()

    def leading() -> None:
        try:
            lead(workspace, stopping)
        except BaseException as error:  # noqa: BLE001  raised again below, where the process ends with it
            faults.append(error)
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            ended.set()

    def stop(*_: object) -> None:
        stopping.set()
        sys.exit(0)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    Thread(target=leading, name="scheduler", daemon=True).start()
    try:
        yield ended
    except SystemExit:
        pass
    finally:
        stopping.set()
        ended.wait(SECONDS_TO_STOP)
        for number, handler in before.items():
            signal.signal(number, handler)
    if faults:
        raise faults[0]
    ERR.print("Stopped.")


def schedule(json: Json = False) -> None:
    """List the next ten times of each campaign. Exit code 1 if a campaign's file has mistakes."""
    workspace = ready()
    from broadsheet import editions

    now, broken, found = datetime.now(UTC), False, []
    for slug in workspace.campaign_names():
        try:
            found.append(workspace.campaign(slug))
        except BroadsheetError as error:
            broken = True
            ERR.print(str(error), style="red", markup=False, soft_wrap=True)
    changes = editions.changes(now)
    facts = [_facts(workspace, file, now, changes.get(file.slug, {})) for file in found]
    if json:
        print_json(facts)
    else:
        rows = [
            (each["campaign"], _worded(each), "\n".join([_shown(at) for at in each["firings"]] + _said(each)))
            for each in facts
        ]
        print_table(counted(len(rows), "campaign"), ("campaign", "comes out", "next times"), rows)
    if broken:
        raise typer.Exit(1)


def _facts(workspace: Workspace, file: CampaignFile, now: datetime, changes: Changes) -> dict[str, Any]:
    rule, site = file.schedule, workspace.config.zone
    zone = rule.zone(site) if rule else site
    coming = runs(rule, zone, now, changes) if rule and not file.resting else iter(())
    words = in_words(rule, zone) if rule else "when somebody sends it"
    return {
        "campaign": file.slug,
        "firings": [run.at for run in islice((run for run in coming if not run.left_out), TIMES)],
        "state": file.state,
        "in_words": words,
        "time_zone": str(zone),
        "deliver": rule.deliver if rule else "together",
        "changed": [
            {"scheduled_for": at.astimezone(zone), "moved_to": each.moved_to and each.moved_to.astimezone(zone)}
            | {"said": each.said}
            for at, each in sorted(changes.items())
        ],
    }


def _worded(facts: dict[str, Any]) -> str:
    return facts["in_words"] if facts["state"] == "active" else f"{facts['state']}; else {facts['in_words']}"


def _said(facts: dict[str, Any]) -> list[str]:
    """What people skipped and moved of a campaign's times, a line each."""
    return [
        f"({_shown(each['scheduled_for'])}: {each['said']}"
        + (f", to {_shown(each['moved_to'])})" if each["moved_to"] else ")")
        for each in facts["changed"]
    ]


def _shown(at: datetime) -> str:
    return f"{at:%a %-d %b %Y, %H:%M %Z}"
