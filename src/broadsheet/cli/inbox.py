"""`broadsheet inbox`: a local SMTP server that keeps what it gets, and a page to read it."""

from typing import Annotated, Any

import typer

from broadsheet.cli.output import ERR
from broadsheet.cli.serve import listening, run_until_stopped
from broadsheet.cli.setup import ready
from broadsheet.errors import BroadsheetError

#: The port of the inbox's page.
PAGE = 8025


def inbox(
    smtp_port: Annotated[int, typer.Option(help="Port that takes mail; 0 for any free one.")] = 1025,
    http_port: Annotated[int, typer.Option(help="Port of the page; 0 for any free one.")] = PAGE,
) -> None:
    """Catch mail on this machine and show it; nothing goes out."""
    workspace = ready()
    from broadsheet.sending.inbox import Catcher, MailFolder

    with Catcher(MailFolder.of(workspace), port=smtp_port) as catcher:
        server, address = listening(_application(), "127.0.0.1", http_port, "--http-port")
        ERR.print(f"Taking mail on smtp://127.0.0.1:{catcher.port}", soft_wrap=True)
        ERR.print(f"Read it at {address} (Ctrl-C stops both)", soft_wrap=True)
        run_until_stopped(server)


def inbox_page(beside: Any = None) -> tuple[Any, str]:
    """A server of the inbox's page that has a port, any free one if its own is taken; and its address."""
    try:
        return listening(_application(), "127.0.0.1", PAGE, beside=beside)
    except BroadsheetError:
        return listening(_application(), "127.0.0.1", 0, beside=beside)


def _application() -> Any:
    from django.utils.module_loading import import_string

    return import_string("broadsheet.web.inbox.wsgi.application")
