"""`broadsheet inbox`: a local SMTP server that keeps what it gets, and a page to read it."""

from typing import Annotated

import typer

from broadsheet.cli.output import ERR
from broadsheet.cli.serve import listening, run_until_stopped
from broadsheet.cli.setup import ready


def inbox(
    smtp_port: Annotated[int, typer.Option(help="Port that takes mail; 0 for any free one.")] = 1025,
    http_port: Annotated[int, typer.Option(help="Port of the page; 0 for any free one.")] = 8025,
) -> None:
    """Catch mail on this machine and show it; nothing goes out."""
    workspace = ready()
    from django.utils.module_loading import import_string

    from broadsheet.sending.inbox import Catcher, MailFolder

    application = import_string("broadsheet.web.inbox.wsgi.application")
    with Catcher(MailFolder(workspace.state / "inbox"), port=smtp_port) as catcher:
        server, address = listening(application, "127.0.0.1", http_port, "--http-port")
        ERR.print(f"Taking mail on smtp://127.0.0.1:{catcher.port}", soft_wrap=True)
        ERR.print(f"Read it at {address} (Ctrl-C stops both)", soft_wrap=True)
        run_until_stopped(server)
