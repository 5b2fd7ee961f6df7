"""``broadsheet demo --serve``: the sample year made, if it is not there, and its console opened."""

import json
import os
import random
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from broadsheet.cli.inbox import inbox_page
from broadsheet.cli.output import ERR
from broadsheet.cli.serve import carrying_out, listening, pages, run_until_stopped
from broadsheet.cli.setup import ready
from broadsheet.cli.year.files import add_broken_feed, lay_out
from broadsheet.workspace import Workspace
from broadsheet.workspace.reading import write_atomically

SEED: Final = 7


def made(folder: Path, *, anew: bool = False, weeks: int = 52, seed: int = SEED) -> tuple[Workspace, str]:
    """The workspace of the sample year in ``folder`` and its team's password; ready, and made if it is not there.

    What was in the folder goes when it is made. Nothing but this folder is written to.
    """
    os.environ["BROADSHEET_WORKSPACE"] = str(folder)
    for name in ("BROADSHEET_STATE", "BROADSHEET_DATABASE", "BROADSHEET_BROKER"):
        os.environ.pop(name, None)
    note = Workspace(folder).sample_note
    if note.is_file() and not anew:
        return ready(), json.loads(note.read_text(encoding="utf-8"))["password"]
    ERR.print("Making a year of sample history; this takes some seconds.", style="bold")
    started, at = time.monotonic(), datetime.now(UTC).replace(second=0, microsecond=0)
    lay_out(folder, at, random.Random(seed))  # noqa: S311  for looks
    workspace = ready()
    from broadsheet.cli.year import story, team

    story.make(workspace, at, seed, weeks)
    chosen = team.password()
    team.hire(chosen, at)
    workspace = add_broken_feed(workspace)
    said = {"made_at": at.isoformat(), "seed": seed, "password": chosen}
    write_atomically(workspace.sample_note, json.dumps(said))
    ERR.print(f"  ✓ made in {time.monotonic() - started:.0f} s, in {folder}", markup=False, soft_wrap=True)
    return workspace, chosen


def _free_port(host: str) -> int:
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as found:
        port: int = found.getsockname()[1]
        return port


def serve_year(folder: Path, host: str, port: int, *, anew: bool, weeks: int) -> None:
    """Serve the sample year's console until Ctrl-C, and beside it the inbox that its mail goes to."""
    port = port or _free_port(host)
    shown = "127.0.0.1" if host in ("", "0.0.0.0", "::") else f"[{host}]" if ":" in host else host  # noqa: S104  asked
    os.environ.setdefault("BROADSHEET_PUBLIC_URL", f"http://{shown}:{port}")  # where links and pictures of mails lead
    workspace, password = made(folder, anew=anew, weeks=weeks)
    from broadsheet.models import Edition

    Edition.objects.update(public_url=workspace.config.public.url)  # of copies that are still to leave
    sockets: dict[int, Any] = {}  # of both servers, so that one loop serves them
    server, address = listening(pages(), host, port, beside=sockets)
    page, inbox = inbox_page(sockets)
    ERR.print(
        f"The console is on {address}console/ (Ctrl-C stops it).\n"
        f"Sign in as admin@stillwater.example (or publisher@, editor@, viewer@) with the password {password}\n"
        f"All of it is made up and stays on this machine; what it mails is in the inbox at {inbox}\n"
        "Make it again with: broadsheet demo --serve --anew",
        markup=False,
        soft_wrap=True,
    )
    try:
        with carrying_out(workspace):
            run_until_stopped(server)
    finally:
        page.task_dispatcher.shutdown()
        page.close()
