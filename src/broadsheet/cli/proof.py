"""``broadsheet proof``: a test copy to oneself."""

from typing import Annotated

import typer
from django.utils import timezone

from broadsheet.cli.campaigns import At, Slug
from broadsheet.cli.output import ERR
from broadsheet.cli.setup import WrongUse, moment, ready


def proof(
    campaign: Slug,
    to: Annotated[str, typer.Option(help="Whom to send it to.")],
    as_: Annotated[
        str | None, typer.Option("--as", help="The reader whose copy it is; else the first of the most common mail.")
    ] = None,
    at: At = None,
) -> None:
    """Send a test copy, marked [TEST], through the campaign's adapter. Its unsubscribe links do nothing."""
    workspace = ready()
    from broadsheet import drafts, schedule
    from broadsheet.audience.addresses import known_address

    file = workspace.campaign(campaign)
    try:
        known_address(to)
    except ValueError as error:
        raise WrongUse(f"--to {error}") from error
    due = moment(at, workspace.config.zone) or schedule.next_time(workspace, file, timezone.now())
    mail = drafts.proof(workspace, file, to, as_, due)
    settings = workspace.config.adapters.get(file.adapter)
    where = f"through {file.adapter} ({settings.kind})" if settings else "into the local inbox"
    ERR.print(f"Sent a test copy to {mail.rcpt_to} {where}.", soft_wrap=True, markup=False)
