"""`broadsheet inbox`: a local SMTP server that keeps what it gets, and a page to read it."""

import sys
from typing import Annotated

import typer
from django.utils.module_loading import import_string

from broadsheet.cli.serve import listening, run_until_stopped
from broadsheet.cli.setup import ready
from broadsheet.sending.inbox import Catcher, MailFolder


def inbox(
    smtp_port: Annotated[int, typer.Option(help="Port that takes mail; 0 for any free one.")] = 1025,
    http_port: Annotated[int, typer.Option(help="Port of the page; 0 for any free one.")] = 8025,
) -> None:
    """Catch mail on this machine and show it; nothing goes out."""
    workspace = ready()
    application = import_string("broadsheet.web.inbox.wsgi.application")
    with Catcher(MailFolder(workspace.state / "inbox"), port=smtp_port) as catcher:
        server, address = listening(application, "127.0.0.1", http_port, "--http-port")
        print(f"Taking mail on smtp://127.0.0.1:{catcher.port}", file=sys.stderr)  # noqa: T201
        print(f"Read it at {address} (Ctrl-C stops both)", file=sys.stderr)  # noqa: T201
        run_until_stopped(server)
