"""`broadsheet serve`: the web pages, by waitress."""

import signal
import sys
from typing import Annotated, Any

import typer

from broadsheet import logs
from broadsheet.cli.output import ERR
from broadsheet.cli.setup import ready
from broadsheet.errors import BroadsheetError

THREADS = 8


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for any free one.")] = 8000,
) -> None:
    """Serve the pages that subscribers meet."""
    logs.configure(ready().config.logging)
    from django.core.wsgi import get_wsgi_application

    server, address = listening(get_wsgi_application(), host, port)
    ERR.print(f"Serving on {address} (Ctrl-C stops it)", soft_wrap=True, markup=False)
    run_until_stopped(server)


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
            clear_untrusted_proxy_headers=False,  # nothing trusts them, and /metrics wants to know of a proxy
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
