"""``broadsheet report EDITION``: what came of it."""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta, tzinfo
from typing import TYPE_CHECKING, Annotated, Any

import typer
from django.utils import timezone

from broadsheet.cli.content import Json
from broadsheet.cli.output import OUT, counted, in_zone, print_json, print_table
from broadsheet.cli.setup import WrongUse, ready

if TYPE_CHECKING:
    from broadsheet.reports import Report
    from broadsheet.workspace import Workspace


def report(
    number: Annotated[
        str,
        typer.Argument(
            metavar="[EDITION]", help="Its number, as `editions` lists it; left out: all lists and articles."
        ),
    ] = "",
    compare: Annotated[bool, typer.Option("--compare", help="The campaign's last editions side by side.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Its numbers as CSV: section, name, number, of.")] = False,
    json: Json = False,
) -> None:
    """Say what came of an edition: sent, failed, bounced, complaints, clicks, and by what; or how lists grew."""
    if number == "":
        _over_time(json=json, other="--compare" if compare else "--csv" if as_csv else "")
        return
    if not number.isdigit():
        raise WrongUse(f"“{number}” is not an edition's number; `broadsheet editions` lists them.")
    if json and as_csv:
        raise WrongUse("--json and --csv are two forms of one answer; give one of them.")
    workspace = ready()
    from broadsheet import pipeline, reports

    edition = pipeline.known_edition(int(number))
    if compare:
        _compare(workspace, reports.compared(edition.campaign), json=json)
        return
    found = reports.report(workspace, edition)
    if json:
        print_json(reports.as_plain(found, workspace.config.zone))
    elif as_csv:
        sys.stdout.write(reports.as_csv(found))
    else:
        _print(workspace, found)


def _over_time(*, json: bool, other: str) -> None:
    """How the lists grew in the last thirty days, and what readers liked in a year."""
    if other:
        raise WrongUse(f"{other} is about an edition; name its number, as `broadsheet editions` lists it.")
    workspace = ready()
    from broadsheet import reports

    now = timezone.now()
    lists = {name: reports.growth(name, now.date()) for name in workspace.lists.lists}
    articles = reports.articles_ranked(now - timedelta(days=365))
    if json:
        days = [{"list": name, "days": [asdict(day) for day in found]} for name, found in lists.items()]
        print_json({"lists": days, "articles": [asdict(each) for each in articles]})
        return
    print_table(
        "Lists in the last thirty days",
        ("list", "joined", "left", "now"),
        [
            (name, sum(day.joined for day in found), sum(day.left for day in found), found[-1].size)
            for name, found in lists.items()
        ],
    )
    ranked = [(each.clicks, each.editions, each.slug) for each in articles]
    if ranked:
        print_table("Articles that readers followed in a year", ("clicks", "editions", "article"), ranked)


def _print(workspace: "Workspace", found: "Report") -> None:
    edition, zone = found.edition, workspace.config.zone
    print_table(
        f"Edition {edition.pk}: {edition.campaign.slug}, {in_zone(edition.scheduled_for, zone)}",
        ("readers", *(state for state in found.states)),
        [(found.readers, *found.states.values())],
    )
    rates = [(name, rate.count, f"{rate.share:.2%}", f"{rate.of:,} {rate.what}") for name, rate in _shown(found)]
    print_table("What came back", ("", "number", "share", "of"), rates)
    for title, columns, rows in _tables(found, zone):
        if rows:
            print_table(title, columns, rows)
    if found.tracking == "none":
        OUT.print("Clicks and opens are not counted: the campaign says `tracking: none`.")
    OUT.print(f"Deliveries as of {in_zone(found.as_of, zone)}.")


def _shown(found: "Report") -> Iterator[tuple[str, Any]]:
    from broadsheet.reports import RATES

    for name in RATES if found.tracking != "none" else RATES[:4]:
        yield {"opened": "opened (approximate)"}.get(name, name), getattr(found, name)


Rows = list[tuple[object, ...]]


def _tables(found: "Report", zone: tzinfo) -> Iterator[tuple[str, tuple[str, ...], Rows]]:
    yield "Not sent", ("copies", "because"), [(count, why) for why, count in found.reasons.items()]
    yield "Bounces", ("class", "number"), list(found.bounces_by_class.items())
    yield "Why readers left", ("reason", "readers"), list(found.unsubscribe_reasons.items())
    clicked = [each for each in found.links if each["clicks"] or each["by_robots"]]
    links: Rows = [(each["clicks"], each["by_robots"], each["url"]) for each in clicked[:20]]
    yield "Links", ("clicks", "by robots", "address"), links
    yield "Articles", ("clicks", "article"), [(each["clicks"], each["article"]) for each in found.articles[:20]]
    segments: Rows = [(name, each["readers"], each["sent"]) for name, each in found.segments.items()]
    yield "Segments", ("segment", "readers", "sent"), segments
    variants: Rows = [(each["readers"], each["sent"], each["clicks"], each["subject"]) for each in found.variants[:20]]
    yield "Variants", ("readers", "sent", "clicks", "subject"), variants
    domains: Rows = [
        (each["domain"] or "others", each["readers"], each["sent"], each["failed"]) for each in found.domains[:15]
    ]
    yield "Domains", ("domain", "readers", "sent", "failed"), domains
    hours: Rows = [
        (in_zone(each["hour"], zone), each["sent"], each["clicked"], each["opened"]) for each in found.hours[:48]
    ]
    yield "Hours", ("from", "sent", "clicks", "opens"), hours


def _compare(workspace: "Workspace", rows: list[Any], *, json: bool) -> None:
    zone = workspace.config.zone
    names = ("bounced", "complained", "unsubscribed", "clicked", "opened")
    if json:
        print_json(
            [
                {
                    "edition": row.edition.pk,
                    "scheduled_for": row.edition.scheduled_for.astimezone(zone),
                    "readers": row.readers,
                    "sent": row.sent,
                    **{name: {**asdict(getattr(row, name)), "share": getattr(row, name).share} for name in names},
                }
                for row in rows
            ]
        )
        return
    print_table(
        "The last edition" if len(rows) == 1 else f"The last {counted(len(rows), 'edition')}",
        ("edition", "time", "sent", *names),
        [
            (
                row.edition.pk,
                in_zone(row.edition.scheduled_for, zone),
                row.sent,
                *(f"{getattr(row, name).share:.2%}" for name in names),
            )
            for row in rows
        ],
    )
