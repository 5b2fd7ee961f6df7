"""``broadsheet plan``: the dry run of an edition."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from django.utils import timezone

from broadsheet.cli.campaigns import At, Slug
from broadsheet.cli.content import Json
from broadsheet.cli.difference import SHOWN, diff_facts, print_diff, shortened
from broadsheet.cli.output import ERR, OUT, counted, in_zone, print_json, print_table
from broadsheet.cli.setup import moment, ready
from broadsheet.timing import runs, span_in_words
from broadsheet.workspace import Workspace

if TYPE_CHECKING:
    from broadsheet.editions import Plan
    from broadsheet.models import Subscriber

MINUTE = timedelta(minutes=1)
INSTANT = timedelta(microseconds=1)


def plan(
    campaign: Slug,
    at: At = None,
    diff: Annotated[bool, typer.Option("--diff", help="What changed since the approved or the last edition.")] = False,
    reader: Annotated[str | None, typer.Option(metavar="EMAIL", help="Why this person gets which article.")] = None,
    json: Json = False,
) -> None:
    """Who would get what, and who not and why. Changes nothing."""
    workspace = ready()
    from broadsheet import drafts, editions, pipeline, schedule

    file = workspace.campaign(campaign)
    person = drafts.known_reader(reader) if reader else None
    due = moment(at, workspace.config.zone) or schedule.next_time(workspace, file, timezone.now())
    planned = pipeline.select(workspace, file, due)
    printed = pipeline.press(workspace, planned)
    subjects = [each.subject for each in printed]
    levels: Counter[str] = Counter(each.level for each in drafts.findings_of_plan(workspace, planned))
    before = editions.earlier(planned) if diff else None
    changes = editions.difference(planned, printed, before) if before else None
    if json:
        shown = _facts(workspace, planned, subjects) | {"findings": dict(levels)}
        if diff:
            shown["diff"] = diff_facts(workspace, changes) if changes else None
        if person:
            shown["reader"] = _reader_facts(workspace, planned, person)
        print_json(shown)
    elif person:
        _print_reader(workspace, planned, person)
    else:
        _print_plan(workspace, planned, subjects)
        _print_findings(campaign, levels)
        if diff:
            print_diff(workspace, changes)


def _facts(workspace: Workspace, planned: "Plan", subjects: list[str]) -> dict[str, Any]:
    from broadsheet import drafts, editions

    return {
        "campaign": planned.campaign.slug,
        "scheduled_for": planned.scheduled_for.astimezone(workspace.config.zone),
        "audience": planned.audience,
        "readers": planned.readers,
        "excluded": planned.excluded,
        "variants": [
            {"articles": list(variant.slugs), "readers": variant.readers, "subject": subject}
            for variant, subject in zip(planned.variants, subjects, strict=True)
        ],
        "segments": [{"name": name, "readers": readers} for name, readers in _segments(workspace, planned)],
        "zones": [
            {"time_zone": zone, "readers": readers, "at": at.astimezone(workspace.config.zone)}
            for zone, readers, at in editions.leaving(planned)
        ],
        "sending_seconds": drafts.time_to_send(workspace, planned).total_seconds(),
        "left_out": _left_out(planned),
    }


def _left_out(planned: "Plan") -> str:
    """Why nothing comes out at the plan's time, as far as its file and people said so; else empty."""
    from broadsheet import editions

    schedule, at = planned.campaign.schedule, planned.scheduled_for
    if schedule is None or planned.campaign.resting:
        return planned.campaign.resting
    change = editions.changes_of(planned.campaign.slug, at - MINUTE).get(at.astimezone(UTC))
    if change is not None:
        return change.said + (f", to {in_zone(change.moved_to, planned.zone)}" if change.moved_to else "")
    run = next(runs(schedule, planned.zone, at - INSTANT), None)
    return run.left_out if run and run.moment == at.astimezone(UTC) else ""


def _segments(workspace: Workspace, planned: "Plan") -> list[tuple[str, int]]:
    """How many may be mailed in each of the campaign's segments. Somebody in two of them is in both numbers."""
    from broadsheet import editions
    from broadsheet.audience import mailable, segment_label

    whole = editions.target_of(workspace, planned.campaign, planned.scheduled_for)
    return [
        (
            named if isinstance(named, str) else segment_label(workspace, named),
            mailable(replace(whole, segments=(segment,))).count(),
        )
        for named, segment in zip(planned.campaign.segment, whole.segments, strict=True)
    ]


def _print_plan(workspace: Workspace, planned: "Plan", subjects: list[str]) -> None:
    from broadsheet import drafts, editions

    zone = workspace.config.zone
    ERR.print(f"{planned.campaign.name}, {in_zone(planned.scheduled_for, zone)}", style="bold", soft_wrap=True)
    if reason := _left_out(planned):
        ERR.print(f"Nothing comes out then: {reason}. It would be this:", style="yellow", soft_wrap=True, markup=False)
    ERR.print(f"{counted(planned.readers, 'reader')} would get a mail, in {counted(len(planned.variants), 'variant')}.")
    if takes := drafts.time_to_send(workspace, planned):
        words = span_in_words(takes) if takes >= MINUTE else "less than a minute"
        ERR.print(f"At the pace of {planned.campaign.adapter}, sending takes {words}.", soft_wrap=True)
    if segments := _segments(workspace, planned):
        print_table("Who may be mailed", ("readers", "segment"), [(readers, name) for name, readers in segments])
    print_table(
        shortened("Who gets what", len(planned.variants), "variants"),
        ("readers", "subject", "articles"),
        [
            (variant.readers, subject, "\n".join(variant.slugs))
            for variant, subject in list(zip(planned.variants, subjects, strict=True))[:SHOWN]
        ],
    )
    if planned.excluded:
        print_table("Who gets nothing", ("people", "because"), [(n, why) for why, n in planned.excluded.items()])
    if zones := editions.leaving(planned):
        print_table(
            shortened("When it goes", len(zones), "time zones"),
            ("readers", "time zone", "from"),
            [(readers, name or "not known", in_zone(at, zone)) for name, readers, at in zones[:SHOWN]],
        )


def _print_findings(campaign: str, levels: Counter[str]) -> None:
    if not levels.total():
        ERR.print("No findings.")
        return
    words = {"block": "must be mended", "warn": "should be mended", "advice": "advice"}
    said = ", ".join(f"{levels[level]} {word}" for level, word in words.items() if levels[level])
    ERR.print(f"{counted(levels.total(), 'finding')} ({said}): broadsheet check {campaign}", soft_wrap=True)


def _reader_facts(workspace: Workspace, planned: "Plan", person: "Subscriber") -> dict[str, Any]:
    """What this person gets, or why they get nothing; and a verdict on each article, if they are a reader at all."""
    from broadsheet import editions
    from broadsheet.audience import why_not

    reason = why_not(editions.target_of(workspace, planned.campaign, planned.scheduled_for), person)
    variant = reason or editions.variant_of(planned, person.pk)
    verdicts = () if reason else editions.explained(workspace, planned, person)
    return {
        "email": person.email,
        "interests": person.interests.tags,
        "gets": [] if isinstance(variant, str) else list(variant.slugs),
        "reason": variant if isinstance(variant, str) else "",
        "articles": [{"slug": each.slug, "picked": each.picked, "reason": each.reason} for each in verdicts],
    }


def _print_reader(workspace: Workspace, planned: "Plan", person: "Subscriber") -> None:
    facts = _reader_facts(workspace, planned, person)
    interests = ", ".join(facts["interests"]) or "nothing in particular"
    ERR.print(f"{facts['email']} is interested in {interests}.", soft_wrap=True, markup=False)
    if facts["reason"]:
        OUT.print(f"They get nothing: {facts['reason']}.", soft_wrap=True, markup=False)
    else:
        OUT.print(f"They get {counted(len(facts['gets']), 'article')}.")
    if facts["articles"]:
        print_table(
            "Why each article, or why not",
            ("", "article", "because"),
            [("fits" if each["picked"] else "–", each["slug"], each["reason"]) for each in facts["articles"]],
        )
