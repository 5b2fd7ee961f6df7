"""``broadsheet preview``: a page on this machine that shows drafts as readers would get them."""

from typing import Annotated
from urllib.parse import quote

import typer

from broadsheet.cli.output import ERR
from broadsheet.cli.serve import listening, run_until_stopped
from broadsheet.cli.setup import ready
from broadsheet.errors import UnknownName


def preview(
    campaign: Annotated[str | None, typer.Argument(help="The campaign to begin with; else all of them.")] = None,
    port: Annotated[int, typer.Option(help="Port of the page; 0 for any free one.")] = 8030,
) -> None:
    """Show drafts in a browser, as any reader would get them. Changes nothing, and follows the files as you write."""
    workspace = ready()
    if campaign is not None and campaign not in workspace.campaign_names():
        raise UnknownName("campaign", campaign, workspace.campaign_names())
    from django.utils.module_loading import import_string

    application = import_string("broadsheet.web.preview.wsgi.application")
    server, address = listening(application, "127.0.0.1", port)
    shown = f"{address}{quote(campaign)}/" if campaign else address
    ERR.print(f"Preview on {shown} (Ctrl-C stops it)", soft_wrap=True, markup=False)
    run_until_stopped(server)
