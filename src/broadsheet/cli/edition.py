"""``broadsheet edition ID …``: look at one edition, and move it on."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broadsheet.cli.content import Json
from broadsheet.cli.difference import print_diff
from broadsheet.cli.output import ERR, counted, in_zone, print_json, print_table
from broadsheet.cli.setup import WrongUse, moment, ready, who
from broadsheet.errors import UnknownName
from broadsheet.workspace import Workspace

if TYPE_CHECKING:
    from broadsheet.models import Edition

ACTIONS = ("show", "approve", "refreeze", "pause", "resume", "cancel", "reschedule", "resend-failed", "resolve")


def edition(
    number: Annotated[str, typer.Argument(metavar="ID", help="The edition's number, as `editions` lists it.")],
    action: Annotated[str, typer.Argument(help=" | ".join(ACTIONS))] = "show",
    at: Annotated[str | None, typer.Option(help="reschedule: the new time, ISO 8601.")] = None,
    why: Annotated[str, typer.Option(help="A word on the reason; kept with the move.")] = "",
    as_: Annotated[str, typer.Option("--as", help="resolve: what the unknown copies were: sent, or queued.")] = "",
    json: Json = False,
) -> None:
    """Show an edition, or approve, freeze anew, pause, resume, cancel, move it, resend what failed, settle unknowns."""
    if number in ACTIONS and action.isdigit():
        number, action = action, number  # `edition approve 12` is meant as well
    if not number.isdigit():
        raise WrongUse(f"“{number}” is not an edition's number; `broadsheet editions` lists them.")
    if action not in ACTIONS:
        raise WrongUse(f"“{action}” is not something to do with an edition; there is: {', '.join(ACTIONS)}.")
    workspace = ready()
    from broadsheet import pipeline

    found = pipeline.known_edition(int(number))
    if action == "refreeze":
        print_diff(workspace, pipeline.refreeze(workspace, found, who=who()))
        ERR.print(f"Edition {found.pk} ({found.key}) is {found.state}.", soft_wrap=True)
    elif action != "show":
        said = _act(workspace, found, action, moment(at, workspace.config.zone), why, as_)
        ERR.print(f"Edition {found.pk} ({found.key}): {said}", soft_wrap=True)
    shown = _facts(workspace, found)
    if json:
        print_json(shown)
    elif action == "show":
        _print(workspace, found, shown)


def _act(workspace: Workspace, found: "Edition", action: str, at: datetime | None, why: str, as_: str) -> str:
    """Do it; what was done, in words."""
    from broadsheet import editions, sending
    from broadsheet.models import EditionState

    zone, me = workspace.config.zone, who()
    if action == "reschedule" and at is None:
        raise WrongUse("Say when: --at 2026-12-01T09:00.")
    if action == "resolve" and as_ not in ("sent", "queued"):
        raise WrongUse("Say what the unknown copies were: --as sent, or --as queued to send them again.")
    does: dict[str, tuple[Callable[[], object], str]] = {
        "approve": (
            lambda: editions.approve(found, who=me, content_hash=found.content_hash),
            f"approved; it goes out {in_zone(found.scheduled_for, zone)}.",
        ),
        "pause": (
            lambda: editions.move(found, EditionState.PAUSED, who=me, why=why),
            "paused; what is on the wire is still answered.",
        ),
        "resume": (
            lambda: editions.resume(found, who=me, why=why),
            "goes on where it was, with the next `broadsheet send` or a running `broadsheet run`.",
        ),
        "cancel": (
            lambda: counted(editions.cancel(found, who=me, why=why), "copy", "copies"),
            "cancelled; {} did not leave.",
        ),
        "reschedule": (
            lambda: editions.reschedule(
                found,
                at or found.scheduled_for,
                who=me,
                local=_local_times(workspace, found, at or found.scheduled_for),
            ),
            f"moved to {in_zone(at or found.scheduled_for, zone)}.",
        ),
        "resend-failed": (
            lambda: counted(editions.resend_failed(found, who=me), "failed copy", "failed copies"),
            "{} will go again.",
        ),
        "resolve": (
            lambda: counted(sending.settle_unknown(found, as_), "unknown copy", "unknown copies"),
            f"{{}} settled as {as_}.",
        ),
    }
    act, said = does[action]
    return said.format(act())


def _local_times(workspace: Workspace, found: "Edition", at: datetime) -> Callable[[str], datetime | None] | None:
    """When copies for a reader's zone may leave at the edition's new time; None if its campaign's file is gone."""
    from broadsheet import editions

    try:
        return editions.local_times(workspace, workspace.campaign(found.campaign.slug), at)
    except UnknownName:
        return None


def _facts(workspace: Workspace, found: "Edition") -> dict[str, Any]:
    from django.db.models import Count

    from broadsheet import reports
    from broadsheet.models import Delivery

    found.refresh_from_db()
    numbers = reports.numbers(found)
    readers = dict(
        Delivery.objects.filter(edition=found, variant__isnull=False)
        .values_list("variant_id")
        .annotate(Count("pk"))
        .order_by()
    )
    zone = workspace.config.zone
    variants = [
        {"articles": row["articles"], "readers": readers.get(row["pk"], 0), "subject": row["subject"]}
        for row in found.variants.values("pk", "articles", "subject")
    ]
    return {
        "edition": found.pk,
        "campaign": found.campaign.slug,
        "scheduled_for": found.scheduled_for.astimezone(zone),
        "state": found.state,
        "reason": found.reason,
        "content_hash": found.content_hash,
        "readers": numbers.readers,
        "sent": numbers.sent,
        "failed": numbers.failed,
        "deferred": numbers.deferred,
        "unknown": numbers.unknown,
        "skipped": numbers.skipped,
        "waiting": numbers.waiting,
        "next_at": numbers.next_at and numbers.next_at.astimezone(zone),
        "reasons": numbers.reasons,
        "excluded": found.excluded,
        "variants": sorted(variants, key=lambda each: -each["readers"]),
        "moves": [
            {
                "before": each.before,
                "after": each.after,
                "who": each.who,
                "why": each.why,
                "at": each.at.astimezone(zone),
            }
            for each in found.moves.all()
        ],
    }


def _print(workspace: Workspace, found: "Edition", shown: dict[str, Any]) -> None:
    reason = f" ({found.reason})" if found.reason else ""
    ERR.print(f"{found.key}: {found.get_state_display().lower()}{reason}", style="bold", soft_wrap=True)
    ERR.print(f"Time: {in_zone(found.scheduled_for, workspace.config.zone)}", soft_wrap=True)
    columns = ("readers", "sent", "failed", "deferred", "unknown", "skipped", "waiting")
    print_table("Copies", columns, [[shown[column] for column in columns]])
    print_table(
        "Who gets what",
        ("readers", "subject", "articles"),
        [(each["readers"], each["subject"], "\n".join(each["articles"])) for each in shown["variants"][:20]],
    )
    if shown["reasons"]:
        print_table("Not sent", ("copies", "because"), [(n, why) for why, n in shown["reasons"].items()])
    print_table(
        "What happened",
        ("when", "what", "who", "why"),
        [(f"{each['at']:%Y-%m-%d %H:%M}", each["after"], each["who"], each["why"]) for each in shown["moves"]],
    )
