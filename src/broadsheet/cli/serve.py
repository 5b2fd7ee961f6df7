"""`broadsheet serve`: the web pages, by waitress."""

import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Annotated, Any

import typer

from broadsheet import logs
from broadsheet.cli.output import ERR
from broadsheet.cli.setup import ready
from broadsheet.errors import BroadsheetError
from broadsheet.workspace import Workspace

log = logging.getLogger(__name__)

#: A call of a webhook waits for the disk, and many wait for it together.
THREADS = 24
#: Seconds between two looks at what webhooks brought.
TAKE_IN = 5.0


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for any free one.")] = 8000,
) -> None:
    """Serve the pages that subscribers meet."""
    workspace = ready()
    logs.configure(workspace.config.logging)
    server, address = listening(pages(), host, port)
    ERR.print(f"Serving on {address}, the console on {address}console/ (Ctrl-C stops it)", soft_wrap=True, markup=False)
    greet(workspace, address.rstrip("/"))
    with taking_in(workspace), carrying_out(workspace):
        run_until_stopped(server)


def greet(workspace: Workspace, address: str) -> None:
    """As long as nobody can sign in, the link that makes the first account."""
    from broadsheet import staff as accounts
    from broadsheet.models import Member, Role

    if any(member.user.has_usable_password() for member in Member.objects.select_related("user")):
        return
    site = "" if workspace.config.public.url.startswith("https:") else address
    member = accounts.add("admin@localhost.test", Role.ADMIN, by="the first start")
    ERR.print(
        f"Nobody can sign in to the console yet. Choose a password for {member.user.email} here (works once):\n"
        f"{accounts.welcome_url(member.user, site)}\nor make your own: broadsheet staff add YOU@YOUR.SITE",
        soft_wrap=True,
        markup=False,
    )


def pages() -> Any:
    """The pages as a WSGI application."""
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


@contextmanager
def taking_in(workspace: Workspace) -> Iterator[None]:
    """A thread that works on what providers' webhooks bring, for a server without a scheduler beside it."""
    from django.db import Error, connections

    from broadsheet import pipeline
    from broadsheet.events import hooks

    stopping = Event()

    def work() -> None:
        while not stopping.wait(TAKE_IN):
            try:
                pipeline.take_in(workspace)
            except Error as error:
                log.error("The webhooks' calls wait: the database can't be used (%s)", str(error).strip())  # noqa: TRY400
            finally:
                connections.close_all()

    thread = Thread(target=work, name="webhooks", daemon=True)
    thread.start()
    try:
        with hooks.Keeper():
            yield
    finally:
        stopping.set()
        thread.join(TAKE_IN)


def listening(
    application: Any, host: str, port: int, option: str = "--port", beside: dict[int, Any] | None = None
) -> tuple[Any, str]:
    """A server that has its port, and its address; it answers once it, or one with the same ``beside``, is run.

    Raises BroadsheetError if the port can't be had.
    """
    import waitress

    others = set(beside or ())
    try:
        server = waitress.create_server(
            application,
            beside,
            host=host,
            port=port,
            threads=THREADS,
            ident=None,
            clear_untrusted_proxy_headers=False,  # web.proxies knows whom to believe, /metrics wants to know of a proxy
        )
    except (OSError, ValueError) as error:
        for left in set(beside or ()) - others:  # waitress files a server before it has its port
            beside.pop(left)  # type: ignore[union-attr]
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
