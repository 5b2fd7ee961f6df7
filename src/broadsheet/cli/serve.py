"""`broadsheet serve`: the web pages, by waitress."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from broadsheet.cli.output import ERR
from broadsheet.cli.setup import ready
from broadsheet.errors import BroadsheetError
from broadsheet.workspace import Workspace

THREADS = 8


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for any free one.")] = 8000,
) -> None:
    """Serve the pages that subscribers meet."""
    workspace = ready()
    server, address = listening(pages(), host, port)
    with carrying_out(workspace):
        ERR.print(f"Serving on {address} (Ctrl-C stops it)", soft_wrap=True, markup=False)
        run_until_stopped(server)


def pages() -> Any:
    """The subscribers' pages as a WSGI application."""
    from django.utils.module_loading import import_string

    return import_string("broadsheet.web.public.wsgi.make_application")()


@contextmanager
def carrying_out(workspace: Workspace) -> Iterator[None]:
    """While the block runs, a thread writes the mails that pages leave to be written."""
    from broadsheet.notices.carrier import Carrier

    carrier = Carrier(workspace)
    carrier.start()
    try:
        yield
    finally:
        carrier.stop()


def listening(application: Any, host: str, port: int, option: str = "--port") -> tuple[Any, str]:
    """A server that has its port, and its address; it answers once it is run. Raises BroadsheetError."""
    import waitress

    try:
        server = waitress.create_server(
            application,
            host=host,
            port=port,
            threads=THREADS,
            ident=None,
            clear_untrusted_proxy_headers=False,  # web.proxies knows whom to believe
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BroadsheetError(
            f"Can't listen on {host}:{port} ({reason}). Stop what uses that port, or name another with {option}."
        ) from error
    shown = f"[{host}]" if ":" in host else host
    taken = getattr(server, "effective_port", port)  # several sockets, as for localhost, have one each
    return server, f"http://{shown}:{taken}/"


def run_until_stopped(server: Any) -> None:
    """Returns after Ctrl-C or SIGTERM, when the requests under way are answered."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server.run()  # takes KeyboardInterrupt and SystemExit as the wish to stop
    finally:
        server.close()
        signal.signal(signal.SIGTERM, before)
